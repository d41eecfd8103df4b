"""push_retraining on a real cluster: PostgreSQL, Valkey, two Celery workers."""

import json
from datetime import UTC, datetime

import httpx
import pandas as pd

from push_model import handler_predict
from push_model.columns import FEATURES
from push_model.store.folder import check_folder
from push_model.store.history import history
from push_model.store.promotion import champion
from push_ops.retraining.signals import GAUGES
from tests.frames import make_frame
from tests.waiting import wait_until

FIRST = "2021-05-01T05:00:00Z"
STEPS = ["load", "filter", "train", "validate", "promote"]
DAG, EVENTS = "push_retraining", "/api/v2/assets/events"
# Kept beside the models: the pointer, its log, and the lock that is never removed.
BESIDE = {"champion.json", "promotions.jsonl", ".promotion.lock"}


def test_a_run_started_by_rest_ends_with_a_champion_that_serves(cluster, measured, monkeypatch):
    cluster.metrics.lines.clear()
    run_id = cluster.trigger(DAG, FIRST, model="boosted_trees_fast")
    run = cluster.wait_for_end(DAG, run_id)

    tasks = cluster.tasks(DAG, run_id)
    measured("push_retraining: " + seconds_of(tasks))
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
    require_json_logs_without_a_user_id(cluster, run_id)
    require_lineage(cluster)
    event = deployed(cluster, run_id)
    assert (event["model_name"], event["champion_before"]) == ("push_2021_05_01", None)
    assert set(event["average_precision"]) == {"challenger", "popularity", "bought before"}
    assert len(event["dataset"]["sha256"]) == 64


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


def require_json_logs_without_a_user_id(cluster, run_id):
    lines = cluster.task_log(DAG, run_id, "load", attempt=1).read_text().splitlines()
    assert all({"timestamp", "level", "event"} <= json.loads(line).keys() for line in lines)
    of_scheduler = cluster.processes.log("scheduler").read_text().splitlines()
    assert [line for line in of_scheduler if not line.startswith("{")] == []
    ids = {str(user).encode() for user in pd.read_csv(cluster.dataset)["user_id"]}
    logs = [path for path in cluster.home.rglob("*.log") if path.is_file()]
    assert len(logs) > len(STEPS)
    assert not [path for path in logs if any(user in path.read_bytes() for user in ids)]


def require_lineage(cluster):
    def events():
        sent = [json.loads(line) for line in cluster.lineage.read_text().splitlines()]
        return {(e["job"]["name"].removeprefix(f"{DAG}."), e["eventType"]): e for e in sent}

    # A process of its own sends each; the run does not wait for it.
    expected = {(step, kind) for step in STEPS for kind in ("START", "COMPLETE")}
    wait_until(lambda: expected <= set(events()), "every task sent its lineage")
    found = events()
    of_load, of_train = (found[step, "COMPLETE"] for step in ("load", "train"))
    assert [data["name"] for data in of_load["inputs"]] == [str(cluster.dataset)]
    model = str(cluster.models / "push_2021_05_01")
    assert [data["name"] for data in of_train["outputs"]] == [model]


def deployed(cluster, run_id):
    """Return what the event of the run says, once the DAG that waits for it ended."""

    def event():
        found = cluster.api.get(EVENTS, params={"source_run_id": run_id})
        # Airflow 3.3.2 answers 500 while a run that the event made is queued.
        if found.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            return {"created_dagruns": []}
        (event,) = found.raise_for_status().json()["asset_events"]
        return event

    wait_until(lambda: event()["created_dagruns"], "the DAG that waits for a champion started")
    (started,) = event()["created_dagruns"]
    run = cluster.wait_for_end(started["dag_id"], started["run_id"])
    assert (run["dag_id"], run["state"]) == ("deploy_champion", "success")
    return event()["extra"]


def seconds_of(tasks):
    return ", ".join(f"{step} {tasks[step]['duration']:.1f} s" for step in STEPS)


def test_a_training_whose_worker_is_killed_is_finished_by_the_other(cluster, measured):
    run_id = cluster.trigger(DAG, "2021-06-01T05:00:00Z", model="boosted_trees_fast")
    log = cluster.task_log(DAG, run_id, "train", attempt=1)
    wait_until(lambda: log.exists() and "Training on" in log.read_text(), "a training began")
    killed_on, killed_at = cluster.tasks(DAG, run_id)["train"]["hostname"], datetime.now(UTC)
    cluster.processes.kill(killed_on)
    files_then = files_of(cluster.models)
    try:
        run = cluster.wait_for_end(DAG, run_id)
    finally:
        cluster.start_component(killed_on)

    train = cluster.tasks(DAG, run_id)["train"]
    recovery_s = (datetime.fromisoformat(train["start_date"]) - killed_at).total_seconds()
    measured(f"{killed_on} killed in train, {train['hostname']} trains after {recovery_s:.1f} s")
    assert run["state"] == "success"
    assert (train["try_number"], train["hostname"] != killed_on) == (2, True)
    assert files_then == set()
    name = "push_2021_06_01"
    assert champion(cluster.models).model_name == name
    assert check_folder(cluster.models / name).faults == ()
    assert [move.model_name for move in history(cluster.models)] == [name]
    assert {path.parts[0] for path in files_of(cluster.models)} == {name, *BESIDE}
    assert not [path for path in files_of(cluster.runs) if path.name.startswith(".")]


def files_of(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
