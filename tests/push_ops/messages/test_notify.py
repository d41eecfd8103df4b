"""What Airflow's other processes call: its dag-processor, and its triggerer at a deadline."""

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
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType

from push_model.errors import InvalidSettingError
from push_ops.messages.notify import (
    link_to_run,
    link_to_task,
    tell_kept,
    tell_overdue,
    tell_timed_out,
)
from push_ops.messages.overdue import overdue_alert
from tests.dags.installation import DAGS

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]

RUN = "http://airflow.invalid/dags/push_retraining/runs/late"
LATE = """
from airflow.sdk import DAG
from push_ops.messages.overdue import overdue_alert

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
    """What was told, each as the log has it."""
    caplog.set_level(logging.INFO, logger="push_ops.messages.channels")
    return lambda: [
        r.getMessage() for r in caplog.records if r.name == "push_ops.messages.channels"
    ]


def test_a_task_whose_process_died_is_told_of_by_the_dag_processor(dagbag, heard):
    task = TaskInstance(
        id=uuid4(),
        task_id="train",
        dag_id="push_retraining",
        run_id="late",
        try_number=4,
        dag_version_id=uuid4(),
    )
    request = TaskCallbackRequest(**FILE, ti=task, task_callback_type="failed")

    _execute_callbacks(dagbag, [request], structlog.get_logger())

    (text,) = heard()
    assert text.startswith("Task failed: The task train failed; the champion is as it was.\n")
    assert "Its process ended without a word" in text
    assert f"Where: {RUN}/tasks/train?try_number=4\n" in text


def test_a_run_that_airflow_ended_is_told_of_by_the_dag_processor(dagbag, heard):
    request = DagCallbackRequest(**FILE, dag_id="push_retraining", run_id="late")

    _execute_callbacks(dagbag, [request], structlog.get_logger())

    (text,) = heard()
    assert text.startswith("Overdue: The run has not ended in 20 hours, and was ended.\n")
    assert f"Where: {RUN}\n" in text


def test_of_a_run_that_failed_by_a_task_the_task_alone_speaks(dag, heard):
    tell_timed_out({"dag": dag, "run_id": "late", "reason": "task_failure"})

    assert heard() == []


def test_a_run_that_misses_its_deadline_is_told_of_by_the_triggerer(late_run, heard):
    with create_session() as session:
        deadline = session.query(Deadline).filter_by(dagrun_id=late_run).one()
        hours = (deadline.deadline_time - datetime.now(UTC)) / timedelta(hours=1)
        deadline.handle_miss(session)  # as the scheduler does when it has passed
        trigger = deadline.callback.trigger
        kwargs = trigger.kwargs

    assert 2.9 < hours < 3
    events = asyncio.run(_run_trigger(trigger.classpath, kwargs))
    assert events[-1]["state"] == "success", events
    (text,) = heard()
    assert text.startswith("Overdue: The run has not ended in 3 hours.\n")
    assert "Where: http://airflow.invalid/dags/late/runs/one\n" in text


@pytest.mark.parametrize(("promotion", "run_type"), [("auto", "backfill"), ("never", "manual")])
def test_of_a_day_that_changes_no_champion_nobody_is_told(promotion, run_type, heard):
    run = SimpleNamespace(run_type=DagRunType(run_type))

    tell_kept({"params": {"promotion": promotion}, "dag_run": run})

    assert heard() == []


@pytest.mark.parametrize(
    ("state", "run_type"),
    [("success", "scheduled"), ("failed", "manual"), ("queued", "backfill")],
)
def test_a_run_that_ended_or_waits_for_other_days_of_a_backfill_is_not_overdue(
    state, run_type, heard
):
    run = {"dag_id": "push_retraining", "dag_run_id": "late", "state": state, "run_type": run_type}

    asyncio.run(tell_overdue({"dag_run": run}, hours=3))

    assert heard() == []


def test_the_dag_has_the_deadline_that_the_installation_asks_for(monkeypatch):
    monkeypatch.setenv("PUSH_OVERDUE_HOURS", "3")

    (deadline,) = DagBag(dag_folder=str(DAGS)).dags["push_retraining"].deadline

    assert deadline.interval == timedelta(hours=3)


@pytest.mark.parametrize("unset", [{}, {"PUSH_OVERDUE_HOURS": " "}])
def test_no_deadline_is_set_where_nobody_asks_for_one(unset):
    assert overdue_alert(unset) is None


def test_a_deadline_that_is_no_number_is_refused():
    with pytest.raises(InvalidSettingError, match=r"PUSH_OVERDUE_HOURS must be .* got 'soon'"):
        overdue_alert({"PUSH_OVERDUE_HOURS": "soon"})


def test_where_no_address_is_configured_a_run_is_named(monkeypatch):
    monkeypatch.delenv("AIRFLOW__API__BASE_URL")

    assert link_to_run("push_retraining", "late") == "run late of push_retraining"
    assert link_to_task("push_retraining", "late", "train") == "train, run late of push_retraining"


def test_an_address_behind_a_proxy_keeps_its_path(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://shop.invalid/airflow/")

    assert link_to_run("a", "b+c").startswith("https://shop.invalid/airflow/dags/a/runs/b%2Bc")


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
