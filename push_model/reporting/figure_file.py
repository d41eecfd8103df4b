"""How does a figure get into a file? As PNG or SVG, or on a page with its numbers below it."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from push_model.store.durable import write_aside

INK, MODEL, OTHER, POPULARITY, LIMIT = (
    "#1d1d1f",
    "#0b5cad",
    "#2a8a4a",
    "#a35f00",
    "#b3261e",
)
_SETTINGS: dict[Any, Any] = {
    "font.size": 10,
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and zoomed
    "svg.hashsalt": "push-model",  # or ids would differ from run to run
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e7",
    "legend.frameon": False,
}
# Of a file's metadata: it would say when, and with what.
_UNWRITTEN = {"svg": dict.fromkeys(("Date", "Creator")), "png": {"Software": None}}

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ drawn.title }}</title>
<style>body {font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto;
padding: 0 1rem} img {max-width: 100%} .table {overflow-x: auto}
td, th {padding: .2rem .7rem; text-align: right; white-space: nowrap}</style>
<h1>{{ drawn.title }}</h1>
{%- for text in drawn.texts %}
<p>{{ text }}</p>
{%- endfor %}
<img alt="{{ drawn.texts[0] }}" src="data:image/svg+xml;base64,{{ picture }}">
<div class="table"><table><tr>{% for heading in drawn.headings %}<th>{{ heading }}{% endfor %}</tr>
{%- for row in drawn.rows %}
<tr>{% for cell in row %}<td>{{ cell }}{% endfor %}</tr>
{%- endfor %}
</table></div></html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A figure, and what a page says beside it.

    Attributes
    ----------
    title : str
        The question it answers.
    texts : sequence of str
        The finding first, then how to read it.
    headings, rows : sequence
        A table of the numbers.
    paint : callable
        Paints on the figure it is given.
    size : pair of float
        Width and height in inches.
    """

    title: str
    texts: Sequence[str]
    headings: Sequence[str]
    rows: Sequence[Sequence[object]]
    paint: Callable[[Figure], None]
    size: tuple[float, float]


def write_figure(drawn: Drawn, path: Path) -> None:
    """Write a figure; the same numbers give the same bytes."""
    if path.suffix == ".html":
        page = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)
        picture = base64.b64encode(_render(drawn, "svg")).decode()
        write_aside(path, page.render(drawn=drawn, picture=picture).encode())
    else:
        write_aside(path, _render(drawn, path.suffix.removeprefix(".")))


def _render(drawn: Drawn, form: str) -> bytes:
    with rc_context(_SETTINGS):
        figure = Figure(figsize=drawn.size, layout="constrained")
        FigureCanvasAgg(figure)
        drawn.paint(figure)
        written = io.BytesIO()
        figure.savefig(written, format=form, dpi=120, metadata=_UNWRITTEN[form])
    return written.getvalue()


def add_legend(axes: Axes) -> None:
    """Name the lines above the axes, where that hides nothing."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, fontsize=9)
