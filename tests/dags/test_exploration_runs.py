"""The exploration on Airflow: one mapped task an entry, and the numbers of the command line."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from push_model.exploration.folder import open_exploration
from push_model.exploration.run import finish, plan, run_all
from push_model.exploration.work import list_work
from push_ops.run_folder import find_run_folder
from tests.explorations import figures_of
from tests.frames import make_frame

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DAGS = Path(__file__).parents[2] / "dags"


def test_it_waits_for_a_person_and_touches_nothing_that_serves(dagbag):
    dag = dagbag.dags["push_exploration"]

    assert dag.schedule is None
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == {
        "plan": {"entry"},
        "entry": {"finish"},
        "finish": set(),
    }


def test_the_tasks_find_what_the_command_line_finds(tmp_path, monkeypatch, database):  # noqa: ARG001 - runs need the tables
    dataset = tmp_path / "frame.csv"
    make_frame(orders=400).to_csv(dataset, index=False)
    monkeypatch.setenv("PUSH_DATASET", str(dataset))
    monkeypatch.setenv("PUSH_RUNS_DIR", str(tmp_path / "runs"))

    dag = DagBag(dag_folder=str(DAGS)).dags["push_exploration"]
    run = dag.test(
        logical_date=datetime(2021, 6, 1, 5, tzinfo=UTC), run_conf={"size": "small", "seed": 1}
    )

    assert run.state == "success"
    labels = {task.rendered_map_index for task in run.get_task_instances(state=["success"])}
    folder = find_run_folder(tmp_path / "runs", run.run_id).exploration
    assert {entry.slug for entry in open_exploration(folder).entries} <= labels
    assert (folder / "report" / "report.html").exists()
    by_hand = tmp_path / "by_hand"
    plan(by_hand, str(dataset), size="small", until=date(2021, 6, 1), seed=1)
    exploration = open_exploration(by_hand)
    assert len(list(run_all(exploration, list_work(exploration)))) > 0
    finish(by_hand)
    assert figures_of(folder) == figures_of(by_hand)
