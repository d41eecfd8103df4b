import numpy as np
import pandas as pd

from push_model.exploration.entries.contexts import PriceInKind, Season


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
