"""Read the status of an installation from its store, its run folders and its backtests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from push_model.errors import (
    InvalidEventError,
    ModelIntegrityError,
    ModelNotFoundError,
    PushModelError,
)
from push_model.serving.health import age_in_days
from push_model.status.quality import choose_next_step, find_measured, judge_champion
from push_model.status.runs import read_runs
from push_model.status.status import (
    ChampionStatus,
    DriftLine,
    Kind,
    ModelLine,
    Move,
    RunStatus,
    ServiceDay,
    ServiceRecord,
    Status,
)
from push_model.store.folder import check_folder, read_manifest
from push_model.store.history import find_log_faults, history
from push_model.store.inventory import summarise
from push_model.store.pointer import Champion, champion, model_path
from push_model.training.backtesting.lines import BACKTESTS_FILE, read_backtests

if TYPE_CHECKING:  # it needs pydantic, which takes a third of a second to import
    from push_model.training.gate.policy import Policy

#: Its days are over, and it changes the champion only where a person says so.
BACKFILL = "backfill"


def read_status(
    models_dir: Path,
    runs_dir: Path,
    *,
    now: datetime,
    max_age_days: int,
    policy: "Policy",
) -> Status:
    """Read the status. What cannot be read is named in it; nothing is raised.

    Every file of the champion is checked; of other models, which takes a second for sixty of them,
    only that the files are there with their sizes.

    Parameters
    ----------
    models_dir, runs_dir : Path
        They may be absent: nothing was trained then.
    now : datetime
        With a zone.
    max_age_days : int
        Oldest champion allowed.
    policy : Policy
        The gate's limits.
    """
    faults: list[str] = []
    pointer, pointer_fault = _read_pointer(models_dir)
    moves = _read_moves(models_dir, faults)
    runs, run_faults = read_runs(
        runs_dir, now=now, promoted=frozenset(move.run_id for move in moves if move.run_id)
    )
    own = [run for run in runs if run.kind != BACKFILL]
    service = _read_service(runs_dir, pointer, faults) if pointer else None
    drift_run = next(filter(_has_drift, own), None)
    models = _list_models(models_dir, pointer, moves, faults)
    status = Status(
        at=now.astimezone(UTC).isoformat(timespec="seconds"),
        champion=None,
        pointer_fault=pointer_fault,
        newest=own[0] if own else None,
        runs=runs,
        service=service,
        drift=_list_drift(drift_run, policy),
        drift_run=drift_run,
        models=models,
        moves=moves,
        faults=(*faults, *run_faults),
        kept_in_a_row=_count_kept(own),
        next_step="",
    )
    if pointer:
        described = _describe_champion(
            pointer, status, models_dir, now=now, max_age_days=max_age_days, policy=policy
        )
        status = replace(status, champion=described)
    return replace(status, next_step=choose_next_step(status))


def _read_pointer(models_dir: Path) -> tuple[Champion | None, str | None]:
    try:
        return champion(models_dir), None
    except ModelIntegrityError as error:
        return None, str(error)


def _read_moves(models_dir: Path, faults: list[str]) -> tuple[Move, ...]:
    try:
        moves = history(models_dir)
        faults.extend(find_log_faults(models_dir))
    except ModelIntegrityError as error:
        faults.append(str(error))
        return ()
    return tuple(_describe_move(move) for move in reversed(moves))


def _describe_move(move: Champion) -> Move:
    by, run_id = _split_by(move.by)
    return Move(
        line=move.line,
        at=move.promoted_at,
        model_name=move.model_name,
        before=move.before,
        kind=_kind_of(move),
        by=by,
        run_id=run_id,
        reason=move.reason,
        limits_changed=_limits_changed(move),
    )


def _split_by(text: str) -> tuple[str, str | None]:
    """Split who moved the pointer into a person or trigger, and the run.

    Examples
    --------
    >>> _split_by("ana, run manual__1"), _split_by("ana")
    (('ana', 'manual__1'), ('ana', None))
    """
    by, _, run_id = text.partition(", run ")
    return by, run_id or None


def _kind_of(move: Champion) -> Kind:
    return cast("Kind", move.kind) if move.kind in get_args(Kind) else "unknown"


def _limits_changed(move: Champion) -> Mapping[str, Any]:
    found = move.verdict.get("changed_limits") if isinstance(move.verdict, dict) else None
    if not isinstance(found, dict):
        return {}
    return {
        name: limit
        for name, limit in found.items()
        if isinstance(limit, dict)
        and all(type(limit.get(key)) in {int, float} for key in ("value", "usual"))
    }


def _describe_champion(
    pointer: Champion,
    status: Status,
    models_dir: Path,
    *,
    now: datetime,
    max_age_days: int,
    policy: "Policy",
) -> ChampionStatus:
    faults, trained_on = _read_folder(models_dir, pointer.model_name)
    age_days = age_in_days(trained_on or "", now.astimezone(UTC).date())
    measured = find_measured(pointer.model_name, status.runs)
    by, run_id = _split_by(pointer.by)
    return ChampionStatus(
        model_name=pointer.model_name,
        since=pointer.promoted_at,
        by=by,
        run_id=run_id,
        kind=_kind_of(pointer),
        reason=pointer.reason,
        limits_changed=_limits_changed(pointer),
        faults=faults,
        trained_on=trained_on,
        age_days=age_days,
        max_age_days=max_age_days,
        average_precision=measured.average_precision if measured else None,
        popularity=measured.popularity if measured else None,
        expected_per_actual=measured.expected_per_actual if measured else None,
        measured=measured.where if measured else None,
        quality=judge_champion(
            faults=faults,
            age_days=age_days,
            max_age_days=max_age_days,
            measured=measured,
            service=status.service,
            kept_in_a_row=status.kept_in_a_row,
            policy=policy,
        ),
    )


def _read_folder(models_dir: Path, name: str) -> tuple[tuple[str, ...], str | None]:
    """Return the faults of a model's files, and its training date."""
    try:
        folder = model_path(models_dir, name)
        faults = check_folder(folder).faults
        trained_on = read_manifest(folder).get("trained_on")
    except ModelNotFoundError:
        return (f"{name} is gone from the store.",), None
    except (InvalidEventError, ModelIntegrityError) as error:
        return (str(error),), None
    return faults, trained_on if isinstance(trained_on, str) else None


def _count_kept(runs: Sequence[RunStatus]) -> int:
    """Count the newest days on which a challenger lost or was undecided, up to one that won."""
    days = set()
    for run in runs:
        verdict = run.verdict
        # Failed runs say nothing of models, and neither does the champion trained once more.
        if verdict is None or verdict.model_name == verdict.champion_name:
            continue
        if verdict.decision == "promote":
            break
        days.add(run.run_date)
    return len(days)


def _read_service(runs_dir: Path, pointer: Champion, faults: list[str]) -> ServiceRecord | None:
    """Return what the champion expected since it serves, from the newest backtest of each day."""
    try:
        found = read_backtests(runs_dir / BACKTESTS_FILE)
        lines = [line for line in found if line["model_name"] == pointer.model_name]
        since = _utc_day(pointer.promoted_at)
        days: dict[str, ServiceDay] = {}
        newest = None
        for line in lines:
            # Runs of another dataset are trials, unless the newest is of it.
            if (line["dataset"], line["min_items"]) != (
                lines[-1]["dataset"],
                lines[-1]["min_items"],
            ):
                continue
            later = {day.day: day for day in map(_read_day, line["days"]) if day.day > since}
            days |= later
            newest = line if later else newest
        if newest is None:
            return None
        return _sum_up(pointer.model_name, [days[day] for day in sorted(days)], newest["total"])
    except PushModelError as error:
        faults.append(str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        faults.append(f"{BACKTESTS_FILE} cannot be read: {type(error).__name__}.")
    return None


def _read_day(document: Mapping[str, Any]) -> ServiceDay:
    return ServiceDay(
        day=str(document["day"]),
        orders=int(document["orders"]),
        expected=float(document["expected_purchases"]),
        actual=int(document["actual_purchases"]),
    )


def _sum_up(
    model_name: str, days: Sequence[ServiceDay], newest: Mapping[str, Any]
) -> ServiceRecord:
    return ServiceRecord(
        model_name=model_name,
        first_day=days[0].day,
        last_day=days[-1].day,
        orders=sum(day.orders for day in days),
        expected=sum(day.expected for day in days),
        actual=sum(day.actual for day in days),
        average_precision=newest["average_precision"],
        popularity=newest["popularity_average_precision"],
        days=tuple(days),
    )


def _utc_day(moment: str) -> str:
    """Return the day of a moment in UTC; a pointer written by hand may have none."""
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        return ""
    return str((read if read.tzinfo is None else read.astimezone(UTC)).date())


def _has_drift(run: RunStatus) -> bool:
    return bool(run.verdict and run.verdict.holdout and run.verdict.holdout.drift)


def _list_drift(run: RunStatus | None, policy: "Policy") -> tuple[DriftLine, ...]:
    holdout = run.verdict.holdout if run and run.verdict else None
    if run is None or holdout is None:
        return ()
    limit = run.limits_changed.get("max_psi", {}).get("value", policy.max_psi)
    lines = [
        DriftLine(
            feature=found.feature,
            distance=found.psi,
            limit=limit,
            changed=found.changed,
            sentence=found.says,
        )
        for found in holdout.drift
    ]
    return tuple(sorted(lines, key=lambda line: (line.changed, line.distance), reverse=True))


def _list_models(
    models_dir: Path,
    pointer: Champion | None,
    moves: Sequence[Move],
    faults: list[str],
) -> tuple[ModelLine, ...]:
    try:
        found = summarise(models_dir, is_thorough=False)
    except ModelNotFoundError:  # nothing was trained yet
        return ()
    except OSError as error:
        faults.append(f"The store cannot be read ({error.strerror}). Let this process read it.")
        return ()
    former = {move.model_name for move in moves}
    lines = [
        ModelLine(
            name=model.name,
            trained_on=model.trained_on,
            family=model.family,
            average_precision=model.average_precision,
            faults=model.faults,
            is_champion=pointer is not None and pointer.model_name == model.name,
            was_champion=model.name in former,
        )
        for model in found
    ]
    return tuple(sorted(lines, key=lambda line: (line.trained_on or "", line.name), reverse=True))
