"""Compare the newest days of a frame with the days before them.

Challenger and champion are evaluated on the same rows, so that a fault of the newest rows moves
neither against the other. It shows beside older rows of the same frame. Orders are the units here:
each figure is a mean over orders, and an interval says how far chance alone moves it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom, norm

from push_model.evaluation.scorers import Scores
from push_model.model.scoring import Model
from push_model.training.data.split import Split
from push_model.training.gate.drift import OF_THE_USER, measure_drift
from push_model.training.gate.policy import Policy
from push_model.training.gate.verdict import Finding

Floats = NDArray[np.float64]

_HOLDOUT = "holdout"
# A fault begins on some day; the holdout as a whole is compared, too.
_DAYS = (1, 3, 7, 14)
# Prices, flags and numbers of candidates differ little from order to order.
_FEW_ORDERS = 5
_USERS_OF_HOUSEHOLDS = 100
# There are dozens of types, several windows, and a run each day.
_LOST_BY_CHANCE = 1e-5
# Seasons end for smaller types: of one grocer's, sweets after Halloween.
_LEAST_SHARE = 0.25


class _Newest(NamedTuple):
    """The newest rows of a frame, as messages call them."""

    name: str
    rows: pd.DataFrame


def find_changes(
    split: Split, challenger: Model, policy: Policy, *, champion: Scores | None = None
) -> tuple[Finding, ...]:
    """Check the newest days against the days before the holdout; `champion` scores the holdout."""
    if split.holdout["order_id"].nunique() < _FEW_ORDERS:
        return ()
    before, windows = split.calibration, [*_list_windows(split.holdout)]
    return (
        _check_features(windows, challenger, policy),
        _check_candidates(before, windows, policy),
        _check_types(before, windows, champion, policy),
        _check_signals(before, windows, challenger, policy),
        _check_equal_orders(split, policy),
    )


def _list_windows(holdout: pd.DataFrame) -> Iterator[_Newest]:
    day = holdout["order_date"].dt.normalize()
    newest = day.max()
    for days in _DAYS:
        rows = holdout[day > newest - pd.Timedelta(days=days)]
        if len(rows) < len(holdout):
            yield _Newest("newest day" if days == 1 else f"newest {days} days", rows)
    yield _Newest(_HOLDOUT, holdout)


def _check_features(windows: list[_Newest], challenger: Model, policy: Policy) -> Finding:
    changed: dict[str, str] = {}
    for name, rows in windows:
        if rows["order_id"].nunique() < _FEW_ORDERS:
            continue
        has_few_users = rows["user_id"].nunique() < _USERS_OF_HOUSEHOLDS
        for found in measure_drift(rows, challenger, policy):
            # All rows of a user are alike in these, so that chance alone moves them.
            if has_few_users and found.feature in OF_THE_USER:
                continue
            if found.changed:
                changed.setdefault(found.feature, f"{found.says} ({name})")
    sentence = (
        f"Features of the newest days are not as in the train window: {' '.join(changed.values())}"
        if changed
        else "Features of the newest days are as in the train window."
    )
    return Finding("features of the newest days", "drift", not changed, len(changed), 0, sentence)


def _check_candidates(before: pd.DataFrame, windows: list[_Newest], policy: Policy) -> Finding:
    usual, most = _candidates_an_order(before), policy.max_candidates_change
    counts = {
        name: _candidates_an_order(rows)
        for name, rows in windows
        if rows["order_id"].nunique() >= _FEW_ORDERS
    }
    name, count = max(counts.items(), key=lambda each: abs(np.log(each[1] / usual)))
    passed = 1 / most <= count / usual <= most
    advice = "" if passed else " Check whether rows were lost or added."
    return Finding(
        "candidates an order",
        "data",
        passed,
        count / usual,
        most,
        f"An order of the {name} has {count:.0f} candidates, an order before {usual:.0f} (limit: "
        f"a factor of {most:g}).{advice}",
    )


def _candidates_an_order(rows: pd.DataFrame) -> float:
    return len(rows) / rows["order_id"].nunique()


def _check_types(
    before: pd.DataFrame, windows: list[_Newest], champion: Scores | None, policy: Policy
) -> Finding:
    usual = _share_of_orders(before, before["outcome"])
    lost: dict[str, str] = {}
    for name, rows in windows:
        lost = _lost_types(name, rows, usual, policy) | lost
        if champion is not None and name == _HOLDOUT:
            # The champion knows what was bought before a fault that reaches the whole frame.
            expected = _share_of_orders(rows, pd.Series(champion, rows.index))
            lost = _lost_types(name, rows, expected, policy) | lost
    return Finding(
        "purchases of each product type",
        "data",
        not lost,
        len(lost),
        0,
        f"Purchases of product types are missing: {'; '.join(lost.values())}. Check the outcomes."
        if lost
        else "Product types that a quarter of orders held are bought as before.",
    )


def _share_of_orders(rows: pd.DataFrame, chances: "pd.Series[float]") -> "pd.Series[float]":
    """Return by type in which share of the orders that may hold one there is a purchase."""
    with np.errstate(divide="ignore"):
        of_none = np.log1p(-np.minimum(chances.to_numpy(dtype=np.float64), 1.0))
    keys = [rows["product_type"], rows["order_id"]]
    in_orders = pd.Series(of_none, rows.index).groupby(keys).sum()
    is_held = 1.0 - np.exp(in_orders.to_numpy())
    return pd.Series(is_held, in_orders.index).groupby(level=0).mean()


def _lost_types(
    name: str, rows: pd.DataFrame, usual: "pd.Series[float]", policy: Policy
) -> dict[str, str]:
    orders = rows.groupby("product_type")["order_id"].nunique()
    expected = usual.reindex(orders.index).fillna(0.0)
    found = (orders * _share_of_orders(rows, rows["outcome"])).round()
    is_usual = expected >= _LEAST_SHARE
    is_few = found < policy.min_purchases_per_usual * orders * expected
    is_no_chance = binom.cdf(found, orders, expected) < _LOST_BY_CHANCE
    return {
        str(kind): f"{kind} in {found[kind]:.0f} orders, expected in "
        f"{orders[kind] * expected[kind]:.0f} ({name})"
        for kind in orders.index[is_usual & is_few & is_no_chance]
    }


def _check_signals(
    before: pd.DataFrame, windows: list[_Newest], challenger: Model, policy: Policy
) -> Finding:
    # Times since and between purchases hold typical values where there are none: no ranks.
    names = [
        name for name in challenger.feature_names if name not in OF_THE_USER and "days" not in name
    ]
    usual = _signals(before, names)
    checked = {
        window: found
        for window, rows in windows
        if min(len(usual[names[0]]), len((found := _signals(rows, names))[names[0]]))
        >= policy.min_slice_orders
    }
    # All share one error (Bonferroni).
    width = -float(norm.ppf(policy.alpha / 2 / max(1, len(names) * len(checked))))
    changed: dict[str, str] = {}
    largest = 0.0
    for window, found in checked.items():
        for name in names:
            then, now = usual[name], found[name]
            change = float(now.mean() - then.mean())
            # Rare flags are the same in all of a few orders: their own variance says too little.
            variance = max(now.var(), then.var())
            chance = width * float(np.sqrt(variance * (1 / len(now) + 1 / len(then))))
            largest = max(largest, abs(change) - chance)
            if abs(change) - chance > policy.max_signal_change:
                said = f"{name}, ROC-AUC {now.mean():.2f} within orders, before {then.mean():.2f}"
                changed.setdefault(name, f"{said} ({window})")
    sentence = (
        f"Features no longer tell of purchases what they told: {'; '.join(changed.values())}. "
        "Check how the newest rows are joined."
        if changed
        else "Features tell of purchases what they told (largest change of a ROC-AUC beyond chance "
        f"{largest:.3f}; limit {policy.max_signal_change:g})."
        if checked
        else "Too few orders with bought and unbought candidates to compare what features tell."
    )
    return Finding(
        "signal of the newest days",
        "data",
        not changed if checked else None,
        largest,
        policy.max_signal_change,
        sentence,
        is_needed=bool(checked),
    )


def _signals(rows: pd.DataFrame, names: list[str]) -> Mapping[str, Floats]:
    """Return the ROC-AUC of each feature alone, within each order that has one."""
    order = pd.factorize(rows["order_id"])[0]
    bought = rows["outcome"].to_numpy(dtype=np.float64)
    n, k = np.bincount(order), np.bincount(order, weights=bought)
    has_both = (k > 0) & (k < n)
    found = {}
    for name in names:
        # What was never bought ranks below everything that was.
        values = rows[name].fillna(-np.inf).to_numpy(dtype=np.float64)
        ranks = np.bincount(order, weights=bought * _rank_within(order, values))
        with np.errstate(divide="ignore", invalid="ignore"):
            found[name] = ((ranks - k * (k + 1) / 2) / (k * (n - k)))[has_both]
    return found


def _rank_within(order: NDArray[np.intp], values: Floats) -> Floats:
    """Rank values within each order, from 1; equal ones share the mean of their ranks."""
    sorting = np.lexsort((values, order))
    orders, ordered = order[sorting], values[sorting]
    begins = np.r_[True, orders[1:] != orders[:-1]]
    place = np.arange(len(sorting))
    first = np.maximum.accumulate(np.where(begins, place, 0))
    tie = np.cumsum(begins | np.r_[True, ordered[1:] != ordered[:-1]]) - 1
    means = np.bincount(tie, weights=place - first + 1.0) / np.bincount(tie)
    ranks = np.empty(len(sorting))
    ranks[sorting] = means[tie]
    return ranks


def _check_equal_orders(split: Split, policy: Policy) -> Finding:
    counts = [_count_equal_orders(rows) for rows in split[:3]]
    # A user may press the button twice: one order of a few is let through.
    limits = [int(np.ceil(policy.max_equal_orders * orders)) for _, orders in counts]
    (again, orders), most = max(
        zip(counts, limits, strict=True), key=lambda own: own[0][0] - own[1]
    )
    advice = "" if again <= most else " Remove the copies."
    return Finding(
        "no order twice",
        "data",
        again <= most,
        again,
        most,
        f"{again:,} of {orders:,} orders are there once more under another number: same user, day "
        f"and purchases (at most {most:,} allowed).{advice}",
    )


def _count_equal_orders(rows: pd.DataFrame) -> tuple[int, int]:
    """Return how many orders with a known user equal an earlier one, and the number of orders."""
    bought = rows[(rows["outcome"] > 0) & rows["user_id"].notna()]
    hashed = pd.util.hash_array(bought["variant_id"].to_numpy())
    keys = bought[["order_id", "user_id", "order_date"]].assign(
        order_date=bought["order_date"].dt.normalize(), basket=hashed
    )
    orders = keys.groupby("order_id").agg({
        "user_id": "first",
        "order_date": "first",
        "basket": "sum",
    })
    return int(orders.duplicated().sum()), int(rows["order_id"].nunique())
