import json
from datetime import date
from pathlib import Path

import pytest

from push_model.exploration import run
from push_model.exploration.choose import Choice
from push_model.exploration.entries.all import TRIALS
from push_model.exploration.entries.trees import trees
from push_model.exploration.final_window import Outcome
from push_model.training.parametrisation import read_parametrisation
from push_ops.exploration import finish, read_exploration

FORM = {"dataset": "frame.csv", "min_items": 5, "size": "small", "search_trials": None, "seed": 0}


def read(tmp_path, **form):
    return read_exploration(
        FORM | form,
        run_id="manual",
        run_date=date(2021, 3, 4),
        environ={"PUSH_RUNS_DIR": str(tmp_path)},
    )


@pytest.mark.parametrize(
    ("form", "trials"),
    [
        ({}, 0),
        ({"size": "full"}, TRIALS["full"]),
        ({"search_trials": 3}, 3),
        ({"size": "full", "search_trials": 0}, 0),
    ],
)
def test_the_default_number_of_trials_goes_with_the_size(tmp_path, form, trials):
    assert read(tmp_path, **form).search_trials == trials


def test_the_chosen_parametrisation_is_one_that_a_retraining_takes(monkeypatch, tmp_path):
    entry = trees("shallow", "Are shallow trees enough?", settings={"depth": 4})
    choice = Choice(chosen=entry, best=entry, within=(entry,))
    outcome = Outcome((), choice, choice)
    monkeypatch.setattr(run, "finish", lambda _folder: (outcome, Path("report.html")))

    found = finish(read(tmp_path))

    assert found["chosen"] == "shallow"
    assert read_parametrisation(json.loads(found["parametrisation"])).depth == 4
