"""Do what a plan says: change the champion, the store or the schedule, or send a test message."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from time import time
from typing import Any, NamedTuple

from push_model.errors import PromotionConflictError, list_some
from push_model.store import inventory, promotion
from push_model.store.pointer import Champion, find_champion, model_path
from push_model.training.gate.verdict import VERDICT_FILE
from push_ops.messages.notify import link_to_card, send_test_message
from push_ops.page import database, plans
from push_ops.page.database import DAG_ID, Person
from push_ops.page.plans import Installation, Plan
from push_ops.retraining.run_folder import JudgedRun


class Outcome(NamedTuple):
    """What was done."""

    sentences: tuple[str, ...]
    event: Mapping[str, Any] | None = None  # for what waits for another champion
    run_id: str | None = None  # of a run that was started


class Action(NamedTuple):
    """Something that a person can do on the page."""

    title: str
    says: str
    plan: Callable[[Installation, Mapping[str, str]], Plan]
    act: Callable[[Installation, Plan, Person, str], Outcome]


def promote(here: Installation, plan: Plan, by: Person, reason: str) -> Outcome:
    """Make the planned model the champion, if the champion is still the one that was seen."""
    seen = plan.seen
    judged = JudgedRun.read(here.runs_dir / seen["run"] / VERDICT_FILE) if seen["run"] else None
    verdict = judged.verdict if judged else None
    moved = promotion.promote(
        here.models_dir,
        seen["model"],
        expected=seen["champion"],
        expected_line=seen["line"],
        verdict=verdict.summary() if verdict else None,
        reason=" ".join((reason, *(verdict.sentences if verdict else ()))),
        forced=verdict is None,
        **_sign(by, judged.run_id if judged else None),
    )
    event = _describe(here, plan, moved, by)
    return _moved(
        plan,
        moved,
        {**event, **judged.champion_event(card=link_to_card(judged.model_name))}
        if judged
        else event,
    )


def roll_back(here: Installation, plan: Plan, by: Person, reason: str) -> Outcome:
    """Go back to the planned model, if the champion is still the one that was seen."""
    moved = promotion.rollback(
        here.models_dir,
        to=plan.seen["model"],
        expected_line=plan.seen["line"],
        reason=reason,
        **_sign(by),
    )
    return _moved(plan, moved, _describe(here, plan, moved, by))


def retrain(_: Installation, plan: Plan, by: Person, reason: str) -> Outcome:
    """Start the planned run; the same form a second time starts none."""
    at, day = datetime.fromisoformat(plan.seen["at"]), plan.seen["run_date"]
    run_id = f"manual__{at.isoformat()}"
    database.start_run(
        run_id,
        {"promotion": plan.seen["promotion"]},
        logical_date=datetime.combine(date.fromisoformat(day), at.timetz()) if day else None,
        by=by,
        reason=reason,
    )
    return Outcome((f"The run {run_id} of {DAG_ID} was started.",), run_id=run_id)


def prune(here: Installation, plan: Plan, _: Person, __: str) -> Outcome:
    """Remove the planned models, if the same ones would still go."""
    done = inventory.prune(
        here.models_dir, keep=plan.seen["keep"], now=time(), expected=plan.seen["removed"]
    )
    # Hundreds of names would be too long for the address of the page that says so.
    gone = list_some(done.removed) if done.removed else "no model"
    return Outcome((f"Removed: {gone}. {len(done.kept)} stay.",))


def send_message(_: Installation, __: Plan, ___: Person, ____: str) -> Outcome:
    """Send a test message on every channel."""
    return Outcome(tuple(send_test_message()))


ACTIONS: Mapping[str, Action] = {
    "promote": Action(
        "Promote a model",
        "By its verdict where the champion it won against still serves, otherwise by force.",
        plans.plan_promotion,
        promote,
    ),
    "rollback": Action(
        "Roll back",
        "To a former champion whose files are whole.",
        plans.plan_rollback,
        roll_back,
    ),
    "retrain": Action(
        "Start a retraining run",
        "Today's, or that of an earlier day.",
        plans.plan_retraining,
        retrain,
    ),
    "prune": Action(
        "Remove old models", "The form shows which ones go.", plans.plan_pruning, prune
    ),
    "message": Action(
        "Send a test message",
        "To the log, the chat and by mail.",
        plans.plan_message,
        send_message,
    ),
}


def describe_champion(models_dir: Path) -> str:
    """Return what serves and who decided that, for a person who came second."""
    serving, _ = find_champion(models_dir)
    return f"{serving.model_name} serves now. {plans.say_who(serving)}" if serving else ""


def _moved(plan: Plan, moved: Champion, event: Mapping[str, Any]) -> Outcome:
    before = plan.seen["champion"]
    instead = f" in place of {before}" if before else ""
    return Outcome((f"{moved.model_name} serves now{instead}.",), event)


def _describe(here: Installation, plan: Plan, moved: Champion, by: Person) -> dict[str, Any]:
    if not moved.by.startswith(_sign(by)["by"]):  # the store found the same move done already
        raise PromotionConflictError(f"{moved.model_name} is the champion already.")
    return {
        "model_name": moved.model_name,
        "model_path": str(model_path(here.models_dir, moved.model_name)),
        "champion_before": plan.seen["champion"],
        "kind": moved.kind,
        "by": moved.by,
        "reason": moved.reason,
    }


def _sign(person: Person, run_id: str | None = None) -> dict[str, str]:
    by = f"{person.name}, on Airflow's page"
    return {
        "by": f"{by}, run {run_id}" if run_id else by,
        "promoted_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
