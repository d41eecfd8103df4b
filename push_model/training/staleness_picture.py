"""What does a model's age look like? One picture: what is kept, and what is promised."""

import base64
import io
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from push_model.durable import write_aside
from push_model.training.gate.resampling import Interval
from push_model.training.staleness import MARGIN, Staleness

SIZE = (8.0, 7.2)
INK, MUTED, MODEL, FRESH, POPULARITY, LOST = (
    "#1d1d1f",
    "#6b6b70",
    "#0b5cad",
    "#2a8a4a",
    "#a35f00",
    "#b3261e",
)
SETTINGS: dict[Any, Any] = {
    "font.size": 10,
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and zoomed
    "svg.hashsalt": "staleness",  # or ids would differ from run to run
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e7",
    "legend.frameon": False,
}
# Of a file's metadata: it would say when, and with what.
UNWRITTEN = {"svg": dict.fromkeys(("Date", "Creator")), "png": {"Software": None}}

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>How fast does a model grow old?</title>
<style>body {font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto;
padding: 0 1rem} img {max-width: 100%} td, th {padding: .2rem .7rem; text-align: right}</style>
<h1>How fast does a model grow old?</h1>
<p>{{ found.sentence() }}</p>
<p>Models trained as of {{ found.origins | join(", ") }}, each judged on orders it had not seen;
older ones beside the freshest, on the same orders. Intervals hold 90 %.</p>
<img alt="{{ found.sentence() }}" src="data:image/svg+xml;base64,{{ picture }}">
<table><tr><th>age, days<th>orders<th>AP<th>fresh AP<th>popularity<th>AP kept<th>log loss
<th>promised per purchase</tr>
{%- for age in found.ages %}
<tr><td>{{ age.first_day }}-{{ age.last_day }}<td>{{ age.orders }}
{%- for figure in (age.average_precision, age.fresh, age.popularity) %}
<td>{{ "%.4f" | format(figure.estimate) }}
{%- endfor %}
{%- for figure in (age.kept, age.log_loss_kept, age.expected_per_actual) %}
<td>{{ "%.3f (%.3f to %.3f)" | format(*figure) }}
{%- endfor %}</tr>
{%- endfor %}
</table></html>
"""


def draw(found: Staleness, path: Path) -> None:
    """Draw what age does to a model; the same figures give the same bytes.

    Parameters
    ----------
    found : Staleness
        What was measured.
    path : Path
        A file ending in .png, .svg or .html; replaced if there. A page holds the figures, too.
    """
    if path.suffix == ".html":
        page = Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE)
        picture = base64.b64encode(_paint(found, "svg")).decode()
        write_aside(path, page.render(found=found, picture=picture).encode())
    else:
        write_aside(path, _paint(found, path.suffix.removeprefix(".")))


def _paint(found: Staleness, form: str) -> bytes:
    with rc_context(SETTINGS):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        of_precision, of_kept, of_promise = figure.subplots(3, 1, sharex=True)
        _draw_precision(of_precision, found)
        _draw_kept(of_kept, found)
        _draw_promise(of_promise, found)
        of_promise.set_xlabel("age of the model, days since training")
        of_promise.set_xlim(0, found.ages[-1].last_day + 1)
        written = io.BytesIO()
        figure.savefig(written, format=form, dpi=120, metadata=UNWRITTEN[form])
    return written.getvalue()


def _draw_precision(axes: Axes, found: Staleness) -> None:
    _draw(axes, found, [age.average_precision for age in found.ages], "models of this age", MODEL)
    middles = [age.middle for age in found.ages]
    fresh = [age.fresh.estimate for age in found.ages]
    axes.plot(middles, fresh, "s--", color=FRESH, label="fresh models, same orders", markersize=4)
    popularity = [age.popularity.estimate for age in found.ages]
    axes.plot(middles, popularity, "^:", color=POPULARITY, label="popularity, same orders")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("average precision")
    _explain(axes)


def _draw_kept(axes: Axes, found: Staleness) -> None:
    _draw(axes, found, [age.kept for age in found.ages], "kept of a fresh model's", MODEL)
    axes.axhline(1.0 - MARGIN, color=LOST, linestyle="--", label=f"the gate's margin, {MARGIN:.0%}")
    axes.set_ylabel("average precision kept")
    axes.yaxis.set_major_formatter("{x:.2f}")
    _explain(axes)


def _draw_promise(axes: Axes, found: Staleness) -> None:
    own = [age.expected_per_actual for age in found.ages]
    _draw(axes, found, own, "models of this age", MODEL)
    middles = [age.middle for age in found.ages]
    fresh = [age.fresh_expected_per_actual.estimate for age in found.ages]
    axes.plot(middles, fresh, "s--", color=FRESH, label="fresh models, same orders", markersize=4)
    axes.axhline(1.0, color=INK, linewidth=0.8)
    axes.set_ylabel("promised per purchase")
    _explain(axes)


def _draw(axes: Axes, found: Staleness, own: list[Interval], label: str, colour: str) -> None:
    middles = [age.middle for age in found.ages]
    estimates, lows, highs = zip(*own, strict=True)
    axes.fill_between(middles, lows, highs, color=colour, alpha=0.15, linewidth=0)
    axes.plot(middles, estimates, "o-", color=colour, label=label)


def _explain(axes: Axes) -> None:
    # Above the axes, where it hides nothing.
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, fontsize=9)
