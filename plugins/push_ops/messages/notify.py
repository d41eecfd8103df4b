"""Who is told when? What Airflow calls at the end of a task or of a run, one message a run.

Tasks have callbacks of their own, which run at once in the task's process and log there. A task
that will be tried again has no say, for Airflow calls ``on_failure_callback`` after its last try.
The run itself has a say only about what no task can: that it took too long.
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from airflow.sdk import Context
from airflow.sdk.configuration import conf

from push_ops.messages.messages import Message, say_failure, say_outcome, say_overdue
from push_ops.retraining.request import BACKFILL, read_directory, settle_promotion
from push_ops.retraining.run_folder import find_run_folder, read_json

_GOES_ON = {"queued", "running"}

logger = logging.getLogger(__name__)


def tell_failure(context: Context) -> None:
    """Tell that a task failed for good."""
    task = context["ti"]
    error = context.get("exception")
    link = link_to_task(task.dag_id, task.run_id, task.task_id, f"?try_number={task.try_number}")
    tell(say_failure(task.task_id, _as_error(error), link=link), dag_id=task.dag_id)


def tell_promoted(context: Context) -> None:
    """Tell that the challenger is the champion now."""
    _tell_outcome(context, promoted=True)


def tell_kept(context: Context) -> None:
    """Tell that the champion stays, and why."""
    _tell_outcome(context, promoted=False)


def tell_timed_out(context: Context) -> None:
    """Tell that Airflow ended a run that took too long. Of all else its tasks told already."""
    if context.get("reason") != "timed_out":
        return
    dag = context["dag"]
    hours = dag.dagrun_timeout.total_seconds() / 3600 if dag.dagrun_timeout else 0.0
    link = link_to_run(dag.dag_id, context["run_id"])
    tell(say_overdue(hours, is_ended=True, link=link), dag_id=dag.dag_id)


async def tell_overdue(context: Mapping[str, Any], hours: float) -> None:
    """Tell that a run has not ended in time; it goes on.

    Airflow's triggerer calls this, so that it is told where every worker is gone, too; and after
    the end of a run that failed, of which a task told already.
    """
    run = context["dag_run"]
    # The days of a backfill are all asked for at once, and wait for each other.
    if run["state"] not in _GOES_ON or run["run_type"] == BACKFILL:
        return
    link = link_to_run(run["dag_id"], run["dag_run_id"])
    message = say_overdue(hours, is_ended=False, link=link)
    # In a thread: a chat that hangs must not stop the triggerer's other work.
    await asyncio.to_thread(tell, message, dag_id=run["dag_id"])


def tell(message: Message, *, dag_id: str) -> None:
    """Say it in the log, and on every channel that is set up."""
    from push_ops.messages.channels import send  # noqa: PLC0415 - mail is no matter of parsing a DAG

    send(message, dag_id=dag_id, environ=os.environ)


def link_to_run(dag_id: str, run_id: str) -> str:
    """Give the address of a run in Airflow's page, or its name where no address is configured."""
    base = conf.get("api", "base_url", fallback="")
    if not base:
        return f"run {run_id} of {dag_id}"
    return f"{base.rstrip('/')}/dags/{quote(dag_id)}/runs/{quote(run_id, safe='')}"


def link_to_task(dag_id: str, run_id: str, task_id: str, page: str = "") -> str:
    """Give the address of a task of a run, as of `link_to_run`."""
    run = link_to_run(dag_id, run_id)
    return f"{run}/tasks/{quote(task_id)}{page}" if run.startswith("http") else f"{task_id}, {run}"


def _tell_outcome(context: Context, *, promoted: bool) -> None:
    run_type = context["dag_run"].run_type
    if settle_promotion(context["params"]["promotion"], run_type) == "never":
        # Nothing could change, and a backfill of sixty days would be sixty messages.
        logger.info("Told nobody of a dry run.")
        return
    task = context["ti"]
    folder = find_run_folder(read_directory("PUSH_RUNS_DIR", os.environ), task.run_id)
    link = link_to_run(task.dag_id, task.run_id)
    message = say_outcome(read_json(folder.verdict), promoted=promoted, link=link)
    tell(message, dag_id=task.dag_id)


def _as_error(error: object) -> BaseException | None:
    # Airflow's type allows for text, too.
    return error if isinstance(error, BaseException) else None
