"""Draw the pictures of the report: intervals, bars and lines."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from push_model.evaluation.results import Interval
from push_model.reporting.picture import (
    GROUND,
    HEIGHT,
    LEGEND_ROW,
    MUTED,
    OURS,
    SERIES,
    WIDTH,
    Picture,
)

# Inches of a row, of a row with its name above it, and around all rows.
_ROW, _TALL_ROW, _AROUND = 0.3, 0.46, 0.75
# The name of a row is so far above its bar, in rows.
_ABOVE = 0.36
_LONGEST_NAME = 44

_FAMILIES = dict(
    zip(
        (
            "boosted_trees",
            "logistic_regression",
            "popularity",
            "bought_before",
            "decision_tree",
            "random_forest",
            "histogram_boosting",
        ),
        SERIES,
        strict=True,
    )
)


class Row(NamedTuple):
    """A named interval, and the text at its right end."""

    name: str
    interval: Interval
    text: str
    family: str


def _shorten(name: str, longest: int = _LONGEST_NAME) -> str:
    """Cut a name that is too long for a picture.

    Examples
    --------
    >>> _shorten("trees, half the rows", longest=10)
    'trees, ha…'
    """
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def draw_intervals(
    name: str, rows: Sequence[Row], *, across: str, reference: float | None = None, **words: Any
) -> Picture:
    """Draw an interval a row."""

    def _paint(axes: Axes) -> None:
        if reference is not None:
            axes.axvline(reference, color=MUTED, linewidth=1)
        for place, row in enumerate(rows):
            colour, _, marker, _ = _FAMILIES[row.family]
            holds_reference = reference is not None and row.interval.low <= reference
            is_hollow = holds_reference and row.interval.high >= (reference or 0.0)
            face = GROUND if is_hollow else colour
            axes.plot(row.interval[1:], [place, place], color=colour, linewidth=2.2)
            axes.plot([row.interval[0]], [place], marker, color=colour, mfc=face, markersize=7)
            _name_row(axes, place, row)
        axes.set_ylim(len(rows) - 0.6, -0.75)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(visible=True, axis="x", linewidth=0.6)
        axes.locator_params(axis="x", nbins=6)
        axes.margins(x=0.06)
        axes.set_xlabel(across)

    return Picture(
        name,
        _paint,
        alt=f"Dot plot with intervals. {'; '.join(f'{row.name} {row.text}' for row in rows)}.",
        size=(WIDTH, _AROUND + _TALL_ROW * max(2, len(rows))),
        **words,
    )


def _name_row(axes: Axes, place: int, row: Row) -> None:
    """Write a row's name and text at the edges, above its bar."""
    for edge, side, text in ((0.0, "left", _shorten(row.name)), (1.0, "right", row.text)):
        axes.text(
            *(edge, place - _ABOVE, text),
            transform=axes.get_yaxis_transform(),
            ha=side,
            va="center",
            fontsize=10,
            bbox={"facecolor": GROUND, "edgecolor": "none", "pad": 1.2},  # no line runs through it
        )


def draw_bars(
    name: str, bars: Mapping[str, float], *, form: str, across: str, ours: int = 1, **words: Any
) -> Picture:
    """Draw a bar a row; the first `ours` rows have the colour of the chosen model."""

    def _paint(axes: Axes) -> None:
        colours = [OURS if place < ours else MUTED for place in range(len(bars))]
        axes.barh(range(len(bars)), list(bars.values()), color=colours, height=0.62)
        for place, value in enumerate(bars.values()):
            axes.annotate(
                form.format(value), (value, place), (4, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(range(len(bars)), [_shorten(bar, 30) for bar in bars])
        axes.set_ylim(len(bars) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0, labelsize=9.5)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=True, axis="x", linewidth=0.6)
        axes.margins(x=0.14)
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel(across)

    written = "; ".join(f"{bar} {form.format(value)}" for bar, value in bars.items())
    return Picture(
        name,
        _paint,
        alt=f"Bar chart. {written}.",
        size=(WIDTH, _AROUND + _ROW * max(3, len(bars))),
        **words,
    )


def draw_learning(lines: Mapping[str, Sequence[tuple[float, Interval]]], **words: Any) -> Picture:
    """Draw average precision against the training rows, on a logarithmic axis."""

    def _paint(axes: Axes) -> None:
        for (label, points), style in zip(lines.items(), SERIES, strict=False):
            colour, dashes, marker, _ = style
            x, levels = zip(*points, strict=True)
            y, lows, highs = zip(*levels, strict=True)
            drawn: dict[str, Any] = {"color": colour, "linestyle": dashes, "marker": marker}
            axes.plot(x, y, label=_shorten(label, 52), mec=GROUND, markersize=6.5, **drawn)
            axes.fill_between(x, lows, highs, color=colour, alpha=0.12, linewidth=0)
        axes.set_xscale("log")
        ticks = sorted({round(rows) for points in lines.values() for rows, _ in points})
        axes.set_xticks(ticks, [f"{tick / 1000:,.0f} k" for tick in ticks])
        axes.minorticks_off()
        axes.grid(visible=True, linewidth=0.6)
        axes.set(xlabel="training rows", ylabel="average precision")
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.2), borderaxespad=0)

    written = "; ".join(
        f"{label}: {', '.join(f'{each[0]:.4f} with {rows:,.0f} rows' for rows, each in points)}"
        for label, points in lines.items()
    )
    height = HEIGHT + LEGEND_ROW * len(lines)
    return Picture("learning", _paint, alt=f"Line chart. {written}.", size=(WIDTH, height), **words)
