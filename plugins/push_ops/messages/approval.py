"""May this challenger serve? A person answers in Airflow's page, where the form asks for one."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context
from airflow.sdk.bases.notifier import BaseNotifier

from push_ops.messages.layouts import as_question
from push_ops.messages.messages import say_awaited, say_not_approved
from push_ops.messages.notify import link_to_run, link_to_task, tell
from push_ops.retraining.run_folder import read_json

# The other steps may take 8 hours, the run 12: it ends in time, whatever they take. While it waits
# it holds up the next day's run, for one runs at a time; a person who chose this is about anyway.
RESPONSE_TIMEOUT = timedelta(hours=4)
# Where Airflow's page takes the answer; -1 is a task that is not mapped.
_SCREEN = "/required_actions?map_index=-1"


class ApprovePromotion(ApprovalOperator):
    """Wait for a person's answer where the form says ``manual`` and the verdict ``promote``.

    Approve goes on; Reject, or no answer in time, skips what follows.
    """

    template_fields: Sequence[str] = (*ApprovalOperator.template_fields, "validated")

    def __init__(self, *, validated: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(
            subject="Promote the challenger?",  # and more, once the verdict is known
            defaults=self.REJECT,
            response_timeout=RESPONSE_TIMEOUT,
            notifiers=_Awaited(),
            **kwargs,
        )
        self.validated = validated

    def execute(self, context: Context) -> dict[str, str | None]:
        """Ask, or go on at once."""
        if context["params"]["promotion"] == "manual" and self.validated["decision"] == "promote":
            self.subject, self.body = as_question(self.read_run(), hours=self.hours)
            super().execute(context)
        return {"approved_by": None}

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str | None]:
        """Take the answer."""
        user = event.get("responded_by_user")
        name = str(user["name"]) if user else None
        if event.get("chosen_options") == [self.REJECT]:
            task = context["ti"]
            link = link_to_run(task.dag_id, task.run_id)
            message = say_not_approved(self.read_run(), rejected_by=name, link=link)
            tell(message, dag_id=task.dag_id)
        super().execute_complete(context, event)
        return {"approved_by": name}

    @property
    def hours(self) -> float:
        """How long the question waits."""
        return (self.response_timeout or timedelta()).total_seconds() / 3600

    def read_run(self) -> dict[str, Any]:
        """Read what ``verdict.json`` holds."""
        return read_json(Path(self.validated["verdict"]))


class _Awaited(BaseNotifier):
    """Airflow calls it once the question is on the screen."""

    def notify(self, context: Context) -> None:
        task, operator = context["ti"], context["task"]
        assert isinstance(operator, ApprovePromotion)
        link = link_to_task(task.dag_id, task.run_id, task.task_id, _SCREEN)
        message = say_awaited(operator.read_run(), hours=operator.hours, link=link)
        tell(message, dag_id=task.dag_id)
