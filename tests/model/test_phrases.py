from math import nan

import pytest

from push_model.columns import BY_NAME, FEATURES, HISTORY
from push_model.model.phrases import describe

VALUES = dict.fromkeys((*FEATURES, *HISTORY), nan)


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"days_since_purchase_variant_id": 34.0}, "bought 34 days ago"),
        ({"days_since_purchase_variant_id": 1.0}, "bought 1 day ago"),
        (
            {"days_since_purchase_product_type": 3.5, "avg_days_to_buy_product_type": 29.87},
            "this kind bought 3.5 days ago, usually every 29.9",
        ),
        ({"ordered_before": 1.0}, "bought before"),
        ({"ordered_before": 0.0}, "not bought before"),
        ({"days_since_purchase_variant_id": 1.0004}, "bought 1 day ago"),
        (
            {"days_since_purchase_variant_id": 9.0, "avg_days_to_buy_variant_id": 1e-5},
            "bought 9 days ago, usually every less than 0.01",
        ),
        ({"discount_pct": 0.25}, "20% off"),
        ({"discount_pct": 1.0}, "50% off"),
        ({"discount_pct": 9.0}, "90% off"),
        ({"discount_pct": 0.004}, "not discounted"),
        ({"discount_pct": -0.5}, "100% dearer than its list price"),
        ({"discount_pct": -1.0}, "without a list price"),
        ({"discount_pct": 0.0}, "not discounted"),
        ({"discount_pct": -0.1}, "11% dearer than its list price"),
        ({"normalised_price": 0.1}, "costs 3.69 GBP"),
        ({"global_popularity": 0.0123}, "in 1.23% of recent orders"),
        ({"count_pets": 2.0}, "2 pets in the household"),
        ({"people_ex_baby": 1.0}, "1 person in the household, babies apart"),
        ({"earlier_orders": 12.0}, "12 earlier orders"),
        ({"orders_with_variant": 0.0}, "in 0 earlier orders"),
        ({"orders_with_vendor": 1.0}, "this maker in 1 earlier order"),
        ({"orders_since_variant": 3.0}, "bought 3 orders ago"),
        ({"orders_since_vendor": 1.0}, "this maker bought 1 order ago"),
    ],
)
def test_a_value_is_put_into_words(changes, phrase):
    assert describe(next(iter(changes)), VALUES | changes, missing="") == phrase


@pytest.mark.parametrize("name", [*FEATURES, *HISTORY])
def test_a_missing_value_gets_the_words_of_the_model(name):
    assert describe(name, VALUES, missing=BY_NAME[name].missing) == BY_NAME[name].missing != ""


@pytest.mark.parametrize("name", [*FEATURES, *HISTORY])
def test_every_feature_has_words_of_its_own(name):
    assert name not in describe(name, VALUES | {name: 1.0}, missing="")


def test_a_feature_of_another_model_is_described_by_its_name():
    assert describe("moon_phase", {"moon_phase": 0.5}, missing="") == "moon_phase is 0.5"
