import json

import pytest

from push_model.errors import InvalidEventError
from push_model.exploration.entries.all import TRIALS, choose_entries
from push_model.exploration.entries.entry import (
    ORDER_SHARES,
    RULES,
    Entry,
    parametrisation_of,
    request_of,
)
from push_model.exploration.entries.inputs import FEATURE_SETS
from push_model.exploration.fits.pipelines import CLASSIFIERS
from push_model.training.parametrisation import FAMILIES, read_parametrisation
from tests.exploration.results import make_entry


@pytest.fixture(params=TRIALS)
def entries(request):
    return choose_entries(request.param)


def test_names_and_slugs_are_all_different(entries):
    assert len({entry.name for entry in entries}) == len(entries)
    assert len({entry.slug for entry in entries}) == len(entries)


def test_every_neighbour_is_there(entries):
    names = {entry.name for entry in entries}

    assert {entry.neighbour for entry in entries} - {None} <= names


def test_every_entry_asks_a_question(entries):
    assert all(entry.question.endswith("?") for entry in entries)


def test_every_family_and_feature_set_is_known(entries):
    assert {entry.family for entry in entries} <= {*RULES, *CLASSIFIERS, *FAMILIES}
    assert {entry.features for entry in entries} <= FEATURE_SETS.keys()


def test_every_servable_entry_has_settings_that_training_takes(entries):
    for entry in entries:
        if entry.is_servable:
            assert parametrisation_of(entry).model == entry.family


def test_what_handler_fit_is_told_is_what_it_takes(entries):
    told = [request for entry in entries if (request := request_of(entry)) is not None]

    assert [read_parametrisation(request).model for request in told]


def test_no_parametrisation_is_claimed_where_training_has_none():
    by_name = {entry.name: entry for entry in choose_entries("full")}

    for name in ("popularity", "trees, monotone", "line on three columns", "trees, class weights"):
        assert request_of(by_name[name]) is None


def test_needing_history_is_never_simpler():
    by_name = {entry.name: entry for entry in choose_entries("full")}

    plain = max(e.complexity for e in by_name.values() if not e.needs_history and e.is_servable)
    assert min(e.complexity for e in by_name.values() if e.needs_history) > plain


def test_the_full_list_covers_the_families_penalties_and_treatments():
    full = choose_entries("full")

    assert {e.settings.get("penalty") for e in full} >= {"l1", "l2", "elasticnet"}
    assert {e.treatment for e in full} == {
        "plain",
        "calibrated",
        "class weights",
        "a tenth of the negatives",
        *ORDER_SHARES,
    }
    assert {e.features for e in full} == FEATURE_SETS.keys()


def test_another_size_is_refused():
    with pytest.raises(InvalidEventError, match=r"size must be one of .*'small'.*, got 'huge'"):
        choose_entries("huge")


def test_a_slug_is_fit_for_a_file_name():
    assert make_entry("Trees, L2 0.3 (half the rate)").slug == "trees-l2-0-3-half-the-rate"


def test_an_entry_survives_json():
    entry = make_entry("a", settings={"depth": 3}, neighbour="b", complexity=7)

    found = Entry.from_document(json.loads(json.dumps(entry.document())))

    assert found == entry


@pytest.mark.parametrize(
    ("differs", "is_servable"),
    [
        ({}, True),
        ({"treatment": "calibrated"}, True),
        ({"features": "splines"}, False),
        ({"treatment": "class weights"}, False),
    ],
)
def test_only_scores_that_a_model_document_can_express_are_servable(differs, is_servable):
    assert make_entry("a", **differs).is_servable == is_servable


def test_rules_and_other_libraries_are_not_servable():
    assert not Entry(name="a", question="?", family="popularity").is_servable


def test_name_neighbour_and_complexity_are_not_part_of_the_content():
    assert make_entry("a").content() == make_entry("b", neighbour="c", complexity=3).content()
    assert make_entry("a").content() != make_entry("a", settings={"depth": 3}).content()
