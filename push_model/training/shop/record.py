"""Which orders of the invented shop become rows, and what do they say of themselves?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from push_model.training.shop.shop import Shop

FIRST_DAY = np.datetime64("2020-10-05")
LARGEST_FAMILY = 5


@dataclass(frozen=True)
class Record:
    """The orders a frame is made of, by time.

    Attributes
    ----------
    order : ndarray of shape (n_orders,)
        Their places in the shop's `visits`.
    columns : DataFrame of shape (n_orders, 10)
        The frame's columns that depend on the order alone.
    """

    order: NDArray[np.int64]
    columns: pd.DataFrame


def record_orders(rng: np.random.Generator, shop: Shop, *, orders: int) -> Record:
    """Choose users at random until they placed `orders` repeat orders in the window.

    Examples
    --------
    >>> from push_model.training.shop.shop import simulate_shop
    >>> rng = np.random.default_rng(0)
    >>> len(record_orders(rng, simulate_shop(rng, min_repeat_orders=10), orders=10).order)
    10
    """
    visits = shop.visits
    repeat = np.flatnonzero(visits.is_repeat())
    lot = rng.permutation(len(shop.household))[visits.user[repeat]]
    chosen = repeat[np.argsort(lot, kind="stable")[:orders]]
    order = chosen[np.lexsort((chosen, visits.second[chosen], visits.day[chosen]))]
    date = FIRST_DAY + visits.day[order]
    user = visits.user[order]
    user_id = 3_000_000_000_000 + np.cumsum(rng.integers(1, 900_000_000, len(shop.household)))
    adults, children, babies, pets = shop.household[user].T
    return Record(
        order,
        pd.DataFrame({
            "order_id": 2_800_000_000_000 + np.cumsum(rng.integers(1, 90_000_000, len(order))),
            "user_id": rng.permutation(user_id)[user],
            "created_at": date.astype("datetime64[s]") + visits.second[order],
            "order_date": date.astype("datetime64[s]"),
            "user_order_seq": visits.seq[order],
            "count_adults": adults,
            "count_children": children,
            "count_babies": babies,
            "count_pets": pets,
            "people_ex_baby": np.minimum(adults + children, LARGEST_FAMILY),
        }),
    )
