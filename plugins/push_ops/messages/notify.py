"""Send one message about each run to its log, to a chat and by mail.

Tasks have callbacks of their own: they run at once, in the task's process, and log there. Airflow
calls ``on_failure_callback`` after a task's last try only. The run's own callback covers the one
case that no task can report: it took too long.

A channel that is down fails no run. It is named in the log by the kind of its error, because the
error's text may hold the webhook's address.
"""

import asyncio
import json
import logging
import os
import smtplib
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from airflow.sdk import Connection, Context
from airflow.sdk.configuration import conf

# airflow.sdk has them too, but its types do not name them.
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from push_model.errors import PushModelError
from push_model.serving.settings import read_setting
from push_model.status.runs import RunOutcome
from push_model.status.status import Outcome
from push_ops.messages.layouts import as_chat, as_mail, as_text
from push_ops.messages.messages import (
    Message,
    describe_failure,
    describe_outcome,
    describe_overdue,
    describe_test,
    in_a_line,
)
from push_ops.page import PREFIX
from push_ops.retraining.request import BACKFILL, read_directory, settle_promotion
from push_ops.retraining.run_folder import JudgedRun, find_run_folder
from push_ops.schedule import find_run_date

# Airflow's connections, and the setting that names the recipients of mails.
CHAT = "push_slack"
MAIL = "smtp_default"
RECIPIENTS = "PUSH_MAIL_TO"
OVERDUE = "PUSH_OVERDUE_HOURS"

# For each step of a conversation. Airflow kills a task that lingers for 20 s after its end
# ([core] task_success_overtime), and both channels may hang.
TIMEOUT_S = 5

_UNPROMOTED: Mapping[str, Outcome] = {
    "promote": "not promoted",
    "keep": "kept",
    "inconclusive": "inconclusive",
}
_GOES_ON = {"queued", "running"}

logger = logging.getLogger(__name__)


def notify_failure(context: Context) -> None:
    """Send that a task failed for good."""
    task = context["ti"]
    error = context.get("exception")
    link = link_to_task(task.dag_id, task.run_id, task.task_id, f"?try_number={task.try_number}")
    # Airflow's type allows for text, too.
    known = error if isinstance(error, BaseException) else None
    message = describe_failure(task.task_id, known, link=link)
    record(context, message, "failed", task=task.task_id)
    send(message, dag_id=task.dag_id)


def notify_promoted(context: Context) -> None:
    """Send that the challenger is the champion now."""
    _notify_outcome(context, promoted=True)


def notify_kept(context: Context) -> None:
    """Send that the champion stays, and why."""
    _notify_outcome(context, promoted=False)


def notify_timeout(context: Context) -> None:
    """Send that Airflow stopped a run that took too long; a failed task has its own message."""
    if context.get("reason") != "timed_out":
        return
    dag = context["dag"]
    hours = dag.dagrun_timeout.total_seconds() / 3600 if dag.dagrun_timeout else 0.0
    link = link_to_run(dag.dag_id, context["run_id"])
    message = describe_overdue(hours, is_ended=True, link=link)
    record(context, message, "failed")
    send(message, dag_id=dag.dag_id)


async def notify_overdue(context: Mapping[str, Any], hours: float) -> None:
    """Send that a run has not ended in time; it goes on.

    Airflow's triggerer calls this, so it also works where every worker is gone. It is called after
    the end of a failed run, too.
    """
    run = context["dag_run"]
    # The days of a backfill are all queued at once and wait for each other.
    if run["state"] not in _GOES_ON or run["run_type"] == BACKFILL:
        return
    link = link_to_run(run["dag_id"], run["dag_run_id"])
    message = describe_overdue(hours, is_ended=False, link=link)
    # In a thread: a chat that hangs must not stop the triggerer's other work.
    await asyncio.to_thread(send, message, dag_id=run["dag_id"])


def overdue_alert(environ: Mapping[str, str]) -> DeadlineAlert | None:
    """Return the deadline after which a run counts as overdue, or None where none is set."""
    if not (value := environ.get(OVERDUE, "").strip()):
        return None
    hours = read_setting(OVERDUE, value)
    return DeadlineAlert(
        # Not the logical date, which lies years back in a backfill and is absent in other runs.
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=hours),
        callback=AsyncCallback(notify_overdue, kwargs={"hours": hours}),
    )


def record(
    context: Mapping[str, Any], message: Message, outcome: Outcome, *, task: str | None = None
) -> None:
    """Leave in the folder of a run how it ended, for `push-model status`. Never raises."""
    run = context.get("dag_run")
    # The callback of a process that died knows no more than its task.
    run_id = run.run_id if run else context.get("run_id") or context["ti"].run_id
    failed = outcome == "failed"
    try:
        RunOutcome(
            run_id=run_id,
            run_date=str(find_run_date(run)) if run else None,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            outcome=outcome,
            task=task,
            error=in_a_line(message.why) if failed else None,
            sentence=message.what if failed else f"{message.what} {in_a_line(message.why)}",
            next_step=message.next_step,
        ).write(find_run_folder(read_directory("PUSH_RUNS_DIR", os.environ), run_id).path)
    except (OSError, PushModelError) as error:
        logger.warning("How the run ended was not recorded: %s.", type(error).__name__)


def send(message: Message, *, dag_id: str) -> None:
    """Write a message to the log and send it on every channel that is set up. Never raises."""
    logger.info("%s", as_text(message))
    for connection, sender in ((CHAT, _send_chat), (MAIL, _send_mail)):
        if error := _try(sender, message, dag_id):
            logger.warning("Connection %r did not take the message: %s.", connection, error)


def send_test_message(dag_id: str = "push_retraining") -> tuple[str, ...]:
    """Send a test message to log, chat and mail; return a sentence on each. Never raises."""
    message = describe_test(link=conf.get("api", "base_url", fallback="") or "this machine")
    logger.info("%s", as_text(message))
    sentences = ["Log: sent."]
    for channel, sender, needs in (
        ("Chat", _send_chat, f"the connection {CHAT!r}"),
        ("Mail", _send_mail, f"{RECIPIENTS} and the connection {MAIL!r}"),
    ):
        error = _try(sender, message, dag_id)
        not_sent = f"failed: {error}." if error else f"not set up. It needs {needs}."
        sentences.append(f"{channel}: {'sent.' if error == '' else not_sent}")
    return tuple(sentences)


def _try(sender: Callable[[Message, str], bool], message: Message, dag_id: str) -> str | None:
    """Return why a channel failed, "" if it sent the message, None if it is not set up."""
    try:
        return "" if sender(message, dag_id) else None
    except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on
        return _name(error)


def link_to_run(dag_id: str, run_id: str) -> str:
    """Return the address of a run in Airflow's page, or its name where no address is configured."""
    base = conf.get("api", "base_url", fallback="")
    if not base:
        return f"run {run_id} of {dag_id}"
    return f"{base.rstrip('/')}/dags/{quote(dag_id)}/runs/{quote(run_id, safe='')}"


def link_to_task(dag_id: str, run_id: str, task_id: str, page: str = "") -> str:
    """Return the address of a task, or its name where no address is configured."""
    run = link_to_run(dag_id, run_id)
    return f"{run}/tasks/{quote(task_id)}{page}" if run.startswith("http") else f"{task_id}, {run}"


def link_to_card(model_name: str) -> str:
    """Return the address of a model's card in Airflow; empty where no address is configured."""
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    # First where Airflow shows the page, then where the page is.
    return f"{base}/plugin/{PREFIX}/{PREFIX}/models/{quote(model_name)}/card" if base else ""


def _notify_outcome(context: Context, *, promoted: bool) -> None:
    task = context["ti"]
    folder = find_run_folder(read_directory("PUSH_RUNS_DIR", os.environ), task.run_id)
    link = link_to_run(task.dag_id, task.run_id)
    run = JudgedRun.read(folder.verdict)
    card = link_to_card(run.model_name)
    message = describe_outcome(run, promoted=promoted, link=link, card=card)
    record(context, message, "promoted" if promoted else _UNPROMOTED[run.verdict.decision])
    run_type = context["dag_run"].run_type
    if settle_promotion(context["params"]["promotion"], run_type) == "never":
        # Nothing could change, and a backfill of sixty days would be sixty messages.
        logger.info("Dry run: no notification sent.")
        return
    send(message, dag_id=task.dag_id)


# The hooks of Airflow's notifiers, not the notifiers: SlackWebhookNotifier logs the webhook's
# address at level DEBUG, and SmtpNotifier leaves time limit and retries to the connection. The
# Slack hook reads its connection, no more: its client follows redirects and refuses 204.


class _NoRedirect(HTTPRedirectHandler):
    """Make a redirect an error: followed, it becomes a GET, which posts no message."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return


def _send_chat(message: Message, _: str) -> bool:
    from airflow.providers.slack.hooks.slack_webhook import (  # noqa: PLC0415 - not to parse a DAG
        SlackWebhookHook,
    )

    try:
        Connection.get(CHAT)
    except AirflowNotFoundException:
        return False
    # Slack's client logs addresses, so it gets a logger that is off.
    silent = logging.getLogger(f"{__name__}.slack_sdk")
    silent.disabled = True
    client = SlackWebhookHook(slack_webhook_conn_id=CHAT, logger=silent).client
    if not client.url.lower().startswith(("http://", "https://")):
        raise AirflowException("Its address does not start with http:// or https://")
    proxies = {"http": client.proxy, "https": client.proxy} if client.proxy else None
    request = Request(  # noqa: S310 - of the schemes above
        client.url,
        data=json.dumps({"text": as_chat(message)}).encode(),
        headers={**client.default_headers, "Content-Type": "application/json;charset=utf-8"},
    )
    with build_opener(_NoRedirect, ProxyHandler(proxies)).open(request, timeout=TIMEOUT_S):
        pass  # any status but 2xx is an HTTPError
    logger.info("Sent by connection %r.", CHAT)
    return True


def _send_mail(message: Message, dag_id: str) -> bool:
    asked = os.environ.get(RECIPIENTS, "").split(",")
    if not (recipients := [name.strip() for name in asked if name.strip()]):
        return False
    from airflow.providers.smtp.hooks.smtp import SmtpHook  # noqa: PLC0415 - the same

    class _QuickHook(SmtpHook):
        """A hook that keeps our limits; by default it waits for 30 s, six times."""

        @property
        def timeout(self) -> int:
            return min(super().timeout, TIMEOUT_S)

        @property
        def smtp_retry_limit(self) -> int:
            return 0

    subject, body = as_mail(message, dag_id=dag_id)
    with _QuickHook(MAIL) as hook:
        hook.send_email_smtp(to=recipients, subject=subject, html_content=body)
    logger.info("Sent to %d by connection %r.", len(recipients), MAIL)
    return True


def _name(error: Exception) -> str:
    if isinstance(error, HTTPError):
        refused = ", a redirect, which is not followed" if error.code // 100 == 3 else ""  # noqa: PLR2004
        return f"HTTP status {error.code}{refused}"
    reason = getattr(error, "reason", None)  # of a URLError
    if isinstance(reason, Exception):
        return type(reason).__name__
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    if isinstance(error, AirflowException):
        return str(error).rstrip(".")
    return type(error).__name__


if __name__ == "__main__":
    # As in `airflow connections`: only a server's process reads those of the database.
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
    report = "\n".join(send_test_message())
    sys.stdout.write(f"{report}\n")
    sys.exit(": failed: " in report)
