"""How do the finalists rank and promise, place by place? Four pictures a window."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from push_model.exploration.report.found import BASELINES, Entry, Result
from push_model.exploration.report.palette import LEGEND_ROW, style_number
from push_model.exploration.report.texts import make_slug, shorten
from push_model.training.card.chart import GROUND, HEIGHT, MUTED, WIDTH, Picture
from push_model.training.card.curves import LEAST_SHOWN
from push_model.training.card.promise_figures import percent_ticks
from push_model.training.card.ranking_figures import share_axes
from push_model.training.card.shown import write_percent

# The share at which a title reads the lift.
READ_SHARE = 0.05
DOTTED = (0, (1, 3))


def draw_curves(finalists: Sequence[tuple[Entry, Result]], part: str) -> Iterator[Picture]:
    """Draw the curves of some entries on one part.

    Parameters
    ----------
    finalists : sequence of (Entry, Result)
        With a curve each, the one that titles speak of first.
    part : str
        Where they were judged.

    Yields
    ------
    Picture
        Precision and recall, ROC, lift, reliability.
    """
    slug = make_slug(part)
    yield _draw_precision_recall(finalists, part, f"precision-recall-{slug}")
    yield _draw_roc(finalists, part, f"roc-{slug}")
    yield _draw_lift(finalists, part, f"lift-{slug}")
    yield _draw_reliability(finalists, part, f"reliability-{slug}")


def _draw_precision_recall(
    finalists: Sequence[tuple[Entry, Result]], part: str, name: str
) -> Picture:
    base_rate = finalists[0][1].metric("base_rate")

    def _paint(axes: Axes) -> None:
        _trace(axes, finalists, "precision_recall", drawstyle="steps-pre")
        if base_rate is not None:
            axes.axhline(base_rate, color=MUTED, linewidth=1, linestyle=DOTTED)
        share_axes(axes, "purchases found (recall)", "pushes that are bought (precision)")

    says = _list(finalists, lambda result: f"{result.average_precision:.3f}")
    return _picture(
        name,
        finalists,
        _paint,
        title=f"Precision against recall, {part}: average precision {says[0]}",
        how="The area under a line is its average precision. Higher is better; the dotted line is "
        "the base rate, what a random push reaches.",
        alt=f"Average precision: {'; '.join(says)}.",
    )


def _draw_roc(finalists: Sequence[tuple[Entry, Result]], part: str, name: str) -> Picture:
    def _paint(axes: Axes) -> None:
        _trace(axes, finalists, "roc")
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=DOTTED)
        share_axes(axes, "unbought candidates above the score", "purchases above the score")

    says = _list(finalists, lambda result: f"{result.metric('roc_auc') or 0.0:.3f}")
    return _picture(
        name,
        finalists,
        _paint,
        title=f"ROC, {part}: area {says[0]}",
        how="It weighs the whole list, while pushes go to its top only, so average precision "
        "leads. Higher is better; the dotted diagonal is chance.",
        alt=f"Area under the ROC curve: {'; '.join(says)}.",
    )


def _draw_lift(finalists: Sequence[tuple[Entry, Result]], part: str, name: str) -> Picture:
    def _paint(axes: Axes) -> None:
        for number, (entry, result) in enumerate(finalists):
            gains = result.curve.get("lift") or ()
            shares, lifts = ([gain[of] for gain in gains] for of in ("share", "lift"))
            _line(axes, number, entry, shares, lifts, marker=style_number(number).marker)
        axes.axhline(1, color=MUTED, linewidth=1, linestyle=DOTTED)
        shares = sorted({g["share"] for _, r in finalists for g in r.curve.get("lift") or ()})
        axes.set_xscale("log")
        axes.set_xticks(shares, [write_percent(share) for share in shares])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.grid(visible=True, linewidth=0.6)
        axes.set(xlabel="best candidates that get a push", ylabel="times the base rate (lift)")

    says = _list(finalists, _read_lift)
    return _picture(
        name,
        finalists,
        _paint,
        title=f"Lift at the best 5 %, {part}: {says[0]}",
        how="How many times as many of the pushes are bought as of random ones, when the best so "
        "many candidates get one. The dotted line is chance.",
        alt=f"Lift at the best 5 %: {'; '.join(says)}.",
    )


def _draw_reliability(finalists: Sequence[tuple[Entry, Result]], part: str, name: str) -> Picture:
    promising = [pair for pair in finalists if pair[0].family not in BASELINES]

    def _paint(axes: Axes) -> None:
        axes.plot([LEAST_SHOWN, 1], [LEAST_SHOWN, 1], color=MUTED, linewidth=1, linestyle=DOTTED)
        for number, (entry, result) in enumerate(promising):
            bins = [b for b in result.curve.get("reliability") or () if _is_shown(b)]
            promised, bought = ([b[of] for b in bins] for of in ("promised", "bought"))
            _line(axes, number, entry, promised, bought, marker=style_number(number).marker)
        axes.set(xscale="log", yscale="log")
        percent_ticks(axes)
        axes.grid(visible=True, linewidth=0.6)
        axes.set(xlabel="promised: mean propensity", ylabel="happened: share bought")
        ends = _find_ends(promising)
        axes.set(xlim=ends, ylim=ends)

    says = _list(promising, lambda result: f"{result.metric('ece') or 0.0:.4f}")
    return _picture(
        name,
        promising,
        _paint,
        title=f"Reliability, {part}: calibration error {says[0] if says else '-'}",
        how="Groups of candidates, what they promise against what happened. On the dotted diagonal "
        "a propensity means what it says; below it too much is promised. Logarithmic axes.",
        alt=f"Expected calibration error: {'; '.join(says)}.",
    )


def _picture(
    name: str,
    finalists: Sequence[tuple[Entry, Result]],
    paint: Callable[[Axes], None],
    **said: Any,
) -> Picture:
    def _paint(axes: Axes) -> None:
        paint(axes)
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.2), borderaxespad=0)

    return Picture(name, _paint, size=(WIDTH, HEIGHT + LEGEND_ROW * len(finalists)), **said)


def _trace(axes: Axes, finalists: Sequence[tuple[Entry, Result]], curve: str, **style: Any) -> None:
    for number, (entry, result) in enumerate(finalists):
        points = result.curve.get(curve) or ()
        across, up = [point[0] for point in points], [point[1] for point in points]
        _line(axes, number, entry, across, up, **style)


def _line(
    axes: Axes, number: int, entry: Entry, x: Sequence[float], y: Sequence[float], **style: Any
) -> None:
    colour, dashes, *_ = style_number(number)
    drawn: dict[str, Any] = {"color": colour, "linestyle": dashes, "mec": GROUND, "linewidth": 1.7}
    axes.plot(x, y, label=shorten(entry.name, 52), zorder=5 - number / 10, **drawn | style)


def _list(finalists: Sequence[tuple[Entry, Result]], write: Callable[[Result], str]) -> list[str]:
    return [f"{entry.name} {write(result)}" for entry, result in finalists]


def _read_lift(result: Result) -> str:
    lifts = {gain["share"]: gain["lift"] for gain in result.curve.get("lift") or ()}
    return f"{lifts[READ_SHARE]:.1f}" if READ_SHARE in lifts else "-"


def _is_shown(found: Mapping[str, float]) -> bool:
    return found["promised"] > 0 and found["bought"] > 0


def _find_ends(finalists: Sequence[tuple[Entry, Result]]) -> tuple[float, float]:
    """Give where the axes of promises begin and end."""
    bins = [b for _, result in finalists for b in result.curve.get("reliability") or ()]
    shown = [b[of] for b in bins if _is_shown(b) for of in ("promised", "bought")]
    least = min(shown, default=LEAST_SHOWN)
    return max(LEAST_SHOWN, least / 1.5), min(1.0, 1.5 * max(shown, default=1.0))
