"""What does a step tell operators and lineage, once it is done? Airflow passes it on."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter, time
from typing import Any

from push_ops.retraining import steps
from push_ops.retraining.lineage import tell_read, tell_written
from push_ops.retraining.metrics import send_age, send_step, send_verdict
from push_ops.retraining.request import RetrainingRequest
from push_ops.retraining.run_folder import read_json
from push_ops.retraining.watch import age_of

Outcome = dict[str, Any]


def run_step(name: str, request: RetrainingRequest, *given: Any, **options: Any) -> Outcome:
    """Run a step of `push_ops.retraining.steps`, and tell what it did."""
    started = perf_counter()
    outcome = _STEPS[name](request, *given, **options)
    counted = {key: outcome[key] for key in ("rows", "orders") if key in outcome}
    send_step(request, name, seconds=perf_counter() - started, **counted)
    if tell := _MORE.get(name):
        tell(request, outcome)
    return outcome


def _tell_loaded(request: RetrainingRequest, outcome: Outcome) -> None:
    tell_read(request.dataset, sha256=outcome["dataset"]["sha256"])


def _tell_trained(_: RetrainingRequest, outcome: Outcome) -> None:
    tell_written(outcome["model_path"])


def _tell_judged(request: RetrainingRequest, outcome: Outcome) -> None:
    verdict = read_json(Path(outcome["verdict"]))["verdict"]
    send_verdict(request, verdict, at=time())
    # Now, for promote fails where the champion that stays is too old.
    if serving := verdict["champion_name"]:
        send_age(request, age_of(request, serving))


def _tell_promoted(request: RetrainingRequest, outcome: Outcome) -> None:
    if outcome["promoted"]:
        send_age(request, age_of(request, outcome["event"]["model_name"]))


_STEPS: dict[str, Callable[..., Outcome]] = {
    "load": steps.load,
    "filter": steps.filter_orders,
    "train": steps.train,
    "validate": steps.validate,
    "promote": steps.promote,
}
_MORE: dict[str, Callable[[RetrainingRequest, Outcome], None]] = {
    "load": _tell_loaded,
    "train": _tell_trained,
    "validate": _tell_judged,
    "promote": _tell_promoted,
}
