"""The gate accepts a model that knows the true probability of every candidate."""

from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from push_model.columns import FEATURES
from push_model.evaluation.slices import USUAL_BASKET, usual_baskets
from push_model.store.folder import read_model
from push_model.testing import make_model
from push_model.training.data.split import split_by_time
from push_model.training.gate.evidence import gather
from push_model.training.gate.newest import find_changes
from push_model.training.gate.policy import Policy
from push_model.training.gate.rules import judge
from push_model.training.gate.verdict import decide
from tests.effort import EFFORT

POLICY = Policy(resamples=200)
PRODUCTS = 120
DAYS = 200


class Shop(NamedTuple):
    """What differs between shops; spreads are standard deviations of logarithms."""

    orders: int
    spread_of_sizes: float  # of orders of one user: not known before the order
    spread_of_users: float  # of the usual size of a user: known from earlier orders
    growth: float  # orders a day at the end, as a multiple of those at the beginning
    season: float  # of the sizes, as a share


GRID = [
    Shop(*each)
    for each in product((400, 1_600), (0.0, 0.3, 0.5), (0.0, 0.4), (1.0, 3.0), (0.0, 0.3))
]
SIZES = np.arange(5, 31)


def simulate(shop: Shop, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw a shop's frame, and for each candidate its probability by what is known beforehand."""
    rng = np.random.default_rng(seed)
    users = max(40, shop.orders // 5)
    day = np.sort(_draw_days(shop, rng))
    user = rng.integers(users, size=shop.orders)
    # Products are bought by their popularity, and more by most of those who bought them before.
    popularity = rng.lognormal(0.0, 0.8, PRODUCTS)
    is_known = rng.random((users, PRODUCTS)) < 0.1
    appeal = popularity * np.where(is_known, rng.lognormal(1.5, 1.0, is_known.shape), 1.0)
    appeal = np.minimum(appeal / appeal.sum(axis=1, keepdims=True), 1 / SIZES[-1])
    appeal /= appeal.sum(axis=1, keepdims=True)
    usual = 10.0 * np.exp(shop.spread_of_users * rng.normal(size=users))[user]
    usual *= 1.0 + shop.season * np.sin(2 * np.pi * day / 365)
    chances = _size_chances(usual, shop.spread_of_sizes)
    inclusion = np.minimum(SIZES[:, None, None] * appeal[user], 1.0)
    truth = np.einsum("os,sop->op", chances, inclusion)
    drawn = (chances.cumsum(axis=1) < rng.random((shop.orders, 1))).sum(axis=1)
    bought = _draw_baskets(
        inclusion[np.minimum(drawn, len(SIZES) - 1), np.arange(shop.orders)], rng
    )
    return _frame(day, user, bought, is_known[user], popularity), np.minimum(truth.ravel(), 1.0)


def _draw_days(shop: Shop, rng: np.random.Generator) -> np.ndarray:
    weights = np.linspace(1.0, shop.growth, DAYS)
    return rng.choice(DAYS, size=shop.orders, p=weights / weights.sum())


def _size_chances(usual: np.ndarray, spread: float) -> np.ndarray:
    """Return the chance of each size, for each order."""
    distance = np.log(SIZES / np.clip(usual, SIZES[0], SIZES[-1])[:, None])
    chances = np.exp(-0.5 * (distance / max(spread, 0.05)) ** 2) / SIZES
    return chances / chances.sum(axis=1, keepdims=True)


def _draw_baskets(inclusion: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw whole baskets whose products have given chances (systematic sampling)."""
    shuffled = rng.permuted(np.tile(np.arange(PRODUCTS), (len(inclusion), 1)), axis=1)
    ends = np.take_along_axis(inclusion, shuffled, axis=1).cumsum(axis=1)
    start = rng.random((len(inclusion), 1))
    taken = np.diff(np.floor(ends + start), axis=1, prepend=0.0) > 0
    bought = np.zeros(inclusion.shape)
    np.put_along_axis(bought, shuffled, taken.astype(float), axis=1)
    return bought


def _frame(
    day: np.ndarray,
    user: np.ndarray,
    bought: np.ndarray,
    is_known: np.ndarray,
    popularity: np.ndarray,
) -> pd.DataFrame:
    orders = len(day)
    frame = pd.DataFrame(0.0, index=range(orders * PRODUCTS), columns=list(FEATURES))
    order = np.repeat(np.arange(orders), PRODUCTS)
    number = pd.Series(user).groupby(user).cumcount().to_numpy()
    return frame.assign(
        order_id=order,
        user_id=user[order],
        variant_id=np.tile(np.arange(PRODUCTS), orders),
        order_date=pd.Timestamp("2024-01-01") + pd.to_timedelta(day[order], unit="D"),
        user_order_seq=2.0 + number[order],
        product_type=np.tile([f"type {place % 8}" for place in range(PRODUCTS)], orders),
        outcome=bought.ravel(),
        ordered_before=is_known.ravel().astype(float),
        global_popularity=np.tile(popularity / popularity.sum(), orders),
        days_since_purchase_variant_id=np.where(is_known.ravel(), 20.0, 33.0),
        count_adults=2.0,
    )


def judge_oracle(shop: Shop, seed: int, model) -> list:
    frame, truth = simulate(shop, seed)
    split = split_by_time(frame)
    rows = split.holdout.assign(**{USUAL_BASKET: usual_baskets(frame, split.holdout)})
    evidence = gather(
        rows,
        {"challenger": truth[rows.index]},
        policy=POLICY,
        newest=find_changes(split, model, POLICY),
    )
    # The model knows the features of another shop.
    return [found for found in judge(evidence, POLICY) if found.about != "drift"]


def test_an_oracle_is_promoted_in_at_least_95_of_100_shops(tmp_path):
    model = read_model(make_model(tmp_path)).model
    judged = {
        (shop, seed): judge_oracle(shop, seed, model)
        for seed in range(EFFORT)
        for shop in (GRID if EFFORT > 1 else GRID[::3])
    }
    refused = {
        case: [
            found.rule
            for found in findings
            if found.passed is False or (found.passed is None and found.is_needed)
        ]
        for case, findings in judged.items()
        if decide(findings) != "promote"
    }
    assert len(refused) <= 0.05 * len(judged), refused


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_model_that_predicts_too_little_or_too_much_is_refused(factor):
    frame, truth = simulate(GRID[-1], 0)
    rows = split_by_time(frame).holdout
    evidence = gather(
        rows, {"challenger": np.minimum(factor * truth[rows.index], 1.0)}, policy=POLICY
    )
    assert decide(judge(evidence, POLICY)) == "keep"
