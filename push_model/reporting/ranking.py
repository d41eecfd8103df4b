"""How well do the scores rank? Gains, precision and recall, ROC; the finding in each title."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from push_model.evaluation.curves import Curves, Place
from push_model.evaluation.evaluation import UNCALIBRATED, Evaluation
from push_model.reporting.numbers import in_order, label_of, write_percent
from push_model.reporting.picture import INK, LINES, MUTED, OTHER_LINE, Picture

# Share of the purchases, and of the candidates, at which a title reads the curves.
READ_RECALL = 0.25
READ_SHARE = 0.05

Points = Callable[[Curves], tuple[list[float], list[float]]]


def draw_ranking(evaluation: Evaluation) -> Iterator[Picture]:
    """Draw how the scorers rank."""
    ranked = {
        name: evaluation.scorers[name]
        for name in in_order(evaluation.scorers)
        if name != UNCALIBRATED  # ranks as the calibrated one does
    }
    yield draw_gains(ranked)
    yield draw_precision_recall(ranked)
    yield draw_roc(ranked)


def draw_gains(scorers: Mapping[str, Curves]) -> Picture:
    """Draw how many purchases the best candidates hold."""
    found = {name: _recall_at(curves, READ_SHARE) for name, curves in scorers.items()}
    others = [
        f"{label_of(name)} {write_percent(share)}"
        for name, share in found.items()
        if name != "challenger"
    ]
    beside = f" ({'; '.join(others)})" if others else ""

    def _paint(axes: Axes) -> None:
        labels = {name: f"{label_of(name)} {write_percent(share)}" for name, share in found.items()}
        _lines(axes, scorers, trace_gains, labels.__getitem__)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
        axes.axvline(READ_SHARE, color=MUTED, linewidth=1)
        axes.text(READ_SHARE + 0.015, 0.015, "best 5 %", color=INK)
        share_axes(axes, "candidates that get a push", "purchases found")
        axes.legend(loc="lower right", title="found in the best 5 %", alignment="left")

    return Picture(
        "gains",
        _paint,
        title=f"The best 5 % of the candidates hold {write_percent(found['challenger'])} "
        "of the purchases",
        how="Cumulative gains: push to the best so many candidates, and find so many of all "
        "purchases. Higher is better; the dotted diagonal is chance.",
        alt="Line chart of purchases found against candidates pushed. The best 5 % of the "
        f"candidates by this model hold {write_percent(found['challenger'])} of the "
        f"purchases{beside}.",
    )


def draw_precision_recall(scorers: Mapping[str, Curves]) -> Picture:
    """Draw how often a push is right while more of the purchases are found."""
    ours = scorers["challenger"]
    read = next(p for p in ours.places if p.purchases >= READ_RECALL * ours.places[-1].purchases)
    right = read.purchases / read.candidates
    areas = [
        f"{label_of(name)} {c.metrics['average_precision']:.3f}" for name, c in scorers.items()
    ]

    def _paint(axes: Axes) -> None:
        labels = dict(zip(scorers, areas, strict=True))
        _lines(axes, scorers, trace_precision_recall, labels.__getitem__)
        axes.axhline(ours.metrics["base_rate"], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
        share_axes(axes, "purchases found (recall)", "pushes that are bought (precision)")
        axes.legend(loc="upper right", title="average precision", alignment="left")

    return Picture(
        "precision-recall",
        _paint,
        title=f"While a quarter of the purchases is found, {write_percent(right)} of the pushes "
        "are bought",
        how="Precision against recall: the area under a line is its average precision. Higher is "
        "better; the dotted line is the base rate, what a random push reaches.",
        alt="Line chart of precision against recall. At a quarter of the purchases found, "
        f"precision is {write_percent(right)}. Average precision: {'; '.join(areas)}.",
    )


def draw_roc(scorers: Mapping[str, Curves]) -> Picture:
    """Draw how purchases are told from the rest over the whole list."""
    areas = {name: f"{label_of(name)} {c.metrics['roc_auc']:.3f}" for name, c in scorers.items()}
    times = round(100 * scorers["challenger"].metrics["roc_auc"])

    def _paint(axes: Axes) -> None:
        _lines(axes, scorers, trace_roc, areas.__getitem__)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
        share_axes(axes, "unbought candidates above the score", "purchases above the score")
        axes.legend(loc="lower right", title="ROC-AUC", alignment="left")

    return Picture(
        "roc",
        _paint,
        title=f"A bought candidate scores above an unbought one {times} times in 100",
        how="ROC: it weighs the whole list, while pushes go to its top only, so average "
        "precision leads. Higher is better; the dotted diagonal is chance.",
        alt=f"ROC curves. Area under the curve: {'; '.join(areas.values())}.",
    )


def _lines(
    axes: Axes, scorers: Mapping[str, Curves], points: Points, label: Callable[[str], str]
) -> None:
    for number, (name, curves) in enumerate(scorers.items()):
        colour, dashes, width = LINES.get(name, OTHER_LINE)
        axes.plot(
            *points(curves),
            color=colour,
            linestyle=dashes,
            linewidth=width,
            label=label(name),
            zorder=5 - number / 10,  # this model on top
        )


def trace_gains(curves: Curves) -> tuple[list[float], list[float]]:
    """Give the shares of the candidates and of the purchases found, place by place."""
    rows, purchases = curves.places[-1]
    return (
        [0.0, *(place.candidates / rows for place in curves.places)],
        [0.0, *(place.purchases / purchases for place in curves.places)],
    )


def trace_precision_recall(curves: Curves) -> tuple[list[float], list[float]]:
    """Give recall and precision, place by place."""
    purchases = curves.places[-1].purchases
    recalls, precisions = [], []
    found = [place for place in curves.places if place.purchases]
    for before, place in pairwise((Place(0, 0), *found)):
        precision = place.purchases / place.candidates
        # A step across is what average precision adds up; a slope would flatter few scores.
        recalls += [before.purchases / purchases, place.purchases / purchases]
        precisions += [precision, precision]
    return recalls, precisions


def trace_roc(curves: Curves) -> tuple[list[float], list[float]]:
    """Give the shares of the unbought and of the bought above each place."""
    rows, purchases = curves.places[-1]
    unbought = rows - purchases
    return (
        [0.0, *((place.candidates - place.purchases) / unbought for place in curves.places)],
        [0.0, *(place.purchases / purchases for place in curves.places)],
    )


def _recall_at(curves: Curves, share: float) -> float:
    return next(gain.recall for gain in curves.gains if gain.share == share)


def share_axes(axes: Axes, across: str, up: str) -> None:
    """Make both axes run from 0 to 100 %."""
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=across, ylabel=up)
    percent = FuncFormatter(lambda share, _: f"{100 * share:.0f} %")
    axes.xaxis.set_major_formatter(percent)
    axes.yaxis.set_major_formatter(percent)
    axes.grid(visible=True, linewidth=0.6)
