import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from push_model.errors import DatasetError, InvalidEventError
from push_model.evaluation.metrics import (
    expected_calibration_error,
    lift_at_k,
    measure,
    precision_at_k,
    recall_at_k,
)

SCORED = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9])),
    min_size=2,
    max_size=30,
).filter(lambda rows: 0 < sum(outcome for outcome, _ in rows) < len(rows))


@given(SCORED, st.data())
def test_precision_at_k_is_the_mean_over_every_order_of_ties(rows, data):
    k = data.draw(st.integers(1, len(rows)))
    outcomes, scores = np.array(rows).T
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(400):
        shuffled = rng.permutation(len(rows))
        best = shuffled[np.argsort(-scores[shuffled], kind="stable")[:k]]
        drawn.append(outcomes[best].mean())

    exact = precision_at_k(outcomes, scores, k=k)

    assert exact == pytest.approx(np.mean(drawn), abs=0.12)
    assert min(drawn) - 1e-12 <= exact <= max(drawn) + 1e-12


def test_without_ties_at_k_equals_the_brute_force():
    rng = np.random.default_rng(1)
    scores = rng.permutation(1000) / 1000
    outcomes = rng.random(1000) < scores**3
    best = sorted(zip(scores, outcomes, strict=True), reverse=True)[:50]

    hits = sum(outcome for _, outcome in best)

    assert precision_at_k(outcomes, scores, k=50) == pytest.approx(hits / 50)
    assert recall_at_k(outcomes, scores, k=50) == pytest.approx(hits / outcomes.sum())
    assert lift_at_k(outcomes, scores, k=50) == pytest.approx(hits / 50 / outcomes.mean())


@pytest.mark.parametrize("k", [0, -1, 5, 1.5])
def test_k_outside_the_candidates_is_refused(k):
    with pytest.raises(InvalidEventError, match=rf"k must be a whole number in 1..4 .* got {k}"):
        precision_at_k([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], k=k)


def test_calibration_error_agrees_with_scikit_learn_where_scores_differ():
    rng = np.random.default_rng(2)
    scores = rng.random(4000)
    outcomes = (rng.random(4000) < scores**2).astype(float)
    happened, promised = calibration_curve(outcomes, scores, n_bins=20, strategy="quantile")

    error = expected_calibration_error(outcomes, scores)

    assert error == pytest.approx(np.abs(happened - promised).mean(), abs=2e-3)


@given(SCORED)
def test_calibration_error_ignores_row_order_and_stays_in_its_range(rows):
    outcomes, scores = np.array(rows).T

    error = expected_calibration_error(outcomes, scores)

    assert 0 <= error <= 1
    assert expected_calibration_error(outcomes[::-1], scores[::-1]) == pytest.approx(error)


def test_a_coin_measures_as_a_coin():
    outcomes = np.array([0.0] * 99 + [1.0])

    measured = measure(outcomes, np.full(100, 0.01))

    assert measured.average_precision == pytest.approx(measured.base_rate)
    assert measured.roc_auc == 0.5
    assert measured.lift_at_5pct == pytest.approx(1)
    assert measured.ece == pytest.approx(0, abs=1e-12)
    assert measured.expected_per_actual == pytest.approx(1)
    assert measured.pushed_share == measured.precision_when_pushed == 0


def test_nobody_buying_is_no_set_to_measure_on():
    with pytest.raises(DatasetError, match="outcomes of these 2 rows are all alike"):
        measure([0, 0], [0.1, 0.2])


@pytest.mark.parametrize(
    ("outcomes", "scores"),
    [([0, 1], [0.1, np.nan]), ([0, 1], [0.1]), ([0, 2], [0.1, 0.2]), ([0, np.nan], [0.1, 0.2])],
)
def test_outcomes_and_scores_that_make_no_pairs_are_refused(outcomes, scores):
    with pytest.raises(DatasetError, match="must come in pairs"):
        measure(outcomes, scores)
