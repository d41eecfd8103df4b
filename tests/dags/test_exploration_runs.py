"""push_exploration: one mapped task an entry, and the same numbers as the command line."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from push_model.exploration.folder import open_exploration
from push_model.exploration.run import finish, plan
from push_model.exploration.search import find_more
from push_model.exploration.work import list_work, run_all
from push_ops.retraining.run_folder import RunFolder, find_run_folder
from tests.explorations import figures_of
from tests.frames import make_frame

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.usefixtures("undrawn_pictures"),
]

DAGS = Path(__file__).parents[2] / "dags"


def test_it_waits_for_a_person_and_touches_nothing_that_serves(dagbag):
    dag = dagbag.dags["push_exploration"]

    assert dag.schedule is None
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == {
        "plan": {"entry"},
        "entry": {"search"},
        "search": {"found"},
        "found": {"finish"},
        "finish": set(),
    }


def test_the_run_has_time_for_whatever_its_tasks_take(dagbag):
    dag = dagbag.dags["push_exploration"]

    assert sum((task.execution_timeout for task in dag.tasks), timedelta()) <= dag.dagrun_timeout


@pytest.fixture
def explore(tmp_path, monkeypatch, database):  # noqa: ARG001 - runs need the tables
    """Run the DAG on a small frame; give the run."""
    dataset = tmp_path / "frame.csv"
    make_frame(orders=400).to_csv(dataset, index=False)
    monkeypatch.setenv("PUSH_DATASET", str(dataset))
    monkeypatch.setenv("PUSH_RUNS_DIR", str(tmp_path / "runs"))
    dag = DagBag(dag_folder=str(DAGS)).dags["push_exploration"]

    def start(**form):
        run = dag.test(logical_date=datetime(2021, 6, 1, 5, tzinfo=UTC), run_conf=form)
        assert run.state == "success"
        return run

    return start


@pytest.fixture
def tiny_trees(monkeypatch):
    """Let a search try small trees alone."""
    settings = {
        "iterations": 5,
        "depth": 2,
        "learning_rate": 0.2,
        "l2_leaf_reg": 3.0,
        "random_strength": 1.0,
        "leaf_estimation_iterations": 1,
    }
    monkeypatch.setattr("push_model.exploration.search.draw_settings", lambda _trial: settings)


@pytest.mark.usefixtures("tiny_trees")
def test_the_tasks_find_what_the_command_line_finds(explore, tmp_path):
    dataset = tmp_path / "frame.csv"

    run = explore(size="small", search_trials=1, seed=1)

    labels = {task.rendered_map_index for task in run.get_task_instances(state=["success"])}
    folder = find_run_folder(tmp_path / "runs", run.run_id).exploration
    exploration = open_exploration(folder)
    (_, plain) = exploration.found
    assert {entry.slug for entry in exploration.entries if not entry.needs_history} <= labels
    assert plain.slug in labels
    assert (folder / "report" / "report.html").exists()
    by_hand = tmp_path / "by_hand"
    plan(by_hand, str(dataset), size="small", until=date(2021, 6, 1), seed=1)
    exploration = open_exploration(by_hand)
    assert len(list(run_all(exploration, list_work(exploration)))) > 0
    assert find_more(by_hand, trials=1)
    assert len(list(run_all(exploration, list_work(exploration)))) > 0
    finish(by_hand)
    assert figures_of(folder) == figures_of(by_hand)


def test_a_run_of_which_all_is_done_ends_with_its_report_all_the_same(
    explore, tmp_path, monkeypatch
):
    kept = RunFolder(tmp_path / "kept")
    monkeypatch.setattr("push_ops.exploration.find_run_folder", lambda *_: kept)
    explore(size="small")
    report = kept.exploration / "report" / "report.html"
    report.unlink()

    again = explore(size="small")

    states = {task.task_id: task.state for task in again.get_task_instances()}
    assert (states["entry"], states["finish"]) == ("skipped", "success")
    assert report.exists()
