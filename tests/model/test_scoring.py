import json
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from push_model.errors import MissingColumnsError, ModelFormatError
from push_model.model import scoring
from push_model.model.linear import Linear
from push_model.model.preparation import prepare_columns
from push_model.model.scoring import Model
from push_model.store.folder import document_bytes
from tests.forests import (
    MODELS,
    NAMES,
    RATIO,
    ROWS,
    VALUES,
    make_forest,
    make_line,
    make_model_document,
)

laws = settings(max_examples=50)
LINE = make_model_document(make_line())
FOREST = make_model_document(make_forest())
CANCELLING = make_model_document(make_line(weights=[1.0, 1.0, -1.0], centers=[0.0] * 3))


def columns_of(rows) -> dict:
    return dict(zip(NAMES, np.array(rows).T, strict=True))


@laws
@given(MODELS, ROWS)
def test_a_batch_scores_as_one_by_one_to_probabilities_where_log_odds_are_finite(document, rows):
    model = Model.from_document(document)

    together = model.propensities_of_columns(columns_of(rows))

    alone = [model.propensity(row) for row in rows]
    np.testing.assert_array_equal(together, alone)
    for propensity, row in zip(alone, rows, strict=True):
        may_be_nan = not math.isfinite(model.log_odds(row))
        assert 0.0 <= propensity <= 1.0 or (may_be_nan and math.isnan(propensity))


@laws
@given(MODELS, ROWS, st.permutations(NAMES))
def test_column_order_and_a_json_round_trip_change_nothing(document, rows, order):
    model = Model.from_document(document)
    again = Model.from_document(json.loads(document_bytes(document)))
    columns = columns_of(rows)

    shuffled = again.propensities_of_columns({name: columns[name] for name in order})

    np.testing.assert_array_equal(shuffled, model.propensities_of_columns(columns))


def test_few_rows_and_many_take_different_ways_to_the_same_bits(monkeypatch):
    model = Model.from_document(FOREST)
    rows = np.random.default_rng(0).uniform(-20, 20, (scoring.WORTH_NUMPY, 3)).tolist()
    alone = [model.propensity(row) for row in rows]

    many = model.propensities(rows)
    monkeypatch.setattr(scoring, "modules", {})  # as in a process that has not imported NumPy
    few = model.propensities(rows)

    assert many == few == alone


def test_chunks_of_a_long_table_are_put_together_in_order(monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK_ROWS", 7)
    model = Model.from_document(LINE)
    rows = np.random.default_rng(0).uniform(-20, 20, (20, 3)).tolist()

    propensities = model.propensities_of_columns(columns_of(rows))

    assert propensities.tolist() == [model.propensity(row) for row in rows]


@pytest.mark.parametrize(
    ("log_odds", "propensity"),
    [
        (0.0, 0.5),
        (-745.0, 5e-324),
        (-800.0, 0.0),
        (800.0, 1.0),
        (math.log(3), 0.75),
        (-math.log(3), 0.25),
    ],
)
def test_the_propensity_is_the_logistic_of_the_log_odds(log_odds, propensity):
    line = make_line(intercept=log_odds, weights=[0.0] * 3)
    model = Model.from_document(make_model_document(line))

    assert model.propensity([0.0] * 3) == pytest.approx(propensity, rel=1e-12, abs=0.0)


def test_a_table_without_a_feature_is_refused():
    with pytest.raises(MissingColumnsError, match="'b' is missing"):
        Model.from_document(LINE).propensities_of_columns({"a": np.ones(1), "c": np.ones(1)})


@laws
@given(MODELS, st.lists(VALUES, min_size=3, max_size=3), st.integers(0, 4))
@example(CANCELLING, [2.0, 1e300, 1e300], 0)
def test_reasons_add_up_to_the_log_odds(document, values, top):
    model = Model.from_document(document)

    reasons = model.reasons(values, top)

    assert len(reasons.contributions) == min(top, 3)
    if math.isfinite(reasons.log_odds):
        parts = [reasons.base_value, *reasons.contributions.values(), reasons.others]
        apart = abs(math.fsum(parts) - reasons.log_odds)
        assert apart <= rounding_of(model, document, values)


def rounding_of(model, document, values) -> float:
    """Return how far two sums of the same terms may differ: few terms, rounded at the largest."""
    if document["scorer"]["kind"] == "symmetric_trees":
        return 1e-9
    line = Linear.from_document(document["scorer"], n_inputs=len(document["inputs"]))
    prepared = prepare_columns(columns_of([values]), model.steps)
    _, terms = line.contributions([prepared[name].item() for name in document["inputs"]])
    return max(1e-9, 1e-14 * max(map(abs, terms)))


def test_reasons_name_the_strongest_features_first():
    reasons = Model.from_document(LINE).reasons([2.0, 10.0, 0.0], top=1)

    assert reasons.contributions == {"b": -3.0}
    assert (reasons.base_value, reasons.others, reasons.log_odds) == (-1.0, 2.0, -2.0)


def test_reasons_attribute_a_ratio_of_a_ratio_to_its_numerator():
    again = RATIO | {"name": "a_per_b_per_c", "numerator": "a_per_b", "denominator": "c"}
    line = make_line(intercept=0.0, weights=[1.0], centers=[0.0])
    document = make_model_document(line, steps=[RATIO, again], inputs=["a_per_b_per_c"])

    reasons = Model.from_document(document).reasons([12.0, 2.0, 3.0])

    assert reasons.contributions == {"a": 2.0, "b": 0.0, "c": 0.0}


FEATURE = LINE["features"][0]
SEEN = {"missing": 0.0, "minimum": 0, "maximum": 5, "borders": [1], "shares": [0.4, 0.6]}
SEEN_TWICE = SEEN | {"borders": [1, 1], "shares": [0.4, 0.0, 0.6]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "must be of format 1, got 2. Upgrade push-model"),
        ({"format": True}, "got something else"),
        ({"format": 1.0}, "got something else"),
        ({"format": 10**5000}, "got something else"),
        ({"model_id": ""}, "model_id must be a text"),
        ({"family": "forest"}, "family must be one of"),
        ({"trained_on": "20210304"}, "yyyy-mm-dd"),
        ({"trained_on": 20210304}, "trained_on must be a text"),
        ({"extra": 1}, r"unknown key\(s\) 'extra'"),
        ({"features": []}, "at least one feature"),
        ({"features": [FEATURE, FEATURE]}, "none twice"),
        ({"features": [FEATURE | {"type": "text"}]}, r"\['type'\] must be one of"),
        ({"features": [FEATURE | {"minimum": "0"}]}, r"\['minimum'\] must be finite"),
        ({"features": [FEATURE | {"seen": 1}]}, r"\['seen'\] must be an object"),
        ({"features": [FEATURE | {"seen": SEEN | {"shares": [1]}}]}, "must have 2 entries"),
        ({"features": [FEATURE | {"seen": SEEN | {"missing": 2}}]}, "shares from 0 to 1"),
        ({"features": [FEATURE | {"seen": SEEN | {"minimum": 9}}]}, "at most its maximum"),
        ({"features": [FEATURE | {"seen": SEEN_TWICE}]}, "must be strictly increasing"),
        ({"features": [FEATURE | {"missing": None}]}, r"\['missing'\] must be a text"),
        ({"inputs": []}, "at least one"),
        ({"inputs": ["a", "b", "d"]}, "inputs must name features"),
        ({"inputs": "abc"}, "inputs must be a list"),
        ({"steps": [RATIO | {"denominator": "d"}]}, r"steps\[0\] reads \['d'\], which nothing"),
        ({"scorer": {"kind": "neural"}}, "must be of kind 'symmetric_trees' or 'linear'"),
        ({"scorer": None}, "must be of kind"),
    ],
)
def test_a_malformed_document_is_refused(changes, message):
    with pytest.raises(ModelFormatError, match=message):
        Model.from_document(LINE | changes)


@pytest.mark.parametrize("document", [None, [], "{}", 1])
def test_what_is_not_a_document_is_refused(document):
    with pytest.raises(ModelFormatError, match="must be of format 1"):
        Model.from_document(document)
