import pytest

from push_model.errors import InvalidEventError
from push_model.training.parametrisation import (
    BoostedTrees,
    LogisticRegression,
    describe,
    parse_parametrisation,
)


@pytest.mark.parametrize(
    ("document", "parsed"),
    [
        ({"model": "boosted_trees"}, BoostedTrees()),
        (
            {"model": "boosted_trees", "depth": 6, "iterations": 300, "learning_rate": 0.1},
            BoostedTrees(depth=6, iterations=300, learning_rate=0.1),
        ),
        (
            {"model": "logistic_regression", "penalty": "l2", "C": 1e-4},
            LogisticRegression(penalty="l2", C=1e-4),
        ),
        ({"model": "logistic_regression", "C": 1}, LogisticRegression(C=1.0)),
    ],
)
def test_a_parametrisation_is_read(document, parsed):
    assert parse_parametrisation(document) == parsed


@pytest.mark.mltest("Model 1")
@pytest.mark.parametrize("parametrisation", [BoostedTrees(depth=3), LogisticRegression(C=0.5)])
def test_a_parametrisation_written_out_reads_back(parametrisation):
    assert parse_parametrisation(describe(parametrisation)) == parametrisation


def test_a_whole_number_for_a_number_becomes_one():
    assert type(parse_parametrisation({"model": "logistic_regression", "C": 1}).C) is float


@pytest.mark.mltest("Model 1")
@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "must be an object .* got NoneType"),
        ([], "must be an object .* got list"),
        ({}, r"lacks \"model\": choose one of \['boosted_trees', 'logistic_regression'\]"),
        ({"model": "boosted_tree"}, "Did you mean 'boosted_trees'"),
        ({"model": 3}, "must be one of .* got 3"),
        ({"model": "boosted_trees", "lerning_rate": 1}, "Did you mean 'learning_rate'"),
        ({"model": "boosted_trees", "C": 1}, "unknown key 'C'"),
        ({"model": "boosted_trees", "depth": 9}, r'\["depth"\] must be <= 8, got 9'),
        ({"model": "boosted_trees", "depth": 0}, r'\["depth"\] must be >= 1, got 0'),
        ({"model": "boosted_trees", "depth": 6.0}, r"must be a whole number, got 6\.0"),
        ({"model": "boosted_trees", "depth": "6"}, "must be a whole number, got '6'"),
        ({"model": "boosted_trees", "depth": True}, "must be a whole number, got True"),
        ({"model": "boosted_trees", "learning_rate": 0}, "must be >= 1e-06, got 0"),
        ({"model": "boosted_trees", "learning_rate": 10**400}, "must be <= 1, got inf"),
        ({"model": "boosted_trees", "learning_rate": None}, "must be a number, got None"),
        ({"model": "logistic_regression", "C": -1}, r'\["C"\] must be > 0, got -1'),
        ({"model": "logistic_regression", "C": float("nan")}, "must be > 0, got nan"),
        ({"model": "logistic_regression", "C": float("inf")}, "must be <= 1e"),
        ({"model": "logistic_regression", "penalty": "l3"}, "must be one of .* got 'l3'"),
    ],
)
def test_a_wrong_parametrisation_is_refused(document, message):
    with pytest.raises(InvalidEventError, match=message):
        parse_parametrisation(document)
