"""Draw what happens from day to day: verdicts of runs, and purchases while a model serves."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from push_model.evaluation.results import Interval
from push_model.reporting.numbers import name_interval
from push_model.reporting.picture import (
    CHAMPION,
    GROUND,
    MUTED,
    OURS,
    POPULARITY,
    WIDTH,
    Picture,
)

_Days = NDArray[np.datetime64]

# Of a picture with a year of runs, twice as wide as others.
_WIDE, _HIGH = 2 * WIDTH, 3.9
# From so many points on they touch each other.
_MANY = 80
# Between fewer days Matplotlib would name hours.
_FEW_DAYS = np.timedelta64(12, "D")


class RunPoint(NamedTuple):
    """A run on the timeline: average precision of all scorers on the same holdout."""

    day: date
    challenger: Interval
    champion: Interval | None
    popularity: float | None
    promoted: bool
    address: str  # of its verdict
    words: str  # what the link leads to


class DayPoint(NamedTuple):
    """The purchases of one day."""

    day: date
    expected: float
    actual: float


def draw_timeline(points: Sequence[RunPoint], *, level: float, title: str) -> Picture:
    """Draw challenger and champion run by run; each dot leads to the run's verdict."""
    shown = sorted(points, key=lambda point: point.day)
    own = [point.challenger.estimate for point in shown]
    interval = name_interval(level)

    def _paint(axes: Axes) -> None:
        _draw_others(axes, shown)
        days = _days_of(shown)
        axes.plot(
            *_bars(days, [point.challenger for point in shown]),
            color=OURS,
            linewidth=1.2,
            alpha=0.55,
        )
        small = len(shown) > _MANY
        for promoted, face, label in (
            (True, OURS, "challenger, promoted"),
            (False, GROUND, "challenger, not promoted"),
        ):
            chosen = [place for place, point in enumerate(shown) if point.promoted is promoted]
            if not chosen:
                continue
            dots = axes.scatter(
                days[chosen],
                [own[place] for place in chosen],
                s=12 if small else 52,
                facecolors=face,
                edgecolors=OURS,
                linewidths=0.9 if small else 1.4,
                label=label,
                zorder=5,
            )
            dots.set_urls([shown[place].address for place in chosen])
        _name_days(axes, days)
        axes.set(ylabel="average precision")
        axes.set_ylim(bottom=0)
        axes.legend(ncols=4, loc="upper left", bbox_to_anchor=(0, 1.16), borderaxespad=0)

    return Picture(
        "timeline",
        _paint,
        title=title,
        how="Average precision of challenger, champion and popularity on the same holdout, run by "
        f"run; bars are {interval}s. Filled dots were promoted. Compare within a run: another run "
        "has other orders. A dot leads to its verdict.",
        alt=f"Average precision of {len(shown)} challengers, {shown[0].day} to {shown[-1].day}: "
        f"from {min(own):.3f} to {max(own):.3f}, last {own[-1]:.3f}. The table has every run.",
        size=(_WIDE, _HIGH),
        links={point.address: point.words for point in shown},
    )


def draw_purchases(days: Sequence[DayPoint], *, title: str) -> Picture:
    """Draw the purchases that a model expected, and those that happened, day by day."""

    def _paint(axes: Axes) -> None:
        at = _days_of(days)
        axes.bar(at, [point.actual for point in days], color=MUTED, alpha=0.45, label="actual")
        axes.plot(
            at,
            [point.expected for point in days],
            color=OURS,
            marker="o",
            mec=GROUND,
            linewidth=2,
            label="expected",
        )
        _name_days(axes, at)
        axes.set(ylabel="purchases a day")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.legend(ncols=2, loc="upper left", bbox_to_anchor=(0, 1.12), borderaxespad=0)

    return Picture(
        "purchases",
        _paint,
        title=title,
        how="Purchases that the champion expected (line) and that happened (bars), by day.",
        alt="; ".join(
            f"{point.day}: {point.expected:.0f} expected, {point.actual:.0f} actual"
            for point in days
        ),
        size=(WIDTH, 2.7),
    )


def draw_distances(
    features: Sequence[tuple[str, float]], *, limit: float | None, title: str
) -> Picture:
    """Draw how far features have moved, and the limit where it is known."""
    names = [name for name, _ in features]

    def _paint(axes: Axes) -> None:
        distances = [distance for _, distance in features]
        axes.barh(range(len(names)), distances, color=OURS, height=0.62)
        if limit is not None:
            axes.axvline(limit, color=CHAMPION, linewidth=1.6, linestyle="--")
            axes.text(limit, -0.65, "limit", ha="center", va="bottom")
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, 1.12 * max([limit or 0.0, *distances]) or 1.0)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=True, axis="x", linewidth=0.6)
        axes.set(xlabel="population stability index")

    return Picture(
        "drift",
        _paint,
        title=title,
        how="How far the newest orders are from the champion's training, feature by feature. "
        "0 is no change" + (f"; the dashed line is the limit of {limit:g}." if limit else "."),
        alt="; ".join(f"{name} {distance:.3f}" for name, distance in features),
        size=(WIDTH, 0.9 + 0.3 * len(names)),
    )


def _draw_others(axes: Axes, shown: Sequence[RunPoint]) -> None:
    """Draw champion and popularity, where a run measured them."""
    read: tuple[tuple[str, str, str, Callable[[RunPoint], float | None]], ...] = (
        ("champion", CHAMPION, "--", lambda run: run.champion.estimate if run.champion else None),
        ("popularity", POPULARITY, ":", lambda run: run.popularity),
    )
    for name, colour, dashes, of in read:
        found = [(run, value) for run in shown if (value := of(run)) is not None]
        if found:
            axes.plot(
                _days_of([run for run, _ in found]),
                [value for _, value in found],
                color=colour,
                linestyle=dashes,
                linewidth=1.2 if len(shown) > _MANY else 1.8,
                zorder=6 if len(shown) > _MANY else 2,  # or a year of dots hides it
                marker="" if len(shown) > _MANY else "s" if name == "champion" else "^",
                markersize=5,
                mec=GROUND,
                label=name,
            )


def _bars(days: _Days, intervals: Sequence[Interval]) -> tuple[_Days, list[float]]:
    """Return upright bars as one line with gaps: a year of them as elements is half the page."""
    up = [each for found in intervals for each in (found.low, found.high, float("nan"))]
    return np.repeat(days, 3), up


def _days_of(points: Sequence[RunPoint | DayPoint]) -> _Days:
    return np.array([point.day for point in points], "datetime64[D]")


def _name_days(axes: Axes, days: _Days) -> None:
    axes.margins(x=0.03)
    if np.ptp(days) < _FEW_DAYS:
        axes.set_xticks(np.unique(days))
    axes.grid(visible=True, axis="y", linewidth=0.6)
