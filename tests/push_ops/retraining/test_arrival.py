"""The first task alone, run by `dag.test()`, which runs its trigger, too."""

import asyncio
import json
import re
import threading
import time
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.taskinstance import TaskInstance
from airflow.triggers.base import TriggerEvent
from airflow.utils.session import create_session
from sqlalchemy import select

from push_model.errors import DatasetError
from push_ops.data.trigger import DatasetTrigger
from push_ops.retraining.arrival import AwaitDataset
from push_ops.retraining.form import FORM
from push_ops.retraining.request import read_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

DAGS = Path(__file__).parents[3] / "dags"
ROW = b"1,2\n"
WHOLE = b"a,b\n" + ROW
PAUSE_S = 0.4


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Point the DAG at today's file, and give the seconds that matter."""
    of = {
        "PUSH_DATASET": tmp_path / "frame_{yyyymmdd}.csv",
        "PUSH_DATASET_WAIT_S": 30,
        "PUSH_DATASET_SETTLE_S": 1,
        "PUSH_RUNS_DIR": tmp_path / "runs",
        "PUSH_MODELS_DIR": tmp_path / "models",
    }
    for name, value in of.items():
        monkeypatch.setenv(name, str(value))
    return monkeypatch


@pytest.fixture
def todays(tmp_path, settings):  # noqa: ARG001 - it is named there
    return tmp_path / f"frame_{datetime.now(UTC):%Y%m%d}.csv"


@pytest.fixture
def await_dataset(settings, database):  # noqa: ARG001 - runs need the tables
    """Run the first task for real, and say how it ended."""

    def run(logical_date=None, **form):
        dag = DagBag(dag_folder=str(DAGS)).dags["push_retraining"]
        run_after = logical_date or datetime.now(UTC)
        dag_run = dag.test(
            logical_date=logical_date,
            run_after=run_after,
            run_conf=form,
            mark_success_pattern="^(?!await_dataset$)",
        )
        return dag_run.get_task_instance("await_dataset")

    return run


def deliver(path, *pieces):
    """Write a file piece by piece, as an upload does."""
    for piece in pieces:
        time.sleep(PAUSE_S)
        with path.open("ab") as file:
            file.write(piece)


def list_deferred():
    with create_session() as session:
        waited = select(TaskInstance.id).where(TaskInstance.trigger_timeout.is_not(None))
        return set(session.scalars(waited))


def once_deferred(do, *arguments):
    """Do something as soon as another task waits without a worker."""
    before = list_deferred()

    def watch():
        for _ in range(600):
            time.sleep(0.1)
            if list_deferred() - before:
                do(*arguments)
                return

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def request_of(dataset, day=None):
    untouched = {name: field["default"] for name, field in FORM.items()}
    return read_request(
        untouched | {"dataset": str(dataset)},
        run_id="run",
        run_date=day or datetime.now(UTC).date(),
        run_type="manual",
        triggered_by="ana",
        environ={"PUSH_RUNS_DIR": "/srv/runs", "PUSH_MODELS_DIR": "/srv/models"},
    )


def execute(dataset, day=None):
    """Run the task where it must not wait: `defer` would raise no DatasetError."""
    operator = AwaitDataset(task_id="await", read_request=lambda: request_of(dataset, day))
    operator.execute({})


def resume(dataset, error):
    operator = AwaitDataset(task_id="await", read_request=lambda: request_of(dataset))
    operator.resume_execution("__fail__", {"error": error}, {})


def test_a_file_that_is_there_costs_no_waiting(await_dataset, todays):
    todays.write_bytes(WHOLE)
    time.sleep(1)

    task = await_dataset()

    assert task.state == "success"
    assert task.next_method is None  # it never deferred


def test_a_file_that_comes_late_is_waited_for_without_a_worker(await_dataset, todays):
    delivery = once_deferred(deliver, todays, WHOLE)

    task = await_dataset()

    delivery.join()
    assert task.state == "success"


def test_a_file_that_stays_cut_is_refused_when_the_time_is_up(
    await_dataset, todays, settings, capsys
):
    settings.setenv("PUSH_DATASET_WAIT_S", "3")
    todays.write_bytes(WHOLE[:-1])

    task = await_dataset()

    assert task.state == "failed"
    assert task.try_number == 1
    said = re.search(
        f"DatasetError: {re.escape(str(todays))} ends in the middle of a line: it is cut short, or "
        r"lacks its last line end\. It was waited for during (\d+) s\. Ask whoever delivers it; "
        r"once it is whole, clear this task, and the run goes on\.",
        capsys.readouterr().out,
    )
    assert int(said[1]) >= 3


def test_a_bad_form_is_not_waited_with(await_dataset, settings):
    settings.setenv("PUSH_DATASET_WAIT_S", "600")
    started = time.monotonic()

    task = await_dataset(model_parametrisation={"model": "boosted_trees", "lerning_rate": 0.1})

    assert task.state == "failed"
    assert time.monotonic() - started < 300


def test_a_file_of_a_day_that_is_over_is_there_or_it_is_not(tmp_path):
    with pytest.raises(
        DatasetError,
        match=r"frame_20210304\.csv is not there, and 2021-03-04 is over, so it is not",
    ):
        execute(tmp_path / "frame_{yyyymmdd}.csv", date(2021, 3, 4))


def test_a_file_named_outright_is_there_or_it_is_not(tmp_path):
    with pytest.raises(DatasetError, match=r"frame\.csv does not exist\. Check the path\.$"):
        execute(tmp_path / "frame.csv")


def test_what_is_no_file_is_not_waited_for():
    execute("warehouse://shop/frame_{yyyymmdd}")


def test_the_log_says_how_long_it_took(tmp_path, caplog):
    caplog.set_level("INFO", logger="push_ops.retraining.arrival")
    path = tmp_path / "frame.csv"
    operator = AwaitDataset(task_id="await", read_request=lambda: request_of(path))

    operator.resume_execution("finish", {"event": {"reason": None, "waited_s": 5400}}, {})

    assert caplog.messages == [f"{path} is there to be read, after 1 h 30 min."]


def test_where_no_triggerer_ran_the_worker_has_a_look_itself(todays):
    with pytest.raises(DatasetError, match="No triggerer has watched it to the end"):
        resume(todays, "Trigger timeout")

    todays.write_bytes(WHOLE)
    time.sleep(1)
    resume(todays, "Trigger timeout")
    resume(todays, "Trigger failure")


@pytest.fixture
def trigger(todays):
    return DatasetTrigger(uri=str(todays), settle_s=0.2, since=time.time() - 3600, wait_s=3601)


def test_the_triggerer_can_make_the_trigger_from_what_is_stored(trigger):
    path, arguments = trigger.serialize()

    module, _, name = path.rpartition(".")
    again = getattr(import_module(module), name)(**json.loads(json.dumps(arguments)))
    assert again.serialize() == trigger.serialize()


def events_of(trigger):
    async def collect():
        return [event async for event in trigger.run()]

    return asyncio.run(collect())


def test_a_triggerer_that_was_started_anew_waits_no_longer_than_the_first(trigger):
    (event,) = events_of(trigger)

    assert event == TriggerEvent({"reason": "is not there", "waited_s": event.payload["waited_s"]})
    assert 3600 < event.payload["waited_s"] <= 3602


def test_an_upload_is_waited_for_to_its_end(trigger, todays):
    pieces = [b"a,b\n", ROW, b"1,", b"2\n", ROW]
    upload = threading.Thread(target=deliver, args=(todays, *pieces))
    upload.start()
    trigger.settle_s, trigger.wait_s = 3 * PAUSE_S, 3700

    (event,) = events_of(trigger)

    assert event.payload["reason"] is None
    assert not upload.is_alive()
    assert todays.read_bytes() == b"".join(pieces)


def test_a_whole_file_is_one_event(trigger, todays):
    todays.write_bytes(WHOLE)

    (event,) = events_of(trigger)

    assert event.payload["reason"] is None
