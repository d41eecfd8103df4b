import copy
import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from push_model.errors import ModelIntegrityError
from push_model.model.scoring import Model
from push_model.store.folder import document_bytes
from push_model.training.estimators import make_pipeline
from push_model.training.export import _float64_border, check_equal, export_model
from push_model.training.parametrisation import BoostedTrees, LogisticRegression
from tests.frames import make_frame

FAMILIES = [
    BoostedTrees(iterations=40, depth=6),
    BoostedTrees(iterations=5, depth=8),
    BoostedTrees(iterations=1, depth=1),
    LogisticRegression(),
    LogisticRegression(penalty="l1", C=0.01),
]
FLOAT32 = st.floats(width=32, min_value=-(2.0**99), max_value=2.0**99)


@pytest.fixture(scope="module", params=FAMILIES, ids=str)
def fitted(request):
    frame = make_frame(orders=40, seed=0)
    pipeline = make_pipeline(request.param, seed=0).fit(frame, frame["outcome"])
    return pipeline, export_model(pipeline, request.param, trained_on="2021-03-04"), frame


@given(FLOAT32, st.floats(-1e30, 1e30))
@example(0.0, 1e-46)
@example(0.10000000149011612, 0.1)
def test_a_plain_comparison_with_the_moved_border_is_the_float32_one(border, value):
    asked = np.float32(value) > np.float32(border)

    assert (value > _float64_border(border)) == asked


@given(FLOAT32, st.integers(-4, 4))
def test_the_moved_border_is_exact_to_the_last_bit_around_the_midpoint(border, ulps):
    upper = np.nextafter(np.float32(border), np.float32(np.inf))
    value = (border + float(upper)) / 2
    for _ in range(abs(ulps)):
        value = np.nextafter(value, np.copysign(np.inf, ulps))

    asked = np.float32(value) > np.float32(border)

    assert (value > _float64_border(border)) == asked


def test_the_exported_model_scores_as_its_pipeline_does(fitted):
    pipeline, document, frame = fitted
    rng = np.random.default_rng(0)
    holes = frame.mask(rng.random(frame.shape) < 0.1)

    for rows in (frame, holes):
        check_equal(document, pipeline, rows)


@pytest.mark.parametrize("family", [BoostedTrees(iterations=5), LogisticRegression()], ids=str)
def test_a_column_missing_throughout_is_exported_as_it_was_trained(family):
    frame = make_frame(orders=40, seed=0).assign(
        days_since_purchase_product_type=np.nan, discount_pct=np.nan, active_snoozed=0.0
    )
    pipeline = make_pipeline(family, seed=0).fit(frame, frame["outcome"])

    document = export_model(pipeline, family, trained_on="2021-03-04")

    check_equal(document, pipeline, frame)
    check_equal(document, pipeline, make_frame(orders=9, seed=1))


def test_one_by_one_and_in_a_batch_are_the_same_bits(fitted):
    _, document, frame = fitted
    model = Model.from_document(document)
    rows = frame[list(model.feature_names)].to_numpy().tolist()

    batch = model.propensities(rows)

    assert batch == [model.propensity(row) for row in rows]


def test_the_document_is_strict_json_and_the_same_each_time(fitted):
    pipeline, document, _ = fitted
    family = BoostedTrees() if document["family"] == "boosted_trees" else LogisticRegression()

    again = export_model(pipeline, family, trained_on="2021-03-04")

    assert document_bytes(again) == document_bytes(document)
    assert json.loads(document_bytes(document)) == document


def test_a_model_that_scores_otherwise_is_refused(fitted):
    pipeline, document, frame = fitted
    changed = copy.deepcopy(document)
    if changed["scorer"]["kind"] == "linear":
        changed["scorer"]["intercept"] += 1e-6
    else:
        changed["scorer"]["bias"] += 1e-6

    with pytest.raises(ModelIntegrityError, match=r"differs from its pipeline by .* Nothing was"):
        check_equal(changed, pipeline, frame)
