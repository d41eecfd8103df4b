"""How do two settings, or cost and gain, go together? Dots on a plane."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from push_model.exploration.report.line_pictures import (
    LOGARITHMIC_FROM,
    scale_across,
    write_plainly,
)
from push_model.exploration.report.palette import name_family, style_family
from push_model.reporting.picture import HEIGHT, INK, LEGEND_ROW, OURS, WIDTH, Picture

if TYPE_CHECKING:
    from push_model.evaluation.metrics import Floats

# Two numbers lie on each other where both distances, as shares of the axes, are less.
TOO_NEAR = (0.12, 0.1)
FAINTEST = 0.12
# Within so many times the least, powers of ten alone would leave an axis bare.
FEW_POWERS = 100


class Dot(NamedTuple):
    """An entry's place, and its letter, if any: above it, or below where others lie above."""

    x: float
    y: float
    family: str
    label: str
    is_below: bool = False


def draw_costs(
    name: str, dots: Sequence[Dot], *, title: str, how: str, alt: str, across: str
) -> Picture:
    """Draw average precision against a cost, in the colours of the families."""
    families = sorted({dot.family for dot in dots}, key=name_family)

    def _paint(axes: Axes) -> None:
        for family in families:
            own = [dot for dot in dots if dot.family == family]
            colour, _, marker, _ = style_family(family)
            x, y = [dot.x for dot in own], [dot.y for dot in own]
            axes.plot(x, y, marker, color=colour, label=name_family(family), alpha=0.85)
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        if max(dot.x for dot in dots) < FEW_POWERS * min(dot.x for dot in dots):
            write_plainly(axes.xaxis)
        axes.margins(x=0.1, y=0.12)
        _name_dots(axes, [dot for dot in dots if dot.label])
        axes.grid(visible=True, linewidth=0.6)
        axes.set(xlabel=across, ylabel="average precision")
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.2), ncols=2, borderaxespad=0)

    height = HEIGHT + LEGEND_ROW * ((len(families) + 1) // 2)
    return Picture(name, _paint, title, how, alt, size=(WIDTH, height))


def _name_dots(axes: Axes, dots: Sequence[Dot]) -> None:
    """Ring the dots that have a letter, and write it."""
    for dot in dots:
        axes.plot([dot.x], [dot.y], "o", mfc="none", mec=INK, markersize=10, mew=1.1)
        up = -18 if dot.is_below else 8
        axes.annotate(
            dot.label, (dot.x, dot.y), (0, up), textcoords="offset points", ha="center", color=INK
        )


def draw_surface(
    name: str, places: Sequence[tuple[float, float, float]], *, across: str, up: str
) -> Picture:
    """Draw average precision over two settings."""
    best = max(places, key=lambda place: place[2])
    says = f"{across} {best[0]:g} and {up} {best[1]:g} reach {best[2]:.4f}"

    def _paint(axes: Axes) -> None:
        _paint_places(axes, places, best)
        scale_across(axes, [place[0] for place in places], None)
        heights = sorted({place[1] for place in places})
        if heights[0] > 0 and heights[-1] >= LOGARITHMIC_FROM * heights[0]:
            axes.set_yscale("log")
        write_plainly(axes.yaxis)
        axes.margins(0.18)
        _number_places(axes, places)
        axes.set(xlabel=across, ylabel=up)

    return Picture(
        name,
        _paint,
        title=f"{across} and {up}: {says}",
        how="Each dot is the best average precision found with both settings, whatever the others "
        "were; the darker, the better. The ring marks the best, and dots too near a better one "
        "have no number.",
        alt=f"Dots over {across} and {up}: "
        + "; ".join(f"{x:g}, {y:g}: {z:.4f}" for x, y, z in places)
        + ".",
    )


def _paint_places(
    axes: Axes, places: Sequence[tuple[float, float, float]], best: tuple[float, float, float]
) -> None:
    values = [value for *_, value in places]
    least, span = min(values), (max(values) - min(values)) or 1.0
    for x, y, value in places:
        shade = FAINTEST + (1 - FAINTEST) * (value - least) / span
        axes.plot([x], [y], "o", color=OURS, alpha=shade, markersize=15, mew=0)
    axes.plot([best[0]], [best[1]], "o", mfc="none", mec=INK, markersize=18, mew=1.4)


def _number_places(axes: Axes, places: Sequence[tuple[float, float, float]]) -> None:
    """Write the numbers, the best first, but those that would lie on one that is there."""
    axes.autoscale_view()  # else the limits are those of before
    to_axes = axes.transScale + axes.transLimits
    numbered: list[Floats] = []
    for x, y, value in sorted(places, key=lambda place: -place[2]):
        at = to_axes.transform((x, y))
        if not any((np.abs(at - other) < TOO_NEAR).all() for other in numbered):
            numbered.append(at)
            style: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 9}
            axes.annotate(f"{value:.4f}", (x, y), (0, 11), **style)
