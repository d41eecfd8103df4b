"""The states that `push-model status` and the page must answer for."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from push_model.training.gate.policy import Policy
from tests.status import installed
from tests.status.installed import NOW, STEPS, Installation, id_of


@pytest.fixture
def place(tmp_path):
    return Installation(tmp_path)


# What each state must say: champion, its word, outcome of the newest run, what to do.
STATES = {
    "healthy": ("push_b", "good", "promoted", "No action needed."),
    "kept_three_days": ("push_a", "weak", "kept", "No challenger has won for 3 days in a row."),
    "damaged": ("push_b", "failing", "promoted", "push_b is damaged. Roll back"),
    "drifted": ("push_a", "weak", "kept", "dataset: discount_pct moved."),
    "rolled_back": ("push_b", "good", "promoted", "Find out why the rollback was needed"),
    "pointer_damaged": (None, None, "promoted", "champion.json does not name a champion"),
    "forced": ("push_b", "good", "kept", "No action needed."),
}


@pytest.mark.parametrize("state", STATES)
def test_each_state_says_what_serves_how_good_how_the_run_ended_and_what_to_do(place, state):
    name, word, outcome, step = STATES[state]
    getattr(installed, state)(place)

    found = place.read()

    assert (found.champion and found.champion.model_name) == name
    assert (found.champion and found.champion.quality.word) == word
    assert found.newest.outcome == outcome
    assert step in found.next_step
    json.dumps(found.document(), allow_nan=False)


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_failed_at_any_step_says_where_why_and_what_to_do(place, step):
    run_id = place.judge(5, "promote", names=("push_a", None))
    place.serve("push_a", run_id=run_id)
    place.fail(9, step)

    found = place.read()

    assert (found.newest.outcome, found.newest.failed_step) == ("failed", step)
    assert found.newest.error == "frame.csv breaks 1 rule."
    assert found.newest.sentence == f"The task {step} failed; the champion is unchanged."
    assert found.next_step.endswith("Fix the dataset, then clear the failed task.")
    assert found.champion.quality.word == "good"


def test_a_winner_that_waits_for_a_person_says_so(place):
    place.judge(9, "promote", names=("push_b", None))
    place.fail(9, "load", outcome="unfinished")

    found = place.read()

    assert found.newest.outcome == "unfinished"
    assert "Approve or reject it" in found.newest.next_step


@pytest.mark.parametrize("step", ["filter", "train", "validate"])
def test_of_a_run_without_an_outcome_the_files_say_which_step_ended_it(place, step):
    place.fail(8, step)
    (place.runs / id_of(8) / "outcome.json").unlink()

    running = place.read(now=NOW - timedelta(days=1)).newest
    over = place.read().newest

    assert running.outcome == "unfinished"
    assert (over.outcome, over.failed_step) == ("failed", step)
    assert step in running.sentence
    assert step in over.sentence


def test_a_cleared_run_that_goes_on_is_not_called_failed(place):
    place.fail(9, "load")
    place.judge(9, "keep", names=("push_b", None))
    installed.at(place.runs / id_of(9) / "outcome.json", 8)

    assert place.read().newest.outcome == "kept"


def test_where_nothing_was_trained_it_says_how_to_begin(place):
    place.models.rmdir()

    found = place.read()

    assert (found.champion, found.newest, found.models, found.faults) == (None, None, (), ())
    assert found.next_step.startswith("Train a first model: make retrain")


def test_a_champion_that_is_too_old_is_failing(place):
    installed.healthy(place)

    quality = place.read(max_age_days=3).champion.quality

    assert quality.word == "failing"
    assert quality.sentence == "It was trained 4 days ago; 3 are allowed."


def test_a_champion_that_no_run_has_measured_is_weak(place):
    place.serve("push_a")

    found = place.read()

    assert found.champion.quality.word == "weak"
    assert "No run has measured it." in found.champion.quality.sentence
    assert found.champion.run_id is None
    assert found.next_step.startswith("See whether the next run's challenger wins. No run has")


# Estimates of a champion, and the word the rule gives.
FIGURES = {
    "good": {},
    "weak": {"precision": 0.15},
    "failing": {"precision": 0.0},
}


@pytest.mark.parametrize("word", FIGURES)
def test_the_word_follows_average_precision_beside_popularity(place, word):
    run_id = place.judge(9, "promote", names=("push_a", None), **FIGURES[word])
    place.serve("push_a", day=9, run_id=run_id)

    assert place.read().champion.quality.word == word


@pytest.mark.parametrize(
    ("highest", "word"), [(1.43, "good"), (1.2, "weak"), (1.0, "weak"), (0.85, "failing")]
)
def test_the_word_follows_expected_beside_actual_purchases(place, highest, word):
    run_id = place.judge(9, "promote", names=("push_a", None))
    place.serve("push_a", day=9, run_id=run_id)
    policy = Policy.model_construct(**Policy().model_dump() | {"max_expected_per_actual": highest})

    assert place.read(policy=policy).champion.quality.word == word


def test_what_the_champion_expected_counts_each_day_since_it_serves_once(place):
    place.serve("push_a", day=5)
    lines = [
        line_of(8, {5: (9, 1), 6: (40, 60), 7: (10, 50)}),
        line_of(9, {6: (50, 60), 7: (20, 50), 8: (10, 40)}),
        line_of(9, {8: (1, 1)}) | {"model_name": "push_b"},
    ]
    (place.runs).mkdir()
    (place.runs / "backtests.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))

    found = place.read()

    service = found.service
    assert (service.first_day, service.last_day) == ("2026-01-06", "2026-01-08")
    assert (service.orders, service.expected, service.actual) == (30, 80.0, 150)
    assert service.average_precision == 0.2
    assert found.champion.quality.word == "failing"
    assert "expected 0.53 purchases for each that happened" in found.champion.quality.sentence


def line_of(run_day, days):
    ranks = {"average_precision": 0.2, "popularity_average_precision": 0.05}
    return {
        "run_date": f"2026-01-{run_day:02}",
        "dataset": "frame.csv",
        "min_items": 5,
        "model_name": "push_a",
        "total": ranks,
        "days": [
            {
                "day": f"2026-01-{day:02}",
                "orders": 10,
                "expected_purchases": expected,
                "actual_purchases": actual,
            }
            for day, (expected, actual) in days.items()
        ],
    }


def test_a_backfill_is_listed_and_is_not_the_newest_run(place):
    installed.healthy(place)
    late = place.judge(9, "keep", names=("push_old", "push_b"))
    (place.runs / late).rename(place.runs / "backfill__1")
    text = (place.runs / "backfill__1" / "verdict.json").read_text()
    (place.runs / "backfill__1" / "verdict.json").write_text(text.replace(late, "backfill__1"))

    found = place.read()

    assert {run.kind for run in found.runs} == {"backfill"}
    assert (found.newest, found.kept_in_a_row) == (None, 0)


def test_limits_that_a_form_changed_are_with_run_champion_and_move(place):
    run_id = place.judge(9, "promote", names=("push_a", None))
    changed = {"margin": {"value": 0.2, "usual": 0.05}}
    path = place.runs / run_id / "verdict.json"
    document = json.loads(path.read_text())
    document["verdict"]["changed_limits"] = changed
    path.write_text(json.dumps(document))
    place.serve("push_a", day=9, run_id=run_id, verdict={"changed_limits": changed})

    found = place.read()

    assert found.newest.limits_changed == changed
    assert found.champion.limits_changed == changed
    assert found.moves[0].limits_changed == changed
    assert found.champion.run_id == found.moves[0].run_id == run_id


def test_a_verdict_of_another_release_is_shown_by_what_can_be_read(place):
    run_id = place.judge(9, "keep", names=("push_b", "push_a"))
    path = place.runs / run_id / "verdict.json"
    document = json.loads(path.read_text())
    document["verdict"] = {
        "decision": "keep",
        "champion_name": "push_a",
        "headline": "It is worse.",
    }
    path.write_text(json.dumps(document))

    newest = place.read().newest

    assert (newest.outcome, newest.model_name, newest.verdict) == ("kept", "push_b", None)
    assert newest.sentence == "push_a stays the champion. It is worse."


@pytest.mark.parametrize("file", ["verdict.json", "outcome.json", "backtests.jsonl"])
@pytest.mark.parametrize("content", ["", "[]", "{}", '{"run_id": 1}', "\x00", "[" * 9999])
def test_a_damaged_file_is_named_and_hides_nothing_else(place, file, content):
    installed.healthy(place)
    folder = place.runs / id_of(8)
    folder.mkdir()
    path = place.runs / file if file == "backtests.jsonl" else folder / file
    path.write_text(content)

    found = place.read()

    assert found.champion.model_name == "push_b"
    assert len(found.runs) == (1 if file == "backtests.jsonl" else 2)
    assert not content or any(file in fault for fault in found.faults)


@pytest.mark.parametrize(
    ("file", "keys"),
    [
        ("verdict.json", ("run_date",)),
        ("verdict.json", ("verdict", "decision")),
        ("verdict.json", ("verdict", "champion_name")),
        ("verdict.json", ("verdict", "changed_limits")),
        ("verdict.json", ("verdict", "orders")),
        ("verdict.json", ("verdict", "metrics", "challenger", "roc_auc")),
        ("verdict.json", ("verdict", "intervals", "champion", "average_precision", 0)),
        ("verdict.json", ("verdict", "drift", 0, "psi")),
        ("outcome.json", ("run_id",)),
        ("outcome.json", ("at",)),
        ("outcome.json", ("task",)),
    ],
)
@pytest.mark.parametrize("value", [[5], float("nan"), "2026-13-40"])
def test_a_value_of_a_wrong_kind_hides_no_other_run(place, file, keys, value):
    installed.healthy(place)
    place.fail(10, "train")
    path = place.runs / id_of(9 if file == "verdict.json" else 10) / file
    document = json.loads(path.read_text())
    place_of = document
    for key in keys[:-1]:
        place_of = place_of[key]
    place_of[keys[-1]] = value
    times = path.stat().st_mtime_ns
    path.write_text(json.dumps(document))
    os.utime(path, ns=(times, times))

    found = place.read()

    assert len(found.runs) == 2
    json.dumps(found.document(), allow_nan=False)


def test_while_the_first_run_goes_on_nothing_needs_to_be_fixed(place):
    folder = place.runs / id_of(9)
    folder.mkdir(parents=True)
    (folder / "frame.parquet").write_text("")
    installed.at(folder / "frame.parquet", 9)

    assert place.read().next_step.startswith("Wait, or look in Airflow")


def test_reading_needs_no_slow_library():
    code = (
        "import sys, push_model.status.read; "
        "print(*{'pandas', 'numpy', 'pydantic', 'airflow'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
