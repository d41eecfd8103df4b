import pytest

from push_model.errors import InvalidEventError
from push_model.exploration.entries.all import SIZES, choose_entries
from push_model.exploration.entries.entry import ORDER_SHARES
from push_model.exploration.entries.inputs import FEATURE_SETS
from push_model.exploration.fits.pipelines import CLASSIFIERS, parametrisation_of, request_of
from push_model.exploration.fits.scorer import RULES
from push_model.training.parametrisation import FAMILIES, read_parametrisation


@pytest.fixture(params=SIZES)
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
