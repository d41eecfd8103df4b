"""A dataset of the tests' own, and the DAG run on it by `dag.test()`."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from push_ops.retraining.run_folder import find_run_folder
from tests.frames import make_frame
from tests.undrawn import undrawn

DAGS = Path(__file__).parents[2] / "dags"
RUN_DATE = datetime(2021, 6, 1, 5, tzinfo=UTC)
DAY_AFTER = datetime(2021, 6, 2, 5, tzinfo=UTC)
FAST = {"model": "boosted_trees_fast"}
# So strongly penalised that it knows nothing: it loses against any champion.
HOPELESS = {"model_parametrisation": {"model": "logistic_regression", "penalty": "l1", "C": 1e-9}}


class Installation:
    """A dataset and the settings that point the DAG's tasks at it."""

    def __init__(self, folder):
        self.folder, self.models = folder, folder / "models"
        self.dataset = folder / "frame.csv"
        make_frame(orders=400).to_csv(self.dataset, index=False)
        self.policy = folder.with_name(f"policy_of_{folder.name}.json")
        # The newest order is some weeks older than the runs.
        self.policy.write_text('{"max_days_since_newest_order": 400}')

    def run(
        self,
        logical_date=RUN_DATE,
        run_after=None,
        settings=None,
        prepare=None,
        marked=None,
        **form,
    ):
        # A fresh DAG each time: `dag.test()` leaves the values of its form in it.
        dag = DagBag(dag_folder=str(DAGS / "push_retraining.py")).dags["push_retraining"]
        if prepare:
            prepare(dag)
        with undrawn(), pytest.MonkeyPatch.context() as patch:
            for name, value in {
                "PUSH_DATASET": self.dataset,
                "PUSH_DATASET_SETTLE_S": 1,
                "PUSH_RUNS_DIR": self.folder / "runs",
                "PUSH_MODELS_DIR": self.models,
                "PUSH_POLICY": self.policy,
                **(settings or {}),
            }.items():
                patch.setenv(name, str(value))
            dag_run = dag.test(
                logical_date=logical_date,
                run_after=run_after,
                run_conf=form,
                mark_success_pattern=marked,
            )
        # Read at once: a later run of the same moment takes this one's tasks in the database.
        self.states = {task.task_id: task.state for task in dag_run.get_task_instances()}
        return dag_run

    def run_folder(self, dag_run):
        return find_run_folder(self.folder / "runs", dag_run.run_id)

    def verdict(self, dag_run):
        return json.loads(self.run_folder(dag_run).verdict.read_text())

    def files(self):
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix() for path in paths}
