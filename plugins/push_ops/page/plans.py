"""Say what an action on the page would do, before a person confirms it.

A plan is made twice: when the form is shown, and when it comes back. What a plan rests on must be
the same both times.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from time import time
from typing import Any, NamedTuple

from push_model.errors import InvalidEventError
from push_model.reporting.numbers import write_moment
from push_model.status.status import RunStatus, Status
from push_model.store import inventory
from push_model.store.folder import check_folder
from push_model.store.history import earlier_champions, former_champions, history
from push_model.store.pointer import Champion, find_champion, model_path
from push_ops.page.database import DAG_ID, Schedule
from push_ops.retraining.form import FORM

_PROMOTION = FORM["promotion"]
_MOST_KEPT = 1000


class Installation(NamedTuple):
    """What a plan is made from."""

    models_dir: Path
    runs_dir: Path
    status: Status
    schedule: Schedule


class Choice(NamedTuple):
    """A field of the form that comes before a plan."""

    name: str
    label: str
    value: str
    kind: str = "text"  # of HTML's input; unused where there are options
    options: tuple[tuple[str, str], ...] = ()  # value and label


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an action would do."""

    button: str
    sentences: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    listed: tuple[tuple[str, str], ...] = ()  # models, and whether they go or stay
    confirm: str = "I have read what will happen."
    obstacle: str = ""  # why it cannot be done
    seen: Mapping[str, Any] = field(default_factory=dict)  # what it rests on, as JSON


def plan_promotion(here: Installation, chosen: Mapping[str, str]) -> Plan:
    """Plan to make a model the champion: by its verdict where that still holds, else by force."""
    names = inventory.model_names(here.models_dir)[::-1] if here.models_dir.is_dir() else ()
    serving, is_damaged = find_champion(here.models_dir)
    name = chosen.get("model", "")
    options = (("", "Choose a model"), *((each, _label(each, serving)) for each in names))
    plan = Plan(
        button="Promote",
        choices=(Choice("model", "Model", name, options=options),),
        obstacle="Choose a model." if names else "The store holds no model yet.",
    )
    if not name:
        return plan
    _require_model(name, names)
    if serving and serving.model_name == name:
        return replace(plan, obstacle=f"{name} is the champion already. {say_who(serving)}")
    if faults := _find_faults(here.models_dir, name):
        return replace(plan, obstacle=f"{name} is damaged: {faults[0]}")
    run, why_not = _find_verdict(here.status, name, serving, is_damaged=is_damaged)
    plan = replace(
        plan,
        obstacle="",
        sentences=(
            f"{name} will be the champion. {_say_serving(serving, is_damaged=is_damaged)}",
            *([_say_won(run)] if run else _say_forced(name, why_not)),
            *_say_running(here.schedule),
            _say_next_run(here.schedule, name),
        ),
        seen={"model": name, "run": run.folder if run else None, **_see(serving)},
    )
    if run:
        return plan
    confirm = f"Promote {name} although no verdict allows it."
    return replace(plan, button="Promote without a verdict", confirm=confirm)


def plan_rollback(here: Installation, chosen: Mapping[str, str]) -> Plan:
    """Plan to go back to a former champion; without a choice, to the last one that is whole."""
    serving, is_damaged = find_champion(here.models_dir)
    names = former_champions(history(here.models_dir), rolled_back_over=True)
    others = tuple(each for each in names if not serving or each != serving.model_name)
    name = chosen.get("to") or next(earlier_champions(here.models_dir), "")
    options = tuple((each, each) for each in others)
    plan = Plan(
        button="Roll back",
        choices=(Choice("to", "Go back to", name, options=options),) if options else (),
        obstacle="No former champion is whole, so there is no way back. Promote a model instead.",
    )
    if not name:
        return plan
    _require_model(name, others)
    if faults := _find_faults(here.models_dir, name):
        return replace(plan, obstacle=f"{name} is damaged: {faults[0]}")
    advice = f" One like the present champion may win again: to prevent that, pause {DAG_ID}."
    return replace(
        plan,
        obstacle="",
        sentences=(
            f"{name} will serve again. {_say_serving(serving, is_damaged=is_damaged)}",
            *_say_running(here.schedule),
            _say_next_run(here.schedule, name, advice),
        ),
        seen={"model": name, **_see(serving)},
    )


def plan_retraining(here: Installation, chosen: Mapping[str, str]) -> Plan:
    """Plan a run of the DAG, today's or of an earlier day."""
    day, promotes = _read_day(chosen.get("run_date", "")), chosen.get("promotion") or "auto"
    if promotes not in _PROMOTION["enum"]:
        raise InvalidEventError(f"Promotion must be one of {_PROMOTION['enum']}.")
    serving, is_damaged = find_champion(here.models_dir)
    waits = (
        f"{DAG_ID} is paused: the run waits until a person unpauses it."
        if here.schedule.is_paused
        else "If another run has not ended, it waits for that."
    )
    ends = {
        "auto": "Its challenger becomes the champion if it wins.",
        "manual": "If its challenger wins, Airflow asks a person.",
        "never": "It leaves the champion alone.",
    }[promotes]
    until = f"It reads nothing after {day}, so a winner knows less than today's would."
    return Plan(
        button="Start the run",
        choices=(
            Choice("run_date", "Run date (empty: today)", str(day or ""), kind="date"),
            Choice(
                "promotion",
                _PROMOTION["title"],
                promotes,
                options=tuple(_PROMOTION["values_display"].items()),
            ),
        ),
        sentences=(
            f"A run of {DAG_ID} starts for {day or 'today'}, with the final model. {waits}",
            f"{ends} {_say_serving(serving, is_damaged=is_damaged)}",
            *([until] if day and promotes != "never" else []),
            _say_next_run(here.schedule, "the champion of that moment"),
        ),
        seen={"run_date": str(day) if day else None, "promotion": promotes},
    )


def plan_pruning(here: Installation, chosen: Mapping[str, str]) -> Plan:
    """Plan which models go, and remove nothing."""
    keep = _read_count(chosen.get("keep") or str(inventory.KEPT_BY_DEFAULT))
    if not here.models_dir.is_dir():
        return Plan(button="Remove", obstacle="The store holds no model yet.")
    found = inventory.plan_pruning(here.models_dir, keep=keep, now=time())
    going = _count_models(len(found.removed))
    left = f" {len(found.swept)} leftovers of crashes go too." if found.swept else ""
    safe = (
        "The champion stays, and so do the last two before it: a rollback remains possible. The "
        "next scheduled run is not affected."
    )
    return Plan(
        button=f"Remove {going}",
        choices=(Choice("keep", "How many of the newest stay", str(keep), kind="number"),),
        sentences=(f"{going} would go for good, {len(found.kept)} stay.{left}", safe),
        listed=(
            *((name, "goes") for name in found.removed),
            *((name, f"stays: {why}") for name, why in found.kept if not why.startswith("one of")),
        ),
        confirm="They may go for good.",
        obstacle="" if found.removed or found.swept else "There is nothing to remove.",
        seen={"keep": keep, "removed": list(found.removed)},
    )


def plan_message(_: Installation, __: Mapping[str, str]) -> Plan:
    """Plan a test message."""
    return Plan(
        button="Send",
        sentences=(
            "One test message goes to the log, and to the chat and the mail that are set up.",
            "Champion, store and the next scheduled run are not affected.",
        ),
    )


def say_who(move: Champion) -> str:
    """Return who made a model the champion, when, how and why."""
    ways = {"verdict": "by its verdict", "forced": "by force", "rollback": "by a rollback"}
    why = f": {move.reason}" if move.reason else "."
    how = ways.get(move.kind, "by hand")
    return f"{move.by} made it so at {write_moment(move.promoted_at)}, {how}{why}"


def _find_verdict(
    status: Status, name: str, serving: Champion | None, *, is_damaged: bool
) -> tuple[RunStatus | None, str]:
    """Return the run whose verdict still promotes a model, or why there is none."""
    run = next((run for run in status.runs if run.verdict and run.model_name == name), None)
    if run is None or run.verdict is None:
        return None, "no run has judged it."
    if run.verdict.decision != "promote":
        return None, f"it did not win in the run of {run.run_date}. {run.verdict.headline}"
    if is_damaged:
        return None, "champion.json is damaged, so it is unknown what it won against."
    before, line = run.verdict.champion_name, run.verdict.champion_line
    if before != (serving and serving.model_name):
        return None, f"it won against {before or 'no champion'}, and another model serves now."
    if line != (serving and serving.line):
        return None, f"it won against {before}, which was replaced since and came back."
    return run, ""


def _say_won(run: RunStatus) -> str:
    headline = run.verdict.headline if run.verdict else ""
    return f"The gate promotes it: it won in the run of {run.run_date}. {headline}"


def _say_forced(name: str, why_not: str) -> tuple[str, str]:
    return (
        f"The gate does not promote {name}: {why_not}",
        "So this promotion is forced, and History marks it.",
    )


def _say_serving(serving: Champion | None, *, is_damaged: bool) -> str:
    if serving:
        return f"Now {serving.model_name} serves, since {write_moment(serving.promoted_at)}."
    return "champion.json is damaged, and is replaced." if is_damaged else "Now nothing serves."


def _say_running(schedule: Schedule) -> tuple[str, ...]:
    if not schedule.is_running:
        return ()
    return ("A run goes on. If it has passed validate, it cannot promote any more.",)


def _say_next_run(schedule: Schedule, against: str, advice: str = "") -> str:
    if schedule.is_paused or schedule.next_run is None:
        return f"{DAG_ID} is paused or not scheduled, so no scheduled run changes that."
    ends = {
        "auto": "replaces it if the challenger wins",
        "manual": "asks a person if the challenger wins",
        "never": "leaves it in place",
    }[_PROMOTION["default"]]
    is_due = schedule.next_run <= datetime.now(UTC)
    when = "due since" if is_due else "at"
    return (
        f"The next scheduled run, {when} {schedule.next_run:%Y-%m-%d %H:%M} UTC, compares its "
        f"challenger with {against} and {ends}.{advice}"
    )


def _see(serving: Champion | None) -> dict[str, Any]:
    # With the moment, for a pointer that was written by hand has no line.
    return {
        "champion": serving and serving.model_name,
        "line": serving and serving.line,
        "since": serving and serving.promoted_at,
    }


def _label(name: str, serving: Champion | None) -> str:
    return f"{name} (serves)" if serving and serving.model_name == name else name


def _find_faults(models_dir: Path, name: str) -> tuple[str, ...]:
    folder = model_path(models_dir, name)
    return check_folder(folder).faults if folder.is_dir() else ("its folder is gone.",)


def _require_model(name: str, names: tuple[str, ...]) -> None:
    # Compared with what is there: a name from an address never becomes a path.
    if name not in names:
        raise InvalidEventError("There is no such model to choose.")


def _read_day(text: str) -> date | None:
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise InvalidEventError("The run date must be a day: yyyy-mm-dd.") from None
    if day > datetime.now(UTC).date():
        raise InvalidEventError("The run date must not lie in the future.")
    return day


def _read_count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST_KEPT):
        raise InvalidEventError(f"Keep at least 1 model, at most {_MOST_KEPT}.")
    return int(text)


def _count_models(count: int) -> str:
    return f"{count} {'model' if count == 1 else 'models'}"
