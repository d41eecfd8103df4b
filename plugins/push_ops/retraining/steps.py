"""What does each task of push_retraining do? Five steps, in their order.

They hand on paths and small facts, never frames. Each writes aside and renames, so that a step
which runs twice, or is killed half way, leaves what one whole run leaves.
"""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from duckdb import DuckDBPyRelation

from push_model.columns import HISTORY, JUDGING
from push_model.store.promotion import promote as move_champion
from push_model.training.data.dataset import load_dataset, open_dataset
from push_model.training.data.files import DatasetFacts, describe_dataset
from push_model.training.data.frames import write_parquet
from push_model.training.data.history import add_needed, with_history
from push_model.training.data.orders import keep_large_orders, require_orders
from push_model.training.data.schema import write_checked
from push_model.training.data.wholeness import refusing_change
from push_model.training.parametrisation import describe
from push_ops.data.fetching import at_hand
from push_ops.retraining.champion_event import describe_champion
from push_ops.retraining.request import RetrainingRequest
from push_ops.retraining.run_folder import find_run_folder, read_json, write_json
from push_ops.retraining.watch import look_back, refuse_unfit

logger = logging.getLogger(__name__)

_WITH_PAST = add_needed(JUDGING)


def load(request: RetrainingRequest) -> dict[str, Any]:
    """Read the dataset up to the run date, check every row and keep the rows as Parquet."""
    started = perf_counter()
    logger.info("Reading %s up to %s.", request.dataset, request.run_date)
    path = find_run_folder(request.runs_dir, request.run_id).frame
    with refusing_change(request.dataset):
        dataset, rows = _copy_checked(request, path)
    orders = _count_orders(path, request)
    seconds = perf_counter() - started
    logger.info("Checked and kept %s rows of %s orders in %.1f s.", rows, orders, seconds)
    facts = {"rows": rows, "orders": orders, "dataset": dataset.document()}
    return {"frame": str(path), **facts}


def filter_orders(request: RetrainingRequest, loaded: dict[str, Any]) -> dict[str, Any]:
    """Keep whole orders in which enough items were bought."""
    started = perf_counter()
    logger.info("Keeping orders with at least %d items bought.", request.min_items)
    frame = open_dataset(
        loaded["frame"], columns=_WITH_PAST, optional=HISTORY, until=request.run_date
    ).rows
    # Always: the champion may ask for it where this run's parametrisation does not.
    large = keep_large_orders(with_history(frame), min_items=request.min_items)
    require_orders(
        large,
        frame,
        min_items=request.min_items,
        until=request.run_date,
        source=loaded["dataset"]["uri"],
    )
    path = find_run_folder(request.runs_dir, request.run_id).large_orders
    # The copy remembers the dataset it comes from, so the model's manifest names that.
    rows = write_parquet(large, path, facts=describe_dataset(loaded["frame"]).metadata())
    orders = _count_orders(path, request)
    logger.info(
        "Kept %s of %s orders, %s of %s rows, in %.1f s.",
        *(orders, loaded["orders"], rows, loaded["rows"], perf_counter() - started),
    )
    facts = {"rows": rows, "orders": orders, "dataset": loaded["dataset"]}
    return {"large_orders": str(path), **facts}


def train(request: RetrainingRequest, filtered: dict[str, Any]) -> dict[str, Any]:
    """Fit the parametrisation and save a model folder, which does not serve yet."""
    from push_model.training.fit import handler_fit  # noqa: PLC0415 - seconds no other step pays

    started = perf_counter()
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
    write_json(fit, {**_run(request), **model, "event": event, "dataset": filtered["dataset"]})
    logger.info("Trained %s in %.1f s.", model["model_name"], perf_counter() - started)
    return {**model, "large_orders": filtered["large_orders"], "dataset": filtered["dataset"]}


def validate(request: RetrainingRequest, trained: dict[str, Any]) -> dict[str, Any]:
    """Judge the challenger on the newest orders and write the verdict down, with its reasons."""
    from push_model.training.gate.validation import validate_model  # noqa: PLC0415 - as in train

    started = perf_counter()
    logger.info("Judging %s.", trained["model_name"])
    verdict = validate_model(
        trained["large_orders"],
        model_name=trained["model_name"],
        models_dir=str(request.models_dir),
        min_items=request.min_items,
        training_date=request.run_date,
        holdout_days=request.holdout_days,
        policy=request.policy,
    )
    folder = find_run_folder(request.runs_dir, request.run_id)
    facts = {key: trained[key] for key in ("model_name", "model_path", "dataset")}
    facts["backtests"] = look_back(request, trained["large_orders"])
    write_json(folder.verdict, {**_run(request), **facts, "verdict": verdict.document()})
    if not request.is_backfill:
        # A pointer, not a search for the newest folder: runs for older days are started too.
        write_json(request.runs_dir / "latest.json", {"run_folder": str(folder.path)})
    logger.info("%s (%.1f s)", verdict.sentence(), perf_counter() - started)
    return {"verdict": str(folder.verdict), "decision": verdict.decision}


def promote(
    request: RetrainingRequest, validated: dict[str, Any], *, approved_by: str | None = None
) -> dict[str, Any]:
    """Make a winner the champion; leave the champion alone otherwise, and say why."""
    run = read_json(Path(validated["verdict"]))
    name, verdict = run["model_name"], run["verdict"]
    serving = verdict["champion_name"]
    may_promote = request.promotion == "auto" or (request.promotion == "manual" and approved_by)
    promoted = verdict["decision"] == "promote" and bool(may_promote)
    if promoted:
        move_champion(
            request.models_dir,
            name,
            expected=serving,
            expected_line=verdict.get("champion_line"),
            verdict={key: verdict[key] for key in ("decision", "claim", "reasons")},
            reason=verdict["headline"],
            promoted_at=datetime.now(UTC).isoformat(timespec="seconds"),
            by=f"{approved_by or request.requested_by}, run {request.run_id}",
        )
    sentence = _say(name, verdict, promoted=promoted, request=request)
    if serving and not promoted and request.promotion != "never":
        refuse_unfit(request, serving, run.get("backtests", []), sentence)
    logger.info("%s", sentence)
    event = describe_champion(run) if promoted else None
    return {"promoted": promoted, "sentence": sentence, "event": event}


def _say(name: str, verdict: dict[str, Any], *, promoted: bool, request: RetrainingRequest) -> str:
    serving = verdict["champion_name"]
    reasons = " ".join(verdict["reasons"])
    if promoted:
        return f"{name} is the champion now{f', after {serving}' if serving else ''}. {reasons}"
    stays = f"{serving} stays the champion" if serving else "There is still no champion"
    if verdict["decision"] == "promote":
        return f"{stays}: {name} won, but {_why_not(request)}. {reasons}"
    return f"{stays}: the verdict on {name} is {verdict['decision']!r}. {reasons}"


def _why_not(request: RetrainingRequest) -> str:
    if request.promotion == "manual":
        return "nobody approved it"
    if request.is_backfill:
        return "a backfilled day promotes nothing unless a person approves it ('manual')"
    return "this run was told 'never'"


def _copy_checked(request: RetrainingRequest, path: Path) -> tuple[DatasetFacts, int]:
    uri, until = request.dataset, request.run_date
    with at_hand(uri, path.parent, columns=[*_WITH_PAST, *HISTORY], until=until) as fetched:
        dataset = open_dataset(
            fetched.path, columns=_WITH_PAST, optional=HISTORY, until=until, name=uri
        )
        _require_any_order(dataset.rows, request)
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = fetched.facts
        return facts, write_checked(dataset, path, facts=facts.metadata())


def _require_any_order(frame: DuckDBPyRelation, request: RetrainingRequest) -> None:
    first = frame.limit(1)  # one row will do: counting would read the whole dataset again
    until, dataset = request.run_date, request.dataset
    require_orders(first, first, min_items=request.min_items, until=until, source=dataset)


def _count_orders(path: Path, request: RetrainingRequest) -> int:
    frame = load_dataset(str(path), columns=["order_id"], until=request.run_date)
    ((orders,),) = frame.aggregate("count(DISTINCT order_id)").fetchall()
    return int(orders)


def _run(request: RetrainingRequest) -> dict[str, str]:
    return {"run_id": request.run_id, "run_date": str(request.run_date)}
