from copy import deepcopy

import pytest

from push_model.scoring import Model
from push_model.training.card.evaluation import evaluate
from push_model.training.card.page import write_html
from push_model.training.gate.evidence import baseline_scores
from push_model.training.parametrisation import parse_parametrisation
from push_model.training.train import score, train
from tests.frames import make_frame

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


@pytest.fixture(scope="session")
def holdout():
    return make_frame(orders=40, seed=7)


@pytest.fixture(scope="session")
def model():
    asked = parse_parametrisation({"model": "logistic_regression"})
    trained = train(make_frame(orders=60, seed=0), asked, seed=0, trained_on="2021-03-04")
    return Model.from_document(trained.validated.document)


@pytest.fixture(scope="session")
def scores(model, holdout):
    return {
        "challenger": score(model, holdout),
        "champion": score(model, holdout) * 0.5,
        **baseline_scores(holdout),
    }


@pytest.fixture(scope="session")
def evaluation(model, holdout, scores):
    return evaluate(holdout, scores, model=model, calibration={"slope": 1.2, "intercept": 0.1})


@pytest.fixture(scope="session")
def bare(holdout, scores):
    """Evaluate without the model behind the scores: fewer pictures, and quicker to draw."""
    return evaluate(holdout, scores)


@pytest.fixture
def facts():
    return deepcopy(FACTS)


@pytest.fixture
def judgement():
    return deepcopy(JUDGEMENT)


@pytest.fixture(scope="session")
def page(evaluation):
    return write_html(FACTS, evaluation, JUDGEMENT, model_name="push_2021_03_04")
