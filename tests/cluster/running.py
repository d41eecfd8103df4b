"""A cluster that runs, as tests see it: ask its API, kill a part of it, start that again."""

import shutil
import time
from datetime import date
from pathlib import Path

import httpx

from push_ops import background
from push_ops.cluster import USER, list_silent_workers, start_cluster
from push_ops.network import HOST, find_free_ports
from push_ops.startup import RECORD, stop_recorded
from tests.frames import make_frame

ROOT = Path(__file__).parents[2]
ORDERS = 400
RUN_TIMEOUT_S = 300.0
ASK_EVERY_S = 0.25
# What is left runs nothing, and is thrown away.
CLEAN_STOP_S = 3.0
# A task of a dead worker is given up after seconds, not minutes.
IMPATIENT = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
}
UNPAUSED = {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False"}
# Put before the project's DAGs: a lost task is tried again at once, not in two minutes.
AT_ONCE = """
from datetime import timedelta
from push_ops.retries import TASK_DEFAULTS
TASK_DEFAULTS["retry_delay"] = timedelta(seconds=1)
"""
# No run starts by the clock; a backfill asks for any day all the same.
BEGINS, NOT_YET = "start_date=datetime(2020, 1, 1", "start_date=datetime(2100, 1, 1"


class Cluster:
    """A cluster of a test's own, in a folder."""

    def __init__(self, folder):
        self.folder, self.home, self.api = folder, folder / "airflow", None
        self.models, self.runs = folder / "models", folder / "runs"
        self.dataset = folder / "frame.csv"
        make_frame(orders=ORDERS).to_csv(self.dataset, index=False)
        self.policy = folder / "policy.json"
        self.policy.write_text('{"max_days_since_newest_order": 400}')
        self.dags = folder / "dags"
        self.dags.mkdir()
        for dag in (ROOT / "dags").glob("*.py"):
            code = dag.read_text("utf-8").replace(BEGINS, NOT_YET)
            (self.dags / dag.name).write_text(AT_ONCE + code, "utf-8")
        assert NOT_YET in (self.dags / "push_retraining.py").read_text("utf-8")
        for example in (ROOT / "examples/airflow").glob("*.py"):
            shutil.copy(example, self.dags)

    def start(self):
        """Start it, and log in."""
        (port,) = find_free_ports(1)
        self.plan, self.startup = start_cluster(self.home, port=port, settings=self.settings())
        self.api = httpx.Client(base_url=f"http://{HOST}:{port}", timeout=60)
        login = {"username": USER, "password": self.plan.secrets["AIRFLOW_ADMIN_PASSWORD"]}
        token = self.api.post("/auth/token", json=login).raise_for_status().json()
        self.api.headers["Authorization"] = f"Bearer {token['access_token']}"

    def processes(self):
        sessions = background.load(self.home / RECORD)
        return [process for session in sessions for process in session.members()]

    def close(self):
        if self.api:
            self.api.close()
        stop_recorded(self.home, clean_stop_s=CLEAN_STOP_S)

    def settings(self):
        return {
            **IMPATIENT,
            **UNPAUSED,
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "PUSH_DATASET": str(self.dataset),
            "PUSH_DATASET_SETTLE_S": "1",
            "PUSH_POLICY": str(self.policy),
            "PUSH_MODELS_DIR": str(self.models),
            "PUSH_RUNS_DIR": str(self.runs),
        }

    def trigger(self, dag, day: date, **form):
        """Start a run as a person with curl would; give its id."""
        path = f"/api/v2/dags/{dag}/dagRuns"
        wait_until(lambda: self.api.get(f"/api/v2/dags/{dag}").is_success, "Airflow saw the DAG")
        asked = {"logical_date": f"{day}T05:00:00Z", "conf": form}
        return self.api.post(path, json=asked).raise_for_status().json()["dag_run_id"]

    def backfill(self, dag, first: date, last: date, **form):
        """Run days gone by, one at a time; give their runs once all have ended."""
        asked = {
            "dag_id": dag,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T23:59:59Z",
            "dag_run_conf": form,
            "max_active_runs": 1,
        }
        path = "/api/v2/backfills"
        started = self.api.post(path, json=asked).raise_for_status().json()

        def is_over():
            found = self.api.get(f"{path}/{started['id']}").raise_for_status().json()
            return found["completed_at"]

        wait_until(is_over, "the backfill ended")
        runs = self.api.get(f"/api/v2/dags/{dag}/dagRuns", params={"run_type": "backfill"})
        return runs.raise_for_status().json()["dag_runs"]

    def run(self, dag, run_id):
        return self.api.get(f"/api/v2/dags/{dag}/dagRuns/{run_id}").raise_for_status().json()

    def tasks(self, dag, run_id):
        path = f"/api/v2/dags/{dag}/dagRuns/{run_id}/taskInstances"
        return self.api.get(path).raise_for_status().json()["task_instances"]

    def wait_for_end(self, dag, run_id):
        """Give the run once it ended."""
        ended = {"success", "failed"}
        wait_until(lambda: self.run(dag, run_id)["state"] in ended, f"run {run_id} ended")
        return self.run(dag, run_id)

    def kill(self, name):
        """Kill a component and all that it forked, as when its machine is lost."""
        session = self.startup.sessions[name]
        for process in session.members():
            process.kill()
        wait_until(lambda: not session.members(), f"{name} was dead")

    def start_again(self, name):
        component = self.plan.components[name]
        self.startup.start(name, component.command, component.environment)

    def wait_for_workers(self):
        wait_until(lambda: not list_silent_workers(self.plan.broker), "both workers were well")

    def task_log(self, dag, run_id, task_id, *, attempt):
        """Say where a task's log is, in the folder that all workers share."""
        run = self.home / "logs" / f"dag_id={dag}" / f"run_id={run_id}"
        return run / f"task_id={task_id}" / f"attempt={attempt}.log"


def wait_until(is_true, what, timeout_s=RUN_TIMEOUT_S):
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, f"It took more than {timeout_s} s until {what}."
        time.sleep(ASK_EVERY_S)
