"""A cluster that runs, as tests see it: ask its API, kill a part of it, start that again."""

import json
import shutil
import socket
import threading
import time
from datetime import date
from pathlib import Path

import httpx

from push_ops.local import background
from push_ops.local.cluster.cluster import list_unready_components, start_cluster
from push_ops.local.cluster_api import log_in
from push_ops.local.network import HOST, find_free_ports
from push_ops.local.startup import RECORD, stop_recorded
from tests.frames import make_frame

ROOT = Path(__file__).parents[3]
ORDERS = 400
RUN_TIMEOUT_S = 600.0
ASK_EVERY_S = 0.25
# What is left runs nothing, and is thrown away.
CLEAN_STOP_S = 3.0
# A task of a dead worker is given up after seconds, not minutes.
IMPATIENT = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
}
OURS = "airflow.push."  # names of metrics begin so
UNPAUSED = {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False"}
# Put before the project's DAGs: a lost task is tried again at once, not in two minutes.
AT_ONCE = """
from datetime import timedelta
from push_ops.retries import TASK_DEFAULTS
TASK_DEFAULTS["retry_delay"] = timedelta(seconds=1)
"""
# No run starts by the clock of today; those of a past day are asked for all the same.
BEGINS = "start_date=datetime(2020, 1, 1, tzinfo=UTC),"
ENDED = f"{BEGINS} end_date=datetime(2022, 1, 1, tzinfo=UTC),"


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
            code = dag.read_text("utf-8").replace(BEGINS, ENDED)
            (self.dags / dag.name).write_text(AT_ONCE + code, "utf-8")
        assert ENDED in (self.dags / "push_retraining.py").read_text("utf-8")
        for example in (ROOT / "examples/airflow").glob("*.py"):
            shutil.copy(example, self.dags)
        self.lost, self.revived = set(), []
        self.metrics, self.lineage = Metrics(), folder / "lineage.jsonl"

    def start(self):
        """Start it, and log in."""
        (port,) = find_free_ports(1)
        self.plan, self.startup = start_cluster(self.home, port=port, settings=self.settings())
        self.api = httpx.Client(base_url=f"http://{HOST}:{port}", timeout=60)
        token = log_in(port, self.plan.secrets["AIRFLOW_ADMIN_PASSWORD"])
        assert token
        self.api.headers["Authorization"] = f"Bearer {token}"

    def processes(self):
        sessions = background.load(self.home / RECORD)
        return [process for session in sessions for process in session.members()]

    def close(self):
        if self.api:
            self.api.close()
        self.metrics.close()
        stop_recorded(self.home, clean_stop_s=CLEAN_STOP_S)

    def settings(self):
        return {
            **IMPATIENT,
            **UNPAUSED,
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({
                "type": "file",
                "log_file_path": str(self.lineage),
                "append": True,
            }),
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": HOST,
            "AIRFLOW__METRICS__STATSD_PORT": str(self.metrics.port),
            "PUSH_DATASET": str(self.dataset),
            "PUSH_DATASET_SETTLE_S": "1",
            "PUSH_POLICY": str(self.policy),
            "PUSH_MODELS_DIR": str(self.models),
            "PUSH_RUNS_DIR": str(self.runs),
        }

    def trigger(self, dag, moment: str, **form):
        """Start a run as a person with curl would; give its id."""
        path = f"/api/v2/dags/{dag}/dagRuns"
        asked = {"logical_date": moment, "conf": form}
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
        """Give the run once it ended, whatever its page is doing meanwhile."""

        def has_ended():
            self.revive()
            try:
                return self.run(dag, run_id)["state"] in {"success", "failed"}
            except httpx.HTTPError:
                return False

        wait_until(has_ended, f"run {run_id} ended")
        return self.run(dag, run_id)

    def kill(self, name):
        """Kill a component and all that it forked, as when its machine is lost for a while."""
        self.lost.add(name)
        background.stop([self.startup.sessions[name]], clean_stop_s=0)

    def revive(self):
        """Start again what has ended by itself, as `restart: always` does; note its name."""
        for name in [*self.plan.stores, *self.plan.components]:
            if name not in self.lost and not self.startup.sessions[name].members():
                self.revived.append(name)
                self.start_again(name)

    def start_again(self, name):
        self.lost.discard(name)
        if name in self.plan.stores:
            self.startup.start(name, self.plan.stores[name])
        else:
            component = self.plan.components[name]
            self.startup.start(name, component.command, component.environment)

    def wait_until_well(self):
        def is_well():
            self.revive()
            return not list_unready_components(self.plan)

        wait_until(is_well, "every component was well")

    def task_log(self, dag, run_id, task_id, *, attempt):
        """Say where a task's log is, in the folder that all workers share."""
        run = self.home / "logs" / f"dag_id={dag}" / f"run_id={run_id}"
        return run / f"task_id={task_id}" / f"attempt={attempt}.log"


class Metrics:
    """What arrives where the installation sends its metrics."""

    def __init__(self):
        self.lines = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while packet := self._socket.recv(65_535):
            self.lines += packet.decode().splitlines()

    def close(self):
        """Stop listening: an empty packet says so."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", (HOST, self.port))
        self._thread.join(timeout=10)
        self._socket.close()

    def gauges(self):
        """Give the newest value of each gauge of this project, by its name and tags."""
        found = (line.partition(":") for line in self.lines if line.startswith(OURS))
        return {name: float(value.removesuffix("|g")) for name, _, value in found}


def wait_until(is_true, what, timeout_s=RUN_TIMEOUT_S):
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, f"It took more than {timeout_s} s until {what}."
        time.sleep(ASK_EVERY_S)
