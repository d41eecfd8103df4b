import json

import pytest

from push_model.errors import InvalidEventError
from push_model.exploration.choose import Choice
from push_model.exploration.entries.entry import Entry
from push_model.exploration.final_window import (
    _read_outcome,
    choose_finalists,
    compare_finals,
    find_in_use,
    record_opening,
    write_outcome,
)
from push_model.exploration.folder import open_exploration
from push_model.exploration.search import _entry_of, _settings_in_use
from push_model.store.durable import write_json
from push_model.training.parametrisation import FINAL_MODEL, FINAL_MODEL_WITH_HISTORY
from tests.exploration.results import make_entry, make_result

RULE = Entry(name="popularity", question="?", family="popularity")
BASE, CHOSEN, BEST, OTHER = (
    make_entry("base", settings={"depth": 2}),
    make_entry("chosen", settings={"depth": 3}, neighbour="base"),
    make_entry("best", settings={"depth": 4}),
    make_entry("other", settings={"depth": 5}),
)


@pytest.fixture
def exploration(tmp_path):
    part = {
        "name": "final",
        "purpose": "claiming",
        "train": {"start": "2021-01-01", "end": "2021-02-01"},
        "judged": {"start": "2021-02-01", "end": "2021-03-01"},
    }
    write_json(
        tmp_path / "exploration.json", {"frame": {"outcomes_sha256": "abc"}, "parts": [part]}
    )
    return open_exploration(tmp_path)


def openings_of(exploration) -> list:
    return json.loads((exploration.folder / "finals.json").read_text("utf-8"))["openings"]


def test_the_entries_in_use_are_those_of_the_final_models():
    first, second = _settings_in_use()
    entries = [
        _entry_of(settings, features=features)
        for settings in (first, second)
        for features in ("request", "history")
    ]

    found = find_in_use([*entries, BASE])

    wanted = (FINAL_MODEL_WITH_HISTORY, FINAL_MODEL)
    assert len(found) == 2
    assert all(
        any(
            {**entry.settings, "features": entry.features}.items() <= each.items()
            for each in wanted
        )
        for entry in found
    )


def test_chosen_best_neighbour_in_use_and_rules_are_seen():
    choice = Choice(BEST, CHOSEN, (CHOSEN, BEST))
    in_use = _entry_of(_settings_in_use()[0], features="history")

    found = choose_finalists([choice], [RULE, OTHER, BEST, BASE, CHOSEN, in_use])

    assert found == (RULE, BEST, BASE, CHOSEN, in_use)


def test_an_opening_is_on_record(exploration):
    record_opening(exploration, [CHOSEN, RULE], winner=CHOSEN)

    (opening,) = openings_of(exploration)
    assert opening["entries"] == ["chosen", "popularity"]
    assert opening["window"] == "2021-02-01 <= day < 2021-03-01"
    assert (opening["winner"], opening["reason"]) == ("chosen", None)


def test_a_look_cut_short_continues_without_a_second_record(exploration):
    record_opening(exploration, [CHOSEN, RULE], winner=CHOSEN)
    record_opening(exploration, [CHOSEN], winner=CHOSEN)

    assert len(openings_of(exploration)) == 1


@pytest.mark.parametrize(
    ("finalists", "winner"), [([CHOSEN, BASE], BASE), ([CHOSEN, OTHER], CHOSEN)]
)
def test_a_second_look_for_others_is_refused(exploration, finalists, winner):
    record_opening(exploration, [CHOSEN, BASE], winner=CHOSEN)

    with pytest.raises(InvalidEventError, match=r"was opened on .* when 'chosen' .*--again"):
        record_opening(exploration, finalists, winner=winner)

    assert len(openings_of(exploration)) == 1


def test_a_second_look_with_a_reason_is_on_record(exploration):
    record_opening(exploration, [CHOSEN], winner=CHOSEN)
    record_opening(exploration, [OTHER], winner=OTHER, again="a column was wrong")

    assert [each["reason"] for each in openings_of(exploration)] == [None, "a column was wrong"]


def test_other_rows_have_a_final_window_of_their_own(exploration):
    record_opening(exploration, [CHOSEN], winner=CHOSEN)
    facts = {**exploration.facts, "frame": {"outcomes_sha256": "other rows"}}
    write_json(exploration.folder / "exploration.json", facts)

    record_opening(open_exploration(exploration.folder), [OTHER], winner=OTHER)

    assert len(openings_of(exploration)) == 2


def test_other_columns_of_the_same_rows_are_the_same_window(exploration):
    record_opening(exploration, [CHOSEN], winner=CHOSEN)
    frame = {"outcomes_sha256": "abc", "sha256": "a column was corrected"}
    write_json(exploration.folder / "exploration.json", {**exploration.facts, "frame": frame})

    with pytest.raises(InvalidEventError, match=r"was opened on .*--again"):
        record_opening(open_exploration(exploration.folder), [OTHER], winner=OTHER)


def test_claims_are_paired_within_a_part():
    results = [
        make_result(CHOSEN, "final", 0.32, noise=0.1),
        make_result(BASE, "final", 0.30, noise=0.1),
        make_result(CHOSEN, "usual test", 0.31),
    ]

    chosen, base, test = compare_finals(results)

    assert [claim.part for claim in (chosen, base, test)] == ["final", "final", "usual test"]
    assert chosen.gain_on["base"].low == pytest.approx(0.02)
    assert base.gain_on["chosen"].estimate == pytest.approx(-0.02)
    assert test.gain_on == {}


def test_an_outcome_survives_its_file(explored, tmp_path):
    outcome = _read_outcome(explored)

    write_outcome(tmp_path, outcome)

    assert _read_outcome(tmp_path) == outcome
    assert (tmp_path / "standings.json").read_bytes() == (explored / "standings.json").read_bytes()
