from dataclasses import replace

import pytest

from push_model.evaluation.evaluation import evaluate
from push_model.evaluation.results import Interval, Metrics, Slice
from push_model.training.card.content import compose
from push_model.training.card.pages import _write_html, _write_markdown
from push_model.training.gate.verdict import FeatureDrift, Finding, HoldoutResults, Verdict

# Fixtures of both folders: what a card is made of.
from tests.evaluation.conftest import holdout, model, scores  # noqa: F401

WINDOW = {"orders": 1822, "rows": 1_500_000, "purchases": 22_000}
FACTS = {
    "model_id": "0123456789abcdef",
    "validated_id": "fedcba9876543210",
    "trained_on": "2021-03-04",
    "parametrisation": {"model": "boosted_trees", "depth": 6},
    "seed": 0,
    "min_items": 5,
    "dataset": {"uri": "data/feature_frame_20210304.csv", "sha256": "ab" * 32, "bytes": 10},
    "windows": {
        "holdout": {"start": "2021-02-22", "end": "2021-03-04", **WINDOW},
        "refit": {"start": "2020-10-05", "end": "2021-03-04", **WINDOW},
        "train": {"start": "2020-10-05", "end": "2021-02-05", **WINDOW},
    },
    "calibration": {"method": "platt", "slope": 1.2, "intercept": 0.1, "says": "It helps."},
    "metrics": {},
    "versions": {"python": "3.11.7", "catboost": "1.2.10"},
    "code": "51e0",
    "git_revision": None,
}


def _finding(rule, *, passed, about="model", value=None, limit=None):
    return Finding(rule, about, passed, value, limit, f"On {rule}.")


FINDINGS = (
    _finding("enough orders", passed=True, value=36_502, limit=20),
    _finding("non-inferior to the champion", passed=False, value=-0.031, limit="above -0.02"),
    _finding("no drift", passed=None),
    _finding("ranks new users", passed=True, about="slice", value=0.01),
    _finding("ranks product type tea", passed=None, about="slice"),
)
SLICE = Slice(
    name="new users",
    rows=1000,
    orders=20,
    purchases=90,
    average_precision=0.25,
    rival="champion",
    rival_average_precision=0.26,
    gain=Interval(-0.04, -0.1, 0.02),
    expected_per_actual=Interval(1.07, 0.9, 1.2),
    calibration_error=Interval(0.001, 0.0005, 0.002),
)
HOLDOUT = HoldoutResults(
    days=10,
    orders=262,
    users=200,
    metrics={},
    level=0.9,
    intervals={"challenger": {"average_precision": (0.2791, 0.3512)}},
    gains={"champion": Interval(-0.03, -0.05, -0.01)},
    slices=(SLICE,),
    changed_share=0.18,
    drift=(
        FeatureDrift("discount_pct", 0.01, 0, 0, 0, 0.1, 0.1, changed=False, says=""),
        FeatureDrift("user_order_seq", 2.5, 0, 0, 0, 4, 7, changed=True, says="median 4, now 7"),
    ),
)


@pytest.fixture(scope="session")
def evaluation(model, holdout, scores):  # noqa: F811 - the fixtures, not their imports
    found = evaluate(holdout, scores, model=model, line=(1.2, 0.1))
    return replace(found, slices=(SLICE, *found.slices[1:]))


@pytest.fixture(scope="session")
def verdict(evaluation):
    ours = Metrics(**evaluation.scorers["challenger"].metrics)
    measured = replace(HOLDOUT, metrics={"challenger": ours})
    return Verdict("keep", "worse", FINDINGS, "push_2021_03_04", "push_2021_03_03", 7, measured)


@pytest.fixture(scope="session")
def page(evaluation, verdict):
    return _write_html(compose("push_2021_03_04", FACTS, evaluation, verdict))


@pytest.fixture(scope="session")
def text(evaluation, verdict):
    return _write_markdown(compose("push_2021_03_04", FACTS, evaluation, verdict))
