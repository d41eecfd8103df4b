import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from push_ops.retraining.run_folder import JudgedRun, find_run_folder
from tests.push_ops.judged import judged_run

RUNS = Path("runs")


@given(run_id=st.text())
def test_any_run_id_names_one_plain_folder(run_id):
    path = find_run_folder(RUNS, run_id).path

    assert path.parent == RUNS
    assert re.fullmatch(r"[A-Za-z0-9_-]*\.[0-9a-f]{8}", path.name)
    assert len(path.name) < 200


@given(one=st.text(), other=st.text())
def test_two_runs_never_share_a_folder(one, other):
    same = find_run_folder(RUNS, one) == find_run_folder(RUNS, other)

    assert same == (one == other)


def test_runs_that_differ_in_signs_alone_keep_apart():
    assert find_run_folder(RUNS, "a:b") != find_run_folder(RUNS, "a+b")


def test_a_run_is_read_as_it_was_written(tmp_path):
    run = judged_run("keep", reasons=("größer",), backtests=[{"sentence": "None."}])

    run.write(tmp_path / "new" / "verdict.json")

    assert JudgedRun.read(tmp_path / "new" / "verdict.json") == run


def test_a_new_champion_is_described_for_the_dags_that_wait_for_one():
    event = judged_run().champion_event(card="http://airflow.invalid/card")

    assert event["champion_before"] == "push_old"
    assert event["decision"] == "promote"
    assert event["model_card"] == "http://airflow.invalid/card"
    assert event["average_precision"]["popularity"]["estimate"] == 0.1
    assert set(event) == {
        *("model_name", "model_path", "model_card", "champion_before", "decision"),
        *("claim", "headline", "average_precision", "dataset", "run_id", "run_date"),
    }
