import gc
import json
import re
import weakref
from datetime import date
from pathlib import Path

import pytest

from push_model.errors import InvalidEventError
from push_model.training.fit_request import read_fit_request
from push_model.training.parametrisation import (
    FAMILIES,
    FINAL_MODEL,
    FINAL_MODEL_WITH_HISTORY,
    PRESETS,
    REPORT,
    BoostedTrees,
    LogisticRegression,
    describe,
    read_parametrisation,
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
    assert read_parametrisation(document) == parsed


@pytest.mark.mltest("Model 1")
@pytest.mark.parametrize("parametrisation", [BoostedTrees(depth=3), LogisticRegression(C=0.5)])
def test_a_parametrisation_written_out_reads_back(parametrisation):
    assert read_parametrisation(describe(parametrisation)) == parametrisation


def test_a_whole_number_for_a_number_becomes_one():
    assert type(read_parametrisation({"model": "logistic_regression", "C": 1}).C) is float


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
        ({"model": "boosted_trees", "learning_rate": 10**400}, "must be a number, got 1000"),
        ({"model": "boosted_trees", "learning_rate": None}, "must be a number, got None"),
        ({"model": "logistic_regression", "C": -1}, r'\["C"\] must be > 0, got -1'),
        ({"model": "logistic_regression", "C": float("nan")}, "must be .* got nan"),
        ({"model": "logistic_regression", "C": float("inf")}, "must be <= 1e"),
        (
            {"model": "logistic_regression", "penalty": "l3"},
            "must be 'l2', 'l1' or 'elasticnet', got 'l3'",
        ),
    ],
)
def test_a_wrong_parametrisation_is_refused(document, message):
    with pytest.raises(InvalidEventError, match=message):
        read_parametrisation(document)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_parametrisation_that_keeps_what_it_sets(name):
    preset = PRESETS[name].parametrisation

    assert preset.items() <= describe(read_parametrisation(preset)).items()
    assert read_parametrisation(name) == read_parametrisation(preset)


def test_no_two_presets_train_the_same_model():
    assert len({read_parametrisation(name) for name in PRESETS}) == len(PRESETS)


def test_the_final_models_are_those_that_the_report_chose():
    report = Path(__file__).parents[2].joinpath("docs/exploration/report.md").read_text("utf-8")

    (told,) = re.findall(r"```json\n(.*?)```", report, re.DOTALL)

    assert json.loads(told) == {
        "report": REPORT,
        "chosen": FINAL_MODEL_WITH_HISTORY,
        "chosen where requests hold no history": FINAL_MODEL,
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_a_familys_name_means_its_defaults(family):
    assert read_parametrisation(family) == read_parametrisation({"model": family})


def test_a_name_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(InvalidEventError, match=r"'final_modle'\. Did you mean 'final_model'\?"):
        read_parametrisation("final_modle")


@pytest.mark.parametrize("document", ["boosted_tree", {"model": "boosted_trees", "dept": 6}])
def test_an_error_is_freed_with_all_that_its_traceback_holds(document):
    event = {"model_parametrisation": document}
    with pytest.raises(InvalidEventError, match="Did you mean") as raised:
        read_fit_request(event, today=date(2021, 3, 4))
    error = weakref.ref(raised.value)

    del raised
    gc.collect()

    assert error() is None


def test_a_long_value_is_cut_short_in_the_message():
    with pytest.raises(InvalidEventError, match="must be a number, got 10") as raised:
        read_parametrisation({"model": "boosted_trees", "learning_rate": 10**400})

    assert len(str(raised.value)) < 200
