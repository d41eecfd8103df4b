"""Run the five steps of push_retraining: load, filter, train, validate, promote.

They hand on paths and small facts, never frames. Each writes aside and renames, so that a step
that runs twice, or is killed half way, leaves what one whole run leaves.
"""

import json
import logging
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, time
from typing import Any

from push_model.columns import MIN_ITEMS
from push_model.errors import DatasetError
from push_model.store.durable import write_json
from push_model.store.promotion import promote as move_champion
from push_model.training.data.delivery import Delivery, bring_in
from push_model.training.data.files import describe_dataset, is_file_uri
from push_model.training.data.frames import open_copy, write_parquet
from push_model.training.data.history import with_history
from push_model.training.data.orders import keep_large_orders, require_orders
from push_model.training.gate.verdict import Verdict
from push_model.training.parametrisation import describe
from push_ops.data.fetching import at_hand, require_settled
from push_ops.messages.notify import link_to_card
from push_ops.retraining.request import RetrainingRequest
from push_ops.retraining.run_folder import (
    JudgedRun,
    find_run_folder,
    read_judged,
    require_done,
    require_shared,
)
from push_ops.retraining.signals import (
    record_input,
    record_output,
    send_age,
    send_step,
    send_verdict,
)
from push_ops.retraining.watch import age_of, backtest, require_fit

logger = logging.getLogger(__name__)


def load(request: RetrainingRequest) -> dict[str, Any]:
    """Read the dataset up to the run date, check every row and keep the rows as Parquet."""
    started = perf_counter()
    path = find_run_folder(request.runs_dir, request.run_id).frame
    with _naming_check(request):
        copy = _bring_in(request, path)
    counts = {"rows": copy.rows, "orders": _count_orders(path)}
    seconds = perf_counter() - started
    logger.info("Kept %s rows of %s orders in %.1f s.", *counts.values(), seconds)
    send_step(request, "load", seconds=seconds, **counts)
    record_input(request.dataset, sha256=copy.facts.sha256)
    return {"frame": str(path), **counts, "dataset": copy.facts.document()}


def filter_orders(request: RetrainingRequest, loaded: dict[str, Any]) -> dict[str, Any]:
    """Keep whole orders in which enough items were bought."""
    started = perf_counter()
    require_done(loaded, "load")
    logger.info("Keeping orders with at least %d items bought.", request.min_items)
    path = find_run_folder(request.runs_dir, request.run_id).large_orders
    with _naming_check(request):
        rows = _copy_large(request, loaded, path)
    counts = {"rows": rows, "orders": _count_orders(path)}
    seconds = perf_counter() - started
    logger.info(
        "Kept %s of %s orders, %s of %s rows, in %.1f s.",
        *(counts["orders"], loaded["orders"], rows, loaded["rows"], seconds),
    )
    send_step(request, "filter", seconds=seconds, **counts)
    return {"large_orders": str(path), **counts, "dataset": loaded["dataset"]}


def train(request: RetrainingRequest, filtered: dict[str, Any]) -> dict[str, Any]:
    """Train the parametrisation and save a model folder, which does not serve yet."""
    from push_model.training.fit import handler_fit  # noqa: PLC0415 - seconds no other step pays

    started = perf_counter()
    require_done(filtered, "filter")
    require_shared(filtered["large_orders"], "filter")
    logger.info("Training on %s rows of %s orders.", filtered["rows"], filtered["orders"])
    event = {
        "model_parametrisation": describe(request.parametrisation),
        "dataset": filtered["large_orders"],
        "min_items": request.min_items,
        "holdout_days": request.holdout_days,
        "training_date": str(request.run_date),
        "models_dir": str(request.models_dir),
    }
    body = json.loads(handler_fit(event, None)["body"])
    model = {"model_name": body["model_name"], "model_path": body["model_path"][0]}
    fit = find_run_folder(request.runs_dir, request.run_id).fit
    run = {"run_id": request.run_id, "run_date": str(request.run_date)}
    write_json(fit, {**run, **model, "event": event, "dataset": filtered["dataset"]})
    seconds = perf_counter() - started
    logger.info("The challenger is %s (%.1f s).", model["model_name"], seconds)
    send_step(request, "train", seconds=seconds)
    record_output(model["model_path"])
    return {**model, "large_orders": filtered["large_orders"], "dataset": filtered["dataset"]}


def validate(request: RetrainingRequest, trained: dict[str, Any]) -> dict[str, Any]:
    """Compare the challenger with champion and baselines on the newest orders."""
    started = perf_counter()
    require_done(trained, "train")
    require_shared(trained["large_orders"], "filter")
    _require_shared_model(request, trained["model_name"])
    logger.info("Evaluating %s.", trained["model_name"])
    folder, run = find_run_folder(request.runs_dir, request.run_id), _judge(request, trained)
    run.write(folder.verdict)
    seconds, verdict = perf_counter() - started, run.verdict
    logger.info("%s (%.1f s)", verdict.sentence(), seconds)
    send_step(request, "validate", seconds=seconds)
    send_verdict(request, verdict, at=time())
    # Now, because promote fails where the champion that stays is too old.
    if verdict.champion_name:
        send_age(request, age_of(request, verdict.champion_name))
    return {"verdict": str(folder.verdict), "decision": verdict.decision}


def promote(
    request: RetrainingRequest, validated: dict[str, Any], *, approved_by: str | None = None
) -> dict[str, Any]:
    """Make a winner the champion; otherwise leave the champion and say why."""
    started = perf_counter()
    require_done(validated, "validate")
    run = read_judged(validated["verdict"])
    verdict = run.verdict
    may_promote = request.promotion == "auto" or (request.promotion == "manual" and approved_by)
    promoted = verdict.decision == "promote" and bool(may_promote)
    if promoted:
        _require_shared_model(request, run.model_name)
        _move_champion(request, verdict, by=approved_by or request.requested_by)
    outcome = run.outcome(promoted=promoted, unless=_why_not(request))
    outcome = f"{outcome} {' '.join(verdict.sentences)}"
    if verdict.champion_name and not promoted and request.promotion != "never":
        require_fit(request, verdict.champion_name, run.backtests, outcome)
    logger.info("%s", outcome)
    send_step(request, "promote", seconds=perf_counter() - started)
    if promoted:
        send_age(request, age_of(request, run.model_name))
    event = run.champion_event(card=link_to_card(run.model_name)) if promoted else None
    return {"promoted": promoted, "sentence": outcome, "event": event}


def _bring_in(request: RetrainingRequest, path: Path) -> Delivery:
    uri, until = request.dataset, request.run_date
    path.parent.mkdir(parents=True, exist_ok=True)
    require_settled(uri, settle_s=request.settle_s)
    with at_hand(uri, path.parent, until=until) as fetched:
        return bring_in(fetched.path, path, until=until, facts=fetched.facts)


@contextmanager
def _naming_check(request: RetrainingRequest) -> Iterator[None]:
    """Add to a refusal of a file the command that checks it."""
    try:
        yield
    except DatasetError as error:
        if not is_file_uri(request.dataset):
            raise
        command = ["push-model", "check", request.dataset, "--until", str(request.run_date)]
        if request.min_items != MIN_ITEMS:
            command += ["--min-items", str(request.min_items)]
        raise type(error)(f"{error}\nTo check it: {shlex.join(command)}") from None


def _require_shared_model(request: RetrainingRequest, model_name: str) -> None:
    require_shared(request.models_dir / model_name, "train", variable="PUSH_MODELS_DIR")


def _copy_large(request: RetrainingRequest, loaded: dict[str, Any], path: Path) -> int:
    require_shared(loaded["frame"], "load")
    frame = open_copy(Path(loaded["frame"]))
    # Always with history: the champion may need it where this run's parametrisation does not.
    large = keep_large_orders(with_history(frame), min_items=request.min_items)
    require_orders(
        large,
        frame,
        min_items=request.min_items,
        until=request.run_date,
        source=loaded["dataset"]["uri"],
    )
    # The copy remembers the dataset it comes from, so the model's manifest names that.
    return write_parquet(large, path, facts=describe_dataset(loaded["frame"]).metadata())


def _judge(request: RetrainingRequest, trained: dict[str, Any]) -> JudgedRun:
    from push_model.training.gate.validation import validate_model  # noqa: PLC0415 - as in train

    verdict = validate_model(
        trained["large_orders"],
        model_name=trained["model_name"],
        models_dir=str(request.models_dir),
        min_items=request.min_items,
        training_date=request.run_date,
        holdout_days=request.holdout_days,
        policy=request.policy,
        changed_limits=request.changed_limits,
    )
    return JudgedRun(
        run_id=request.run_id,
        run_date=str(request.run_date),
        model_name=trained["model_name"],
        model_path=trained["model_path"],
        dataset=trained["dataset"],
        backtests=backtest(request, trained["large_orders"]),
        verdict=verdict,
    )


def _move_champion(request: RetrainingRequest, verdict: Verdict, *, by: str) -> None:
    move_champion(
        request.models_dir,
        verdict.model_name,
        expected=verdict.champion_name,
        expected_line=verdict.champion_line,
        verdict=verdict.summary(),
        reason=" ".join(verdict.sentences),
        promoted_at=datetime.now(UTC).isoformat(timespec="seconds"),
        by=f"{by}, run {request.run_id}",
    )


def _why_not(request: RetrainingRequest) -> str:
    if request.promotion == "manual":
        return "it was not approved"
    if request.is_backfill:
        return "a backfill promotes only what a person approves ('manual')"
    return "the form says 'never'"


def _count_orders(path: Path) -> int:
    ((orders,),) = open_copy(path).aggregate("count(DISTINCT order_id)").fetchall()
    return int(orders)
