"""Draw cumulative gains, precision-recall, ROC, reliability and the distribution of scores."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from push_model.evaluation.curves import LEAST_SHOWN, Bin, Curves, Place
from push_model.evaluation.metrics import PUSH_THRESHOLD
from push_model.reporting.numbers import write_percent
from push_model.reporting.picture import (
    DOTTED,
    GROUND,
    HEIGHT,
    INK,
    LEGEND_ROW,
    MUTED,
    OURS,
    RULE,
    WIDTH,
    Picture,
    Style,
)

# Share of the purchases, and of the candidates, at which a title reads the curves.
_READ_RECALL = 0.25
_READ_SHARE = 0.05
# Letters of two labels that fit beside each other in the legend.
_SHORT_LABELS = 43

Points = tuple[Sequence[float], Sequence[float]]


class Line(NamedTuple):
    """A scorer in a picture: what was measured, and how it is drawn."""

    name: str  # in the legend; at most 44 letters fit
    curves: Curves
    style: Style


def draw_curves(lines: Sequence[Line], *, where: str = "") -> Iterator[Picture]:
    """Draw how scorers rank: cumulative gains, precision-recall and ROC.

    Titles state what was found for the first line. `where` names the window, if there are several.
    """
    yield _draw_gains(lines, where)
    yield _draw_precision_recall(lines, where)
    yield _draw_roc(lines, where)


def _draw_gains(lines: Sequence[Line], where: str) -> Picture:
    found = [_recall_at(line.curves, _READ_SHARE) for line in lines]

    def _finish(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=DOTTED)
        axes.axvline(_READ_SHARE, color=MUTED, linewidth=1)
        axes.text(_READ_SHARE + 0.015, 0.015, "best 5 %", color=INK)
        _share_axes(axes, "candidates that get a push", "purchases found")

    return _draw(
        "gains",
        lines,
        where,
        points=_trace_gains,
        legend="found in the best 5 %",
        figures=[write_percent(share) for share in found],
        finish=_finish,
        title=f"The best 5 % of the candidates hold {write_percent(found[0])} of the purchases, "
        f"{found[0] / _READ_SHARE:.1f} times what random pushes find",
        how="Cumulative gains, or lift chart: the share of all purchases found among the best "
        "candidates. Higher is better; the dotted diagonal is chance.",
    )


def _draw_precision_recall(lines: Sequence[Line], where: str) -> Picture:
    ours = lines[0].curves
    read = next(p for p in ours.places if p.purchases >= _READ_RECALL * ours.places[-1].purchases)

    def _finish(axes: Axes) -> None:
        axes.axhline(ours.metrics["base_rate"], color=MUTED, linewidth=1, linestyle=DOTTED)
        _share_axes(axes, "purchases found (recall)", "pushes that are bought (precision)")

    return _draw(
        "precision-recall",
        lines,
        where,
        points=_trace_precision_recall,
        legend="average precision",
        figures=[f"{line.curves.metrics['average_precision']:.3f}" for line in lines],
        finish=_finish,
        title=f"When a quarter of the purchases is found, "
        f"{write_percent(read.purchases / read.candidates)} of the pushes are bought",
        how="Precision against recall: the area under a line is its average precision. Higher is "
        "better; the dotted line is the purchase rate, which random pushes reach.",
    )


def _draw_roc(lines: Sequence[Line], where: str) -> Picture:
    def _finish(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=DOTTED)
        _share_axes(axes, "unbought candidates above the score", "purchases above the score")

    areas = [line.curves.metrics["roc_auc"] for line in lines]
    return _draw(
        "roc",
        lines,
        where,
        points=_trace_roc,
        legend="ROC-AUC",
        figures=[f"{area:.3f}" for area in areas],
        finish=_finish,
        title="A bought candidate scores above an unbought one "
        f"{round(100 * areas[0])} times in 100",
        how="ROC curve over the whole list. Pushes go only to its top, so average precision "
        "decides. Higher is better; the dotted diagonal is chance.",
    )


def draw_reliability(lines: Sequence[Line], *, where: str = "") -> Picture:
    """Draw predicted against actual purchase rates, bin by bin."""
    ends = _reliability_ends([line.curves for line in lines])
    metrics = lines[0].curves.metrics

    def _finish(axes: Axes) -> None:
        axes.plot([LEAST_SHOWN, 1], [LEAST_SHOWN, 1], color=MUTED, linewidth=1, linestyle=DOTTED)
        for line in lines:
            bins = _shown_bins(line.curves)
            predicted, low, high = ([getattr(b, of) for b in bins] for of in _BARS)
            axes.vlines(predicted, low, high, color=line.style.colour, linewidth=0.8)
        axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
        axes.set(xlabel="predicted: mean propensity", ylabel="actual: share bought")
        _percent_ticks(axes)
        axes.grid(visible=True, linewidth=0.6)

    return _draw(
        "reliability",
        lines,
        where,
        points=_trace_reliability,
        legend="calibration error (ECE)",
        figures=[f"{line.curves.metrics['ece']:.4f}" for line in lines],
        finish=_finish,
        title=f"It predicts {metrics['expected_per_actual']:.2f} purchases per actual purchase",
        how="Reliability: each dot is a group of candidates with equally many predicted purchases; "
        "bars are 95 % intervals. On the dotted diagonal, predictions match what happened; below "
        "it they are too high. Both axes are logarithmic.",
        has_markers=True,
    )


def draw_distribution(curves: Curves) -> Picture:
    """Draw how high bought and unbought candidates score."""
    pushed, found = (curves.metrics[name] for name in ("pushed_share", "recall_when_pushed"))
    edges, bought, not_bought = curves.histogram

    def _paint(axes: Axes) -> None:
        groups = (("not bought", not_bought, MUTED, 0.35), ("bought", bought, OURS, 0.55))
        for label, counts, colour, alpha in groups:
            shares = [count / max(1, sum(counts)) for count in counts]
            axes.stairs(shares, edges, fill=True, color=colour, alpha=alpha, label=label)
        axes.axvline(PUSH_THRESHOLD, color=RULE, linewidth=1.4)
        top = axes.get_ylim()[1]
        axes.text(PUSH_THRESHOLD * 1.12, top, "push: p > 0.05", color=INK, va="top")
        axes.set(xscale="log", xlim=(LEAST_SHOWN, 1), xlabel="propensity", ylabel="share of group")
        _percent_ticks(axes)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.legend(loc="upper left")

    return Picture(
        "distribution",
        _paint,
        title=f"{write_percent(pushed)} of the candidates score above 0.05 and hold "
        f"{write_percent(found)} of the purchases",
        how="Score distribution; each group adds up to 100 %. The less the groups overlap, the "
        "better the model separates them. The axis is logarithmic.",
        alt=f"Histograms of propensities. {write_percent(pushed)} of the candidates are above "
        f"the push threshold of 0.05; among them are {write_percent(found)} of the purchases.",
    )


def _draw(
    kind: str,
    lines: Sequence[Line],
    where: str,
    *,
    points: Callable[[Curves], Points],
    legend: str,
    figures: Sequence[str],
    finish: Callable[[Axes], None],
    title: str,
    how: str,
    has_markers: bool = False,
) -> Picture:
    labels = [f"{line.name} {figure}" for line, figure in zip(lines, figures, strict=True)]
    half = -(-len(labels) // 2)
    widths = [max(map(len, column), default=0) for column in (labels[:half], labels[half:])]
    columns = 2 if sum(widths) <= _SHORT_LABELS else 1

    def _paint(axes: Axes) -> None:
        for number, (line, label) in enumerate(zip(lines, labels, strict=True)):
            axes.plot(
                *points(line.curves),
                color=line.style.colour,
                linestyle=line.style.dashes,
                linewidth=1.6 if number else 2.4,
                marker=line.style.marker if has_markers else "",
                mec=GROUND,
                label=label,
                zorder=5 - number / 10,  # the first on top
            )
        finish(axes)
        axes.legend(
            title=legend,
            ncols=columns,
            alignment="left",
            loc="upper left",
            bbox_to_anchor=(-0.02, -0.2),
            borderaxespad=0,
        )

    rows = 1 + -(-len(lines) // columns)
    return Picture(
        "-".join((kind, *re.findall(r"[a-z0-9]+", where.lower()))),
        _paint,
        title=f"{title} ({where})" if where else title,
        how=how,
        alt=f"{how.partition(':')[0]}. {legend.capitalize()}: {'; '.join(labels)}.",
        size=(WIDTH, HEIGHT + LEGEND_ROW * rows),
    )


def _trace_gains(curves: Curves) -> Points:
    """Return shares of the candidates, and of the purchases found among them."""
    rows, purchases = curves.places[-1]
    return (
        [0.0, *(place.candidates / rows for place in curves.places)],
        [0.0, *(place.purchases / purchases for place in curves.places)],
    )


def _trace_precision_recall(curves: Curves) -> Points:
    """Return recall and precision, in steps: sloped lines would flatter models with few scores."""
    purchases = curves.places[-1].purchases
    recalls, precisions = [], []
    found = [place for place in curves.places if place.purchases]
    for before, place in pairwise((Place(0, 0), *found)):
        recalls += [before.purchases / purchases, place.purchases / purchases]
        precisions += [place.purchases / place.candidates] * 2
    return recalls, precisions


def _trace_roc(curves: Curves) -> Points:
    """Return shares of the unbought and of the bought candidates above each score."""
    rows, purchases = curves.places[-1]
    unbought = rows - purchases
    return (
        [0.0, *((place.candidates - place.purchases) / unbought for place in curves.places)],
        [0.0, *(place.purchases / purchases for place in curves.places)],
    )


def _trace_reliability(curves: Curves) -> Points:
    bins = _shown_bins(curves)
    return [found.promised for found in bins], [found.happened for found in bins]


# Of a bin: where it stands, and its interval.
_BARS = ("promised", "low", "high")


def _shown_bins(curves: Curves) -> list[Bin]:
    """Return the bins that a logarithmic axis can show."""
    return [found for found in curves.reliability if found.promised > 0 and found.happened > 0]


def _reliability_ends(scorers: Sequence[Curves]) -> tuple[float, float]:
    shown = [
        share
        for curves in scorers
        for found in _shown_bins(curves)
        for share in (found.promised, found.happened)
    ]
    least, most = min(shown, default=LEAST_SHOWN), max(shown, default=1.0)
    return max(LEAST_SHOWN, least / 2), min(1.0, 2 * most)


def _recall_at(curves: Curves, share: float) -> float:
    return next(gain.recall for gain in curves.gains if gain.share == share)


def _share_axes(axes: Axes, across: str, up: str) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=across, ylabel=up)
    percent = FuncFormatter(lambda share, _: f"{100 * share:.0f} %")
    axes.xaxis.set_major_formatter(percent)
    axes.yaxis.set_major_formatter(percent)
    axes.grid(visible=True, linewidth=0.6)


def _percent_ticks(axes: Axes) -> None:
    percent = FuncFormatter(lambda share, _: f"{100 * share:g} %")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(percent)
        axis.set_minor_formatter("")
