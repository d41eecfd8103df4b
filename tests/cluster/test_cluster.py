"""The project's DAGs on a real cluster: PostgreSQL, Valkey, two Celery workers."""

import json
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pytest

from push_model import handler_predict
from push_model.columns import FEATURES
from push_model.exploration.folder import open_exploration
from push_model.inventory import check_folder
from push_model.promotion_log import read_moves
from push_model.store import champion
from push_model.training.past_verdicts import read_verdicts, sum_up
from push_ops.run_folder import find_run_folder
from tests.cluster.running import wait_until
from tests.explorations import figures_of
from tests.frames import make_frame

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

# A day each: Airflow starts one run a moment.
FIRST, SECOND = date(2021, 6, 1), date(2021, 6, 2)
STEPS = ["load", "filter", "train", "validate", "promote"]
SEED = 1
DAG, EVENTS = "push_retraining", "/api/v2/assets/events"


def test_a_run_started_by_rest_ends_with_a_champion_that_serves(cluster, measured, monkeypatch):
    run_id = cluster.trigger(DAG, FIRST, model="boosted_trees_fast")
    run = cluster.wait_for_end(DAG, run_id)

    tasks = {task["task_id"]: task for task in cluster.tasks(DAG, run_id)}
    measured("push_retraining: " + say_seconds(tasks[step] for step in STEPS))
    assert run["state"] == "success"
    assert {task["state"] for task in tasks.values()} == {"success"}
    assert {task["hostname"] for task in tasks.values()} <= {"worker-1", "worker-2"}
    assert champion(cluster.models).model_name == "push_2021_06_01"
    monkeypatch.setenv("PUSH_MODELS_DIR", str(cluster.models))
    row = make_frame(orders=1).iloc[0]
    answer = handler_predict(
        {"users": {"u_1": {name: float(row[name]) for name in FEATURES}}}, None
    )
    assert answer["statusCode"] == "200"
    assert 0 <= json.loads(answer["body"])["prediction"]["u_1"] <= 1
    told = deployed(cluster, run_id)
    assert (told["model_name"], told["champion_before"]) == ("push_2021_06_01", None)
    assert set(told["average_precision"]) == {"challenger", "popularity", "bought before"}
    assert len(told["dataset"]["sha256"]) == 64


def deployed(cluster, run_id):
    """Give what the run's event said, once the DAG of examples/airflow ended that waited for it."""

    def event():
        found = cluster.api.get(EVENTS, params={"source_run_id": run_id})
        (event,) = found.raise_for_status().json()["asset_events"]
        return event

    wait_until(lambda: event()["created_dagruns"], "the DAG that waits for a champion started")
    (started,) = event()["created_dagruns"]
    run = cluster.wait_for_end(started["dag_id"], started["run_id"])
    assert (run["dag_id"], run["state"]) == ("deploy_champion", "success")
    return event()["extra"]


def test_backfilled_days_are_judged_on_what_was_known_and_change_no_champion(cluster, measured):
    first, last = date(2021, 5, 30), date(2021, 5, 31)
    runs = cluster.backfill(DAG, first, last, model="boosted_trees_fast")

    states = [{t["task_id"]: t["state"] for t in cluster.tasks(DAG, r["dag_run_id"])} for r in runs]
    found = read_verdicts(cluster.runs, kind="backfill")
    measured(sum_up(found))
    assert [run["state"] for run in runs] == ["success", "success"]
    assert [(of["train"], of["promote"]) for of in states] == [("success", "skipped")] * 2
    assert [one.run_date for one in found] == [first, last]
    assert [one.decision for one in found] == ["promote", "promote"]
    assert champion(cluster.models) is None
    for run in runs:
        events = cluster.api.get(EVENTS, params={"source_run_id": run["dag_run_id"]}).json()
        assert events["total_entries"] == 0
        log = cluster.task_log(DAG, run["dag_run_id"], "promote", attempt=1).read_text()
        assert "a backfilled day promotes nothing unless a person approves it" in log
        assert "Told nobody of a dry run." in log


def test_two_workers_find_what_the_command_line_finds(cluster, measured, tmp_path):
    run_id = cluster.trigger("push_exploration", FIRST, size="small", seed=SEED)
    explore = [Path(sys.executable).with_name("push-model"), "explore", cluster.dataset]
    options = ["--size", "small", "--until", str(FIRST), "--seed", str(SEED), "--jobs", "1"]
    subprocess.run(
        [*explore, *options, "--out", tmp_path / "by_hand"], check=True, capture_output=True
    )
    run = cluster.wait_for_end("push_exploration", run_id)

    assert run["state"] == "success"
    tasks = cluster.tasks("push_exploration", run_id)
    measured("push_exploration: " + say_seconds(tasks))
    entries = [task for task in tasks if task["task_id"] == "entry"]
    folder = find_run_folder(cluster.runs, run_id).exploration
    assert {task["rendered_map_index"] for task in entries} == {
        entry.slug for entry in open_exploration(folder).entries
    }
    assert {task["hostname"] for task in entries} == {"worker-1", "worker-2"}
    assert figures_of(folder) == figures_of(tmp_path / "by_hand")


def test_a_training_whose_worker_is_killed_is_finished_by_the_other(cluster, measured):
    run_id = cluster.trigger(DAG, SECOND, model="boosted_trees_fast")
    log = cluster.task_log(DAG, run_id, "train", attempt=1)
    wait_until(lambda: log.exists() and "Training on" in log.read_text(), "a training began")
    killed_on, killed_at = find(cluster, run_id, "train")["hostname"], datetime.now().astimezone()
    cluster.kill(killed_on)
    try:
        files_then = files_of(cluster.models)
        run = cluster.wait_for_end(DAG, run_id)
        train = find(cluster, run_id, "train")
    finally:
        cluster.start_again(killed_on)

    recovery_s = (datetime.fromisoformat(train["start_date"]) - killed_at).total_seconds()
    measured(f"{killed_on} killed in train, {train['hostname']} trains after {recovery_s:.1f} s")
    assert files_then == set()
    name = "push_2021_06_02"
    assert run["state"] == "success"
    assert train["try_number"] == 2
    assert train["hostname"] != killed_on
    assert recovery_s < 60
    assert champion(cluster.models).model_name == name
    assert check_folder(cluster.models / name).faults == ()
    assert len(read_moves(cluster.models)) == 1
    assert {path.split("/")[0] for path in files_of(cluster.models)} == {
        name,
        "champion.json",
        "promotions.jsonl",
        ".promotion.lock",
    }


def find(cluster, run_id, task_id):
    tasks = cluster.tasks(DAG, run_id)
    return next(task for task in tasks if task["task_id"] == task_id)


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def say_seconds(tasks):
    return ", ".join(f"{task['task_id']} {task['duration']:.1f} s" for task in tasks)
