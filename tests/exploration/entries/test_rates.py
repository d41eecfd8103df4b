import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_model.exploration.entries.rates import AsOfRates


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


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("ab"), st.booleans()), min_size=2))
def test_no_outcome_of_the_same_day_or_later_moves_a_rate(told):
    days, kinds, bought = (list(column) for column in zip(*told, strict=True))
    rows, outcome = rows_of(days, kinds), np.array(bought, dtype=float)
    is_late = np.array(days) >= 2

    found = rates().fit_transform(rows, outcome)
    changed = rates().fit_transform(rows, np.where(is_late, 1 - outcome, outcome))

    same = np.array(days) <= 2
    np.testing.assert_array_equal(found[same], changed[same])


def test_rates_are_named_after_what_they_are_by():
    assert rates().get_feature_names_out().tolist() == ["rate_by_product_type"]
