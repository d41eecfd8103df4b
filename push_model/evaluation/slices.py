"""Which groups of candidates are looked at apart? Users, households, baskets, products."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from push_model.evaluation.scorers import FIRST_REPEAT_ORDER

# What an unknown household is written as, and nearly all are unknown.
DEFAULT_HOUSEHOLD = {"count_adults": 2, "count_children": 0, "count_babies": 0, "count_pets": 0}
MEMBERS = {"children": "count_children", "babies": "count_babies", "pets": "count_pets"}

# Quartiles of the published frame's large orders.
BASKETS = ((0, 8), (8, 12), (12, np.inf))


def slices_of(rows: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name the slices of a holdout."""
    new = (rows["user_order_seq"] <= FIRST_REPEAT_ORDER).to_numpy()
    yield "new users", new
    yield "returning users", ~new
    yield from _households(rows)
    yield from _baskets(rows)
    if "product_type" in rows:
        for name in sorted(rows["product_type"].dropna().unique()):
            yield f"product type {name}", (rows["product_type"] == name).to_numpy()


def _households(rows: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    known = np.zeros(len(rows), dtype=bool)
    for column, typical in DEFAULT_HOUSEHOLD.items():
        known |= (rows[column].fillna(typical) != typical).to_numpy()
    yield "household not known, or two adults", ~known
    for member, column in MEMBERS.items():
        yield f"household with {member}", (rows[column] > 0).to_numpy()


def _baskets(rows: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    bought = rows.groupby("order_id")["outcome"].transform("sum").to_numpy()
    for low, high in BASKETS:
        inside = (bought >= low) & (bought < high)
        name = f"of {low:g} items or more" if high == np.inf else f"of fewer than {high:g} items"
        name = name if low in {0, BASKETS[-1][0]} else f"of {low:g} to {high - 1:g} items"
        yield f"orders {name}", inside
