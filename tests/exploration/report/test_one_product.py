import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from push_model.exploration.report.found import Found
from push_model.exploration.report.one_product import (
    LEAST_PURCHASES,
    PUSHED_SHARE,
    measure_products,
    say_products,
    tabulate_products,
)


def make_rows(
    *, products: int = 1, users: int = 400, seed: int = 0
) -> tuple[pd.DataFrame, np.ndarray]:
    """Give candidates, a tenth of them bought, and propensities that know something of it."""
    rng = np.random.default_rng(seed)
    outcome = np.tile(np.arange(users) % 10 == 0, products).astype(float)
    before = (rng.random(len(outcome)) < 0.1 + 0.4 * outcome).astype(float)
    rows = pd.DataFrame({
        "variant_id": np.repeat(np.arange(products), users),
        "ordered_before": before,
        "global_popularity": np.repeat(rng.random(products), users),
        "outcome": outcome,
    })
    return rows, rng.random(len(rows)) + 0.5 * outcome


def test_pairs_of_one_product_are_its_roc_auc():
    rows, propensities = make_rows()

    pairs = measure_products(rows, propensities)["pairs"]

    assert pairs["model"] == pytest.approx(roc_auc_score(rows["outcome"], propensities))
    before = roc_auc_score(rows["outcome"], rows["ordered_before"])
    assert pairs["ordered_before"] == pytest.approx(before)


def test_what_is_the_same_for_all_users_of_a_product_tells_none_of_them_apart():
    rows, propensities = make_rows(products=5)

    found = measure_products(rows, propensities)

    assert found["products"] == 5
    assert found["pairs"]["global_popularity"] == 0.5
    assert found["bought"]["global_popularity"] == pytest.approx(found["bought"]["chance"])
    assert found["bought"]["chance"] == pytest.approx([0.1, 0.1, 0.1])


def test_pushes_go_to_the_best_of_each_product_whatever_they_are_beside_others():
    rows, propensities = make_rows(products=2)
    raised = propensities + 100 * rows["variant_id"].to_numpy()

    assert measure_products(rows, raised) == measure_products(rows, propensities)
    best = propensities[:400].argsort()[-round(400 * PUSHED_SHARE) :]
    one = measure_products(rows[:400], propensities[:400])
    assert one["bought"]["model"][1] == pytest.approx(rows["outcome"].to_numpy()[best].mean())


@pytest.mark.parametrize("purchases", [0, LEAST_PURCHASES - 1, 400])
def test_a_product_that_says_nothing_is_not_looked_at(purchases):
    rows, propensities = make_rows()
    rows["outcome"] = (np.arange(len(rows)) < purchases).astype(float)

    assert measure_products(rows, propensities) == {}


def test_it_is_said_and_tabulated_where_it_was_measured():
    looked = measure_products(*make_rows(products=3))
    where = {"orders": 1200, "window": "2021-02-01 <= day < 2021-03-01"}
    found = Found({}, (), None, inspection=where | {"one_product": looked})

    (said,) = say_products(found)
    (table,) = tabulate_products(found, "the final model")
    assert said.startswith("One product at a time: sent to the 5 % of its users")
    assert "by chance: 100." in said
    assert "Counted on 1,200 orders of 2021-02-01 <= day < 2021-03-01" in said
    assert [row[0] for row in table.rows] == [
        "the final model",
        "what was bought before",
        "popularity",
        "chance",
    ]
    assert table.rows[-1][1:] == ("100", "100", "100")


def test_nothing_is_said_where_nothing_was_measured():
    found = Found({}, (), None, inspection={})

    assert list(say_products(found)) == []
    assert list(tabulate_products(found, "ours")) == []
