"""The project's DAGs on a real cluster: PostgreSQL, Valkey, two Celery workers."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import httpx
import pandas as pd
import pytest

from push_model import handler_predict
from push_model.columns import FEATURES
from push_model.exploration.folder import open_exploration
from push_model.store.promotion import champion
from push_model.training.backtesting.past_verdicts import read_verdicts, sum_up
from push_ops.local.startup import LOGS
from push_ops.retraining.metrics import GAUGES
from push_ops.retraining.run_folder import find_run_folder
from tests.explorations import figures_of
from tests.frames import make_frame
from tests.system.cluster.running import wait_until

pytestmark = [
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

FIRST, FIRST_DAY = "2021-05-01T05:00:00Z", date(2021, 5, 1)
STEPS = ["load", "filter", "train", "validate", "promote"]
SEED = 1
DAG, EVENTS = "push_retraining", "/api/v2/assets/events"


def test_a_run_started_by_rest_ends_with_a_champion_that_serves(cluster, measured, monkeypatch):
    cluster.metrics.lines.clear()
    run_id = cluster.trigger(DAG, FIRST, model="boosted_trees_fast")
    run = cluster.wait_for_end(DAG, run_id)

    tasks = {task["task_id"]: task for task in cluster.tasks(DAG, run_id)}
    measured("push_retraining: " + say_seconds(tasks[step] for step in STEPS))
    assert run["state"] == "success"
    assert {task["state"] for task in tasks.values()} == {"success"}
    assert {task["hostname"] for task in tasks.values()} <= {"worker-1", "worker-2"}
    assert champion(cluster.models).model_name == "push_2021_05_01"
    monkeypatch.setenv("PUSH_MODELS_DIR", str(cluster.models))
    row = make_frame(orders=1).iloc[0]
    answer = handler_predict(
        {"users": {"u_1": {name: float(row[name]) for name in FEATURES}}}, None
    )
    assert answer["statusCode"] == "200"
    assert 0 <= json.loads(answer["body"])["prediction"]["u_1"] <= 1
    require_what_an_operator_watches(cluster)
    require_logs_for_machines_without_a_user(cluster, run_id)
    require_lineage(cluster)
    told = deployed(cluster, run_id)
    assert (told["model_name"], told["champion_before"]) == ("push_2021_05_01", None)
    assert set(told["average_precision"]) == {"challenger", "popularity", "bought before"}
    assert len(told["dataset"]["sha256"]) == 64


def require_what_an_operator_watches(cluster):
    found = cluster.metrics.gauges()
    assert {name.split(",")[0] for name in found} == {
        f"airflow.{name}" for name in GAUGES if name != "push.drift_psi"
    }
    assert found["airflow.push.decision,decision=promote"] == 1
    assert found["airflow.push.decision,decision=keep"] == 0
    assert found["airflow.push.model_age_days"] == 0
    assert found["airflow.push.average_precision,scorer=bought_before"] > 0
    assert found["airflow.push.rows,step=load"] > found["airflow.push.rows,step=filter"] > 0
    assert {f"airflow.push.step_seconds,step={step}" for step in STEPS[:-1]} <= set(found)
    own = "airflow.task.duration,dag_id=push_retraining,task_id=train"
    wait_until(lambda: any(line.startswith(own) for line in cluster.metrics.lines), own)


def require_logs_for_machines_without_a_user(cluster, run_id):
    lines = cluster.task_log(DAG, run_id, "load", attempt=1).read_text().splitlines()
    assert all({"timestamp", "level", "event"} <= json.loads(line).keys() for line in lines)
    of_scheduler = (cluster.home / LOGS / "scheduler.log").read_text().splitlines()
    assert [line for line in of_scheduler if not line.startswith("{")] == []
    ids = {str(user).encode() for user in pd.read_csv(cluster.dataset)["user_id"]}
    logs = [path for path in cluster.home.rglob("*.log") if path.is_file()]
    assert len(logs) > len(STEPS)
    assert not [path for path in logs if any(user in path.read_bytes() for user in ids)]


def require_lineage(cluster):
    def events():
        told = [json.loads(line) for line in cluster.lineage.read_text().splitlines()]
        return {(e["job"]["name"].removeprefix(f"{DAG}."), e["eventType"]): e for e in told}

    # Each is sent by a process of its own, which the run does not wait for.
    all_told = {(step, kind) for step in STEPS for kind in ("START", "COMPLETE")}
    wait_until(lambda: all_told <= set(events()), "every task told OpenLineage of itself")
    found = events()
    of_load, of_train = (found[step, "COMPLETE"] for step in ("load", "train"))
    assert [data["name"] for data in of_load["inputs"]] == [str(cluster.dataset)]
    model = str(cluster.models / "push_2021_05_01")
    assert [data["name"] for data in of_train["outputs"]] == [model]


def deployed(cluster, run_id):
    """Give what the run's event said, once the DAG of examples/airflow ended that waited for it."""

    def event():
        found = cluster.api.get(EVENTS, params={"source_run_id": run_id})
        # While a run that the event made is queued, Airflow 3.3.2 fails to say when it started.
        if found.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            return {"created_dagruns": []}
        (event,) = found.raise_for_status().json()["asset_events"]
        return event

    wait_until(lambda: event()["created_dagruns"], "the DAG that waits for a champion started")
    (started,) = event()["created_dagruns"]
    run = cluster.wait_for_end(started["dag_id"], started["run_id"])
    assert (run["dag_id"], run["state"]) == ("deploy_champion", "success")
    return event()["extra"]


def test_backfilled_days_are_judged_on_what_was_known_and_change_no_champion(cluster, measured):
    # In the night of the 28th clocks in Europe went forward; the schedule knows UTC alone.
    first, last = date(2021, 3, 27), date(2021, 3, 29)
    runs = cluster.backfill(DAG, first, last, model="boosted_trees_fast")

    states = [{t["task_id"]: t["state"] for t in cluster.tasks(DAG, r["dag_run_id"])} for r in runs]
    found = read_verdicts(cluster.runs, kind="backfill")
    measured(sum_up(found))
    assert [run["state"] for run in runs] == ["success"] * 3
    assert [(of["train"], of["promote"]) for of in states] == [("success", "skipped")] * 3
    assert [one.run_date for one in found] == [date(2021, 3, day) for day in (27, 28, 29)]
    assert [one.decision for one in found] == ["promote"] * 3
    assert champion(cluster.models) is None
    for run in runs:
        events = cluster.api.get(EVENTS, params={"source_run_id": run["dag_run_id"]}).json()
        assert events["total_entries"] == 0
        log = cluster.task_log(DAG, run["dag_run_id"], "promote", attempt=1).read_text()
        assert "a backfilled day promotes nothing unless a person approves it" in log
        assert "Told nobody of a dry run." in log


def test_two_workers_find_what_the_command_line_finds(cluster, measured, tmp_path):
    run_id = cluster.trigger("push_exploration", FIRST, size="small", search_trials=1, seed=SEED)
    explore = [Path(sys.executable).with_name("push-model"), "explore", cluster.dataset]
    options = ["--size", "small", "--until", str(FIRST_DAY), "--seed", str(SEED), "--jobs", "1"]
    options += ["--search-trials", "1", "--out", tmp_path / "by_hand"]
    subprocess.run([*explore, *options], check=True, capture_output=True)
    run = cluster.wait_for_end("push_exploration", run_id)

    assert run["state"] == "success"
    tasks = cluster.tasks("push_exploration", run_id)
    measured("push_exploration: " + say_seconds(tasks))
    entries = [task for task in tasks if task["task_id"] in {"entry", "found"}]
    folder = find_run_folder(cluster.runs, run_id).exploration
    exploration = open_exploration(folder)
    # What the search itself measured in full is left to no task.
    (tried, other) = exploration.found
    assert {task["rendered_map_index"] for task in entries} == {
        entry.slug for entry in exploration.entries if entry != tried
    }
    assert other.slug in {t["rendered_map_index"] for t in entries if t["task_id"] == "found"}
    assert {task["hostname"] for task in entries} == {"worker-1", "worker-2"}
    assert figures_of(folder) == figures_of(tmp_path / "by_hand")


def say_seconds(tasks):
    return ", ".join(f"{task['task_id']} {task['duration']:.1f} s" for task in tasks)
