"""What does a model's age look like? One picture: what is kept, and what is promised."""

from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from push_model.evaluation.results import Interval
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
from push_model.training.backtesting.staleness import MARGIN, AgeFigures, Staleness

HEADINGS = (
    "age, days",
    "orders",
    "AP",
    "fresh AP",
    "popularity",
    "AP kept",
    "log loss",
    "promised per purchase",
)
HOW_TO_READ = (
    "Models trained as of {origins}, each judged on orders it had not seen; older ones beside the "
    "freshest, on the same orders. Intervals hold 90 %."
)


def draw(found: Staleness, path: Path) -> None:
    """Draw what age does to a model; the same figures give the same bytes."""
    drawn = Drawn(
        title="How fast does a model grow old?",
        texts=(
            found.sentence(),
            HOW_TO_READ.format(origins=", ".join(map(str, found.origins))),
        ),
        headings=HEADINGS,
        rows=[_row(age) for age in found.ages],
        paint=partial(_paint, found),
        size=(8.0, 7.2),
    )
    write_figure(drawn, path)


def _row(age: AgeFigures) -> list[object]:
    precisions = (age.average_precision, age.fresh, age.popularity)
    ratios = (age.kept, age.log_loss_kept, age.expected_per_actual)
    return [
        f"{age.first_day}-{age.last_day}",
        age.orders,
        *(f"{figure.estimate:.4f}" for figure in precisions),
        *(f"{figure.estimate:.3f} ({figure.low:.3f} to {figure.high:.3f})" for figure in ratios),
    ]


def _paint(found: Staleness, figure: Figure) -> None:
    of_precision, of_kept, of_promise = figure.subplots(3, 1, sharex=True)
    _draw_precision(of_precision, found)
    _draw_kept(of_kept, found)
    _draw_promise(of_promise, found)
    of_promise.set_xlabel("age of the model, days since training")
    of_promise.set_xlim(0, found.ages[-1].last_day + 1)


def _draw_precision(axes: Axes, found: Staleness) -> None:
    _draw(axes, found, [age.average_precision for age in found.ages], "models of this age", MODEL)
    middles = [age.middle for age in found.ages]
    fresh = [age.fresh.estimate for age in found.ages]
    axes.plot(middles, fresh, "s--", color=OTHER, label="fresh models, same orders", markersize=4)
    popularity = [age.popularity.estimate for age in found.ages]
    axes.plot(middles, popularity, "^:", color=POPULARITY, label="popularity, same orders")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("average precision")
    add_legend(axes)


def _draw_kept(axes: Axes, found: Staleness) -> None:
    _draw(axes, found, [age.kept for age in found.ages], "kept of a fresh model's", MODEL)
    axes.axhline(
        1.0 - MARGIN, color=LIMIT, linestyle="--", label=f"the gate's margin, {MARGIN:.0%}"
    )
    axes.set_ylabel("average precision kept")
    axes.yaxis.set_major_formatter("{x:.2f}")
    add_legend(axes)


def _draw_promise(axes: Axes, found: Staleness) -> None:
    own = [age.expected_per_actual for age in found.ages]
    _draw(axes, found, own, "models of this age", MODEL)
    middles = [age.middle for age in found.ages]
    fresh = [age.fresh_expected_per_actual.estimate for age in found.ages]
    axes.plot(middles, fresh, "s--", color=OTHER, label="fresh models, same orders", markersize=4)
    axes.axhline(1.0, color=INK, linewidth=0.8)
    axes.set_ylabel("promised per purchase")
    add_legend(axes)


def _draw(axes: Axes, found: Staleness, own: list[Interval], label: str, colour: str) -> None:
    middles = [age.middle for age in found.ages]
    estimates, lows, highs = zip(*own, strict=True)
    axes.fill_between(middles, lows, highs, color=colour, alpha=0.15, linewidth=0)
    axes.plot(middles, estimates, "o-", color=colour, label=label)
