"""Send what a step did to Airflow: gauges for operators, and its files for lineage.

Gauges go the way of Airflow's own metrics, and nowhere where these are off
(``AIRFLOW__METRICS__STATSD_ON``). A dry run sends none, and so does a backfill: neither says
anything about what serves. Their names are in docs/operations.md and on the dashboard.

Lineage goes to OpenLineage where that is on. It covers files; what is behind an Airflow connection
has no name there.
"""

from pathlib import Path
from typing import Any

from push_model.training.data.files import is_file_uri, to_path
from push_model.training.gate.verdict import Verdict
from push_ops.retraining.request import RetrainingRequest

#: Gauges and their tags, which are labels where metrics are kept.
GAUGES = {
    "push.step_seconds": "how long a step took; by `step`",
    "push.rows": "rows after a step; by `step`",
    "push.orders": "orders after a step; by `step`",
    "push.decision": "1 for the verdict's decision, 0 for the others; by `decision`",
    "push.average_precision": "on the holdout; by `scorer`",
    "push.promised_per_purchase": "purchases predicted for each purchase on the holdout",
    "push.drift_psi": "of the feature that moved most since the champion was trained",
    "push.model_age_days": "of the model that serves after the run, on the run date",
    "push.judged_at": "when the newest verdict was reached, in seconds since 1970",
}
_DECISIONS = ("promote", "keep", "inconclusive")


def send_step(request: RetrainingRequest, step: str, *, seconds: float, **counts: float) -> None:
    """Send how long a step took, and how many rows and orders it left."""
    for name, value in {"step_seconds": seconds, **counts}.items():
        _send(request, f"push.{name}", value, step=step)


def send_verdict(request: RetrainingRequest, verdict: Verdict, *, at: float) -> None:
    """Send a verdict, what it rests on, and when it was reached (seconds since 1970)."""
    for decision in _DECISIONS:
        _send(request, "push.decision", decision == verdict.decision, decision=decision)
    if found := verdict.holdout:
        for scorer, metrics in found.metrics.items():
            _send(request, "push.average_precision", metrics.average_precision, scorer=scorer)
        own = found.metrics["challenger"]
        _send(request, "push.promised_per_purchase", own.expected_per_actual)
        if found.drift:
            _send(request, "push.drift_psi", max(feature.psi for feature in found.drift))
    _send(request, "push.judged_at", at)


def send_age(request: RetrainingRequest, age_days: int | None) -> None:
    """Send the age of the model that serves; None sends nothing."""
    if age_days is not None:
        _send(request, "push.model_age_days", age_days)


def record_input(uri: str, *, sha256: str | None) -> None:
    """Record in Airflow's lineage which dataset a task has read."""
    if is_file_uri(uri):
        path, where = _as_asset(to_path(uri))
        _lineage().add_input_asset(path, uri=where, asset_extra={"sha256": sha256})


def record_output(path: str) -> None:
    """Record in Airflow's lineage which file or folder a task has written."""
    written, where = _as_asset(Path(path))
    _lineage().add_output_asset(written, uri=where)


# GAUGES are also read where no Airflow is, so Airflow is imported late.


def _as_asset(path: Path) -> tuple[Any, str]:
    from airflow.sdk import ObjectStoragePath  # noqa: PLC0415

    uri = path.absolute().as_uri()
    return ObjectStoragePath(uri), uri


def _lineage() -> Any:
    from airflow.sdk.lineage import get_hook_lineage_collector  # noqa: PLC0415

    return get_hook_lineage_collector()


def _send(request: RetrainingRequest, name: str, value: float, **tags: str) -> None:
    if request.promotion == "never":
        return
    from airflow.sdk.observability import stats  # noqa: PLC0415

    assert name in GAUGES
    # A tag's value is written between commas and colons.
    plain = {tag: word.replace(" ", "_") for tag, word in tags.items()}
    stats.gauge(name, float(value), tags=plain)
