"""Messages sent for real, to servers in this process, and what Airflow's other processes call."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
import structlog
from airflow.api_fastapi.execution_api.datamodels.taskinstance import TaskInstance
from airflow.callbacks.callback_requests import DagCallbackRequest, TaskCallbackRequest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.dag_processing.processor import _execute_callbacks
from airflow.models.deadline import Deadline
from airflow.models.serialized_dag import SerializedDagModel
from airflow.sdk.configuration import conf
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType

from push_model.errors import InvalidSettingError
from push_model.status.runs import RunOutcome
from push_ops.messages import notify
from push_ops.messages.approval import ApprovePromotion
from push_ops.messages.messages import describe_overdue
from push_ops.messages.notify import (
    link_to_card,
    link_to_run,
    link_to_task,
    notify_kept,
    notify_overdue,
    notify_timeout,
    overdue_alert,
    send,
    send_test_message,
)
from push_ops.retraining.run_folder import find_run_folder
from tests.dags.installation import DAGS
from tests.dags.servers import (
    SECRET_PATH,
    a_chat,
    a_mail_server,
    a_silent_port,
    chat_connection,
    mail_connection,
)
from tests.push_ops.judged import judged_run
from tests.waiting import free_port

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]

RUN = "http://airflow.invalid/dags/push_retraining/runs/late"
MESSAGE = describe_overdue(3, is_ended=False, link="http://airflow.invalid/runs/one")
SENT = ("INFO", "Sent by connection 'push_slack'.")
TO = "ana@example.invalid, bo@example.invalid"
LATE = """
from airflow.sdk import DAG
from push_ops.messages.notify import overdue_alert

late = DAG("late", schedule=None, deadline=overdue_alert({"PUSH_OVERDUE_HOURS": "3"}))
"""
FILE = {
    "filepath": "push_retraining.py",
    "bundle_name": "dags-folder",
    "bundle_version": None,
    "msg": "timed_out",
}


@pytest.fixture
def heard(caplog):
    """Return what was logged of messages, once they are sent."""
    caplog.set_level(logging.DEBUG)
    name = notify.__name__
    return lambda: [(r.levelname, r.getMessage()) for r in caplog.records if r.name == name]


@pytest.fixture
def runs_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("PUSH_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def sent(heard):
    """Send a message, and return what the log says of it."""

    def act():
        send(MESSAGE, dag_id="push_retraining")
        return heard()

    return act


@pytest.fixture
def connect(monkeypatch):
    """Set up a connection of Airflow's for this test alone."""

    def set_up(name, value):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", value)

    return set_up


@pytest.fixture
def recipients(monkeypatch):
    monkeypatch.setenv("PUSH_MAIL_TO", TO)


def refused(connection, error):
    return "WARNING", f"Connection {connection!r} did not take the message: {error}."


def test_without_a_channel_the_message_is_in_the_log_alone(sent):
    ((level, text),) = sent()

    assert level == "INFO"
    assert text.startswith("Overdue: The run has not ended in 3 hours.")


def test_a_chat_gets_the_message_as_json(sent, connect):
    with a_chat() as chat:
        connect("push_slack", chat_connection(chat.address))
        log = sent()

    ((kind, body),) = chat.received
    assert kind == "application/json;charset=utf-8"
    assert body["text"].startswith("*Overdue*: The run has not ended in 3 hours.\n*Why*: ")
    assert "http://airflow.invalid/runs/one" in body["text"]
    assert log[-1] == SENT


@pytest.mark.parametrize("status", [200, 202, 204, 301, 302, 303, 307, 308, 404, 500])
def test_a_chats_answer_is_in_the_log_and_its_address_at_no_level(
    sent, connect, caplog, capfd, status
):
    with a_chat() as other, a_chat(status, {"Location": other.address}) as chat:
        connect("push_slack", chat_connection(chat.address))
        log = sent()

    redirect = ", a redirect, which is not followed" if 300 <= status < 400 else ""
    answer = SENT if status < 300 else refused("push_slack", f"HTTP status {status}{redirect}")
    assert log[-1] == answer
    assert (len(chat.received), other.requests) == (1, 0)
    for text in (caplog.text, *capfd.readouterr()):
        assert SECRET_PATH not in text
        assert chat.address not in text


@pytest.mark.usefixtures("recipients")
def test_channels_that_hang_are_given_up(sent, connect, monkeypatch):
    monkeypatch.setattr(notify, "TIMEOUT_S", 0.3)
    with a_chat(status=None) as chat, a_silent_port() as port:
        connect("push_slack", chat_connection(chat.address))
        connect("smtp_default", mail_connection(port))
        log = sent()

    assert log[1:] == [
        refused("push_slack", "TimeoutError"),
        refused("smtp_default", "Unable to connect to smtp server"),
    ]


@pytest.mark.parametrize(
    ("address", "error"),
    [
        (f"http://127.0.0.1:{free_port()}{SECRET_PATH}", "ConnectionRefusedError"),
        (f"file://{SECRET_PATH}", "Its address does not start with http:// or https://"),
    ],
    ids=["closed port", "no web address"],  # the same in every worker, whatever port is free
)
def test_an_address_that_does_not_answer_is_named_by_its_connection(
    sent, connect, caplog, address, error
):
    connect("push_slack", chat_connection(address))

    assert sent()[-1] == refused("push_slack", error)
    assert SECRET_PATH not in caplog.text


def test_a_test_message_says_for_each_channel_that_it_is_not_set_up():
    assert send_test_message() == (
        "Log: sent.",
        "Chat: not set up. It needs the connection 'push_slack'.",
        "Mail: not set up. It needs PUSH_MAIL_TO and the connection 'smtp_default'.",
    )


@pytest.mark.usefixtures("recipients")
def test_a_test_message_says_for_each_channel_whether_it_was_sent(connect, caplog):
    with a_chat(404) as chat, a_mail_server() as (port, received):
        connect("push_slack", chat_connection(chat.address))
        connect("smtp_default", mail_connection(port))
        said = send_test_message()

    assert said == ("Log: sent.", "Chat: failed: HTTP status 404.", "Mail: sent.")
    assert len(received) == 1
    assert SECRET_PATH not in caplog.text


@pytest.mark.usefixtures("recipients")
def test_a_mail_reaches_all_its_recipients_though_the_chat_is_down(sent, connect):
    with a_chat(500) as chat, a_mail_server() as (port, received):
        connect("push_slack", chat_connection(chat.address))
        connect("smtp_default", mail_connection(port))
        log = sent()

    ((to, mail),) = received
    assert to == ["ana@example.invalid", "bo@example.invalid"]
    assert mail["From"] == "push@example.invalid"
    assert mail["Subject"] == "push_retraining: Overdue: The run has not ended in 3 hours."
    (body,) = mail.iter_parts()
    assert '<a href="http://airflow.invalid/runs/one">' in body.get_content()
    assert log[1:] == [
        refused("push_slack", "HTTP status 500"),
        ("INFO", "Sent to 2 by connection 'smtp_default'."),
    ]


def test_no_mail_is_sent_without_recipients(sent, connect, monkeypatch):
    monkeypatch.setenv("PUSH_MAIL_TO", " , ")
    with a_mail_server() as (port, received):
        connect("smtp_default", mail_connection(port))
        sent()

    assert received == []


@pytest.mark.usefixtures("recipients")
def test_recipients_without_a_mail_server_are_reported(sent):
    assert sent()[-1] == refused("smtp_default", "SMTP connection is not found")


@pytest.mark.usefixtures("recipients")
def test_a_mail_server_that_refuses_is_named_with_its_number_and_asked_once(sent, connect):
    with a_mail_server("554 Transaction failed, ana") as (port, received):
        connect("smtp_default", mail_connection(port))
        log = sent()

    assert len(received) == 1
    assert log[-1] == refused("smtp_default", "SMTPDataError 554")


def test_both_channels_together_end_before_airflow_kills_a_task_that_lingers():
    assert conf.getfloat("core", "task_success_overtime") > 2 * notify.TIMEOUT_S


def test_a_task_whose_process_died_and_a_run_that_airflow_stopped_are_reported(
    dagbag, heard, runs_dir
):
    task = TaskInstance(
        id=uuid4(),
        task_id="train",
        dag_id="push_retraining",
        run_id="late",
        try_number=4,
        dag_version_id=uuid4(),
    )
    died = TaskCallbackRequest(**FILE, ti=task, task_callback_type="failed")
    stopped = DagCallbackRequest(**FILE, dag_id="push_retraining", run_id="late")

    _execute_callbacks(dagbag, [died, stopped], structlog.get_logger())

    ended = RunOutcome.read(find_run_folder(runs_dir, "late").path)
    assert (ended.outcome, ended.task) == ("failed", None)
    (_, of_task), (_, of_run) = heard()
    assert of_task.startswith("Task failed: The task train failed; the champion is unchanged.\n")
    assert "Its process ended without an error" in of_task
    assert f"Where: {RUN}/tasks/train?try_number=4\n" in of_task
    assert of_run.startswith("Overdue: The run has not ended in 20 hours and was stopped.\n")
    assert f"Where: {RUN}\n" in of_run


def test_a_run_that_failed_by_a_task_sends_no_second_message(dag, heard):
    notify_timeout({"dag": dag, "run_id": "late", "reason": "task_failure"})

    assert heard() == []


def test_a_run_that_misses_its_deadline_is_reported_by_the_triggerer(late_run, heard):
    with create_session() as session:
        deadline = session.query(Deadline).filter_by(dagrun_id=late_run).one()
        hours = (deadline.deadline_time - datetime.now(UTC)) / timedelta(hours=1)
        deadline.handle_miss(session)  # as the scheduler does when it has passed
        trigger = deadline.callback.trigger
        kwargs = trigger.kwargs

    assert 2.5 < hours < 3
    events = asyncio.run(_run_trigger(trigger.classpath, kwargs))
    assert events[-1]["state"] == "success", events
    ((_, text),) = heard()
    assert text.startswith("Overdue: The run has not ended in 3 hours.\n")
    assert "Where: http://airflow.invalid/dags/late/runs/one\n" in text


@pytest.mark.parametrize(("promotion", "run_type"), [("auto", "backfill"), ("never", "manual")])
def test_a_run_that_may_change_no_champion_sends_nothing(promotion, run_type, heard, runs_dir):
    day = datetime(2021, 6, 1, 5, tzinfo=UTC)
    run = SimpleNamespace(run_type=DagRunType(run_type), run_id="one", logical_date=day)
    task = SimpleNamespace(run_id="one", dag_id="push_retraining")
    folder = find_run_folder(runs_dir, "one")
    judged_run("keep").write(folder.verdict)

    notify_kept({"params": {"promotion": promotion}, "dag_run": run, "ti": task})

    assert RunOutcome.read(folder.path).outcome == "kept"

    assert heard() == [("INFO", "Dry run: no notification sent.")]


@pytest.mark.parametrize(
    ("state", "run_type"),
    [("success", "scheduled"), ("failed", "manual"), ("queued", "backfill")],
)
def test_a_run_that_ended_or_waits_for_other_days_of_a_backfill_is_not_overdue(
    state, run_type, heard
):
    run = {"dag_id": "push_retraining", "dag_run_id": "late", "state": state, "run_type": run_type}

    asyncio.run(notify_overdue({"dag_run": run}, hours=3))

    assert heard() == []


def test_the_dag_has_the_deadline_that_the_installation_sets(monkeypatch):
    monkeypatch.setenv("PUSH_OVERDUE_HOURS", "3")

    (deadline,) = DagBag(dag_folder=str(DAGS)).dags["push_retraining"].deadline

    assert deadline.interval == timedelta(hours=3)


@pytest.mark.parametrize("unset", [{}, {"PUSH_OVERDUE_HOURS": " "}])
def test_an_installation_without_a_deadline_sets_none(unset):
    assert overdue_alert(unset) is None


def test_a_deadline_must_be_a_number():
    with pytest.raises(InvalidSettingError, match=r"PUSH_OVERDUE_HOURS must be .* got 'soon'"):
        overdue_alert({"PUSH_OVERDUE_HOURS": "soon"})


def test_where_no_address_is_configured_a_run_is_named(monkeypatch):
    monkeypatch.delenv("AIRFLOW__API__BASE_URL")

    assert link_to_run("push_retraining", "late") == "run late of push_retraining"
    assert link_to_task("push_retraining", "late", "train") == "train, run late of push_retraining"
    assert link_to_card("push_a") == ""


def test_an_address_behind_a_proxy_keeps_its_path(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://shop.invalid/airflow/")

    assert link_to_run("a", "b+c").startswith("https://shop.invalid/airflow/dags/a/runs/b%2Bc")
    page = "https://shop.invalid/airflow/plugin/push-models/push-models"
    assert link_to_card("push_a") == f"{page}/models/push_a/card"


@pytest.fixture
def late_run(database, tmp_path):  # noqa: ARG001 - needs the tables
    """The database's number of a run that Airflow holds a deadline of three hours for."""
    # A DAG of its own: a second version of the true one, in one database, disturbs `dag.test()`.
    (tmp_path / "late.py").write_text(LATE)
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(DagBag(dag_folder=str(tmp_path)), "dags-folder", None)
    with create_session() as session:
        run = SerializedDagModel.get_dag("late", session=session).create_dagrun(
            run_id="one",
            logical_date=None,
            run_after=datetime.now(UTC),
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.QUEUED,
            session=session,
        )
        return run.id


async def _run_trigger(classpath, kwargs):
    from airflow.sdk._shared.module_loading import import_string  # noqa: PLC0415

    return [event.payload async for event in import_string(classpath)(**kwargs).run()]


@pytest.mark.parametrize(("promotion", "decision"), [("auto", "promote"), ("manual", "keep")])
def test_an_approval_that_no_run_needs_says_so_in_the_log(caplog, promotion, decision):
    validated = {"verdict": "verdict.json", "decision": decision}
    caplog.set_level(logging.INFO)

    ApprovePromotion(task_id="approve", validated=validated).execute({
        "params": {"promotion": promotion}
    })

    (said,) = [text for text in caplog.messages if "No approval" in text]
    assert f"promotion is {promotion!r} and the verdict is {decision!r}" in said
