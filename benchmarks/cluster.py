"""Measure a whole run on a real cluster, from REST to a served prediction.

    PYTHONPATH=plugins python benchmarks/cluster.py FRAME --run-date 2022-03-15 [--explore full]

Starts PostgreSQL, Valkey and all of Airflow's components with the commands of docker-compose.yaml,
triggers push_retraining by REST, and asks the new champion once; with ``--explore`` it runs
push_exploration after that, a mapped task an entry. Seconds are Airflow's own; memory is the
proportional set size (what processes share is divided among them), its peak, looked at twice a
second; processor seconds are those of a component while the run lasts, its tasks left out.
"""

import argparse
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil

from push_model import predict
from push_ops.local.background import Session
from push_ops.local.cluster.cluster import start_cluster
from push_ops.local.cluster_api import log_in
from push_ops.local.network import HOST, find_free_ports
from push_ops.local.startup import Startup, stop_recorded

DAGS = "/api/v2/dags"
LOOK_EVERY_S = 0.5
# Of a task's process, whose title ends with the task's id.
TASK_TITLE = "airflow worker -- "
USERS = Path(__file__).parents[1] / "examples/users.json"
SAMPLE_POLICY = Path(__file__).parents[1] / "examples/policy_of_the_sample.toml"


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
    parser.add_argument("--policy", type=Path, default=SAMPLE_POLICY)
    parser.add_argument("--explore", choices=["small", "full"])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked)


def measure(folder: Path, asked: argparse.Namespace) -> None:
    """Start a cluster in a folder, run a DAG or both once, and print what they took."""
    settings = {
        "PUSH_DATASET": str(asked.frame.absolute()),
        "PUSH_POLICY": str(asked.policy.absolute()),
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
        token = log_in(port, plan.secrets["AIRFLOW_ADMIN_PASSWORD"])
        assert token
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=f"http://{HOST}:{port}", headers=headers, timeout=60) as api:
            tell_parsing(api, ready_s)
            run = run_once(api, startup, "push_retraining", asked.run_date, {})
            answer = predict(USERS.read_text("utf-8"), models_dir=folder / "models", details=True)
            tell_retraining(run, answer)
            if asked.explore:
                form = {"size": asked.explore}
                tell_exploration(run_once(api, startup, "push_exploration", asked.run_date, form))
    finally:
        stop_recorded(home)


def tell_parsing(api: httpx.Client, ready_s: float) -> None:
    """Print when the cluster was ready, and what reading the DAG files took."""
    found = api.get(DAGS).raise_for_status().json()["dags"]
    parsed = {dag["dag_id"]: dag["last_parse_duration"] for dag in found}
    said = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in parsed.items())
    print(f"Ready after {ready_s:.0f} s. DAG files are read in: {said}.\n")


def tell_retraining(run: Run, answer: dict) -> None:
    """Print a run of push_retraining, step by step."""
    print(f"push_retraining: from REST to its end {run.seconds:.1f} s; ", end="")
    print(f"{len(answer['prediction'])} users predicted by {answer['details']['model_name']}.\n")
    print("| step | s | peak MB |\n|---|---:|---:|")
    for task in run.tasks:
        print(
            f"| {task['task_id']} | {task['duration'] or 0:.1f} | {run.peak_mb[task['id']]:,.0f} |"
        )
    tell_components(run)


def tell_exploration(run: Run) -> None:
    """Print a run of push_exploration: how its mapped tasks went over the workers."""
    entries = [task for task in run.tasks if task["task_id"] == "entry"]
    by_worker = Counter(task["hostname"] for task in entries)
    worked_s = sum(task["duration"] for task in entries)
    print(
        f"\npush_exploration: from REST to its end {run.seconds:.1f} s; {len(entries)} mapped ",
        end="",
    )
    print(f"tasks of {worked_s:.1f} s in all, {dict(sorted(by_worker.items()))}.")
    tell_components(run)


def tell_components(run: Run) -> None:
    """Print what each component took while a run lasted."""
    print("\n| component, without tasks | peak MB | CPU s | CPU s a task |\n|---|---:|---:|---:|")
    for name, cpu_s in run.cpu_s.items():
        share = cpu_s / len(run.tasks)
        print(f"| {name} | {run.peak_mb[name]:,.0f} | {cpu_s:.1f} | {share:.2f} |")


def run_once(
    api: httpx.Client, startup: Startup, dag: str, run_date: date, form: dict[str, str]
) -> Run:
    """Run a DAG to its end."""
    began, before = time.monotonic(), count_cpu(startup)
    asked = {"logical_date": f"{run_date}T05:00:00Z", "conf": form}
    started = api.post(f"{DAGS}/{dag}/dagRuns", json=asked).raise_for_status().json()
    path = f"{DAGS}/{dag}/dagRuns/{started['dag_run_id']}"
    peaks: Counter = Counter()
    while (state := api.get(path).raise_for_status().json()["state"]) in {"queued", "running"}:
        for name, session in startup.sessions.items():
            for owner, used in add_up(name, session).items():
                peaks[owner] = max(peaks[owner], used)
        time.sleep(LOOK_EVERY_S)
    assert state == "success", f"The run of {dag} ended as {state}."
    seconds = time.monotonic() - began
    after = count_cpu(startup)
    found = api.get(f"{path}/taskInstances", params={"limit": 1000}).raise_for_status().json()
    tasks = sorted(found["task_instances"], key=lambda task: task["end_date"])
    cpu_s = Counter({name: after[name] - before[name] for name in startup.sessions})
    return Run(seconds, tasks, peaks, cpu_s)


def count_cpu(startup: Startup) -> Counter:
    """Count the processor seconds that each component has used, but not its tasks."""
    used: Counter = Counter()
    for name, session in startup.sessions.items():
        for process in session.members():
            with suppress(psutil.Error, IndexError):  # it may end meanwhile
                if not process.cmdline()[0].startswith(TASK_TITLE):
                    used[name] += sum(process.cpu_times()[:2])
    return used


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
