"""Which numbers of a run does an operator watch? Gauges, sent as Airflow sends its own metrics.

Nothing is sent where none are switched on (``AIRFLOW__METRICS__STATSD_ON``), and by a dry run, a
backfill among them: it says nothing of what serves. The names stand in docs/operations.md and on
the dashboard.
"""

from collections.abc import Mapping
from typing import Any

from push_ops.retraining.request import RetrainingRequest

#: What each gauge says. A tag is a label of its own where metrics are kept.
GAUGES = {
    "push.step_seconds": "how long a step took; by `step`",
    "push.rows": "rows after a step; by `step`",
    "push.orders": "orders after a step; by `step`",
    "push.decision": "1 for the verdict's decision, 0 for the others; by `decision`",
    "push.average_precision": "on the holdout; by `scorer`",
    "push.promised_per_purchase": "purchases promised for each one made on the holdout",
    "push.drift_psi": "of the feature that moved most since the champion was trained",
    "push.model_age_days": "of the model that serves after the run, on the run date",
    "push.judged_at": "when the newest verdict was reached, in seconds since 1970",
}
DECISIONS = ("promote", "keep", "inconclusive")


def send_step(request: RetrainingRequest, step: str, *, seconds: float, **facts: float) -> None:
    """Send how long a step took, and how much it left."""
    for name, value in {"step_seconds": seconds, **facts}.items():
        _send(request, f"push.{name}", value, step=step)


def send_verdict(request: RetrainingRequest, verdict: Mapping[str, Any], *, at: float) -> None:
    """Send what the gate found."""
    for decision in DECISIONS:
        _send(request, "push.decision", decision == verdict["decision"], decision=decision)
    for scorer, metrics in verdict.get("metrics", {}).items():
        _send(request, "push.average_precision", metrics["average_precision"], scorer=scorer)
    if own := verdict.get("metrics", {}).get("challenger"):
        _send(request, "push.promised_per_purchase", own["expected_per_actual"])
    if drift := [found["psi"] for found in verdict.get("drift", [])]:
        _send(request, "push.drift_psi", max(drift))
    _send(request, "push.judged_at", at)


def send_age(request: RetrainingRequest, age_days: int | None) -> None:
    """Send how old the model is that serves."""
    if age_days is not None:
        _send(request, "push.model_age_days", age_days)


def _send(request: RetrainingRequest, name: str, value: float, **tags: str) -> None:
    if request.promotion == "never":
        return
    from airflow.sdk.observability import stats  # noqa: PLC0415 - GAUGES are read without Airflow, too

    assert name in GAUGES
    # A tag's value is written between commas and colons.
    plain = {tag: word.replace(" ", "_") for tag, word in tags.items()}
    stats.gauge(name, float(value), tags=plain)
