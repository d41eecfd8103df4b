import json

import pytest

from push_model.exploration.entries.entry import Entry
from tests.exploration.results import make_entry


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
def test_only_what_a_model_document_says_honestly_is_servable(differs, is_servable):
    assert make_entry("a", **differs).is_servable == is_servable


def test_rules_and_other_libraries_are_not_servable():
    assert not Entry(name="a", question="?", family="popularity").is_servable


def test_what_is_said_of_an_entry_is_no_part_of_its_content():
    assert make_entry("a").content() == make_entry("b", neighbour="c", complexity=3).content()
    assert make_entry("a").content() != make_entry("a", settings={"depth": 3}).content()
