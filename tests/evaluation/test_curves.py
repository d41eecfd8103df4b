import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_model.evaluation.curves import _bin_propensities, _find_places, trace

SCORED = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9])),
    min_size=2,
    max_size=30,
).filter(lambda rows: 0 < sum(outcome for outcome, _ in rows) < len(rows))


@given(SCORED)
def test_each_place_counts_what_scores_at_least_as_high(rows):
    outcomes, scores = np.array(rows).T

    places = _find_places(outcomes, scores)

    counts = [
        (int((scores >= score).sum()), int(outcomes[scores >= score].sum()))
        for score in np.unique(scores)[::-1]
    ]
    assert [tuple(place) for place in places] == counts


def test_however_many_rows_there_are_at_most_200_places_are_kept():
    rng = np.random.default_rng(0)
    scores = rng.random(20_000)
    outcomes = rng.random(20_000) < scores**3

    places = _find_places(outcomes, scores)

    assert 150 < len(places) <= 200
    assert places[-1] == (20_000, outcomes.sum())


@given(SCORED)
def test_bins_hold_every_row_once_and_keep_the_means(rows):
    outcomes, scores = np.array(rows).T

    bins = _bin_propensities(outcomes, scores, bins=4)

    sizes = [found.rows for found in bins]
    assert sum(sizes) == len(rows)
    assert np.dot([b.promised for b in bins], sizes) == pytest.approx(scores.sum())
    assert np.dot([b.happened for b in bins], sizes) == pytest.approx(outcomes.sum())
    assert all(0 <= b.low <= b.happened <= b.high <= 1 for b in bins)


def test_bins_predict_equally_many_purchases():
    scores = np.random.default_rng(0).random(9_000) ** 4
    outcomes = np.arange(9_000) % 2

    bins = _bin_propensities(outcomes, scores, bins=10)

    promised = [found.promised * found.rows for found in bins]
    assert promised == pytest.approx([scores.sum() / 10] * 10, rel=0.01)


def test_the_interval_of_a_bin_is_wilsons():
    (found,) = _bin_propensities([1] * 3 + [0] * 7, [0.5] * 10)

    assert (found.low, found.high) == pytest.approx((0.1078, 0.6032), abs=1e-4)


def test_gains_are_those_of_the_best_candidates():
    scores = np.linspace(1, 0, 100)
    outcomes = np.zeros(100)
    outcomes[[0, 1, 2, 50]] = 1

    at_5pct = next(gain for gain in trace(outcomes, scores).gains if gain.share == 0.05)

    assert (at_5pct.precision, at_5pct.recall, at_5pct.lift) == pytest.approx((0.6, 0.75, 15))


def test_the_histogram_parts_bought_from_not_bought():
    counted = trace([0, 1, 1, 0], [0.0, 1.0, 0.9, 0.00001]).histogram

    assert (counted.bought[-1], sum(counted.bought)) == (2, 2)
    assert (counted.not_bought[0], sum(counted.not_bought)) == (2, 2)
    assert len(counted.edges) == len(counted.bought) + 1
