"""How did the model of each day do? One picture: how it ranks, and what it promises."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from push_model.evaluation.resampling import Interval
from push_model.reporting.figure_file import (
    INK,
    LIMIT,
    MODEL,
    OTHER,
    POPULARITY,
    Drawn,
    add_legend,
    write_figure,
)
from push_model.training.backtesting.past_verdicts import PastVerdict, sum_up
from push_model.training.gate.policy import Policy

HEADINGS = ("run date", "model", "verdict", "orders", "AP", "champion", "popularity", "promised")
HOW_TO_READ = (
    "Each run's model knew no row dated later than its run date; these figures are of its judged "
    "twin, which did not learn from the newest orders that they are measured on. Successive days "
    "share most of those orders. Intervals hold 95 % unless the gate was told otherwise."
)

#: Of a scorer: its line, colour and what the legend says.
_LINES = {
    "champion": ("s--", OTHER, "champion, same orders"),
    "popularity": ("^:", POPULARITY, "popularity, same orders"),
}
_Point = tuple[float, Interval]


def draw(verdicts: Sequence[PastVerdict], path: Path) -> None:
    """Draw the runs' figures by day; the same figures give the same bytes."""
    drawn = Drawn(
        title="How did the model of each day do?",
        texts=(
            sum_up(verdicts),
            HOW_TO_READ,
        ),
        headings=HEADINGS,
        rows=[_row(one) for one in verdicts],
        paint=partial(_paint, verdicts),
        size=(8.0, 6.0),
    )
    write_figure(drawn, path)


def _row(one: PastVerdict) -> list[str]:
    rivals = (one.average_precision.get(name) for name in _LINES)
    return [
        str(one.run_date),
        one.model_name,
        one.decision,
        "-" if one.orders is None else str(one.orders),
        _say(one.average_precision.get("challenger"), places=3),
        *("-" if rival is None else f"{rival.estimate:.3f}" for rival in rivals),
        _say(one.expected_per_actual, places=2),
    ]


def _say(found: Interval | None, *, places: int) -> str:
    if found is None:
        return "-"
    estimate, low, high = (f"{value:.{places}f}" for value in found)
    return f"{estimate} ({low}-{high})"


def _paint(verdicts: Sequence[PastVerdict], figure: Figure) -> None:
    of_precision, of_promise = figure.subplots(2, 1, sharex=True)
    _draw_precision(of_precision, verdicts)
    _draw_promise(of_promise, verdicts)
    locator = AutoDateLocator(minticks=2)  # type: ignore[no-untyped-call]
    of_promise.xaxis.set_major_locator(locator)
    of_promise.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    of_promise.set_xlabel("run date")


def _draw_precision(axes: Axes, verdicts: Sequence[PastVerdict]) -> None:
    own = _points((one, one.average_precision.get("challenger")) for one in verdicts)
    _draw_intervals(axes, own)
    for name, (line, colour, label) in _LINES.items():
        if points := _points((one, one.average_precision.get(name)) for one in verdicts):
            days, figures = zip(*points, strict=True)
            estimates = [figure.estimate for figure in figures]
            axes.plot(days, estimates, line, color=colour, markersize=4, label=label)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("average precision")
    add_legend(axes)


def _draw_promise(axes: Axes, verdicts: Sequence[PastVerdict]) -> None:
    _draw_intervals(axes, _points((one, one.expected_per_actual) for one in verdicts))
    axes.axhline(1.0, color=INK, linewidth=0.8)
    policy = Policy()
    label = "the gate's default limits"
    for limit in (policy.min_expected_per_actual, policy.max_expected_per_actual):
        axes.axhline(limit, color=LIMIT, linestyle="--", label=label)
        label = "_"  # once in the legend
    axes.set_ylabel("promised per purchase")
    add_legend(axes)


def _points(found: Iterable[tuple[PastVerdict, Interval | None]]) -> list[_Point]:
    day = date2num  # days since 1970, Matplotlib's own unit
    return [(float(day(one.run_date)), figure) for one, figure in found if figure is not None]  # type: ignore[no-untyped-call]


def _draw_intervals(axes: Axes, points: Sequence[_Point]) -> None:
    if not points:
        return
    days, figures = zip(*points, strict=True)
    estimates, lows, highs = (list(values) for values in zip(*figures, strict=True))
    axes.plot(days, estimates, "o-", color=MODEL, markersize=4, label="the day's model")
    axes.vlines(days, lows, highs, color=MODEL, alpha=0.35, linewidth=3)
