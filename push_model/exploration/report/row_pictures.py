"""How do entries compare? One row each, its name above its interval, best read down the page."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from push_model.evaluation.results import Interval
from push_model.exploration.report.comparing import measure
from push_model.exploration.report.found import Explored, Found
from push_model.exploration.report.names import label_entry
from push_model.exploration.report.palette import AROUND, TALL_ROW, style_family
from push_model.exploration.report.texts import shorten
from push_model.reporting.picture import (
    CHAMPION,
    GROUND,
    LEGEND_ROW,
    MUTED,
    OURS,
    WIDTH,
    Picture,
    Style,
)

# Of a row: its name stands so far above the bar.
ABOVE = 0.36


class Row(NamedTuple):
    """A named interval: `says` stands at its right end."""

    name: str
    interval: Interval
    says: str
    style: Style


def level_rows(found: Found, entries: Iterable[Explored], parts: Sequence[str]) -> list[Row]:
    """Make a row of each entry's average precision."""
    levels = [(entry, measure(found, entry, parts)) for entry in entries]
    return [
        Row(label_entry(found, entry), level, f"{level.estimate:.4f}", style_family(entry.family))
        for entry, level in levels
        if level
    ]


def draw_rows(
    name: str,
    rows: Sequence[Row],
    *,
    title: str,
    how: str,
    across: str,
    reference: float | None = None,
) -> Picture:
    """Draw an interval a row."""

    def _paint(axes: Axes) -> None:
        if reference is not None:
            axes.axvline(reference, color=MUTED, linewidth=1)
        for place, row in enumerate(rows):
            _paint_row(axes, place, row)
        _end_rows(axes, len(rows))
        axes.margins(x=0.06)
        axes.set_xlabel(across)

    return Picture(
        name,
        _paint,
        title=title,
        how=how,
        alt=f"Dot plot with intervals. {'; '.join(f'{row.name} {row.says}' for row in rows)}.",
        size=(WIDTH, AROUND + TALL_ROW * len(rows)),
    )


def _paint_row(axes: Axes, place: int, row: Row) -> None:
    colour, _, marker, face = row.style
    axes.plot(row.interval[1:], [place, place], color=colour, linewidth=2.2)
    axes.plot([row.interval.estimate], [place], marker, color=colour, mfc=face, markersize=7)
    _name_row(axes, place, row.name, row.says)


def _end_rows(axes: Axes, rows: int) -> None:
    axes.set_ylim(rows - 0.6, -0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=True, axis="x", linewidth=0.6)
    axes.locator_params(axis="x", nbins=6)


def _name_row(axes: Axes, place: int, name: str, says: str = "") -> None:
    """Write at the edges, wherever the numbers lie."""
    across = axes.get_yaxis_transform()
    for edge, text in ((0.0, shorten(name)), (1.0, says)):
        side = "right" if edge else "left"
        axes.text(
            *(edge, place - ABOVE, text),
            transform=across,
            ha=side,
            va="center",
            fontsize=10,
            bbox={"facecolor": GROUND, "edgecolor": "none", "pad": 1.2},  # no line runs through it
        )


def draw_pairs(
    name: str, pairs: Sequence[tuple[str, float, float]], kinds: tuple[str, str], *, where: str
) -> Picture:
    """Draw two average precisions a row, joined by a line."""
    first, second = kinds

    def _paint(axes: Axes) -> None:
        for place, (label, one, other) in enumerate(pairs):
            axes.plot([one, other], [place, place], color=MUTED, linewidth=1.6)
            _name_row(axes, place, label)
        for number, (kind, marker) in enumerate(zip(kinds, "Do", strict=True)):
            values = [pair[1 + number] for pair in pairs]
            colour = (CHAMPION, OURS)[number]
            axes.plot(values, range(len(pairs)), marker, color=colour, markersize=7.5, label=kind)
        _end_rows(axes, len(pairs))
        axes.set_xlabel("average precision")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2, borderaxespad=0.2)

    label, one, other = pairs[0]
    return Picture(
        name,
        _paint,
        title=f"{label}, {where}: {one:.3f} on {first} users, {other:.3f} on {second} ones",
        how=f"Average precision; {first} users are those whose second order is judged. Levels "
        "depend on how much each group buys: compare dots of one kind.",
        alt="; ".join(f"{row}: {one:.3f} and {other:.3f}" for row, one, other in pairs) + ".",
        size=(WIDTH, AROUND + LEGEND_ROW + TALL_ROW * len(pairs)),
    )
