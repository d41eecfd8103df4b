"""Ask a person in Airflow's page whether a winner may serve, where the form wants that."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context
from airflow.sdk.bases.notifier import BaseNotifier

from push_ops.messages.layouts import as_question
from push_ops.messages.messages import describe_question, describe_rejection
from push_ops.messages.notify import link_to_card, link_to_run, link_to_task, record, send
from push_ops.retraining.run_folder import JudgedRun, read_judged, require_done

# Of the run's 20 hours, 8 are for its steps, 4 for the data to arrive and 4 for this answer. While
# it waits, it holds up the next day's run.
RESPONSE_TIMEOUT = timedelta(hours=4)
# Where Airflow's page takes the answer; -1 is a task that is not mapped.
_SCREEN = "/required_actions?map_index=-1"

logger = logging.getLogger(__name__)


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
        """Ask, or go on at once where no approval is needed."""
        require_done(self.validated, "validate")
        promotion, decision = context["params"]["promotion"], self.validated["decision"]
        if promotion == "manual" and decision == "promote":
            run = self.read_run()
            card = link_to_card(run.model_name)
            self.subject, self.body = as_question(run, hours=self.hours, card=card)
            super().execute(context)
        else:
            logger.info(
                "No approval was asked for: promotion is %r and the verdict is %r; "
                "only a winner of a run with 'manual' needs one.",
                *(promotion, decision),
            )
        return {"approved_by": None}

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, str | None]:
        """Go on with the answer."""
        user = event.get("responded_by_user")
        name = str(user["name"]) if user else None
        if event.get("chosen_options") == [self.REJECT]:
            task = context["ti"]
            link = link_to_run(task.dag_id, task.run_id)
            message = describe_rejection(self.read_run(), rejected_by=name, link=link)
            record(context, message, "rejected")
            send(message, dag_id=task.dag_id)
        super().execute_complete(context, event)
        return {"approved_by": name}

    @property
    def hours(self) -> float:
        """Hours that the question waits."""
        return (self.response_timeout or timedelta()).total_seconds() / 3600

    def read_run(self) -> JudgedRun:
        """Read the run's verdict."""
        return read_judged(self.validated["verdict"])


class _Awaited(BaseNotifier):
    """Send that a question waits; Airflow calls it once the question is on the screen."""

    def notify(self, context: Context) -> None:
        task, operator = context["ti"], context["task"]
        assert isinstance(operator, ApprovePromotion)
        link = link_to_task(task.dag_id, task.run_id, task.task_id, _SCREEN)
        run = operator.read_run()
        card = link_to_card(run.model_name)
        message = describe_question(run, hours=operator.hours, link=link, card=card)
        record(context, message, "unfinished")
        send(message, dag_id=task.dag_id)
