"""What does a whole run take on a real cluster, from REST to a served prediction?

    python benchmarks/cluster.py FRAME --run-date 2022-03-15

Starts PostgreSQL, Valkey and all of Airflow's components with the commands of docker-compose.yaml,
triggers push_retraining by REST, and asks the new champion once. Seconds are Airflow's own; memory
is the proportional set size (what processes share is divided among them), its peak, looked at twice
a second.
"""

import argparse
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import date
from pathlib import Path

import httpx
import psutil

from push_model import predict
from push_ops.background import Session
from push_ops.cluster import USER, start_cluster
from push_ops.network import HOST, find_free_ports
from push_ops.startup import Startup, stop_recorded

DAG = "/api/v2/dags/push_retraining"
LOOK_EVERY_S = 0.5
# Of a task's process, whose title ends with the task's id.
TASK_TITLE = "airflow worker -- "
USERS = Path(__file__).parents[1] / "examples/users.json"
SAMPLE_POLICY = Path(__file__).parents[1] / "examples/policy_of_the_sample.toml"


def main() -> None:
    """Print seconds and memory by step, then memory by component."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frame", type=Path)
    parser.add_argument("--run-date", type=date.fromisoformat, required=True)
    parser.add_argument("--policy", type=Path, default=SAMPLE_POLICY)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure_run(Path(folder), asked.frame.absolute(), asked.run_date, asked.policy.absolute())


def measure_run(folder: Path, frame: Path, run_date: date, policy: Path) -> None:
    """Start a cluster in a folder, run the DAG once, and print what it took."""
    settings = {
        "PUSH_DATASET": str(frame),
        "PUSH_POLICY": str(policy),
        "PUSH_MODELS_DIR": str(folder / "models"),
        "PUSH_RUNS_DIR": str(folder / "runs"),
        # Nothing runs but what is asked for.
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    }
    (port,) = find_free_ports(1)
    home = folder / "airflow"
    began = time.monotonic()
    plan, startup = start_cluster(home, port=port, settings=settings)
    try:
        ready_s = time.monotonic() - began
        api = log_in(port, plan.secrets["AIRFLOW_ADMIN_PASSWORD"])
        began = time.monotonic()
        tasks, peaks = run_once(api, startup, run_date)
        run_s = time.monotonic() - began
        users = USERS.read_text("utf-8")
        answer = predict(users, models_dir=folder / "models", details=True)
    finally:
        stop_recorded(home)
    print(f"Ready after {ready_s:.0f} s; from REST to the end of the run {run_s:.1f} s; ", end="")
    print(f"{len(answer['prediction'])} users predicted by {answer['details']['model_name']}.\n")
    print("| step | s | peak MB |\n|---|---:|---:|")
    for task in tasks:
        print(f"| {task['task_id']} | {task['duration'] or 0:.1f} | {peaks[task['id']]:,.0f} |")
    print("\n| component, without tasks | peak MB |\n|---|---:|")
    for name in startup.sessions:
        print(f"| {name} | {peaks[name]:,.0f} |")


def log_in(port: int, password: str) -> httpx.Client:
    """Give a client that may do all, once the DAG was seen."""
    api = httpx.Client(base_url=f"http://{HOST}:{port}", timeout=60)
    login = {"username": USER, "password": password}
    token = api.post("/auth/token", json=login).raise_for_status().json()["access_token"]
    api.headers["Authorization"] = f"Bearer {token}"
    while not api.get(DAG).is_success:
        time.sleep(LOOK_EVERY_S)
    return api


def run_once(api: httpx.Client, startup: Startup, run_date: date) -> tuple[list, Counter]:
    """Run the DAG; give its tasks, and the peaks of memory by component and by task."""
    moment = f"{run_date}T05:00:00Z"
    asked = api.post(f"{DAG}/dagRuns", json={"logical_date": moment, "conf": {}})
    run = f"{DAG}/dagRuns/{asked.raise_for_status().json()['dag_run_id']}"
    peaks: Counter = Counter()
    while (state := api.get(run).raise_for_status().json()["state"]) in {"queued", "running"}:
        for name, session in startup.sessions.items():
            for owner, used in add_up(name, session).items():
                peaks[owner] = max(peaks[owner], used)
        time.sleep(LOOK_EVERY_S)
    assert state == "success", f"The run ended as {state}."
    found = api.get(f"{run}/taskInstances").raise_for_status().json()["task_instances"]
    return sorted(found, key=lambda task: task["end_date"]), peaks


def add_up(name: str, session: Session) -> Counter:
    """Add up the MB that a component and its tasks hold now."""
    held: Counter = Counter()
    for process in session.members():
        with suppress(psutil.Error, IndexError):  # it may end meanwhile
            title = process.cmdline()[0]
            owner = title.removeprefix(TASK_TITLE) if title.startswith(TASK_TITLE) else name
            held[owner] += process.memory_full_info().pss / 2**20
    return held


if __name__ == "__main__":
    main()
