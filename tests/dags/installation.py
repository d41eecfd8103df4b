"""A dataset of the tests' own, and the DAG run on it by `dag.test()`."""

import json
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent, AssetModel
from airflow.utils.session import create_session
from sqlalchemy import func, select

from push_model.store.promotion import champion
from push_ops.retraining.run_folder import JudgedRun, find_run_folder
from tests.dags.servers import a_chat, chat_connection
from tests.frames import make_frame
from tests.undrawn import undrawn

DAGS = Path(__file__).parents[2] / "dags"
FAST = {"model": "boosted_trees_fast"}
# So strongly penalised that it knows nothing: it loses against any champion.
HOPELESS = {"model_parametrisation": {"model": "logistic_regression", "penalty": "l1", "C": 1e-9}}


def of_june(day, hour=5):
    return datetime(2021, 6, day, hour, tzinfo=UTC)


RUN_DATE = of_june(1)


def alike(iterations):
    """Return a form for another model than the champion, and no worse."""
    return {
        "model_parametrisation": {"model": "boosted_trees", "iterations": iterations, "depth": 4}
    }


@dataclass(frozen=True)
class Run:
    """A run as it was at its end; later runs change the store and Airflow's tables."""

    dag_run: object
    states: dict  # of each task
    tries: dict  # of each task
    folder: Path
    judged: JudgedRun | None
    heard: list  # what the chat got
    questions: list  # what a person was asked
    champion: str | None
    pointer: bytes | None
    updates: int  # of the asset push_champion


class Installation:
    """A dataset and the settings that point the DAG's tasks at it."""

    def __init__(self, folder):
        self.folder, self.models, self.runs = folder, folder / "models", folder / "runs"
        self.dataset = folder / "frame.csv"
        make_frame(orders=400).to_csv(self.dataset, index=False)
        self.policy = folder.with_name(f"policy_of_{folder.name}.json")
        # The newest order is some weeks older than the runs.
        self.policy.write_text('{"max_days_since_newest_order": 400}')

    def run(
        self,
        logical_date=RUN_DATE,
        *,
        run_after=None,
        settings=None,
        prepare=None,
        marked=None,
        person=None,
        chat_status=200,
        **form,
    ):
        """Run the DAG with a chat that records, and a person who answers."""
        # A fresh DAG each time: `dag.test()` leaves the values of its form in it.
        dag = DagBag(dag_folder=str(DAGS / "push_retraining.py")).dags["push_retraining"]
        if prepare:
            prepare(dag)
        with (
            undrawn(),
            pytest.MonkeyPatch.context() as patch,
            a_chat(chat_status) as chat,
            person or nullcontext([]) as questions,
        ):
            for name, value in {
                "PUSH_DATASET": self.dataset,
                "PUSH_DATASET_SETTLE_S": 1,
                "PUSH_RUNS_DIR": self.runs,
                "PUSH_MODELS_DIR": self.models,
                "PUSH_POLICY": self.policy,
                "AIRFLOW_CONN_PUSH_SLACK": chat_connection(chat.address),
                **(settings or {}),
            }.items():
                patch.setenv(name, str(value))
            dag_run = dag.test(
                logical_date=logical_date,
                run_after=run_after,
                run_conf=form,
                mark_success_pattern=marked,
            )
        return self._keep(dag_run, [body["text"] for _, body in chat.received], questions)

    def _keep(self, dag_run, heard, questions):
        tasks = dag_run.get_task_instances()
        folder = find_run_folder(self.runs, dag_run.run_id)
        serving, pointer = champion(self.models), self.models / "champion.json"
        return Run(
            dag_run=dag_run,
            states={task.task_id: task.state for task in tasks},
            tries={task.task_id: task.try_number for task in tasks},
            folder=folder.path,
            judged=JudgedRun.read(folder.verdict) if folder.verdict.exists() else None,
            heard=heard,
            questions=questions,
            champion=serving and serving.model_name,
            pointer=pointer.read_bytes() if pointer.exists() else None,
            updates=_count_updates("push_champion", dag_run),
        )

    def files(self):
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix() for path in paths}

    def promotions(self):
        lines = (self.models / "promotions.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


def _count_updates(asset, dag_run):
    """Count the events that a run gave an asset."""
    events = select(func.count(AssetEvent.id)).join(
        AssetModel, AssetModel.id == AssetEvent.asset_id
    )
    of_run = events.where(AssetModel.name == asset, AssetEvent.source_run_id == dag_run.run_id)
    with create_session() as session:
        return session.scalar(of_run)
