import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from push_model.columns import FEATURES
from push_model.exploration.entries.entry import HISTORIES
from push_model.exploration.entries.inputs import (
    FEATURE_SETS,
    AsOfRates,
    PriceInKind,
    Season,
    make_preparer,
)
from push_model.training.estimators import LINEAR_STEPS, FeaturePreparer


def inputs_of(name, frame, derived=LINEAR_STEPS) -> list:
    return list(make_preparer(name, FeaturePreparer(derived)).fit(frame).inputs_)


@pytest.mark.parametrize(
    "name", ["request", "history", "splines", "categories", "season", "price in its kind"]
)
def test_a_family_keeps_its_own_preparer(name):
    default = FeaturePreparer()

    assert make_preparer(name, default) is default


def test_three_and_four_columns_are_just_those(frame):
    three, four = inputs_of("three columns", frame), inputs_of("four columns", frame)

    assert len(three) == 3
    assert set(four) - set(three) == {"set_as_regular"}


def test_leaving_out_the_household_leaves_out_five(frame):
    gone = set(inputs_of("request", frame)) - set(inputs_of("no household", frame))

    assert gone == {
        "count_adults",
        "count_babies",
        "count_children",
        "count_pets",
        "people_ex_baby",
    }


def test_leaving_out_the_order_number_keeps_trees_ratios(frame):
    trees = FeaturePreparer().derived

    left = inputs_of("no order number", frame, trees)
    assert set(inputs_of("request", frame, trees)) - set(left) == {"user_order_seq"}


def test_never_can_stay_a_number(frame):
    prepared = make_preparer("never as a number", FeaturePreparer()).fit(frame).transform(frame)

    assert not np.isnan(prepared).any()


def test_interactions_add_to_the_lines_own_steps(frame):
    assert {"log_popularity_if_bought", "log_variant_gap_ratio"} <= set(
        inputs_of("log interactions", frame)
    )


def test_the_sets_that_read_more_than_a_request_count_as_history():
    more = {name for name, chosen in FEATURE_SETS.items() if set(chosen.features) - set(FEATURES)}

    assert more | {"history"} == HISTORIES


def test_the_day_of_an_order_is_its_month_and_weekday():
    days = pd.to_datetime(["2021-02-01", "2021-12-26"])

    found = Season().fit(pd.DataFrame()).transform(pd.DataFrame({"order_date": days}))

    np.testing.assert_array_equal(found, [[2, 0], [12, 6]])


def priced(kinds, prices, discounts) -> pd.DataFrame:
    return pd.DataFrame({
        "product_type": kinds,
        "normalised_price": prices,
        "discount_pct": discounts,
    })


def test_a_price_stands_beside_the_usual_one_of_its_kind():
    fitted = PriceInKind().fit(priced(["tea", "tea", "rice"], [0.1, 0.3, 0.5], [0.0, 0.2, 0.1]))

    found = fitted.transform(priced(["tea", "rice"], [0.4, 0.25], [0.3, 0.1]))

    np.testing.assert_allclose(found, [[2.0, 0.2], [0.5, 0.0]], atol=1e-12)


def test_a_kind_never_seen_or_given_away_has_no_usual_price():
    fitted = PriceInKind().fit(priced(["tea"], [0.0], [0.0]))

    found = fitted.transform(priced(["tea", "salt"], [0.1, 0.1], [0.0, 0.0]))

    assert np.isnan(found[:, 0]).all()
    np.testing.assert_array_equal(found[:, 1], [0.0, np.nan])


def test_names_go_with_the_columns():
    assert list(Season().get_feature_names_out()) == ["order_month", "order_weekday"]
    assert list(PriceInKind().get_feature_names_out()) == ["price_in_kind", "discount_in_kind"]


def rows_of(days, kinds) -> pd.DataFrame:
    day = pd.Timestamp("2021-02-01") + pd.to_timedelta(days, unit="D")
    return pd.DataFrame({"order_date": day, "product_type": kinds})


def rates(**differs) -> AsOfRates:
    return AsOfRates(by=("product_type",), prior_rows=2.0, **differs)


def test_a_row_is_given_the_rate_of_earlier_days_smoothed():
    rows = rows_of([0, 0, 1, 1], ["tea", "rice", "tea", "rice"])

    found = rates().fit_transform(rows, np.array([1.0, 0.0, 0.0, 1.0]))[:, 0]

    # Half of the first day was bought; 1 of 1 tea and 0 of 1 rice, each beside 2 rows at 1/2.
    np.testing.assert_allclose(found, [np.nan, np.nan, (1 + 1) / 3, (0 + 1) / 3])


def test_rows_to_score_are_given_the_rates_after_the_last_day():
    rows = rows_of([0, 0, 1, 1], ["tea", "rice", "tea", "rice"])
    fitted = rates().fit(rows, np.array([1.0, 0.0, 0.0, 1.0]))

    found = fitted.transform(rows_of([9, 9], ["tea", "salt"]))[:, 0]

    assert found.tolist() == [pytest.approx((1 + 2 * 0.5) / 4), 0.5]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("ab"), st.booleans()), min_size=2))
def test_no_outcome_of_the_same_day_or_later_moves_a_rate(drawn):
    days, kinds, bought = (list(column) for column in zip(*drawn, strict=True))
    rows, outcome = rows_of(days, kinds), np.array(bought, dtype=float)
    is_late = np.array(days) >= 2

    found = rates().fit_transform(rows, outcome)
    changed = rates().fit_transform(rows, np.where(is_late, 1 - outcome, outcome))

    same = np.array(days) <= 2
    np.testing.assert_array_equal(found[same], changed[same])


def test_rates_are_named_after_what_they_are_by():
    assert rates().get_feature_names_out().tolist() == ["rate_by_product_type"]
