"""Measure a whole run on a real cluster, from REST to a served prediction.

    PYTHONPATH=plugins python benchmarks/cluster.py FRAME --run-date 2022-03-15

Starts PostgreSQL, Valkey and all of Airflow's components with the commands of docker-compose.yaml,
triggers push_retraining by REST, and asks the new champion once. Seconds are Airflow's own; memory
is the proportional set size (what processes share is divided among them), its peak, looked at twice
a second; processor seconds are those of a component while the run lasts, without its tasks.
"""

import argparse
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

import psutil

from push_model import predict
from tests.system.cluster.processes import members_of
from tests.system.cluster.rig import Cluster

DAG = "push_retraining"
UNFINISHED = {"queued", "running"}
LOOK_EVERY_S = 0.5
# Of a task's process, whose title ends with the task's id.
TASK_TITLE = "airflow worker -- "
USERS = Path(__file__).parents[1] / "examples/users.json"


class Run(NamedTuple):
    """What a run of a DAG took: of tasks and components, all by name or id."""

    seconds: float
    tasks: list[dict]
    peak_mb: Counter
    cpu_s: Counter


def main() -> None:
    """Print seconds and memory by step, then what each component took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frame", type=Path)
    parser.add_argument("--run-date", type=date.fromisoformat, required=True)
    parser.add_argument("--policy", type=Path, help="Default: the default limits of the gate.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked)


def measure(folder: Path, asked: argparse.Namespace) -> None:
    """Start a cluster in a folder, run the DAG once, and print what that took."""
    files = {"PUSH_DATASET": str(asked.frame.absolute())}
    if asked.policy:
        files["PUSH_POLICY"] = str(asked.policy.absolute())
    cluster = Cluster(folder, **files)
    began = time.monotonic()
    try:
        cluster.start()
        print_parsing(cluster, time.monotonic() - began)
        run = run_once(cluster, asked.run_date)
        answer = predict(USERS.read_text("utf-8"), models_dir=cluster.models, details=True)
        print_run(run, answer)
    finally:
        cluster.close()


def print_parsing(cluster: Cluster, ready_s: float) -> None:
    """Print when the cluster was ready, and what reading the DAG files took."""
    found = cluster.api.get("/api/v2/dags").raise_for_status().json()["dags"]
    parsed = ", ".join(f"{dag['dag_id']} {dag['last_parse_duration']:.2f} s" for dag in found)
    print(f"Ready after {ready_s:.0f} s. DAG files are read in: {parsed}.\n")


def print_run(run: Run, answer: dict) -> None:
    """Print a run step by step, then what each component took while it lasted."""
    print(f"push_retraining: from REST to its end {run.seconds:.1f} s; ", end="")
    print(f"{len(answer['prediction'])} users predicted by {answer['details']['model_name']}.\n")
    print("| step | s | peak MB |\n|---|---:|---:|")
    for task in run.tasks:
        peak_mb = run.peak_mb[task["id"]]
        print(f"| {task['task_id']} | {task['duration'] or 0:.1f} | {peak_mb:,.0f} |")
    print("\n| component, without tasks | peak MB | CPU s | CPU s a task |\n|---|---:|---:|---:|")
    for name, cpu_s in run.cpu_s.items():
        share = cpu_s / len(run.tasks)
        print(f"| {name} | {run.peak_mb[name]:,.0f} | {cpu_s:.1f} | {share:.2f} |")


def run_once(cluster: Cluster, run_date: date) -> Run:
    """Run push_retraining to its end."""
    began, before = time.monotonic(), count_cpu(cluster)
    run_id = cluster.trigger(DAG, f"{run_date}T05:00:00Z")
    path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}"
    peaks: Counter = Counter()
    while (state := cluster.api.get(path).raise_for_status().json()["state"]) in UNFINISHED:
        for name, session in sessions(cluster).items():
            for owner, used in add_up(name, session).items():
                peaks[owner] = max(peaks[owner], used)
        time.sleep(LOOK_EVERY_S)
    assert state == "success", f"The run ended as {state}."
    seconds = time.monotonic() - began
    after = count_cpu(cluster)
    tasks = sorted(cluster.tasks(DAG, run_id).values(), key=lambda task: task["end_date"])
    cpu_s = Counter({name: after[name] - before[name] for name in sessions(cluster)})
    return Run(seconds, tasks, peaks, cpu_s)


def sessions(cluster: Cluster) -> dict[str, int]:
    """Return the session of each component but PostgreSQL."""
    return {name: started.pid for name, started in cluster.processes.running.items()}


def count_cpu(cluster: Cluster) -> Counter:
    """Count the processor seconds that each component has used, but not its tasks."""
    used: Counter = Counter()
    for name, session in sessions(cluster).items():
        for process in members_of(session):
            with suppress(psutil.Error, IndexError):  # it may end meanwhile
                if not process.cmdline()[0].startswith(TASK_TITLE):
                    used[name] += sum(process.cpu_times()[:2])
    return used


def add_up(name: str, session: int) -> Counter:
    """Add up the MB that a component and its tasks hold now."""
    held: Counter = Counter()
    for process in members_of(session):
        with suppress(psutil.Error, IndexError):  # it may end meanwhile
            title = process.cmdline()[0]
            owner = title.removeprefix(TASK_TITLE) if title.startswith(TASK_TITLE) else name
            held[owner] += process.memory_full_info().pss / 2**20
    return held


if __name__ == "__main__":
    main()
