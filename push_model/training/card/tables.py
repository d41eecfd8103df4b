"""The tables of a card, the same for the page and for Markdown."""

from collections.abc import Iterator, Mapping, Sequence

from push_model.evaluation.curves import Curves
from push_model.evaluation.importances import Importance
from push_model.evaluation.results import Slice
from push_model.reporting.numbers import (
    BASELINES,
    SHOWN_METRICS,
    UNKNOWN,
    in_order,
    label_of,
    write_interval,
    write_metric,
    write_number,
    write_percent,
)
from push_model.reporting.section import Table
from push_model.training.gate.verdict import FeatureDrift, Finding
from push_model.training.manifest import WindowFacts

_RESULTS = {False: "✗ failed", None: "? too little data", True: "✓ passed"}

_Ends = tuple[float, float]


def tabulate_findings(
    findings: Sequence[Finding], *, with_passed_slices: bool = False
) -> Iterator[Table]:
    """List every rule, failed ones first; of the slice rules those that did not pass."""
    slices = [found for found in findings if found.about == "slice"]
    rules = [found for found in findings if found.about != "slice"]
    yield _tabulate_rules(rules, caption="Every rule of the gate")
    others = [found for found in slices if found.passed is not True]
    passed = f"Slice rules: {len(slices) - len(others)} of {len(slices)} passed"
    if slices and with_passed_slices:
        yield _tabulate_rules(slices, caption=passed)
    elif others:
        yield _tabulate_rules(others, caption=f"{passed}; the others")


def _tabulate_rules(findings: Sequence[Finding], *, caption: str) -> Table:
    results = list(_RESULTS)
    rows = tuple(
        (
            found.rule,
            _RESULTS[found.passed],
            write_number(found.value),
            write_number(found.limit),
            found.sentence,
        )
        for found in sorted(findings, key=lambda found: results.index(found.passed))
    )
    return Table(caption, ("rule", "result", "value", "limit", "in words"), rows, numeric=False)


def tabulate_metrics(
    metrics: Mapping[str, Mapping[str, float]], intervals: Mapping[str, Mapping[str, _Ends]]
) -> Table:
    r"""Compare the metrics of scorers.

    Examples
    --------
    >>> found = {"challenger": {"roc_auc": 0.85}, "popularity": {"roc_auc": 0.73}}
    >>> tabulate_metrics(found, {"challenger": {"roc_auc": (0.84, 0.86)}}).rows
    (('ROC-AUC', '0.8500\n(0.8400 to 0.8600)', '0.7300'),)
    """

    def write(name: str, form: str, scorer: str) -> str:
        written = write_metric(name, form, scorer, metrics[scorer][name])
        ends = intervals.get(scorer, {}).get(name)
        return f"{written}\n({write_interval(ends, form)})" if ends else written

    rows = tuple(
        (heading, *(write(name, form, scorer) for scorer in metrics))
        for name, heading, form in SHOWN_METRICS
        if name in metrics["challenger"]
    )
    return Table("On the holdout", ("metric", *map(label_of, metrics)), rows)


def tabulate_gains(scorers: Mapping[str, Curves]) -> Table:
    """List what a push to the best candidates finds, in full for this model."""
    others = [name for name in in_order(scorers) if name == "champion" or name in BASELINES]
    rows = tuple(
        (
            f"best {write_percent(gain.share)}",
            write_percent(gain.precision),
            write_percent(gain.recall),
            f"{gain.lift:.1f}",
            *(f"{scorers[name].gains[place].lift:.1f}" for name in others),
        )
        for place, gain in enumerate(scorers["challenger"].gains)
    )
    lifts = tuple(f"lift, {label_of(name)}" for name in others)
    headings = ("push to the", "pushes bought", "purchases found", "lift", *lifts)
    return Table("Lift: purchases found, over those of as many random pushes", headings, rows)


def tabulate_slices(slices: Sequence[Slice]) -> Table:
    """List the slices with their sizes."""
    rows = tuple(
        (
            part.name,
            *(f"{count:,}" for count in (part.orders, part.rows, part.purchases)),
            f"{part.average_precision:.3f}",
            f"{part.rival_average_precision:.3f}",
            "{}\n({} to {})".format(*map(_percent, part.gain)),
            f"{part.expected_per_actual.estimate:.2f}",
        )
        for part in slices
    )
    headings = ("slice", "orders", "rows", "purchases", "average precision")
    return Table(
        "Slices overlap. The gain has an interval; wide ones mean too few orders",
        (*headings, label_of(slices[0].rival), "gain", "expected / actual"),
        rows,
    )


def _percent(gain: float) -> str:
    return f"{round(100 * gain) + 0.0:+.0f} %"  # + 0.0: no minus before zero


def tabulate_importances(importances: Sequence[Importance]) -> Table:
    """List the average precision lost without each feature."""
    rows = tuple(
        (found.feature, _signed(found.lost), f"{_signed(found.low)} to {_signed(found.high)}")
        for found in importances
    )
    headings = ("feature", "average precision lost", "least to most of the repeats")
    return Table("When the values of one feature are shuffled", headings, rows)


def _signed(lost: float) -> str:
    return f"{round(lost, 4) + 0.0:.4f}"


def tabulate_drift(drift: Sequence[FeatureDrift]) -> Table:
    """List how far each feature moved, the changed and the furthest first."""
    rows = tuple(
        (
            found.feature,
            f"{found.psi:.3f}",
            "changed" if found.changed else "as before",
            found.says,
        )
        for found in sorted(drift, key=lambda found: (not found.changed, -found.psi))
    )
    headings = ("feature", "population stability index", "result", "in words")
    return Table("0 means no change", headings, rows, numeric=False)


def tabulate_windows(windows: Mapping[str, WindowFacts]) -> Table:
    """List the windows of the data by their days, the refit last."""
    rows = tuple(
        (
            name,
            window["start"],
            window["end"],
            *(f"{count:,}" for count in (window["orders"], window["rows"], window["purchases"])),
        )
        for name, window in sorted(
            windows.items(), key=lambda item: (item[0] == "refit", item[1]["start"])
        )
    )
    headings = ("window", "from", "until before", "orders", "rows", "purchases")
    caption = "Whole orders by day. Each window starts where the one before ends; the refit has all"
    return Table(caption, headings, rows)


def tabulate_facts(facts: Mapping[str, object], *, caption: str, of: str) -> Table:
    """List named facts."""
    rows = tuple((name, UNKNOWN if value is None else str(value)) for name, value in facts.items())
    return Table(caption, (of, "value"), rows, numeric=False)
