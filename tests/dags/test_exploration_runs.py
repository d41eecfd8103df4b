"""push_exploration: one mapped task an entry, and the same numbers as the command line."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from push_model.exploration import run, search
from push_model.exploration.entries.all import choose_entries
from push_model.exploration.folder import open_exploration
from push_model.exploration.work import list_work, run_all
from push_ops.retraining.run_folder import RunFolder
from tests.frames import make_frame

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.usefixtures("undrawn_pictures"),
]

DAGS = Path(__file__).parents[2] / "dags"
SEED = 1
TINY_TREES = {
    "iterations": 5,
    "depth": 2,
    "learning_rate": 0.2,
    "l2_leaf_reg": 3.0,
    "random_strength": 1.0,
    "leaf_estimation_iterations": 1,
}
# Both rules and one line: more entries would take the same way through the tasks.
FEW_ENTRIES = choose_entries("small")[:3]


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


def test_the_run_has_time_for_all_its_tasks(dagbag):
    dag = dagbag.dags["push_exploration"]

    assert sum((task.execution_timeout for task in dag.tasks), timedelta()) <= dag.dagrun_timeout


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "frame.csv"
    make_frame(orders=200).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module", autouse=True)
def few_and_tiny():
    """Let an exploration compare few entries, and its search try small trees alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "choose_entries", lambda _size: FEW_ENTRIES)
        patch.setattr(search, "_draw_settings", lambda _trial: TINY_TREES)
        yield


@pytest.fixture(scope="module")
def by_hand(dataset, tmp_path_factory, undrawn_pictures):  # noqa: ARG001 - finish writes a report
    """Return an exploration without Airflow."""
    folder = tmp_path_factory.mktemp("by_hand")
    run.plan(folder, str(dataset), size="small", until=date(2021, 6, 1), seed=SEED)
    exploration = open_exploration(folder)
    assert list(run_all(exploration, list_work(exploration)))
    assert search.find_more(folder, trials=1)
    assert list(run_all(exploration, list_work(exploration)))
    run.finish(folder)
    return folder


@pytest.fixture
def explore(dataset, tmp_path, monkeypatch, database):  # noqa: ARG001 - runs need the tables
    """Run the DAG; return the run and the folder of its exploration."""
    kept = RunFolder(tmp_path / "run")
    monkeypatch.setattr("push_ops.exploration.find_run_folder", lambda *_: kept)
    monkeypatch.setenv("PUSH_DATASET", str(dataset))
    monkeypatch.setenv("PUSH_RUNS_DIR", str(tmp_path))
    dag = DagBag(dag_folder=str(DAGS / "push_exploration.py")).dags["push_exploration"]

    def start():
        form = {"size": "small", "search_trials": 1, "seed": SEED}
        dag_run = dag.test(logical_date=datetime(2021, 6, 1, 5, tzinfo=UTC), run_conf=form)
        assert dag_run.state == "success"
        return dag_run, kept.exploration

    return start


def figures_of(folder):
    """Return all that was found, without times."""

    def strip(value):
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if k not in {"fit_s", "score_us"}}
        return [strip(each) for each in value] if isinstance(value, list) else value

    return {
        str(path.relative_to(folder)): strip(json.loads(path.read_text()))
        for path in [*folder.glob("results/*/*.json"), folder / "standings.json"]
    }


def test_the_tasks_find_what_the_command_line_finds(explore, by_hand):
    dag_run, folder = explore()

    labels = {task.rendered_map_index for task in dag_run.get_task_instances(state=["success"])}
    exploration = open_exploration(folder)
    (_, plain) = exploration.found
    assert {entry.slug for entry in exploration.entries if not entry.needs_history} <= labels
    assert plain.slug in labels
    assert (folder / "report" / "report.html").exists()
    assert figures_of(folder) == figures_of(by_hand)


def test_a_run_with_nothing_left_to_do_ends_with_its_report(explore, by_hand, tmp_path):
    kept = RunFolder(tmp_path / "run").exploration
    shutil.copytree(by_hand, kept)
    shutil.rmtree(kept / "report")

    dag_run, folder = explore()

    states = {task.task_id: task.state for task in dag_run.get_task_instances()}
    assert (states["entry"], states["found"]) == ("skipped", "skipped")
    assert states["finish"] == "success"
    assert (folder / "report" / "report.html").exists()
