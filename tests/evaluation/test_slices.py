import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from push_model.evaluation.metrics import expected_calibration_error
from push_model.evaluation.scorers import baseline_scores
from push_model.evaluation.slices import measure_slices, shown_slices_of, slices_of
from tests.frames import make_frame


def test_new_and_returning_users_part_the_holdout():
    rows = make_frame(orders=12)
    found = dict(slices_of(rows))

    assert (found["new users"] ^ found["returning users"]).all()
    assert set(rows["user_order_seq"][found["new users"]]) == {2}


def test_baskets_part_it_by_items_bought_in_the_whole_order():
    rows = pd.DataFrame({
        "order_id": np.repeat([1, 2, 3, 4], 15),
        "outcome": np.repeat([0.0, 1.0] * 4, [8, 7, 7, 8, 4, 11, 3, 12]),
    }).assign(
        user_order_seq=2,
        count_adults=2.0,
        count_children=0.0,
        count_babies=0.0,
        count_pets=[0.0] * 30 + [1.0] * 30,
    )
    found = dict(slices_of(rows))

    def orders(name):
        return sorted(set(rows["order_id"][found[name]]))

    assert orders("orders of fewer than 8 items") == [1]
    assert orders("orders of 8 to 11 items") == [2, 3]
    assert orders("orders of 12 items or more") == [4]
    assert orders("household with pets") == [3, 4]
    assert orders("household not known, or two adults") == [1, 2]
    assert not any(name.startswith("product type") for name in found)


def test_every_product_type_is_a_slice():
    found = dict(slices_of(make_frame(orders=3)))

    assert {name for name in found if "type" in name} == {f"product type type{i}" for i in range(5)}


@pytest.fixture(scope="module")
def measured(holdout, scores):
    scored = {**scores, **baseline_scores(holdout)}
    groups = shown_slices_of(holdout)
    return {
        part.name: part
        for part in measure_slices(holdout, scored, groups, alpha=0.1, resamples=50, seed=0)
    }


def test_a_slice_is_measured_on_its_rows_alone(holdout, scores, measured):
    new = holdout["user_order_seq"] <= 2
    rows, ours, theirs = holdout[new], scores["challenger"][new], scores["champion"][new]

    found = measured["new users"]

    assert (found.rows, found.orders) == (new.sum(), rows["order_id"].nunique())
    assert found.average_precision == pytest.approx(average_precision_score(rows["outcome"], ours))
    assert found.rival == "champion"
    assert found.expected_per_actual.estimate == pytest.approx(ours.sum() / rows["outcome"].sum())
    assert found.calibration_error.estimate == pytest.approx(
        expected_calibration_error(rows["outcome"], ours)
    )
    assert found.gain.estimate == pytest.approx(
        average_precision_score(rows["outcome"], ours)
        / average_precision_score(rows["outcome"], theirs)
        - 1
    )


def test_slices_with_too_few_orders_or_purchases_are_left_out(holdout, scores):
    scored = {**scores, **baseline_scores(holdout)}

    def measure(**least):
        groups = slices_of(holdout)
        found = measure_slices(holdout, scored, groups, alpha=0.1, resamples=5, seed=0, **least)
        return {part.name for part in found}

    assert "new users" in measure(min_orders=5)
    assert measure(min_orders=41) == measure(min_purchases=10_000) == set()
    assert measure(min_users=41) == set()


def test_a_slice_of_one_user_is_left_out(holdout, scores):
    scored = {**scores, **baseline_scores(holdout)}
    new = holdout["user_order_seq"] <= 2
    rows = holdout.assign(user_id=holdout["user_id"].mask(new, 1))
    found = measure_slices(rows, scored, slices_of(rows), alpha=0.1, resamples=5, seed=0)

    assert "new users" not in {part.name for part in found}
    assert "returning users" in {part.name for part in found}


def test_slices_share_the_error(holdout, scores):
    scored = {**scores, **baseline_scores(holdout)}
    groups = list(slices_of(holdout))[:2]

    alone, shared = (
        measure_slices(holdout, scored, asked, alpha=0.4, resamples=300, seed=0)[0]
        for asked in (groups[:1], groups)
    )

    assert alone.name == shared.name
    assert shared.expected_per_actual.low < alone.expected_per_actual.low


def test_the_most_bought_product_types_are_shown_last():
    rows = make_frame(orders=8)
    rows["product_type"] = [f"t{number % 15:02}" for number in range(len(rows))]
    rows.loc[rows["product_type"] == "t07", "outcome"] = 1.0

    names = [name for name, _ in shown_slices_of(rows)]

    types = [name for name in names if name.startswith("product type")]
    assert types == names[-10:]
    assert types[0] == "product type t07"
