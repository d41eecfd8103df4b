"""How do the finalists rank and promise, place by place? Four pictures a window."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from push_model.evaluation.curves import LEAST_SHOWN, Bin, Curves
from push_model.exploration.report.found import BASELINES
from push_model.exploration.report.palette import LEGEND_ROW, style_number
from push_model.exploration.report.texts import make_slug, shorten
from push_model.reporting.calibration import percent_ticks
from push_model.reporting.numbers import UNKNOWN, write_percent
from push_model.reporting.picture import GROUND, HEIGHT, MUTED, WIDTH, Picture
from push_model.reporting.ranking import (
    share_axes,
    trace_precision_recall,
    trace_roc,
)

# The share at which a title reads the lift.
READ_SHARE = 0.05
DOTTED = (0, (1, 3))


class Traced(NamedTuple):
    """An entry's curves, under the name that stands in the picture."""

    name: str
    family: str
    curves: Curves


Finalists = Sequence[Traced]


def draw_curves(finalists: Finalists, part: str) -> Iterator[Picture]:
    """Draw the curves of some entries on one part."""
    yield _draw_precision_recall(finalists, part)
    yield _draw_roc(finalists, part)
    yield _draw_lift(finalists, part)
    promising = [pair for pair in finalists if pair.family not in BASELINES]
    if promising:
        yield _draw_reliability(promising, part)


def _draw_precision_recall(finalists: Finalists, part: str) -> Picture:
    def _paint(axes: Axes) -> None:
        for number, (name, _, curves) in enumerate(finalists):
            _line(axes, number, name, *trace_precision_recall(curves))
        base_rate = finalists[0].curves.metrics["base_rate"]
        axes.axhline(base_rate, color=MUTED, linewidth=1, linestyle=DOTTED)
        share_axes(axes, "purchases found (recall)", "pushes that are bought (precision)")

    says = [f"{name} {curves.metrics['average_precision']:.3f}" for name, _, curves in finalists]
    return _picture(
        make_slug("precision-recall", part),
        finalists,
        _paint,
        title=f"Precision against recall, {part}: average precision {says[0]}",
        how="The area under a line is its average precision. Higher is better; the dotted line is "
        "the base rate, what a random push reaches.",
        alt=f"Average precision: {'; '.join(says)}.",
    )


def _draw_roc(finalists: Finalists, part: str) -> Picture:
    def _paint(axes: Axes) -> None:
        for number, (name, _, curves) in enumerate(finalists):
            _line(axes, number, name, *trace_roc(curves))
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=DOTTED)
        share_axes(axes, "unbought candidates above the score", "purchases above the score")

    says = [f"{name} {curves.metrics['roc_auc']:.3f}" for name, _, curves in finalists]
    return _picture(
        make_slug("roc", part),
        finalists,
        _paint,
        title=f"ROC, {part}: area {says[0]}",
        how="It weighs the whole list, while pushes go to its top only, so average precision "
        "leads. Higher is better; the dotted diagonal is chance.",
        alt=f"Area under the ROC curve: {'; '.join(says)}.",
    )


def _draw_lift(finalists: Finalists, part: str) -> Picture:
    def _paint(axes: Axes) -> None:
        for number, (name, _, curves) in enumerate(finalists):
            shares, lifts = ([getattr(g, of) for g in curves.gains] for of in ("share", "lift"))
            _line(axes, number, name, shares, lifts, marker=style_number(number).marker)
        axes.axhline(1, color=MUTED, linewidth=1, linestyle=DOTTED)
        axes.set_xscale("log")
        ticks = sorted({gain.share for *_, curves in finalists for gain in curves.gains})
        axes.set_xticks(ticks, [write_percent(share) for share in ticks])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.grid(visible=True, linewidth=0.6)
        axes.set(xlabel="best candidates that get a push", ylabel="times the base rate (lift)")

    says = [f"{name} {_read_lift(curves)}" for name, _, curves in finalists]
    return _picture(
        make_slug("lift", part),
        finalists,
        _paint,
        title=f"Lift at the best 5 %, {part}: {says[0]}",
        how="How many times as many of the pushes are bought as of random ones, when the best so "
        "many candidates get one. The dotted line is chance.",
        alt=f"Lift at the best 5 %: {'; '.join(says)}.",
    )


def _draw_reliability(finalists: Finalists, part: str) -> Picture:
    def _paint(axes: Axes) -> None:
        axes.plot([LEAST_SHOWN, 1], [LEAST_SHOWN, 1], color=MUTED, linewidth=1, linestyle=DOTTED)
        for number, (name, _, curves) in enumerate(finalists):
            _promise(axes, number, name, curves)
        ends = _find_ends(finalists)
        axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
        percent_ticks(axes)
        axes.grid(visible=True, linewidth=0.6)
        axes.set(xlabel="promised: mean propensity", ylabel="happened: share bought")

    says = [f"{name} {curves.metrics['ece']:.4f}" for name, _, curves in finalists]
    return _picture(
        make_slug("reliability", part),
        finalists,
        _paint,
        title=f"Reliability, {part}: calibration error {says[0]}",
        how="Groups of candidates, what they promise against what happened; bars are 95 % "
        "intervals. On the dotted diagonal a propensity means what it says; below it too much is "
        "promised. Logarithmic axes.",
        alt=f"Expected calibration error: {'; '.join(says)}.",
    )


def _promise(axes: Axes, number: int, name: str, curves: Curves) -> None:
    bins = _shown_bins(curves)
    promised, happened = ([getattr(b, of) for b in bins] for of in ("promised", "happened"))
    _line(axes, number, name, promised, happened, marker=style_number(number).marker)
    lows, highs = [b.low for b in bins], [b.high for b in bins]
    axes.vlines(promised, lows, highs, color=style_number(number).colour, linewidth=0.8)


def _picture(
    name: str, finalists: Finalists, paint: Callable[[Axes], None], **said: Any
) -> Picture:
    def _paint(axes: Axes) -> None:
        paint(axes)
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.2), borderaxespad=0)

    return Picture(name, _paint, size=(WIDTH, HEIGHT + LEGEND_ROW * len(finalists)), **said)


def _line(
    axes: Axes, number: int, name: str, x: Sequence[float], y: Sequence[float], **style: Any
) -> None:
    colour, dashes, *_ = style_number(number)
    drawn: dict[str, Any] = {"color": colour, "linestyle": dashes, "mec": GROUND, "linewidth": 1.7}
    axes.plot(x, y, label=shorten(name, 52), zorder=5 - number / 10, **drawn | style)


def _read_lift(curves: Curves) -> str:
    lifts = {gain.share: gain.lift for gain in curves.gains}
    return f"{lifts[READ_SHARE]:.1f}" if READ_SHARE in lifts else UNKNOWN


def _shown_bins(curves: Curves) -> list[Bin]:
    """Keep what a logarithmic axis can show."""
    return [found for found in curves.reliability if found.promised > 0 and found.happened > 0]


def _find_ends(finalists: Finalists) -> tuple[float, float]:
    """Give where the axes of promises begin and end."""
    bins = [found for *_, curves in finalists for found in _shown_bins(curves)]
    shown = [share for found in bins for share in (found.promised, found.happened)]
    least = min(shown, default=LEAST_SHOWN)
    return max(LEAST_SHOWN, least / 1.5), min(1.0, 1.5 * max(shown, default=1.0))
