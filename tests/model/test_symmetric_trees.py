import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from push_model.errors import ModelFormatError
from push_model.model import symmetric_trees
from push_model.model.symmetric_trees import SymmetricTrees
from tests.forests import VALUES, forests, make_forest, walk

INPUTS = st.lists(st.lists(VALUES, min_size=6, max_size=6), min_size=1, max_size=8)


def read(scorer: dict) -> SymmetricTrees:
    return SymmetricTrees.from_document(scorer, n_inputs=len(scorer["borders"]))


@settings(max_examples=40)
@given(forests(), INPUTS)
def test_the_masks_find_the_leaves_that_walking_finds(document, rows):
    scorer = document["scorer"]

    forest = read(scorer)
    scores = [forest.log_odds(row) for row in rows]

    assert scores == [walk(scorer, row) for row in rows]


def test_chunks_of_a_large_batch_are_put_together_in_order(monkeypatch):
    monkeypatch.setattr(symmetric_trees, "CHUNK_BYTES", 64)
    forest = read(make_forest())
    columns = list(np.random.default_rng(0).uniform(-20, 20, (3, 200)))

    scores = forest.log_odds_of_columns(columns)

    assert scores.tolist() == [forest.log_odds(row) for row in np.array(columns).T.tolist()]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([0.0, 0.0, 0.0], -0.5),
        ([0.5, 10.0, 0.0], -0.5),
        ([0.6, 10.0, 0.0], 0.0),
        ([0.5, 10.1, 0.0], -3.0),
        ([math.inf, math.inf, math.nan], 2.0),
        ([math.nan, 0.0, 0.0], -0.5),
        ([0.0, math.nan, 0.0], -3.0),
    ],
)
def test_a_value_is_above_a_border_only_beyond_it(inputs, expected):
    assert read(make_forest()).log_odds(inputs) == expected


def test_a_forest_of_depth_eight_and_one_of_depth_nought_have_room_in_a_byte():
    deep = {"splits": [[0, i] for i in range(8)], "leaves": list(range(256)), "weights": [1] * 256}
    flat = {"splits": [], "leaves": [0.25], "weights": [3]}
    scorer = make_forest(borders=[list(range(8)), [], []], trees=[deep, flat], bias=0.0)

    forest = read(scorer)

    assert forest.log_odds([7.5, 0.0, 0.0]) == 255.25
    assert forest.log_odds([0.5, 0.0, 0.0]) == 1.25


def test_leaves_are_added_in_the_order_of_the_trees():
    leaves = [1e16, 1.0, -1e16]
    trees = [{"splits": [], "leaves": [leaf], "weights": [1]} for leaf in leaves]
    forest = read(make_forest(trees=trees, bias=0.0))

    alone = forest.log_odds([0.0, 0.0, 0.0])
    together = forest.log_odds_of_columns([np.zeros(1)] * 3)

    assert alone == together[0] == 0.0  # a compensated sum would say 1.0


def test_contributions_follow_a_hand_worked_example():
    forest = read(make_forest())

    base_value, contributions = forest.contributions([1.0, 0.0, 0.0])

    # Leaves .5, 1, -2, 3 held 4, 3, 2, 1 rows: the mean is .4; with a above its border (leaves
    # 1 and 3, rows 3 and 1) it is 1.5; with b below (leaves 0 and 1) 5/7; with both it is leaf 1.
    # In half of all orders a becomes known first, in the other half b.
    assert base_value == pytest.approx(-1.0 + 0.4)
    a, b = ((1.5 - 0.4) + (1.0 - 5 / 7)) / 2, ((1.0 - 1.5) + (5 / 7 - 0.4)) / 2
    assert contributions == pytest.approx([a, b, 0.0])


def test_leaves_without_training_rows_get_equal_weights():
    tree = {"splits": [[0, 0], [1, 0]], "leaves": [0.0, 8.0, 2.0, 9.0], "weights": [5, 0, 5, 0]}
    forest = read(make_forest(trees=[tree], bias=0.0))

    base_value, contributions = forest.contributions([1.0, 0.0, 0.0])

    # With only a known, above its border, the leaves are 8 and 9, and neither has rows.
    a, b = ((8.5 - 1.0) + (8.0 - 0.0)) / 2, ((8.0 - 8.5) + (0.0 - 1.0)) / 2
    assert base_value == 1.0
    assert contributions == pytest.approx([a, b, 0.0])


def test_a_tree_without_any_training_rows_expects_its_plain_mean():
    tree = {"splits": [[0, 0]], "leaves": [1.0, 3.0], "weights": [0, 0]}
    forest = read(make_forest(trees=[tree], bias=0.0))

    assert forest.contributions([1.0, 0.0, 0.0]) == (2.0, [1.0, 0.0, 0.0])


BAD_TREES = [
    ({"splits": [[0, 1]]}, "must be pairs of an input and one of its borders"),
    ({"splits": [[3, 0], [0, 0]]}, "must be pairs"),
    ({"splits": [[-1, 0], [0, 0]]}, "must be pairs"),
    ({"splits": [[0, True], [0, 0]]}, "must be pairs"),
    ({"splits": [[0, 0, 0], [0, 0]]}, "must be pairs"),
    ({"splits": [0, 1]}, "must be pairs"),
    ({"splits": [[0, 0]] * 9}, "at most 8 questions, got 9"),
    ({"leaves": [0.0] * 3}, r"\['leaves'\] must have 4 entries, got 3"),
    ({"leaves": [0.0, 0.0, 0.0, "1"]}, r"\['leaves'\] must be finite"),
    ({"weights": [1, 1, 1, -1]}, "none below 0"),
    ({"weights": [1, 1, 1]}, "must have 4 entries"),
]
BAD_FORESTS = [
    ({"trees": []}, "at least one tree"),
    ({"trees": {}}, "must be a list, got dict"),
    ({"trees": [[]]}, r"\['trees'\]\[0\] must be an object, got list"),
    ({"borders": [[0.5], [10.0]]}, "must have 3 entries, got 2"),
    ({"borders": [[0.5, 0.5], [10.0], []]}, r"\['borders'\]\[0\] must be strictly increasing"),
    ({"borders": [[math.inf], [10.0], []]}, r"\['borders'\]\[0\] must be finite"),
    ({"missing_is_above": [0, 1, 0]}, "true and false only"),
    ({"missing_is_above": [[], True, False]}, "true and false only"),
    ({"missing_is_above": [False]}, "must have 3 entries, got 1"),
    ({"bias": None}, r"scorer\['bias'\] must be finite"),
    ({"depth": 6}, "unknown key"),
    *(({"trees": [make_forest()["trees"][0] | change]}, message) for change, message in BAD_TREES),
]


@pytest.mark.parametrize(("changes", "message"), BAD_FORESTS)
def test_a_malformed_forest_is_refused_by_its_place(changes, message):
    with pytest.raises(ModelFormatError, match=message):
        SymmetricTrees.from_document(make_forest(**changes), n_inputs=3)


def test_a_forest_that_would_fill_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(symmetric_trees, "MOST_ANSWERS", 5)
    tree = make_forest()["trees"][0]

    assert read(make_forest(trees=[tree] * 2)).log_odds([0.0, 0.0, 0.0]) == 0.0
    with pytest.raises(ModelFormatError, match="5 borders times trees, got 2 borders and 3 trees"):
        read(make_forest(trees=[tree] * 3))
