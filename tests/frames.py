"""A feature frame for tests: small, of nobody, and with something in it to learn."""

import numpy as np
import pandas as pd

from push_model.columns import FRAME

FIRST_DAY = pd.Timestamp("2020-10-05")
# What the published frame writes in place of "never bought".
NEVER_VARIANT_DAYS = 33.0
NEVER_TYPE_DAYS = 30.0
ORDERS_A_DAY = 2


def make_frame(*, orders: int = 30, seed: int = 0, products: int = 20) -> pd.DataFrame:
    """Make a feature frame of the published schema, in its file order (by variant_id).

    Each order has a row for every product; ordered before and popular products are bought
    more often. About two orders in three hold at least 5 items bought, and two orders
    are placed a day, from 2020-10-05 on.
    """
    rng = np.random.default_rng(seed)
    order, product = (grid.ravel() for grid in np.mgrid[0:orders, 0:products])
    day = FIRST_DAY + pd.to_timedelta(order // ORDERS_A_DAY, unit="D")
    columns = _keys(order, product) | {"order_date": day, "created_at": day + pd.Timedelta("9h")}
    columns |= _products(product, products, rng) | _habits(order, products, rng)
    score = -3.3 + 2.0 * columns["ordered_before"] + 6.0 * columns["global_popularity"]
    score += 2.0 * columns["set_as_regular"] + 2.5 * columns["abandoned_before"]
    columns["outcome"] = (rng.random(len(order)) < 1 / (1 + np.exp(-score))).astype(float)
    frame = pd.DataFrame(columns)[list(FRAME)]
    return frame.sort_values(["variant_id", "order_id"], ignore_index=True)


def _keys(order: np.ndarray, product: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "variant_id": 33_000_000_000_000 + product,
        "order_id": 2_800_000_000_000 + order,
        "user_id": 3_000_000_000_000 + order // 3,
        "user_order_seq": 2 + order % 3,
        "product_type": np.char.add("type", (product % 5).astype(str)).astype(object),
        "vendor": np.char.add("vendor", (product % 7).astype(str)).astype(object),
    }


def _products(
    product: np.ndarray, products: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Give what is the same for a product in every order."""
    gap = rng.uniform(7, 80, products)
    return {
        "normalised_price": rng.uniform(0.016, 1, products).round(6)[product],
        "discount_pct": rng.uniform(-0.04, 0.6, products).round(6)[product],
        "global_popularity": np.sort(rng.uniform(0, 0.4, products)).round(6)[product],
        "avg_days_to_buy_variant_id": gap.round(1)[product],
        "std_days_to_buy_variant_id": (gap / 2).round(6)[product],
        "avg_days_to_buy_product_type": (gap / 1.5).round(1)[product],
        "std_days_to_buy_product_type": (gap / 3).round(6)[product],
    }


def _habits(order: np.ndarray, products: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Give what a user and their household are like."""
    rows = len(order)
    before = rng.random(rows) < 0.2
    days, type_days = rng.integers(1, 120, rows), rng.integers(1, 100, rows)
    adults, children = rng.integers(1, 4, rows)[order * products], order % 4 % 3
    return {
        "ordered_before": before.astype(float),
        "abandoned_before": (rng.random(rows) < 0.05).astype(float),
        "active_snoozed": (rng.random(rows) < 0.05).astype(float),
        "set_as_regular": (before & (rng.random(rows) < 0.3)).astype(float),
        "count_adults": adults.astype(float),
        "count_children": children.astype(float),
        "count_babies": (order % 5 == 0).astype(float),
        "count_pets": (order % 7).astype(float),
        "people_ex_baby": (adults + children).astype(float),
        "days_since_purchase_variant_id": np.where(before, days, NEVER_VARIANT_DAYS),
        "days_since_purchase_product_type": np.where(before, type_days, NEVER_TYPE_DAYS),
    }
