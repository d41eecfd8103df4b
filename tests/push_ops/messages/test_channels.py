"""Messages sent for real, to servers in this process. None of them may harm a run."""

import logging
import time

import pytest

from push_ops.messages import channels
from push_ops.messages.channels import send
from push_ops.messages.messages import say_overdue
from tests.dags.servers import (
    SECRET_PATH,
    a_chat,
    a_mail_server,
    a_silent_port,
    chat_connection,
    free_port,
    mail_connection,
)

MESSAGE = say_overdue(3, is_ended=False, link="http://airflow.invalid/runs/one")
TO = {"PUSH_MAIL_TO": "ana@example.invalid, bo@example.invalid"}


@pytest.fixture
def said(caplog):
    """What the log says of a message that is sent."""
    caplog.set_level(logging.INFO)

    def tell(environ=None):
        send(MESSAGE, dag_id="push_retraining", environ=environ or {})
        return [(record.levelname, record.getMessage()) for record in caplog.records]

    return tell


@pytest.fixture
def connect(monkeypatch):
    """Set up a connection of Airflow's for this test alone."""

    def set_up(name, value):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", value)

    return set_up


def test_where_nothing_is_set_up_the_log_alone_has_the_message(said):
    ((level, text),) = said()

    assert level == "INFO"
    assert text.startswith("Overdue: The run has not ended in 3 hours.")


def test_a_chat_gets_the_message_as_json(said, connect):
    with a_chat() as chat:
        connect("push_slack", chat_connection(chat.address))
        said()

    ((kind, body),) = chat.received
    assert kind == "application/json; charset=utf-8"
    assert body["text"].startswith("*Overdue*: The run has not ended in 3 hours.\n*Why*: ")
    assert "http://airflow.invalid/runs/one" in body["text"]


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_chat_that_refuses_is_named_in_the_log_and_its_address_is_not(said, connect, status):
    with a_chat(status, {"Location": "/elsewhere"}) as chat:
        connect("push_slack", chat_connection(chat.address))
        log = said()

    assert len(chat.received) == 1
    assert log[-1] == (
        "WARNING",
        f"Connection 'push_slack' did not take the message: HTTP status {status}.",
    )
    assert SECRET_PATH not in str(log)


def test_a_chat_that_hangs_is_left_alone_soon(said, connect, monkeypatch):
    monkeypatch.setattr(channels, "TIMEOUT_S", 0.3)
    started = time.monotonic()

    with a_chat(status=None) as chat:
        connect("push_slack", chat_connection(chat.address))
        log = said()
        waited_s = time.monotonic() - started

    assert waited_s < 5
    assert log[-1][1].endswith("did not take the message: TimeoutError.")


def test_a_chat_that_is_away_is_named_in_the_log(said, connect):
    connect("push_slack", chat_connection(f"http://127.0.0.1:{free_port()}{SECRET_PATH}"))

    log = said()

    assert log[-1][1].endswith("did not take the message: ConnectionRefusedError.")


@pytest.mark.parametrize("address", ["", "file:///etc/hostname", "hooks.slack.com/services/T0"])
def test_what_is_no_address_of_a_webhook_is_not_opened(said, connect, address):
    connect("push_slack", chat_connection(address))

    log = said()

    assert log[-1][1].endswith("its password is no address of a webhook.")
    assert "/services/" not in str(log)


def test_a_mail_reaches_everybody_it_is_for(said, connect):
    with a_mail_server() as (port, received):
        connect("smtp_default", mail_connection(port))
        log = said(TO)

    ((recipients, mail),) = received
    assert recipients == ["ana@example.invalid", "bo@example.invalid"]
    assert mail["From"] == "push@example.invalid"
    assert mail["Subject"] == "push_retraining: Overdue: The run has not ended in 3 hours."
    (body,) = mail.iter_parts()
    assert '<a href="http://airflow.invalid/runs/one">' in body.get_content()
    assert log[-1] == ("INFO", "Told 2 by connection 'smtp_default'.")


def test_nobody_is_written_to_where_no_recipient_is_named(said, connect):
    with a_mail_server() as (port, received):
        connect("smtp_default", mail_connection(port))
        said({"PUSH_MAIL_TO": " , "})

    assert received == []


def test_recipients_without_a_mail_server_are_named_as_such(said):
    log = said(TO)

    assert log[-1] == (
        "WARNING",
        "Connection 'smtp_default' did not take the message: SMTP connection is not found.",
    )


def test_a_mail_server_that_refuses_is_named_with_its_number_and_asked_once(said, connect):
    with a_mail_server("554 Transaction failed, ana") as (port, received):
        connect("smtp_default", mail_connection(port))
        log = said(TO)

    assert len(received) == 1
    assert log[-1][1].endswith("did not take the message: SMTPDataError 554.")


def test_a_mail_server_that_hangs_is_left_alone_soon(said, connect, monkeypatch):
    monkeypatch.setattr(channels, "TIMEOUT_S", 0.3)
    started = time.monotonic()

    with a_silent_port() as port:
        connect("smtp_default", mail_connection(port))
        log = said(TO)

    assert time.monotonic() - started < 5
    assert log[-1][1].endswith("did not take the message: Unable to connect to smtp server.")


def test_a_chat_that_is_down_keeps_no_mail_back(said, connect):
    with a_chat(500) as chat, a_mail_server() as (port, received):
        connect("push_slack", chat_connection(chat.address))
        connect("smtp_default", mail_connection(port))
        said(TO)

    assert len(received) == 1


def test_both_channels_together_end_before_airflow_kills_a_task_that_lingers():
    from airflow.sdk.configuration import conf  # noqa: PLC0415 - reads the tests' settings

    assert conf.getfloat("core", "task_success_overtime") > 2 * channels.TIMEOUT_S
