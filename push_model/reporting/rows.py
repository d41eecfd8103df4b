"""Draw scorers, slices and features as rows, to be compared down the page."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from push_model.evaluation.importances import Importance
from push_model.evaluation.results import Interval, Slice
from push_model.evaluation.slices import LEAST_PURCHASES
from push_model.reporting.numbers import SCORERS, label_of, name_interval, write_interval
from push_model.reporting.picture import GROUND, INK, MUTED, OURS, WIDTH, Picture, style_of

# Features that are drawn; the table beside them lists them all.
_MOST_BARS = 12
# Inches of a row, of one with a number above it, and of all around them.
_ROW, _TALL_ROW, _AROUND = 0.3, 0.45, 0.7


def draw_average_precision(
    found: Mapping[str, float],
    intervals: Mapping[str, Interval],
    *,
    level: float | None,
    names: Mapping[str, str] = SCORERS,
) -> Picture:
    """Draw the average precision of each scorer, with its interval where there is one."""
    labels = {name: names.get(name, name) for name in found}
    ends = {name: interval[1:] for name, interval in intervals.items() if name in found}
    says = [
        f"{labels[name]} {value:.3f}" + (f" ({write_interval(ends[name])})" if name in ends else "")
        for name, value in found.items()
    ]

    def _paint(axes: Axes) -> None:
        for place, (name, value) in enumerate(found.items()):
            colour = style_of(name).colour
            if name in ends:
                axes.plot(ends[name], [place, place], color=colour, linewidth=2.4)
            axes.plot([value], [place], "o", color=colour, markersize=9)
            axes.annotate(
                f"{value:.3f}", (value, place), (0, 8), textcoords="offset points", ha="center"
            )
        _name_rows(axes, [*labels.values()])
        axes.set(xlabel="average precision")
        furthest = [max([value, *ends.get(name, ())]) for name, value in found.items()]
        axes.set_xlim(0, 1.15 * max(furthest) or 1.0)

    return Picture(
        "average-precision",
        _paint,
        title=_compare(found),
        how="Average precision: the mean share of pushes bought, as more and more of the "
        "purchases are found from the best score down."
        + (f" Bars: {name_interval(level)}s." if level else ""),
        alt=f"Average precision: {'; '.join(says)}.",
        size=(WIDTH, _AROUND + _TALL_ROW * len(found)),
    )


def _compare(found: Mapping[str, float]) -> str:
    ours = found["challenger"]
    times = [
        f"{ours / found[name]:.{digits}f} times {words}"
        for name, words, digits in (
            ("popularity", "popularity", 1),
            ("champion", "the champion", 2),
        )
        if found.get(name)
    ]
    return f"Average precision is {ours:.3f}" + (f": {' and '.join(times)}" if times else "")


def draw_slices(slices: Sequence[Slice]) -> Picture | None:
    """Draw average precision by slice; None if every slice has too few purchases."""
    shown = [part for part in slices if part.purchases >= LEAST_PURCHASES]
    if not shown:
        return None
    rival = style_of(shown[0].rival).colour

    def _paint(axes: Axes) -> None:
        for place, part in enumerate(shown):
            axes.plot(
                [part.rival_average_precision], [place], "|", color=rival, markersize=13, mew=2.4
            )
            axes.plot([part.average_precision], [place], "o", color=OURS, mec=GROUND)
        _name_rows(axes, [part.name for part in shown])
        axes.set(xlabel="average precision")
        axes.set_xlim(left=0)

    return Picture(
        "slices",
        _paint,
        title=_compare_users(shown),
        how=f"Average precision in each slice (dots; upright strokes: {label_of(shown[0].rival)}). "
        "It depends on the share bought in the slice, so compare models within a slice, not "
        "slices with each other.",
        alt="Dot plot of average precision: "
        + "; ".join(f"{part.name} {part.average_precision:.3f}" for part in shown)
        + ".",
        size=(WIDTH, _AROUND + _ROW * len(shown)),
    )


def _compare_users(shown: Sequence[Slice]) -> str:
    found = {part.name: part.average_precision for part in shown}
    if {"new users", "returning users"} <= found.keys():
        return (
            f"Average precision is {found['new users']:.3f} on new users and "
            f"{found['returning users']:.3f} on returning ones"
        )
    if len(found) == 1:
        return f"Average precision is {shown[0].average_precision:.3f} on {shown[0].name}"
    best, least = (choose(found, key=found.__getitem__) for choose in (max, min))
    return (
        f"Average precision is {found[best]:.3f} on {best}, the best slice, and "
        f"{found[least]:.3f} on {least}, the worst"
    )


def draw_importances(importances: Sequence[Importance]) -> Picture:
    """Draw the average precision lost without each feature."""
    shown = importances[:_MOST_BARS]
    first = shown[0]

    def _paint(axes: Axes) -> None:
        lost = [importance.lost for importance in shown]
        axes.barh(range(len(shown)), lost, color=OURS, height=0.62)
        for place, found in enumerate(shown):
            axes.plot([found.low, found.high], [place, place], color=INK, linewidth=1.2)
        _name_rows(axes, [found.feature for found in shown])
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set(xlabel="average precision lost")

    return Picture(
        "importances",
        _paint,
        title=f"{first.feature} matters most: shuffled, average precision falls by "
        f"{first.lost:.3f}",
        how="Permutation importance on the holdout: the values of one feature are shuffled, with "
        "all that is derived from them. Thin lines span the repeats. Features that carry the same "
        "information can replace each other, and then each looks less important.",
        alt="Bar chart of average precision lost: "
        + "; ".join(f"{found.feature} {found.lost:.4f}" for found in shown)
        + ".",
        size=(WIDTH, _AROUND + _ROW * len(shown)),
    )


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Make each whole number of the vertical axis a named row, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x", linewidth=0.6)
