"""How does a message reach people? A chat's webhook and mail, where somebody set them up.

Neither may harm a run: a channel that is down is named in the log, and that is all. What is
logged of its failure is a kind and a number, for its own words may hold the webhook's address.
"""

import json
import logging
import smtplib
import urllib.error
import urllib.request
from collections.abc import Mapping

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from push_ops.messages.layouts import as_chat, as_mail, as_text
from push_ops.messages.messages import Message

# Airflow's connections, and whom to write to. Recipients are no secret.
CHAT = "push_slack"
MAIL = "smtp_default"
RECIPIENTS = "PUSH_MAIL_TO"

# For each step of a conversation. Airflow kills a task that lingers for 20 s after its end
# ([core] task_success_overtime), and both channels may hang.
TIMEOUT_S = 5

logger = logging.getLogger(__name__)


def send(message: Message, *, dag_id: str, environ: Mapping[str, str]) -> None:
    """Say it in the log, and on every channel that is set up. Never raises."""
    logger.info("%s", as_text(message))
    recipients = [part.strip() for part in environ.get(RECIPIENTS, "").split(",") if part.strip()]
    try:
        _send_chat(message)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on
        logger.warning("Connection %r did not take the message: %s.", CHAT, _name(error))
    try:
        if recipients:
            _send_mail(message, recipients, dag_id=dag_id)
    except Exception as error:  # noqa: BLE001 - the same
        logger.warning("Connection %r did not take the message: %s.", MAIL, _name(error))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST becomes a GET, which is answered well and says nothing to anybody."""

    def redirect_request(self, *_: object) -> None:
        return None


class _QuickHook(SmtpHook):
    """The connection may say less than our limits, and not more: 30 s six times by default."""

    @property
    def timeout(self) -> int:
        return min(super().timeout, TIMEOUT_S)

    @property
    def smtp_retry_limit(self) -> int:
        return 0


def _send_chat(message: Message) -> None:
    try:
        address = Connection.get(CHAT).password or ""
    except AirflowNotFoundException:
        return  # nobody asked for it
    if not address.startswith(("https://", "http://")):
        raise AirflowException("its password is no address of a webhook")
    # urllib, for httpx and requests log the address, which is the secret.
    request = urllib.request.Request(  # noqa: S310 - its scheme is one of two, by the line above
        address,
        data=json.dumps(as_chat(message)).encode(),
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(request, timeout=TIMEOUT_S):
        logger.info("Told by connection %r.", CHAT)


def _send_mail(message: Message, recipients: list[str], *, dag_id: str) -> None:
    subject, body = as_mail(message, dag_id=dag_id)
    with _QuickHook(MAIL) as hook:
        hook.send_email_smtp(to=recipients, subject=subject, html_content=body)
    logger.info("Told %d by connection %r.", len(recipients), MAIL)


def _name(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code}"
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        return type(error.reason).__name__
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    if isinstance(error, AirflowException):
        return str(error).rstrip(".")
    return type(error).__name__
