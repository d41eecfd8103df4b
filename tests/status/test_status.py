"""The states that `push-model status` and the page must answer for."""

import json

import pytest

from tests.status import installed
from tests.status.installed import Installation


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
