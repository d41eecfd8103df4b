"""What was known of a product when each order was placed? The rows of a synthetic frame."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from push_model.columns import FRAME
from push_model.training.shop.catalogue import TYPES, VENDORS, WINDOW_DAYS
from push_model.training.shop.record import Record
from push_model.training.shop.shop import Shop

# As published: "never bought" is a number that real gaps take too; ordered_before tells.
NEVER_BOUGHT_PRODUCT = 33.0
NEVER_BOUGHT_TYPE = 30.0
# The published frame looks back no further than its own window.
LONGEST_MEMORY_DAYS = 148
POPULARITY_DAYS = 28
FEWEST_GAPS = 5


def count_rows(shop: Shop, record: Record) -> int:
    """Count the candidates: for each recorded order, the products on sale that day."""
    launch_day = np.sort(shop.catalogue.launch_day)
    day = shop.visits.day[record.order]
    return int(np.searchsorted(launch_day, day, side="right").sum())


def iterate_candidates(shop: Shop, record: Record, *, block_rows: int) -> Iterator[pd.DataFrame]:
    """Yield the frame's rows by product and then by time, every feature as of the order.

    Notes
    -----
    Only purchases at places before the order's own are looked at, so no row depends on
    what came later. Exceptions, as published: the gaps of a product and of a type
    (``avg_days_to_buy_*``, ``std_days_to_buy_*``) are measured once, over the whole record.
    """
    history = _History(shop, record)
    products = np.arange(len(shop.catalogue.variant_id))
    rows = [len(record.order) - history.first_row(product) for product in products.tolist()]
    block = np.cumsum(rows) // block_rows
    for together in np.split(products, np.flatnonzero(np.diff(block)) + 1):
        yield history.candidates(together)


class _History:
    """The record, arranged to be asked what was known of one product at each order."""

    def __init__(self, shop: Shop, record: Record) -> None:
        visits = shop.visits
        self.shop = shop
        self.record = record
        self.day = visits.day[record.order]
        self.type_names, self.vendor_names = pd.Index(TYPES), pd.Index(VENDORS)
        self.first = np.searchsorted(visits.user, visits.user)
        in_window = visits.day[visits.day >= 0]
        self.orders_until = _running_count(in_window)
        self.types = [self._bought_of(code) for code in range(len(TYPES))]
        gaps = [_gaps(shop, orders) for orders in self.types]
        everything = _summarise(np.concatenate(gaps), fallback=(0.0, 0.0))
        self.type_gaps = [_summarise(of_type, fallback=everything) for of_type in gaps]

    def _bought_of(self, code: int) -> NDArray[np.int32]:
        """Find the orders that held any product of a type, each once."""
        products = np.flatnonzero(self.shop.catalogue.type_code == code)
        return np.unique(np.concatenate([self.shop.bought.of(int(p)) for p in products]))

    def first_row(self, product: int) -> int:
        """Find the first recorded order at which the product was on sale."""
        return int(np.searchsorted(self.day, self.shop.catalogue.launch_day[product]))

    def candidates(self, products: NDArray[np.int64]) -> pd.DataFrame:
        """Build the rows of some products, one product after another."""
        starts = [self.first_row(product) for product in products]
        rows = np.concatenate([np.arange(start, len(self.day)) for start in starts])
        product = np.repeat(products, [len(self.day) - start for start in starts])
        parts = [self._ask(p, start) for p, start in zip(products, starts, strict=True)]
        pairs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        catalogue = self.shop.catalogue
        columns = {
            "variant_id": catalogue.variant_id[product],
            "product_type": pd.Categorical.from_codes(
                catalogue.type_code[product], self.type_names
            ),
            "vendor": pd.Categorical.from_codes(catalogue.vendor_code[product], self.vendor_names),
            "normalised_price": catalogue.normalised_price[product],
            "discount_pct": catalogue.discount_pct[product],
        }
        columns |= {str(name): values.array[rows] for name, values in self.record.columns.items()}
        return pd.DataFrame(columns | pairs, columns=FRAME, copy=False)

    def _ask(self, product: int, start: int) -> dict[str, NDArray[np.float64]]:
        """Answer the columns that depend on both product and order."""
        order, day = self.record.order[start:], self.day[start:]
        bought, code = self.shop.bought.of(product), self.shop.catalogue.type_code[product]
        days_since = self._days_since(bought, order)
        type_days = self._days_since(self.types[code], order)
        avg, std = _summarise(_gaps(self.shop, bought), fallback=self.type_gaps[code])
        type_avg, type_std = self.type_gaps[code]
        return {
            "outcome": _is_in(bought, order),
            "ordered_before": np.isfinite(days_since).astype(float),
            "abandoned_before": _is_in(self.shop.abandoned.of(product), order),
            "active_snoozed": _is_in(self.shop.snoozed.of(product), order),
            "set_as_regular": _is_in(self.shop.regular.of(product), order),
            "global_popularity": self._popularity(bought)[day],
            "days_since_purchase_variant_id": np.nan_to_num(days_since, nan=NEVER_BOUGHT_PRODUCT),
            "avg_days_to_buy_variant_id": np.full(len(order), avg),
            "std_days_to_buy_variant_id": np.full(len(order), std),
            "days_since_purchase_product_type": np.nan_to_num(type_days, nan=NEVER_BOUGHT_TYPE),
            "avg_days_to_buy_product_type": np.full(len(order), type_avg),
            "std_days_to_buy_product_type": np.full(len(order), type_std),
        }

    def _days_since(
        self, bought: NDArray[np.int32], order: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Days from the user's latest earlier order in `bought`; NaN where there is none."""
        if not len(bought):
            return np.full(len(order), np.nan)
        # Orders lie by user and time, so the latest earlier one is the neighbour on the left.
        place = np.searchsorted(bought, order) - 1
        latest = bought[place]
        days = (self.shop.visits.day[order] - self.shop.visits.day[latest]).astype(float)
        known = (place >= 0) & (latest >= self.first[order]) & (days <= LONGEST_MEMORY_DAYS)
        return np.where(known, days, np.nan)

    def _popularity(self, bought: NDArray[np.int32]) -> NDArray[np.float64]:
        """Share of the orders of the 28 days before each day that held the product."""
        day = self.shop.visits.day[bought]
        held = _running_count(day[day >= 0])
        until = np.arange(WINDOW_DAYS)
        since = np.maximum(until - POPULARITY_DAYS, 0)
        orders = self.orders_until[until] - self.orders_until[since]
        share: NDArray[np.float64] = (held[until] - held[since]) / np.maximum(orders, 1)
        return share


def _running_count(day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the entries before each day of the window."""
    return np.concatenate([[0], np.cumsum(np.bincount(day, minlength=WINDOW_DAYS))])


def _is_in(marked: NDArray[np.int32], order: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.isin(order, marked).astype(float)


def _gaps(shop: Shop, bought: NDArray[np.int32]) -> NDArray[np.int64]:
    """Days between purchases of one user that follow each other."""
    user, day = shop.visits.user[bought], shop.visits.day[bought]
    gaps: NDArray[np.int64] = np.diff(day)[np.diff(user) == 0]
    return gaps


def _summarise(gaps: NDArray[np.int64], *, fallback: tuple[float, float]) -> tuple[float, float]:
    """Give the middle gap and the spread, or `fallback` where there are too few to tell."""
    if len(gaps) < FEWEST_GAPS:
        return fallback
    # Published as "avg", but halves of a day throughout: it is a median.
    return float(np.median(gaps)), float(np.std(gaps, ddof=1))
