from copy import deepcopy

import pytest

from push_model.training.card.pages import write_html

# Fixtures of both folders: what a card is made of.
from tests.evaluation.conftest import bare, evaluation, holdout, model, scores  # noqa: F401

FACTS = {
    "model_id": "0123456789abcdef",
    "trained_on": "2021-03-04",
    "parametrisation": {"model": "boosted_trees", "depth": 6},
    "seed": 0,
    "min_items": 5,
    "dataset": {"uri": "data/feature_frame_20210304.csv", "sha256": "ab" * 32, "bytes": 10},
    "windows": {
        "train": {
            "start": "2020-10-05",
            "end": "2021-02-05",
            "orders": 1822,
            "rows": 1500000,
            "purchases": 22000,
        }
    },
    "calibration": {"method": "platt", "slope": 1.2, "intercept": 0.1, "says": "It helps."},
    "versions": {"python": "3.11.7", "catboost": "1.2.10"},
    "git_revision": None,
}


def _finding(rule, *, passed, about="model", value=None, limit=None):
    sentence = f"On {rule}."
    found = {"rule": rule, "about": about, "passed": passed, "value": value, "limit": limit}
    return found | {"sentence": sentence}


JUDGEMENT = {
    "decision": "keep",
    "claim": "worse",
    "champion_name": "push_2021_03_03",
    "orders": 262,
    "sentence": "keep: push_2021_03_04. It loses 3 %.",
    "findings": [
        _finding("enough orders", passed=True, value=262, limit=20),
        _finding("holds against the champion", passed=False, value=-0.031, limit="above -0.02"),
        _finding("no drift", passed=None),
        _finding("ranks new users", passed=True, about="slice", value=0.01),
        _finding("ranks product type tea", passed=None, about="slice"),
    ],
    "metrics": {"challenger": {"average_precision": 0.3166, "roc_auc": 0.85}},
    "interval_level": 0.9,
    "intervals": {"challenger": {"average_precision": [0.2791, 0.3512]}},
    "slices": [
        {
            "slice": "new users",
            "rows": 1000,
            "orders": 20,
            "purchases": 90,
            "average_precision": 0.25,
            "interval": [0.21, 0.29],
            "rival": "champion",
            "rival_average_precision": 0.26,
            "gain": {"estimate": -0.04, "low": -0.1, "high": 0.02},
            "expected_per_actual": {"estimate": 1.07, "low": 0.9, "high": 1.2},
        }
    ],
    "drift": [
        {"feature": "discount_pct", "psi": 0.01, "changed": False, "says": ""},
        {"feature": "user_order_seq", "psi": 2.5, "changed": True, "says": "median 4, now 7"},
    ],
    "stability": {"changed_share": 0.18},
}


@pytest.fixture
def facts():
    return deepcopy(FACTS)


@pytest.fixture
def judgement():
    return deepcopy(JUDGEMENT)


@pytest.fixture(scope="session")
def page(evaluation):  # noqa: F811 - the fixture, not its import
    return write_html(FACTS, evaluation, JUDGEMENT, model_name="push_2021_03_04")
