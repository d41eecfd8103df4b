"""How does one number move with another? Lines with their intervals, the legend below."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from push_model.exploration.report.palette import style_number
from push_model.exploration.report.texts import shorten
from push_model.reporting.picture import GROUND, HEIGHT, LEGEND_ROW, MUTED, WIDTH, Picture

# From so many times the least on, equal steps would crowd the small values.
LOGARITHMIC_FROM = 8.0
# Share of an axis that the name of a place takes.
LEAST_GAP = 0.13


class Point(NamedTuple):
    """A place on a line; without an interval, both ends are None."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


Lines = Mapping[str, Sequence[Point]]


def draw_lines(
    name: str,
    lines: Lines,
    *,
    title: str,
    how: str,
    alt: str,
    across: str,
    up: str,
    ticks: Mapping[float, str] | None = None,
    dots: Sequence[Point] = (),
    size: tuple[float, float] = (WIDTH, HEIGHT),
) -> Picture:
    """Draw lines over a common axis."""
    labels = [label for label in lines if label]

    def _paint(axes: Axes) -> None:
        if dots:
            x, y, *_ = zip(*dots, strict=True)
            axes.plot(x, y, "o", color=MUTED, markersize=4, alpha=0.6)
        for number, (label, points) in enumerate(lines.items()):
            _paint_line(axes, points, number, label)
        scale_across(axes, [p.x for points in (*lines.values(), dots) for p in points], ticks)
        axes.grid(visible=True, linewidth=0.6)
        axes.set(xlabel=across, ylabel=up)
        if labels:
            axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.2), borderaxespad=0)

    height = size[1] + LEGEND_ROW * len(labels)
    return Picture(name, _paint, title, how, alt, size=(size[0], height))


def _paint_line(axes: Axes, points: Sequence[Point], number: int, label: str) -> None:
    colour, dashes, marker, _ = style_number(number)
    style: dict[str, Any] = {"color": colour, "linestyle": dashes, "marker": marker}
    x, y, lows, highs = zip(*points, strict=True)
    axes.plot(x, y, label=shorten(label, 52) or None, mec=GROUND, markersize=6.5, **style)
    if None not in (*lows, *highs):
        axes.fill_between(x, lows, highs, color=colour, alpha=0.12, linewidth=0)


def scale_across(axes: Axes, values: Sequence[float], ticks: Mapping[float, str] | None) -> None:
    """Make the horizontal axis logarithmic where its values ask for it, and name its places."""
    least, most = min(values), max(values)
    if least > 0 and most >= LOGARITHMIC_FROM * least:
        axes.set_xscale("log")
    few = sorted({*values})
    places = ticks or {value: f"{value:g}" for value in _keep_apart(few, axes.get_xscale())}
    if ticks or len(few) <= 6:  # noqa: PLR2004 - as many as stand beside each other
        axes.set_xticks(list(places), list(places.values()))
        axes.minorticks_off()
    else:
        write_plainly(axes.xaxis)


def _keep_apart(values: Sequence[float], scale: str) -> list[float]:
    """Keep of ascending values those whose names do not lie on the name before."""
    places = np.log(values) if scale == "log" else np.array(values)
    kept = [0]
    for number, place in enumerate(places):
        if place - places[kept[-1]] >= LEAST_GAP * (places[-1] - places[0]) > 0:
            kept.append(number)
    return [values[number] for number in kept]


def write_plainly(axis: Axis) -> None:
    """Write an axis in plain numbers; a logarithmic one at 1, 2 and 5 of each power of ten."""
    if axis.get_scale() == "log":
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
