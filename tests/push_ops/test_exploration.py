import json
from pathlib import Path

import pytest

from push_model.exploration import run
from push_model.exploration.choose import Choice
from push_model.exploration.entries.all import TRIALS
from push_model.exploration.entries.trees import trees
from push_model.exploration.final_window import Outcome
from push_model.training.parametrisation import read_parametrisation
from push_ops.exploration import count_trials, finish


@pytest.mark.parametrize(
    ("form", "trials"),
    [
        ({"size": "small", "search_trials": None}, 0),
        ({"size": "full", "search_trials": None}, TRIALS["full"]),
        ({"size": "small", "search_trials": 3}, 3),
        ({"size": "full", "search_trials": 0}, 0),
    ],
)
def test_the_default_number_of_trials_goes_with_the_size(form, trials):
    assert count_trials(form) == trials


def test_the_chosen_parametrisation_is_one_that_a_retraining_takes(monkeypatch, tmp_path):
    entry = trees("shallow", "Are shallow trees enough?", settings={"depth": 4})
    choice = Choice(chosen=entry, best=entry, within=(entry,))
    outcome = Outcome((), choice, choice)
    monkeypatch.setattr(run, "finish", lambda _folder: (outcome, Path("report.html")))

    found = finish(tmp_path)

    assert found["chosen"] == "shallow"
    assert read_parametrisation(json.loads(found["parametrisation"])).depth == 4
