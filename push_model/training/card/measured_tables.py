"""How good is it, in numbers? Metrics, gains, slices and importances as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from push_model.evaluation.card_slices import Slice
from push_model.evaluation.curves import Curves
from push_model.evaluation.importances import Importance
from push_model.reporting.numbers import (
    BASELINES,
    OF_PROPENSITIES,
    SCORERS,
    SHOWN_METRICS,
    UNKNOWN,
    in_order,
    label_of,
    write_interval,
    write_number,
    write_percent,
)
from push_model.reporting.section import Table


def tabulate_metrics(
    metrics: Mapping[str, Mapping[str, Any]],
    intervals: Mapping[str, Mapping[str, Any]],
    *,
    caption: str,
) -> Table:
    r"""Lay the metrics of the scorers side by side.

    Examples
    --------
    >>> found = {"challenger": {"roc_auc": 0.85}, "popularity": {"roc_auc": 0.73}}
    >>> tabulate_metrics(found, {"challenger": {"roc_auc": [0.84, 0.86]}}, caption="").rows
    (('ROC-AUC', '0.8500\n(0.8400 to 0.8600)', '0.7300'),)
    """
    scorers = in_order(metrics)
    rows = tuple(
        (heading, *(_metric(name, form, scorer, metrics, intervals) for scorer in scorers))
        for name, heading, form in SHOWN_METRICS
        if any(metrics[scorer].get(name) is not None for scorer in scorers)
    )
    return Table(caption, ("metric", *(label_of(name) for name in scorers)), rows)


def _metric(
    name: str,
    form: str,
    scorer: str,
    metrics: Mapping[str, Mapping[str, Any]],
    intervals: Mapping[str, Mapping[str, Any]],
) -> str:
    if scorer in BASELINES and name in OF_PROPENSITIES:
        return UNKNOWN
    ends = (intervals.get(scorer) or {}).get(name)
    return _with_interval(metrics[scorer].get(name), form, ends)


def tabulate_gains(scorers: Mapping[str, Curves]) -> Table:
    """List what a push to the best few candidates finds, this model's in full."""
    names = [name for name in in_order(scorers) if name in {"champion", *BASELINES}]
    rows = tuple(
        (
            f"best {write_percent(gain.share)}",
            write_percent(gain.precision),
            write_percent(gain.recall),
            f"{gain.lift:.1f}",
            *(f"{scorers[name].gains[place].lift:.1f}" for name in names),
        )
        for place, gain in enumerate(scorers["challenger"].gains)
    )
    lifts = tuple(f"lift, {SCORERS[name]}" for name in names)
    headings = ("push to the", "pushes bought", "purchases found", "lift", *lifts)
    return Table("Lift: times the purchases that as many random pushes find", headings, rows)


def tabulate_slices(slices: Sequence[Slice]) -> Table:
    """List the slices with their size."""
    rival = next((found.rival for found in slices if found.rival), "")
    has_gain = any(found.gain for found in slices)
    rows = tuple(
        (
            found.slice,
            *(write_number(n, "{:,}") for n in (found.orders, found.rows, found.purchases)),
            _with_interval(found.average_precision, "{:.3f}", found.interval),
            *([write_number(found.rival_average_precision, "{:.3f}")] if rival else []),
            *([_gain(found)] if has_gain else []),
            write_number(found.expected_per_actual, "{:.2f}"),
        )
        for found in slices
    )
    compared = ((label_of(rival),) if rival else ()) + (("gain",) if has_gain else ())
    headings = ("slice", "orders", "rows", "purchases", "average precision", *compared)
    caption = "Slices overlap. A dash: too few purchases to tell, or nobody to compare with"
    return Table(caption, (*headings, "expected / actual"), rows)


def _gain(found: Slice) -> str:
    return _with_interval(found.gain[0], "{:+.1%}", found.gain[1:]) if found.gain else UNKNOWN


def _with_interval(value: Any, form: str, ends: Sequence[float] | None) -> str:
    written = write_number(value, form)
    return f"{written}\n({write_interval(ends, form)})" if ends else written


def tabulate_importances(importances: Sequence[Importance]) -> Table:
    """List what is lost without each feature."""
    rows = tuple(
        (found.feature, _signed(found.lost), f"{_signed(found.low)} to {_signed(found.high)}")
        for found in importances
    )
    headings = ("feature", "average precision lost", "least to most of the repeats")
    return Table("When one feature's values are shuffled", headings, rows)


def _signed(lost: float) -> str:
    return f"{round(lost, 4) + 0.0:.4f}"  # + 0.0: no minus before zero
