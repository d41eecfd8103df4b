import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk import CronTriggerTimetable, timezone
from airflow.utils.dag_version_inflation_checker import check_dag_file_stability
from airflow.utils.types import DagRunType

from push_model.errors import DatasetNotReadyError, PushModelError
from push_ops.schedule import TASK_DEFAULTS, find_run_date

ROOT = Path(__file__).parents[2]
DAG_FILE = ROOT / "dags" / "push_retraining.py"
STEPS = ["load", "filter", "train", "validate", "promote"]
HEAVY = {"pandas", "numpy", "sklearn", "catboost", "duckdb", "narwhals", "joblib"}


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    ).stdout


def test_every_dag_file_imports(dagbag):
    assert dagbag.import_errors == {}
    assert "push_retraining" in dagbag.dags


def test_the_dag_file_stays_short():
    assert len(DAG_FILE.read_text().splitlines()) <= 120


def test_the_steps_follow_each_other_and_a_person_has_a_say_before_the_last(dag):
    followers = {task.task_id: task.downstream_task_ids for task in dag.tasks}

    assert followers == {
        "await_dataset": {"load"},
        "load": {"filter"},
        "filter": {"train"},
        "train": {"validate"},
        "validate": {"approve", "promote"},
        "approve": {"promote"},
        "promote": set(),
    }


def test_it_runs_daily_at_five_and_at_once_when_unpaused_one_run_at_a_time(dag):
    timetable = CronTriggerTimetable("0 5 * * *", timezone="UTC", run_immediately=True)
    assert dag.schedule.timetable == timetable
    assert dag.timezone.name == "UTC"
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert dag.dagrun_timeout < timedelta(days=1)


def test_no_day_is_too_early_for_a_run(dagbag):
    # A task that starts later is left out of such a run, which then succeeds.
    assert {task.start_date for each in dagbag.dags.values() for task in each.tasks} == {None}


def test_it_also_runs_when_data_is_reported_as_delivered(dag):
    assert dag.schedule.asset_condition.name == "push_feature_frame"


def test_the_run_has_time_for_a_person_whatever_its_steps_take(dag):
    steps = sum((dag.get_task(step).execution_timeout for step in STEPS), timedelta())

    assert steps + dag.get_task("approve").response_timeout <= dag.dagrun_timeout


def test_tasks_send_their_own_messages_and_the_run_sends_what_no_task_can(dag):
    assert all(task.on_failure_callback for task in dag.tasks)
    assert not any(task.on_retry_callback for task in dag.tasks)
    senders = [task.task_id for task in dag.tasks if task.on_success_callback]
    assert senders == ["promote"]
    assert dag.on_failure_callback.__name__ == "notify_timeout"
    assert dag.deadline is None or dag.deadline == []


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_retried_with_growing_delays_and_has_a_time_limit(dag, step):
    task = dag.get_task(step)

    assert task.retries >= 3
    assert task.retry_delay == timedelta(minutes=2)
    assert task.retry_exponential_backoff
    assert task.max_retry_delay == timedelta(minutes=30)
    assert task.retry_policy is TASK_DEFAULTS["retry_policy"]
    assert task.execution_timeout <= timedelta(hours=4)
    assert task.multiple_outputs is False
    assert task.doc_md


@pytest.mark.parametrize(
    ("error", "action"),
    [
        *((kind("a contract"), "fail") for kind in PushModelError.__subclasses__()),
        (DatasetNotReadyError("frame.csv is cut short"), "retry"),
        (FileNotFoundError("frame.csv"), "fail"),
        (PermissionError("frame.csv"), "fail"),
        (KeyError("user_id"), "fail"),
        (ValueError("not what was expected"), "fail"),
        (OSError("No space left on device"), "retry"),
        (ConnectionResetError("the store hung up"), "retry"),
        (TimeoutError("the store is slow"), "retry"),
        (RuntimeError("unforeseen"), "default"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_what_a_person_must_fix_fails_at_once_and_what_may_pass_is_retried(error, action):
    decision = TASK_DEFAULTS["retry_policy"].evaluate(error, try_number=1, max_tries=3)

    assert decision.action.value == action
    # A delay of the rule's own would switch the growing delays off.
    assert decision.retry_delay is None


@pytest.mark.parametrize("kind", DagRunType)
def test_a_step_knows_whether_its_run_is_a_backfill(dag, monkeypatch, kind):
    ask = dag.get_task("load").python_callable.__globals__["_request"]
    moment = datetime(2021, 6, 1, 5, tzinfo=UTC)
    run = SimpleNamespace(run_id="r", logical_date=moment, run_type=kind, triggering_user_name=None)
    for name in ("PUSH_DATASET", "PUSH_RUNS_DIR", "PUSH_MODELS_DIR"):
        monkeypatch.setenv(name, "/shared")
    context = {"params": dag.params.dump(), "dag_run": run}
    monkeypatch.setitem(ask.__globals__, "get_current_context", lambda: context)

    assert ask().is_backfill == (kind is DagRunType.BACKFILL_JOB)


BERLIN, ANGELES = "Europe/Berlin", "America/Los_Angeles"


@pytest.mark.parametrize(
    ("zone", "kind", "moment", "day"),
    [
        *(
            (zone, kind, "2021-06-01T05:00:00+00:00", date(2021, 6, 1))
            for zone in ("UTC", BERLIN, ANGELES)
            for kind in ("scheduled", "manual", "backfill", "asset_triggered")
        ),
        (BERLIN, "manual", "2021-06-01T23:30:00+00:00", date(2021, 6, 1)),
        (ANGELES, "manual", "2021-06-01T00:30:00+00:00", date(2021, 6, 1)),
        # 2021-06-02 without a time.
        (BERLIN, "manual", "2021-06-01T22:00:00+00:00", date(2021, 6, 2)),
        (BERLIN, "scheduled", "2021-06-01T22:00:00+00:00", date(2021, 6, 1)),
        (ANGELES, "manual", "2021-06-02T07:00:00+00:00", date(2021, 6, 2)),
        ("UTC", "manual", "2021-06-02T00:00:00+00:00", date(2021, 6, 2)),
    ],
)
def test_the_run_date_is_the_day_in_utc_or_the_date_that_a_person_typed(zone, kind, moment, day):
    moment = datetime.fromisoformat(moment)
    timezone.initialize(zone)
    try:
        for shown in (moment, moment.astimezone(ZoneInfo(zone))):
            dated = SimpleNamespace(run_type=kind, logical_date=shown, run_after=None)
            undated = SimpleNamespace(run_type=kind, logical_date=None, run_after=shown)
            assert find_run_date(dated) == find_run_date(undated) == day
    finally:
        timezone.initialize("UTC")


@pytest.fixture(scope="module")
def parser():
    """Return what one process of Airflow's parser loaded: at the plugin scan, then at the DAG."""
    code = f"""
import airflow.sdk, json, jsonschema, runpy, sys
from airflow import plugins_manager
_, errors = plugins_manager._get_plugins()
files = [str(getattr(module, "__file__", "")) for module in sys.modules.values()]
sys.path.insert(0, {str(ROOT / "plugins")!r})
runpy.run_path({str(DAG_FILE)!r})
print(json.dumps({{"errors": errors, "files": files, "modules": list(sys.modules)}}))
"""
    return json.loads(run_python(code).splitlines()[-1])


def test_parsing_imports_no_training_library(parser):
    assert set(parser["modules"]) & HEAVY == set()
    assert "push_ops.retraining.steps" not in parser["modules"]


def test_the_plugin_scan_loads_of_push_ops_its_names_alone(parser):
    assert parser["errors"] == {}
    ours = [file for file in parser["files"] if "/plugins/push_ops/" in file]
    assert [file for file in ours if not file.endswith("/__init__.py")] == []


def test_the_dag_gets_no_new_version_at_every_parse():
    assert check_dag_file_stability(str(DAG_FILE)).warnings == {}


def test_airflows_own_lint_rules_find_nothing():
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--preview",
            "--select",
            "AIR",
            str(ROOT / "dags"),
            str(ROOT / "plugins"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.stdout.strip() == "All checks passed!"
