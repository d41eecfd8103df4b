"""Create synthetic demo data in the published columns: orders of an invented shop.

Users of the shop have tastes, habits and a cupboard. An order holds the products that its user
wants most that day; the columns are what such a shop would have recorded. No row or figure of real
customers is in it.
"""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from push_model.columns import FRAME
from push_model.errors import InvalidEventError

FEWEST_ORDERS = 10
# A small frame is a sample of the users of a shop of this many repeat orders, so that its
# popularities and average gaps are as fine as real ones.
_SHOP_ORDERS = 3_446
_DAYS, _WARM_UP_DAYS = 150, 36
_PRODUCTS, _PRODUCTS_AT_START, _TYPES, _VENDORS = 976, 608, 62, 264
_DEAREST_GBP = 36.89
_MOST_VISITS = 40
# As published: "never bought" is a number that real gaps take too, and `ordered_before` tells.
_NEVER_BOUGHT_PRODUCT, _NEVER_BOUGHT_TYPE = 33.0, 30.0
_LONGEST_MEMORY_DAYS = 148
_POPULARITY_DAYS = 28
_FEWEST_GAPS = 5
# A cupboard that is 90 % of a cycle old is nearly empty, so that regulars are snoozed less.
_NEARLY_EMPTY = 0.9
_LONG_AGO = np.float32(-10_000)
_BLOCK_ROWS = 65_536

Array = NDArray[Any]


def write_sample(path: str | Path, *, until: date, orders: int = 350, seed: int = 0) -> int:
    """Write a synthetic feature frame as CSV, the same for the same arguments; return its rows.

    The frame holds repeat orders of the 150 days up to `until`. Another `until` moves the same
    orders to other days.
    """
    place = _check_place(Path(path))
    for name, value, least in (("orders", orders, FEWEST_ORDERS), ("seed", seed, 0)):
        if value < least:
            raise InvalidEventError(f"{name} must be at least {least}, got {value!r}.")
    rng = np.random.default_rng(seed)
    shelf = _draw_shelf(rng)
    visits = _draw_visits(rng, repeat_orders=max(orders, _SHOP_ORDERS))
    # Users come in no order, so the first ones are a sample.
    kept = visits[visits["is_repeat"]][:orders].sort_values(["day", "second"]).index.to_numpy()
    record = _fill_baskets(rng, shelf, visits, kept)
    about_orders = _describe_orders(rng, visits.loc[kept], until)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".sample_") as folder:
        rows = _write_blocks(_iterate_rows(shelf, record, about_orders), Path(folder))
        Path(folder, "frame.csv").replace(place)
    return rows


class _Shelf(NamedTuple):
    """The products, one entry each; a later launch has a larger id."""

    columns: pd.DataFrame  # of the frame
    type_code: Array
    launch_day: Array  # counted from the first day of the frame
    appeal: Array  # log of how much everybody wants it
    stickiness: Array  # chance that a buyer makes it a habit
    cycle_days: Array  # days that one purchase lasts


class _Record(NamedTuple):
    """What was known at each order of the frame, and what was bought; orders lie by time."""

    day: Array
    pairs: dict[str, Array]  # columns, of shape (orders, products)
    popularity: Array  # of shape (days, products)
    gaps: pd.DataFrame  # average and spread of days between purchases, by product


def _draw_shelf(rng: np.random.Generator) -> _Shelf:
    kind, vendor = _draw_codes(rng, _TYPES), _draw_codes(rng, _VENDORS)
    price = rng.lognormal(np.log(3), 0.75, _PRODUCTS) * rng.lognormal(0, 0.55, _TYPES)[kind]
    later = np.sort(rng.beta(1, 1.15, _PRODUCTS - _PRODUCTS_AT_START)) * (_DAYS - 8)
    cycle = rng.lognormal(np.log(31), 0.45, _TYPES)[kind] * rng.lognormal(0, 0.2, _PRODUCTS)
    columns = {
        "variant_id": 33_000_000_000_000 + np.cumsum(rng.integers(1, 9_000_000_000, _PRODUCTS)),
        "product_type": np.char.add("type_", kind.astype(str)),
        "vendor": np.char.add("vendor_", vendor.astype(str)),
        "normalised_price": np.round(np.clip(price, 0.59, _DEAREST_GBP), 2) / _DEAREST_GBP,
        "discount_pct": np.clip(rng.lognormal(np.log(0.125), 0.9, _PRODUCTS), 0, 1.3).round(3),
    }
    return _Shelf(
        pd.DataFrame(columns),
        kind,
        np.concatenate([np.full(_PRODUCTS_AT_START, -_WARM_UP_DAYS), np.ceil(later)]),
        # Normal scores, not draws: every seed has the same head and the same tail.
        1.2 * rng.permutation(ndtri((np.arange(_PRODUCTS) + 0.5) / _PRODUCTS)),
        rng.beta(2.0, 2.3, _PRODUCTS),
        cycle.astype(np.float32),
    )


def _draw_codes(rng: np.random.Generator, kinds: int) -> Array:
    """Give every kind one product, and the rest by a power law."""
    share = np.arange(1, kinds + 1) ** -0.65
    rest = rng.choice(kinds, _PRODUCTS - kinds, p=share / share.sum())
    return rng.permutation(np.concatenate([np.arange(kinds), rest]))


def _draw_visits(rng: np.random.Generator, *, repeat_orders: int) -> pd.DataFrame:
    """Draw users with enough repeat orders: one row an order, by user and then by time.

    A user comes back at an own pace and stops some day. The shop opens before the frame begins, so
    that the first day has repeat orders; first orders are never rows.
    """
    users = 3 * repeat_orders
    arrival = rng.uniform(-_WARM_UP_DAYS, _DAYS, (users, 1))
    pace = rng.lognormal(np.log(31), 0.6, (users, 1))
    gaps = rng.gamma(2.5, pace / 2.5, (users, _MOST_VISITS))
    day = np.floor(arrival + np.cumsum(gaps, axis=1) - gaps[:, :1]).astype(int)
    loyalty = rng.geometric(rng.beta(2.2, 3.2, (users, 1)))
    user, nth = np.nonzero((day < _DAYS) & (np.arange(_MOST_VISITS) < loyalty))
    second = (86_400 * (0.27 + 0.72 * rng.beta(2.2, 1.7, len(user)))).astype(int)
    visits = pd.DataFrame({"user": user, "day": day[user, nth], "second": second})
    visits = visits.sort_values(["user", "day", "second"], ignore_index=True)
    visits["seq"] = visits.groupby("user").cumcount() + 1
    visits["is_repeat"] = (visits["seq"] > 1) & (visits["day"] >= 0)
    enough = np.searchsorted(visits["is_repeat"].cumsum(), repeat_orders)
    enough_users: pd.DataFrame = visits[visits["user"] <= visits["user"].iloc[enough]]
    return enough_users


def _fill_baskets(
    rng: np.random.Generator, shelf: _Shelf, visits: pd.DataFrame, kept: Array
) -> _Record:
    """Fill every user's first basket, then every second one, and so on; record the kept orders."""
    users = _Users(rng, shelf, int(visits["user"].max()) + 1)
    row_of = np.full(len(visits), -1)
    row_of[kept] = np.arange(len(kept))
    pairs: dict[str, Array] = {}
    held, orders = np.zeros((_DAYS, _PRODUCTS)), np.zeros((_DAYS, 1))
    for _, orders_now in visits.groupby("seq"):
        user, day = orders_now["user"].to_numpy(), orders_now["day"].to_numpy()
        known = users.order(rng, user, day[:, None].astype(np.float32))
        row, is_in_window = row_of[orders_now.index], day >= 0
        for name, values in known.items():
            column = pairs.setdefault(name, np.zeros((len(kept), _PRODUCTS), np.float32))
            column[row[row >= 0]] = values[row >= 0]
        np.add.at(held, day[is_in_window], known["outcome"][is_in_window])
        np.add.at(orders, day[is_in_window], 1)
    day = visits["day"].to_numpy()[kept]
    return _Record(day, pairs, _share_before(held, orders), users.measure_gaps())


def _share_before(held: Array, orders: Array) -> Array:
    """Return the share of the orders of the 28 days before each day that held a product."""
    end = np.arange(_DAYS)
    start = np.maximum(end - _POPULARITY_DAYS, 0)
    held, orders = (np.pad(n, ((1, 0), (0, 0))).cumsum(axis=0) for n in (held, orders))
    share: Array = (held[end] - held[start]) / np.maximum(orders[end] - orders[start], 1)
    return share


class _Users:
    """Users' tastes, and what each bought last, made a habit of, and marked as a regular.

    All are of shape (users, products). An order holds the products with the largest wants plus
    Gumbel noise, which is drawing without replacement in proportion to exp(want).
    """

    def __init__(self, rng: np.random.Generator, shelf: _Shelf, users: int) -> None:
        by_type = rng.normal(0, 1.2, (users, _TYPES))[:, shelf.type_code]
        price = np.log(shelf.columns["normalised_price"].to_numpy())
        taste = shelf.appeal + by_type - rng.normal(0, 0.35, (users, 1)) * price
        taste += rng.normal(0, 0.3, taste.shape)
        self.shelf, self.taste = shelf, taste.astype(np.float32)
        self.last = np.full(taste.shape, _LONG_AGO, np.float32)
        self.type_last = np.full((users, _TYPES), _LONG_AGO, np.float32)
        self.habit = np.zeros(taste.shape, np.bool_)
        self.keeps_regulars = _happens(rng, np.full((users, 1), 0.3))
        tempting = _largest(self.taste, np.full(users, 25))
        self.regular = self.keeps_regulars & tempting & _happens(rng, np.full(taste.shape, 0.3))
        self.basket = rng.gamma(2.6, 7.2 / 2.6, users)
        self.gaps: list[pd.DataFrame] = []
        self.type_gaps: list[pd.DataFrame] = []

    def order(self, rng: np.random.Generator, user: Array, day: Array) -> dict[str, Array]:
        """Let some users order once; return what was known before, and the outcome."""
        empty = (day - self.last[user]) / self.shelf.cycle_days
        regular = self.regular[user]
        snoozed = regular & _happens(rng, np.where(empty < _NEARLY_EMPTY, 0.85, 0.5))
        want = self._want(user, empty) + np.where(snoozed, -0.8, 1.6 * regular)
        want[day < self.shelf.launch_day] = -np.inf
        want += rng.gumbel(size=want.shape)
        size = _draw_sizes(rng, self.basket[user])
        bought = _largest(want, size)
        # An abandoned cart is an early look at the same wants; most of it is bought soon after.
        chance = np.where(bought, 0.038, 0.0155) * _largest(want, 2 * size)
        known = {
            "outcome": bought,
            "abandoned_before": _happens(rng, chance),
            "active_snoozed": snoozed,
            "set_as_regular": regular,
            **self._look_back(user, day),
        }
        self._remember(rng, user, day, bought)
        return known

    def _want(self, user: Array, empty: Array) -> Array:
        """Return the log-want of every product, noise apart.

        A habit sleeps while the cupboard is full, wakes before one cycle ends, and fades later.
        """
        empty = np.minimum(empty, 6)
        habit = 8.0 / (1 + np.exp(-9 * (empty - 0.8))) - 3.8 - 0.9 * np.clip(empty - 1.6, 0, 3)
        memory = np.where(self.habit[user], habit, 0.6 - 0.25 * empty)
        want: Array = self.taste[user] + memory * (self.last[user] > _LONG_AGO)
        return want

    def _look_back(self, user: Array, day: Array) -> dict[str, Array]:
        days, type_days = day - self.last[user], day - self.type_last[user][:, self.shelf.type_code]
        is_known, is_type_known = (ago <= _LONGEST_MEMORY_DAYS for ago in (days, type_days))
        return {
            "ordered_before": is_known,
            "days_since_purchase_variant_id": np.where(is_known, days, _NEVER_BOUGHT_PRODUCT),
            "days_since_purchase_product_type": np.where(
                is_type_known, type_days, _NEVER_BOUGHT_TYPE
            ),
        }

    def _remember(self, rng: np.random.Generator, user: Array, day: Array, bought: Array) -> None:
        row, product = np.nonzero(bought)
        buyer, today, kind = user[row], day[row, 0], self.shelf.type_code[product]
        is_new = self.last[buyer, product] == _LONG_AGO
        self.habit[buyer, product] |= is_new & _happens(rng, self.shelf.stickiness[product])
        marks = self.keeps_regulars[buyer, 0] & _happens(rng, np.full(len(row), 0.35))
        self.regular[buyer, product] |= self.habit[buyer, product] & marks
        self.gaps.append(_gaps(buyer, product, today - self.last[buyer, product]))
        self.type_gaps.append(_gaps(buyer, kind, today - self.type_last[buyer, kind]))
        self.last[buyer, product] = today
        self.type_last[buyer, kind] = today

    def measure_gaps(self) -> pd.DataFrame:
        """Return the average and the spread of days between purchases, by product.

        They are measured once over the whole record, as in the published frame. A product with few
        gaps has those of its type.
        """
        by_type = _summarise(self.type_gaps, _TYPES)
        by_type = by_type.fillna(by_type.median()).iloc[self.shelf.type_code]
        by_type = by_type.reset_index(drop=True)
        by_product = _summarise(self.gaps, _PRODUCTS).fillna(by_type)
        both = {"variant_id": by_product, "product_type": by_type}
        return pd.DataFrame({
            f"{name}_days_to_buy_{of}": table[name]
            for of, table in both.items()
            for name in ("avg", "std")
        })


def _gaps(user: Array, code: Array, days: Array) -> pd.DataFrame:
    """Return the gaps that end with an order, each once; a first purchase ends none."""
    found = pd.DataFrame({"user": user, "code": code, "days": days})
    return found[found["days"] < _WARM_UP_DAYS + _DAYS].drop_duplicates()


def _summarise(gaps: list[pd.DataFrame], kinds: int) -> pd.DataFrame:
    days = pd.concat(gaps).groupby("code")["days"]
    # Published as "avg", but halves of a day throughout: it is a median.
    found = pd.DataFrame({"avg": days.median(), "std": days.std()})
    return found[days.size() >= _FEWEST_GAPS].reindex(range(kinds))


def _happens(rng: np.random.Generator, chance: Array) -> Array:
    return np.asarray(rng.random(chance.shape, np.float32) < chance)


def _draw_sizes(rng: np.random.Generator, basket: Array) -> Array:
    """Draw the items of each order: a top-up of one to four, or five and more."""
    top_up = rng.choice(np.arange(1, 5), len(basket), p=(0.33, 0.27, 0.22, 0.18))
    large = np.minimum(5 + rng.poisson(basket * rng.gamma(4, 0.25, len(basket))), 78)
    return np.where(_happens(rng, np.full(len(basket), 0.245)), top_up, large)


def _largest(want: Array, size: Array) -> Array:
    """Mark the `size[i]` largest wants of row i."""
    most = int(size.max())
    top = np.sort(np.partition(want, -most, axis=1)[:, -most:], axis=1)
    return np.asarray(want >= top[np.arange(len(size)), most - size, None])


def _describe_orders(rng: np.random.Generator, visits: pd.DataFrame, until: date) -> pd.DataFrame:
    """Return the columns that depend on the order alone; few users tell of their household."""
    users = int(visits["user"].max()) + 1
    tells = _happens(rng, np.full(users, 0.035))
    adults = np.where(tells, rng.integers(1, 5, users), 2)
    children = tells * rng.choice(4, users, p=(0.6, 0.16, 0.18, 0.06))
    household = {
        "count_adults": adults,
        "count_children": children,
        "count_babies": tells * rng.choice(2, users, p=(0.88, 0.12)),
        "count_pets": tells * rng.choice(4, users, p=(0.6, 0.25, 0.1, 0.05)),
        "people_ex_baby": adults + children,
    }
    user_id = rng.permutation(3_000_000_000_000 + np.cumsum(rng.integers(1, 900_000_000, users)))
    order_date = np.datetime64(until, "s") + (visits["day"].to_numpy() - _DAYS + 1) * 86_400
    user = visits["user"].to_numpy()
    return pd.DataFrame({
        name: values[user].astype(float) for name, values in household.items()
    }).assign(
        order_id=2_800_000_000_000 + np.cumsum(rng.integers(1, 90_000_000, len(visits))),
        user_id=user_id[user],
        created_at=order_date + visits["second"].to_numpy(),
        order_date=order_date,
        user_order_seq=visits["seq"].to_numpy(),
    )


def _iterate_rows(
    shelf: _Shelf, record: _Record, about_orders: pd.DataFrame
) -> Iterator[pd.DataFrame]:
    """Yield the rows by product and then by time: every product on sale at every order."""
    blocks = min(_PRODUCTS, _PRODUCTS * len(record.day) // _BLOCK_ROWS + 1)
    about_products = pd.concat([shelf.columns, record.gaps], axis=1)
    for some in np.array_split(np.arange(_PRODUCTS), blocks):
        place, order = np.nonzero(shelf.launch_day[some, None] <= record.day)
        product = some[place]
        pairs = {name: values[order, product] for name, values in record.pairs.items()}
        pairs["global_popularity"] = record.popularity[record.day[order], product]
        parts = (about_products.iloc[product], about_orders.iloc[order], pd.DataFrame(pairs))
        yield pd.concat([part.reset_index(drop=True) for part in parts], axis=1)[list(FRAME)]


def _write_blocks(blocks: Iterator[pd.DataFrame], folder: Path) -> int:
    """Write the blocks to one CSV file. DuckDB writes five times as fast as pandas."""
    rows, part = 0, folder / "block.csv"
    with (folder / "frame.csv").open("wb") as frame, duckdb.connect() as connection:
        frame.write(f"{','.join(FRAME)}\n".encode())
        for block in blocks:
            connection.register("block", block)
            connection.execute("COPY block TO ? (FORMAT csv, HEADER false)", [str(part)])
            with part.open("rb") as text:
                shutil.copyfileobj(text, frame)
            rows += len(block)
    return rows


def _check_place(path: Path) -> Path:
    if path.is_dir():
        raise InvalidEventError(f"{path} is a folder. Name a file to write, such as frame.csv.")
    if not path.parent.is_dir():
        raise InvalidEventError(f"The folder {path.parent} does not exist. Create it first.")
    return path
