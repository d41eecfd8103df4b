"""How do scorers, slices and features compare? One row each, best read down the page."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from push_model.evaluation.card_slices import Slice
from push_model.evaluation.evaluation import UNCALIBRATED
from push_model.evaluation.importances import Importance
from push_model.reporting.numbers import in_order, label_of, name_interval, write_interval
from push_model.reporting.picture import (
    GROUND,
    INK,
    MUTED,
    OURS,
    WIDTH,
    Picture,
    style_of,
)

# Features that are drawn; the table beside them holds them all.
MOST_BARS = 12
# Inches of a row, of one with a number above it, and of all around them.
ROW, TALL_ROW, AROUND = 0.3, 0.45, 0.7


def draw_average_precision(
    metrics: Mapping[str, Mapping[str, Any]],
    intervals: Mapping[str, Mapping[str, Any]],
    *,
    level: float | None = None,
) -> Picture:
    """Draw the leading metric of each scorer with its interval."""
    found = {
        name: metrics[name]["average_precision"]
        for name in in_order(metrics)
        if name != UNCALIBRATED and metrics[name].get("average_precision") is not None
    }
    ends = {name: (intervals.get(name) or {}).get("average_precision") for name in found}
    said = [
        f"{label_of(name)} {value:.3f}" + (f" ({write_interval(ends[name])})" if ends[name] else "")
        for name, value in found.items()
    ]

    def _paint(axes: Axes) -> None:
        for place, (name, value) in enumerate(found.items()):
            colour = style_of(name).colour
            if interval := ends[name]:
                axes.plot(interval, [place, place], color=colour, linewidth=2.4)
            axes.plot([value], [place], "o", color=colour, markersize=9)
            axes.annotate(
                f"{value:.3f}", (value, place), (0, 8), textcoords="offset points", ha="center"
            )
        name_rows(axes, [label_of(name) for name in found])
        axes.set(xlabel="average precision")
        furthest = [max(value, *(ends[name] or [0.0])) for name, value in found.items()]
        axes.set_xlim(0, 1.15 * max(furthest) or 1.0)

    return Picture(
        "average-precision",
        _paint,
        title=_compare(found),
        how="Average precision leads: the share of pushes bought, averaged while all purchases "
        "are found from the best score down."
        + (f" Bars: {name_interval(level)}s." if any(ends.values()) else ""),
        alt=f"Average precision: {'; '.join(said)}.",
        size=(WIDTH, AROUND + TALL_ROW * len(found)),
    )


def draw_slices(slices: Sequence[Slice]) -> Picture | None:
    """Draw average precision slice by slice."""
    known = [(found.average_precision, found) for found in slices if found.average_precision]
    if not known:
        return None
    best, least = (choose(known, key=lambda pair: pair[0]) for choose in (max, min))
    rival = next((found.rival for _, found in known if found.rival), "")

    def _paint(axes: Axes) -> None:
        for place, (value, found) in enumerate(known):
            if found.interval:
                axes.plot(found.interval, [place, place], color=OURS, linewidth=2)
            if found.rival_average_precision is not None:
                colour = style_of(found.rival).colour
                axes.plot(
                    [found.rival_average_precision],
                    [place],
                    "|",
                    color=colour,
                    markersize=13,
                    mew=2.4,
                )
            axes.plot([value], [place], "o", color=OURS, mec=GROUND)
        name_rows(axes, [found.slice for _, found in known])
        axes.set(xlabel="average precision")
        axes.set_xlim(left=0)

    return Picture(
        "slices",
        _paint,
        title=_compare_users(known)
        or f"Strongest on {best[1].slice} ({best[0]:.3f}), weakest on {least[1].slice} "
        f"({least[0]:.3f})",
        how="Average precision in each slice"
        + (f" (dots; upright strokes: {label_of(rival)})" if rival else "")
        + ". It rises and falls with the share bought in the slice, so compare models within a "
        "slice rather than slices with each other.",
        alt=f"Dot plot of average precision in {len(known)} slices, from {least[0]:.3f} on "
        f"{least[1].slice} to {best[0]:.3f} on {best[1].slice}; the table has every number.",
        size=(WIDTH, AROUND + ROW * len(known)),
    )


def draw_importances(importances: Sequence[Importance]) -> Picture | None:
    """Draw what is lost without each feature."""
    shown = importances[:MOST_BARS]
    if not shown:
        return None
    first = shown[0]

    def _paint(axes: Axes) -> None:
        lost = [importance.lost for importance in shown]
        axes.barh(range(len(shown)), lost, color=OURS, height=0.62)
        for place, found in enumerate(shown):
            axes.plot([found.low, found.high], [place, place], color=INK, linewidth=1.2)
        name_rows(axes, [found.feature for found in shown])
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set(xlabel="average precision lost")

    return Picture(
        "importances",
        _paint,
        title=f"It leans most on {first.feature}: shuffled, average precision falls by "
        f"{first.lost:.3f}",
        how="Permutation importance on the holdout: one feature's values are dealt out anew, with "
        "all that is derived from them. Thin lines span the repeats. Features that say the same "
        "stand in for each other and look less important than they are together.",
        alt="Bar chart of average precision lost: "
        + "; ".join(f"{found.feature} {found.lost:.4f}" for found in shown)
        + ".",
        size=(WIDTH, AROUND + ROW * len(shown)),
    )


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Make each whole number of the vertical axis a named row, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x", linewidth=0.6)


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


def _compare_users(known: Sequence[tuple[float, Slice]]) -> str:
    """Compare new users with returning ones: the weak spot of every model here."""
    found = {part.slice: value for value, part in known}
    if not {"new users", "returning users"} <= found.keys():
        return ""
    return (
        f"Average precision is {found['new users']:.3f} on new users and "
        f"{found['returning users']:.3f} on returning ones"
    )
