"""Run what docker-compose.yaml runs, without Docker: Airflow, two workers, Valkey, PostgreSQL."""

import json
import shutil
import socket
import threading
from contextlib import suppress

import httpx
from celery import Celery

from tests.frames import make_frame
from tests.project.containers import ROOT
from tests.system.cluster.processes import Processes
from tests.system.cluster.services import Places, draw_secrets, read_services
from tests.system.cluster.stores import Postgres, valkey_command
from tests.waiting import free_port, wait_until

WORKERS = ("worker-1", "worker-2")
COMPONENTS = ("api-server", "execution-api", "scheduler", "dag-processor", "triggerer")
ORDERS = 400
# A task of a dead worker is given up after seconds, not minutes.
IMPATIENT = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
}
OURS = "airflow.push."  # names of metrics begin so
# Put before the project's DAGs: a lost task is tried again at once, not in two minutes.
AT_ONCE = """
from datetime import UTC, datetime, timedelta
from push_ops.schedule import TASK_DEFAULTS
TASK_DEFAULTS["retry_delay"] = timedelta(seconds=1)
"""
# The schedule starts no run; a person still may.
BEGINS = "catchup=False,"
ENDED = f"end_date=datetime(2022, 1, 1, tzinfo=UTC), {BEGINS}"


class Cluster:
    """A cluster in a folder: ask its API, kill a part of it, start that again."""

    def __init__(self, folder, **settings):
        self.folder, self.home, self._own = folder, folder / "airflow", settings
        self.models, self.runs = folder / "models", folder / "runs"
        self.dataset, self.policy = folder / "frame.csv", folder / "policy.json"
        make_frame(orders=ORDERS).to_csv(self.dataset, index=False)
        self.policy.write_text('{"max_days_since_newest_order": 400}')
        self.dags, self.lineage = folder / "dags", folder / "lineage.jsonl"
        copy_dags(self.dags)
        self.home.mkdir()
        self.processes, self.metrics = Processes(folder / "components"), Metrics()
        self.postgres = Postgres()
        self.processes.guard(self.postgres.pid)
        self.places = Places(*(free_port() for _ in range(4)), postgres=self.postgres.host)
        self.secrets = draw_secrets(folder)
        self.services = read_services(self.home, self.places, self.secrets)

    def start(self):
        """Start all of it, wait until it is well, and log in."""
        self.processes.start("redis", *self._valkey())
        self.run_init()
        for name in (*COMPONENTS, *WORKERS):
            self.start_component(name)
        address = f"http://127.0.0.1:{self.places.api}"
        self.api = httpx.Client(base_url=address, timeout=300)
        self.wait_until_well()
        login = {"username": "admin", "password": self.secrets["AIRFLOW_ADMIN_PASSWORD"]}
        token = self.api.post("/auth/token", json=login).raise_for_status().json()["access_token"]
        self.api.headers["Authorization"] = f"Bearer {token}"
        dag = "/api/v2/dags/push_retraining"
        wait_until(lambda: self.api.get(dag).is_success, "the DAG was read")

    def run_init(self):
        init = self.services["init"]
        self.processes.start("init", init.command, init.environment)
        code = self.processes.running.pop("init").wait()
        assert code == 0, self.processes.log("init").read_text()

    def start_component(self, name):
        service = self.services["worker" if name in WORKERS else name]
        named = ["--celery-hostname", name] if name in WORKERS else []
        settings = service.environment | self._settings()
        self.processes.start(name, [*service.command, *named], settings)

    def _valkey(self):
        command = valkey_command(self.places.redis, self.secrets["REDIS_PASSWORD"])
        return command, self.services["redis"].environment

    def _settings(self):
        lineage = {"type": "file", "log_file_path": str(self.lineage), "append": True}
        return IMPATIENT | {
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(lineage),
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self.metrics.port),
            "PUSH_DATASET": str(self.dataset),
            "PUSH_DATASET_SETTLE_S": "1",
            "PUSH_POLICY": str(self.policy),
            "PUSH_MODELS_DIR": str(self.models),
            "PUSH_RUNS_DIR": str(self.runs),
            **self._own,
        }

    def close(self):
        self.processes.end_all()
        self.postgres.close()
        self.processes.close()
        self.metrics.close()

    def wait_until_well(self):
        def is_well():
            self.processes.refuse_ended()
            with suppress(httpx.HTTPError):
                health = self.api.get("/api/v2/monitor/health").json()
                tasks = f"http://127.0.0.1:{self.places.execution}/execution/health"
                return (
                    all(part["status"] == "healthy" for part in health.values())
                    and httpx.get(tasks, timeout=300).is_success
                    and self._workers_answer()
                )
            return False

        wait_until(is_well, "every component was well")

    def _workers_answer(self):
        settings = self.services["worker"].environment
        with Celery(broker=settings["AIRFLOW__CELERY__BROKER_URL"]) as celery:
            answers = celery.control.ping(timeout=30, limit=len(WORKERS))
        return {f"celery@{name}" for name in WORKERS} <= {node for one in answers for node in one}

    def trigger(self, dag, moment, **form):
        """Start a run as a person with curl does; return its id."""
        asked = {"logical_date": moment, "conf": form}
        path = f"/api/v2/dags/{dag}/dagRuns"
        return self.api.post(path, json=asked).raise_for_status().json()["dag_run_id"]

    def tasks(self, dag, run_id):
        path = f"/api/v2/dags/{dag}/dagRuns/{run_id}/taskInstances"
        found = self.api.get(path, params={"limit": 1000}).raise_for_status().json()
        return {task["task_id"]: task for task in found["task_instances"]}

    def wait_for_end(self, dag, run_id):
        """Return the run once it ended."""

        def ended():
            found = self.api.get(f"/api/v2/dags/{dag}/dagRuns/{run_id}").raise_for_status().json()
            return found if found["state"] in {"success", "failed"} else None

        return wait_until(ended, f"run {run_id} ended")

    def task_log(self, dag, run_id, task_id, *, attempt):
        """Return where a task's log is, in the folder that all workers share."""
        run = self.home / "logs" / f"dag_id={dag}" / f"run_id={run_id}"
        return run / f"task_id={task_id}" / f"attempt={attempt}.log"


def copy_dags(folder):
    folder.mkdir()
    for dag in (ROOT / "dags").glob("*.py"):
        code = dag.read_text("utf-8").replace(BEGINS, ENDED)
        assert ENDED in code
        (folder / dag.name).write_text(AT_ONCE + code, "utf-8")
    for example in (ROOT / "examples/airflow").glob("*.py"):
        shutil.copy(example, folder)


class Metrics:
    """What arrives where the installation sends its metrics."""

    def __init__(self):
        self.lines = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while packet := self._socket.recv(65_535):
            self.lines += packet.decode().splitlines()

    def close(self):
        """Stop listening, on an empty packet."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def gauges(self):
        """Return the newest value of each gauge of this project, by its name and tags."""
        found = (line.partition(":") for line in self.lines if line.startswith(OURS))
        return {name: float(value.removesuffix("|g")) for name, _, value in found}
