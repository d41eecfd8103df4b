import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from push_model.errors import DatasetError
from push_model.evaluation.metrics import expected_calibration_error
from push_model.evaluation.resampling import Resampler


def make_holdout(seed: int, *, orders: int = 12, levels: int = 9):
    """Draw orders of different lengths, with scores of few levels, so that there are ties."""
    rng = np.random.default_rng(seed)
    order = np.repeat(rng.permutation(orders), rng.integers(3, 30, orders))
    scores = rng.integers(0, levels, len(order)) / levels
    bought = rng.random(len(order)) < 0.3 * scores
    bought[0] = True
    return order, bought.astype(float), scores


def weights_of(resampler: Resampler, order, draw: int):
    """Give each row the times its order was drawn."""
    return resampler._weights[np.unique(order, return_inverse=True)[1], draw]


@given(st.integers(0, 10_000))
def test_each_draw_has_the_average_precision_of_rows_weighted_by_their_orders(seed):
    order, bought, scores = make_holdout(seed)
    resampler = Resampler(order, bought, resamples=5, seed=seed)

    found = resampler.average_precision(scores)

    assert found[0] == pytest.approx(average_precision_score(bought, scores), abs=1e-12)
    for draw in range(1, 6):
        weights = weights_of(resampler, order, draw)
        if not weights @ bought:
            assert np.isnan(found[draw])
            continue
        expected = average_precision_score(bought, scores, sample_weight=weights)
        assert found[draw] == pytest.approx(expected, abs=1e-12)


def test_an_order_is_drawn_whole_and_as_many_orders_as_there_are():
    order, bought, _ = make_holdout(0)
    resampler = Resampler(order, bought, resamples=50, seed=0)

    assert resampler._weights.sum(axis=0).tolist() == [resampler.n_units] * 51
    assert np.array_equal(resampler._weights, resampler._weights.round())


def test_the_same_seed_draws_the_same_orders_whatever_the_order_of_rows():
    order, bought, scores = make_holdout(3)
    shuffled = np.random.default_rng(0).permutation(len(order))

    def draws(rows, seed):
        return Resampler(order[rows], bought[rows], resamples=20, seed=seed).average_precision(
            scores[rows]
        )

    straight, other_seed = draws(slice(None), 7), draws(slice(None), 8)

    assert draws(shuffled, 7) == pytest.approx(straight, abs=1e-12, nan_ok=True)
    assert not np.array_equal(straight, other_seed, equal_nan=True)


def test_a_ratio_is_of_the_sums_of_each_draw_and_nothing_of_nothing_is_zero():
    order, bought, scores = make_holdout(1)
    resampler = Resampler(order, bought, resamples=3, seed=0)

    found = resampler.ratio(scores, bought)

    weights = weights_of(resampler, order, 2)
    assert found[2] == pytest.approx((weights @ scores) / (weights @ bought))
    assert resampler.ratio(bought * 0, bought * 0).tolist() == [0.0] * 4
    assert np.isnan(resampler.ratio(scores, bought * 0)).all()


def test_the_calibration_error_is_the_metrics_and_chance_adds_to_each_draw():
    rng = np.random.default_rng(0)
    order, honest = np.repeat(np.arange(200), 50), rng.uniform(0.01, 0.2, 10_000)
    bought = (rng.random(10_000) < honest).astype(float)
    resampler = Resampler(order, bought, resamples=200, seed=0)

    found = resampler.calibration_error(honest)

    assert found[0] == pytest.approx(expected_calibration_error(bought, honest), abs=1e-12)
    assert found[1:].mean() > 1.2 * found[0]
    interval = resampler.interval(found, alpha=0.1)
    assert 2 * interval.estimate - interval.high < found[0]


def test_few_orders_give_a_wider_interval_than_percentiles():
    draws = np.concatenate([[0.0], np.linspace(-1, 1, 2_001)])
    few = Resampler(np.arange(5), np.ones(5), resamples=1, seed=0).interval(draws, alpha=0.1)
    many = Resampler(np.arange(5_000), np.ones(5_000), resamples=1, seed=0).interval(
        draws, alpha=0.1
    )

    assert many.high == pytest.approx(0.9, abs=0.002)
    assert few.low < -0.97
    assert few.estimate == 0.0


def test_one_user_has_no_interval():
    alone = Resampler(np.zeros(3), [1.0, 0.0, 1.0], resamples=5, seed=0)
    with pytest.raises(DatasetError, match="All orders are of one user"):
        alone.interval(np.zeros(6), alpha=0.1)


def test_the_truth_lies_beyond_each_end_half_as_often_as_alpha_says():
    rng = np.random.default_rng(0)
    beyond = []
    for seed in range(200):
        order = np.repeat(np.arange(40), 20)
        mood = rng.normal(size=40)[order]  # rows of one order go together
        value = 1.0 + mood + rng.normal(size=len(order))
        resampler = Resampler(order, np.ones(len(order)), resamples=300, seed=seed)
        found = resampler.interval(resampler.ratio(value, np.ones(len(order))), alpha=0.1)
        beyond.append((found.low > 1.0, found.high < 1.0))

    below, above = np.mean(beyond, axis=0)
    assert 0.015 < below < 0.1
    assert 0.015 < above < 0.1


def test_users_are_drawn_with_all_of_their_orders_and_an_order_without_a_user_alone():
    rows = pd.DataFrame({
        "order_id": [1, 1, 2, 3, 4],
        "user_id": ["ann", "ann", "ann", None, None],
        "outcome": [1.0, 0, 0, 1, 0],
    })
    resampler = Resampler.of_users(rows, resamples=1, seed=0)
    assert resampler.n_units == 3
    assert len(set(resampler._unit[:3])) == 1


def test_orders_that_are_there_twice_narrow_no_interval():
    order, bought, scores = make_holdout(1)
    rows = pd.DataFrame({"order_id": order, "user_id": order % 9, "outcome": bought})
    twice = pd.concat([rows, rows.assign(order_id=rows["order_id"] + 1_000)])
    once, again = (Resampler.of_users(each, resamples=50, seed=0) for each in (rows, twice))
    assert once.average_precision(scores).tolist() == pytest.approx(
        again.average_precision(np.concatenate([scores, scores])).tolist(), nan_ok=True
    )
