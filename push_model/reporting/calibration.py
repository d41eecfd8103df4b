"""Do the propensities mean what they say? Reliability, and how high candidates score."""

from collections.abc import Iterator, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from push_model.evaluation.curves import LEAST_SHOWN, Curves
from push_model.evaluation.evaluation import Evaluation
from push_model.evaluation.metrics import PUSH_THRESHOLD
from push_model.reporting.numbers import BASELINES, in_order, label_of, write_percent
from push_model.reporting.picture import (
    GROUND,
    INK,
    LINES,
    MUTED,
    OTHER_LINE,
    OURS,
    RULE,
    Picture,
)


def draw_promises(evaluation: Evaluation) -> Iterator[Picture]:
    """Draw what the propensities promise."""
    promising = [name for name in in_order(evaluation.scorers) if name not in BASELINES]
    yield draw_reliability({name: evaluation.scorers[name] for name in promising})
    yield draw_distribution(evaluation.scorers["challenger"])


def draw_reliability(scorers: Mapping[str, Curves]) -> Picture:
    """Draw what propensities promise against what happened."""
    ratio = scorers["challenger"].metrics["expected_per_actual"]
    gaps = [f"{label_of(name)} {c.metrics['ece']:.4f}" for name, c in scorers.items()]

    def _paint(axes: Axes) -> None:
        axes.plot([LEAST_SHOWN, 1], [LEAST_SHOWN, 1], color=MUTED, linewidth=1, dashes=(1, 3))
        for name, label in reversed([*zip(scorers, gaps, strict=True)]):
            _promises(axes, name, scorers[name], label)
        ends = _reliability_ends(scorers)
        axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
        percent_ticks(axes)
        axes.grid(visible=True, linewidth=0.6)
        axes.set(xlabel="promised: mean propensity", ylabel="happened: share bought")
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc="upper left", title="ECE", alignment="left")

    return Picture(
        "reliability",
        _paint,
        title=f"It promises {ratio:.2f} purchases for each one made",
        how="Reliability: each dot is a group of candidates that promise equally many purchases; "
        "bars are 95 % intervals. On the dotted diagonal a propensity means what it says; below "
        "it too much is promised. Both axes are logarithmic.",
        alt=f"Reliability diagram. Promised purchases per purchase made: {ratio:.2f}. "
        f"Expected calibration error: {'; '.join(gaps)}.",
    )


def draw_distribution(ours: Curves) -> Picture:
    """Draw how high bought and unbought candidates score."""
    pushed, found = (ours.metrics[name] for name in ("pushed_share", "recall_when_pushed"))
    edges, bought, not_bought = ours.histogram

    def _paint(axes: Axes) -> None:
        groups = (("not bought", not_bought, MUTED, 0.35), ("bought", bought, OURS, 0.55))
        for label, counts, colour, alpha in groups:
            shares = [count / max(1, sum(counts)) for count in counts]
            axes.stairs(shares, edges, fill=True, color=colour, alpha=alpha, label=label)
        axes.axvline(PUSH_THRESHOLD, color=RULE, linewidth=1.4)
        top = axes.get_ylim()[1]
        axes.text(PUSH_THRESHOLD * 1.12, top, "push: p > 0.05", color=INK, va="top")
        axes.set(xscale="log", xlim=(LEAST_SHOWN, 1), xlabel="propensity", ylabel="share of group")
        percent_ticks(axes)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.legend(loc="upper left")

    return Picture(
        "distribution",
        _paint,
        title=f"{write_percent(pushed)} of the candidates score above 0.05 and hold "
        f"{write_percent(found)} of the purchases",
        how="Score distribution, each group adding up to 100 %: the further apart, the better "
        "they are told apart. The axis is logarithmic.",
        alt=f"Histograms of propensities. {write_percent(pushed)} of the candidates are above "
        f"the push threshold of 0.05; among them are {write_percent(found)} of the purchases.",
    )


def _promises(axes: Axes, name: str, curves: Curves, label: str) -> None:
    colour, dashes, width = LINES.get(name, OTHER_LINE)
    bins = [found for found in curves.reliability if found.promised > 0]
    promised, happened = ([getattr(b, of) for b in bins] for of in ("promised", "happened"))
    bars = [[b.happened - b.low for b in bins], [b.high - b.happened for b in bins]]
    style: dict[str, Any] = {"marker": "o", "markersize": 5, "elinewidth": 1, "capsize": 0}
    style |= {"color": colour, "linestyle": dashes, "linewidth": width / 2, "mec": GROUND}
    axes.errorbar(promised, happened, yerr=bars, label=label, **style)


def _reliability_ends(scorers: Mapping[str, Curves]) -> tuple[float, float]:
    shown = [
        share
        for curves in scorers.values()
        for found in curves.reliability
        for share in (found.promised, found.happened)
        if share > 0
    ]
    return max(LEAST_SHOWN, min(shown, default=LEAST_SHOWN) / 2), min(1.0, 2 * max(shown))


def percent_ticks(axes: Axes) -> None:
    """Write the ticks of both axes in percent, and none between them."""
    percent = FuncFormatter(lambda share, _: f"{100 * share:g} %")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(percent)
        axis.set_minor_formatter("")
