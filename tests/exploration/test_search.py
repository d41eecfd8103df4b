import json
import shutil

import optuna
import pytest

from push_model.columns import HISTORY
from push_model.exploration import run, search
from push_model.exploration.folder import Exploration, open_exploration
from push_model.exploration.search import entry_of, searchable
from push_model.exploration.work import list_work

SETTINGS = {
    "iterations": 100,
    "depth": 5,
    "learning_rate": 0.1,
    "l2_leaf_reg": 3.0,
    "random_strength": 1.0,
}


@pytest.fixture
def copied(explored, tmp_path, monkeypatch):
    """Give a finished exploration whose searches try tiny trees."""

    def draw(trial) -> dict:
        return SETTINGS | {
            "iterations": trial.suggest_int("iterations", 1, 9),
            "depth": trial.suggest_int("depth", 1, 3),
        }

    monkeypatch.setattr(search, "_draw", draw)
    return shutil.copytree(explored, tmp_path / "copied")


def test_the_drawn_settings_are_what_training_takes():
    trial = optuna.trial.FixedTrial(SETTINGS | {"learning_rate": 0.123456})

    assert search._draw(trial)["learning_rate"] == 0.12


@pytest.mark.mltest("Model 3")
def test_what_a_search_finds_is_on_the_leaderboard(copied):
    found = search.search(copied, trials=2)

    exploration = open_exploration(copied)
    assert list_work(exploration) == []
    names = {standing.entry.name for standing in run.sum_up(exploration).standings}
    assert {entry.name for entry in found} <= names
    assert 1 <= len(found) <= 2


def test_a_search_goes_on_where_it_was(copied):
    search.search(copied, trials=1)
    seen = []

    search.search(
        copied, trials=3, report_progress=lambda best, spent_s: seen.append((best, spent_s))
    )
    search.search(copied, trials=3)

    assert len(seen) == 2
    assert seen[0][0] <= seen[1][0]
    assert 0 < seen[0][1] < seen[1][1]


def test_a_trial_that_was_killed_is_tried_again(copied, monkeypatch):
    tried = []

    def die(_exploration, _trial, entry):
        tried.append(entry)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(search, "_try", die)
        with pytest.raises(KeyboardInterrupt):
            search.search(copied, trials=1)

    assert search.search(copied, trials=1) == tuple(tried)


def test_a_spent_budget_starts_no_trial(copied):
    assert search.search(copied, seconds=0.0) == ()
    assert json.loads((copied / "exploration.json").read_text("utf-8"))


def test_a_trial_far_behind_the_others_is_given_up(copied, monkeypatch):
    monkeypatch.setattr(search, "STARTUP_TRIALS", 0)
    before = search.search(copied, trials=1)
    monkeypatch.setattr(search, "_precisions", lambda *_: [0.0])

    after = search.search(copied, trials=2)

    assert after == before


def test_optunas_own_lines_stay_as_they_were(copied, capfd):
    before = optuna.logging.get_verbosity()

    search.search(copied, trials=1)

    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr().err == ""


def test_the_same_settings_are_the_same_entry_and_history_is_another():
    plain, history = (entry_of(SETTINGS, features=f) for f in ("request", "history"))

    assert plain == entry_of(dict(SETTINGS), features="request")
    assert history.slug != plain.slug
    assert history.complexity > plain.complexity
    assert history.neighbour == "trees, history"


def test_history_is_searched_where_the_frame_has_it(explored):
    exploration = open_exploration(explored)
    columns = set(exploration.facts["frame"]["columns"]) - set(HISTORY)
    poor = {**exploration.facts, "frame": {"columns": [*columns]}}

    assert searchable(exploration) == ("request", "history")
    assert searchable(Exploration(explored, poor)) == ("request",)
