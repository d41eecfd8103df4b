"""The first task alone: what it waits for, and what it refuses to wait for."""

import json
import logging
import threading
from datetime import UTC, date, datetime
from importlib import import_module

import pytest
from airflow.sdk.exceptions import TaskDeferred

from push_model.errors import DatasetMissingError, InvalidEventError
from push_ops.retraining.arrival import AwaitDataset
from tests.push_ops.asked import read


def awaiting(dataset, day=None, wait_s=14400, *, is_set=False, by="ana"):
    request = read(
        {"PUSH_DATASET_WAIT_S": str(wait_s), "PUSH_DATASET": str(dataset)},
        day=day or datetime.now(UTC).date(),
        dataset="" if is_set else str(dataset),
        triggered_by=by,
    )
    return AwaitDataset(task_id="await", read_request=lambda: request, poke_interval=0.05)


@pytest.fixture
def todays(tmp_path):
    """Today's file, which is not there yet; its folder's name is a pattern, too."""
    (tmp_path / "a[b]").mkdir()
    return tmp_path / "a[b]" / f"frame_{datetime.now(UTC):%Y%m%d}.csv"


@pytest.fixture
def pattern(todays):
    return todays.with_name("frame_{yyyymmdd}.csv")


def test_a_file_that_is_there_is_not_waited_for(todays, pattern):
    todays.touch()

    awaiting(pattern).execute({})


def test_a_file_that_comes_late_is_waited_for_by_the_triggerer(todays, pattern):
    with pytest.raises(TaskDeferred) as deferred:
        awaiting(pattern).execute({})

    path, arguments = deferred.value.trigger.serialize()
    # As the triggerer makes it, from what the database keeps.
    module, _, name = path.rpartition(".")
    trigger = getattr(import_module(module), name)(**json.loads(json.dumps(arguments)))
    assert trigger.serialize() == (path, arguments)
    assert deferred.value.timeout.total_seconds() == 14400
    todays.touch()
    awaiting(pattern).resume_execution("execute_complete", {"event": True}, {})


def test_a_short_wait_needs_no_triggerer(todays, pattern):
    threading.Timer(0.2, todays.touch).start()

    awaiting(pattern, wait_s=100).execute({})


def test_a_run_of_dags_test_waits_itself_because_its_trigger_would_never_end(todays, pattern):
    threading.Timer(0.2, todays.touch).start()

    awaiting(pattern, by="dag_test").execute({})


def test_a_file_that_does_not_come_is_named_with_the_limit_and_after_it(todays, pattern, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(DatasetMissingError) as error:
        awaiting(pattern, wait_s=1).execute({})

    assert f"Waiting for {todays} until {datetime.now(UTC):%Y-}" in caplog.text
    assert str(error.value) == f"{todays} did not arrive within 1 seconds."


@pytest.mark.parametrize("error", ["Trigger timeout", "Trigger failure"])
def test_after_the_wait_the_worker_looks_once_more(todays, pattern, error):
    def resume():
        awaiting(pattern).resume_execution("__fail__", {"error": error}, {})

    with pytest.raises(DatasetMissingError, match=r"\.csv did not arrive within 4 hours\.$"):
        resume()
    todays.touch()
    resume()


@pytest.mark.parametrize(
    ("name", "is_set", "kind", "error"),
    [
        ("a_{yyyymmdd}.csv", False, DatasetMissingError, r"a_20210304\.csv does not exist, and 20"),
        ("a.csv", True, DatasetMissingError, r"a\.csv does not exist\. Correct PUSH_DATASET"),
        ("a.csv", False, InvalidEventError, r"a\.csv does not exist\. .* start a new run"),
        ("a\0.csv", False, InvalidEventError, r"holds a NUL character\. Remove it\.$"),
    ],
)
def test_a_file_that_cannot_come_any_more_is_not_waited_for(tmp_path, name, is_set, kind, error):
    with pytest.raises(kind, match=error):
        awaiting(tmp_path / name, date(2021, 3, 4), is_set=is_set).execute({})


def test_what_is_not_a_file_is_not_waited_for():
    awaiting("warehouse://shop/frame_{yyyymmdd}").execute({})


def test_a_folder_of_parts_is_a_dataset(tmp_path):
    (tmp_path / "parts" / "day=1").mkdir(parents=True)
    with pytest.raises(InvalidEventError, match="does not exist"):
        awaiting(tmp_path / "parts").execute({})

    (tmp_path / "parts" / "day=1" / "part-0.parquet").touch()
    awaiting(tmp_path / "parts").execute({})
