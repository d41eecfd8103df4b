"""Slices of a holdout: groups of users, households, baskets and products, each measured apart."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from push_model.evaluation.resampling import Resampler, relative_gain, users_of
from push_model.evaluation.results import Slice
from push_model.evaluation.scorers import FIRST_REPEAT_ORDER, Scores

# Unknown households carry these counts, and nearly all are unknown.
_DEFAULT_HOUSEHOLD = {"count_adults": 2, "count_children": 0, "count_babies": 0, "count_pets": 0}
_MEMBERS = {"children": "count_children", "babies": "count_babies", "pets": "count_pets"}

# Quartiles of the published frame's large orders.
_BASKETS = ((0, 8), (8, 12), (12, np.inf))
#: Slices of orders by what was bought begin so. It is not known before the order, and a calibrated
#: model predicts too much for orders that turn out small.
BASKETS = "orders of "
#: Column of holdout rows: items that the user bought in an earlier order, on average.
USUAL_BASKET = "usual_basket"

#: Average precision over fewer purchases is mostly luck.
LEAST_PURCHASES = 30
#: Slices of product types begin so. There are dozens; those bought most are shown.
TYPES = "product type "
_SHOWN_TYPES = 10

Group = tuple[str, NDArray[np.bool_]]


def slices_of(rows: pd.DataFrame) -> Iterator[Group]:
    """Yield the slices that the gate looks at: a name and a mask of rows each."""
    new = (rows["user_order_seq"] <= FIRST_REPEAT_ORDER).to_numpy()
    yield "new users", new
    yield "returning users", ~new
    yield from _households(rows)
    bought = rows.groupby("order_id")["outcome"].transform("sum")
    yield from _by_size(BASKETS, bought)
    if USUAL_BASKET in rows:
        yield from _by_size("users whose orders are usually of ", rows[USUAL_BASKET].round())
    if "product_type" in rows:
        for name in sorted(rows["product_type"].dropna().unique()):
            yield f"{TYPES}{name}", (rows["product_type"] == name).to_numpy()


def usual_baskets(frame: pd.DataFrame, rows: pd.DataFrame) -> "pd.Series[float]":
    """Return for each row how many items the user's earlier orders of a frame have on average."""
    orders = frame.groupby("order_id", as_index=False).agg(
        user_id=("user_id", "first"), day=("order_date", "first"), items=("outcome", "sum")
    )
    orders = orders.sort_values(["day", "order_id"])
    by_user = orders.groupby("user_id")["items"]
    usual = (by_user.cumsum() - orders["items"]) / by_user.cumcount()
    return rows["order_id"].map(usual.set_axis(orders["order_id"]))


def products_of(rows: pd.DataFrame) -> Iterator[Group]:
    """Yield the products that users bought before, and those new to them."""
    known = (rows["ordered_before"] > 0).to_numpy()
    yield "products the user bought before", known
    yield "products new to the user", ~known


def shown_slices_of(rows: pd.DataFrame) -> list[Group]:
    """Return the slices that the card shows: the most bought product types alone."""
    bought = rows["outcome"].to_numpy() > 0
    groups = [*slices_of(rows)]
    types = sorted(
        (group for group in groups if group[0].startswith(TYPES)),
        key=lambda group: -int(bought[group[1]].sum()),
    )
    return [
        *products_of(rows),
        *(group for group in groups if not group[0].startswith(TYPES)),
        *types[:_SHOWN_TYPES],
    ]


def measure_slices(
    rows: pd.DataFrame,
    scores: Mapping[str, Scores],
    groups: Iterable[Group],
    *,
    min_orders: int = 2,
    min_users: int = 2,
    min_purchases: int = 1,
    alpha: float,
    resamples: int,
    seed: int,
) -> tuple[Slice, ...]:
    """Measure the challenger on each slice with enough orders, users and purchases.

    It is compared with the champion, or with popularity where there is no champion. One of many
    slices is always unlucky, so they share `alpha` (Bonferroni).
    """
    rows = rows.filter(["order_id", "user_id", "outcome"])
    order_ids, bought = rows["order_id"].to_numpy(), rows["outcome"].to_numpy(dtype=np.float64)
    users = users_of(rows)
    large = [
        (name, mask)
        for name, mask in groups
        if len(np.unique(order_ids[mask])) >= min_orders
        and len(np.unique(users[mask])) >= min_users
        and bought[mask].sum() >= min_purchases
    ]
    return tuple(
        _measure(
            name,
            Resampler.of_users(rows[mask], resamples=resamples, seed=seed),
            rows[mask],
            {scorer: own[mask] for scorer, own in scores.items()},
            alpha=alpha / len(large),
        )
        for name, mask in large
    )


def merge_slices(
    groups: Sequence[Group], first: Iterable[Slice], others: Iterable[Slice]
) -> tuple[Slice, ...]:
    """Return the slices in the order of the groups, those of `first` before `others`' of a name."""
    by_name = {part.name: part for part in (*others, *first)}
    return tuple(by_name[name] for name, _ in groups if name in by_name)


def _measure(
    name: str,
    resampler: Resampler,
    rows: pd.DataFrame,
    scores: Mapping[str, Scores],
    *,
    alpha: float,
) -> Slice:
    rival = "champion" if "champion" in scores else "popularity"
    own, bought = scores["challenger"], rows["outcome"].to_numpy(dtype=np.float64)
    ours, theirs = (resampler.average_precision(scores[each]) for each in ("challenger", rival))
    return Slice(
        name=name,
        rows=len(bought),
        orders=int(rows["order_id"].nunique()),
        purchases=int(bought.sum()),
        average_precision=float(ours[0]),
        rival=rival,
        rival_average_precision=float(theirs[0]),
        gain=resampler.interval(relative_gain(ours, theirs), alpha=alpha),
        expected_per_actual=resampler.interval(resampler.ratio(own, bought), alpha=alpha),
        calibration_error=resampler.interval(resampler.calibration_error(own), alpha=alpha),
    )


def _households(rows: pd.DataFrame) -> Iterator[Group]:
    known = np.zeros(len(rows), dtype=bool)
    for column, typical in _DEFAULT_HOUSEHOLD.items():
        known |= (rows[column].fillna(typical) != typical).to_numpy()
    yield "household not known, or two adults", ~known
    for member, column in _MEMBERS.items():
        yield f"household with {member}", (rows[column] > 0).to_numpy()


def _by_size(words: str, items: "pd.Series[float]") -> Iterator[Group]:
    for low, high in _BASKETS:
        name = f"{low:g} items or more" if high == np.inf else f"fewer than {high:g} items"
        name = name if low in {0, _BASKETS[-1][0]} else f"{low:g} to {high - 1:g} items"
        yield words + name, ((items >= low) & (items < high)).to_numpy()
