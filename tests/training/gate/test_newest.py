"""Faults of the newest days, which challenger and champion share, are named."""

import numpy as np
import pandas as pd
import pytest

from push_model.columns import FEATURES
from push_model.model.scoring import Model
from push_model.training.data.split import split_by_time
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.gate.newest import find_changes
from push_model.training.gate.policy import Policy
from push_model.training.parametrisation import read_parametrisation
from tests.frames import make_frame

POLICY = Policy()
LINES = read_parametrisation({"model": "logistic_regression"})


@pytest.fixture(scope="module")
def frame():
    """About ten orders a day: a holdout of 13 days."""
    frame = make_frame(orders=1_300, products=40)
    first = frame["order_date"].min()
    day = first + ((frame["order_date"] - first) / 5).dt.floor("D")
    return frame.assign(order_date=day).sort_values(["order_date", "order_id"], ignore_index=True)


@pytest.fixture(scope="module")
def challenger(frame):
    """A model of the train window, which no fault here reaches."""
    rows = split_by_time(frame).train
    pipeline = make_pipeline(LINES, seed=0).fit(rows, rows["outcome"].to_numpy())
    return Model.from_document(export_model(pipeline, LINES, trained_on="2021-03-04", rows=rows))


def newest(frame, days):
    return frame["order_date"] > frame["order_date"].max() - pd.Timedelta(days=days)


def change(frame, days, **columns):
    return frame.assign(**{
        name: frame[name].mask(newest(frame, days), value) for name, value in columns.items()
    })


def of_other_users(frame, days):
    """Give each order the features of another one, as a join on the wrong key does."""
    rows = frame[newest(frame, days)].sort_values(["variant_id", "order_id"])
    names = [*FEATURES]
    by_variant = rows.groupby("variant_id", sort=False)[names]
    changed = frame.copy()
    changed.loc[rows.index, names] = by_variant.shift(7).fillna(by_variant.transform("last"))
    return changed


def without_half_of_the_negatives(frame, days):
    odd = frame["variant_id"] % 2 == 1
    return frame[~(newest(frame, days) & odd & (frame["outcome"] == 0))]


def twice(frame, days):
    again = frame[newest(frame, days)]
    return pd.concat([frame, again.assign(order_id=again["order_id"] + 10**6)], ignore_index=True)


def without_purchases_of_a_type(frame, days):
    lost = newest(frame, days) & (frame["product_type"] == "type1")
    return frame.assign(outcome=frame["outcome"].mask(lost, 0.0))


FAULTS = {
    "prices in pence": (
        lambda frame, days: change(frame, days, normalised_price=100 * frame["normalised_price"]),
        "features of the newest days",
        3,
    ),
    "no price": (
        lambda frame, days: change(frame, days, normalised_price=np.nan),
        "features of the newest days",
        3,
    ),
    "a flag that is always 0": (
        lambda frame, days: change(frame, days, ordered_before=0.0),
        "features of the newest days",
        3,
    ),
    "features of other users": (of_other_users, "signal of the newest days", 7),
    "half of the negatives": (without_half_of_the_negatives, "candidates an order", 3),
    "purchases of a type lost": (
        without_purchases_of_a_type,
        "purchases of each product type",
        3,
    ),
    "every order twice": (twice, "no order twice", 7),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_newest_days_is_named(frame, challenger, name):
    fault, rule, days = FAULTS[name]
    found = find_changes(split_by_time(fault(frame, days)), challenger, POLICY)
    failed = {finding.rule: finding.sentence for finding in found if not finding.passed}
    assert rule in failed
    assert "champion" not in failed[rule]


def test_sound_days_break_no_rule(frame, challenger):
    for back in range(0, 40, 4):
        known = frame[~newest(frame, back)]
        found = find_changes(split_by_time(known), challenger, POLICY)
        assert [finding.sentence for finding in found if not finding.passed] == []


@pytest.mark.parametrize(
    "sound",
    [
        lambda frame: change(frame, 7, normalised_price=1.15 * frame["normalised_price"]),
        lambda frame: change(
            frame, 7, discount_pct=frame["discount_pct"].where(frame["variant_id"] % 3 > 0, 0.3)
        ),
        lambda frame: frame[~newest(frame, 7) | (frame["order_id"] % 4 == 0)],
        lambda frame: frame[~(newest(frame, 7) & (frame["product_type"] == "type1"))],
        lambda frame: frame[~newest(frame, 9) | newest(frame, 2)],
    ],
    ids=["prices rise", "a sale", "a quiet week", "a type is sold out", "a closed week"],
)
def test_a_sound_change_of_the_newest_days_breaks_no_rule(frame, challenger, sound):
    found = find_changes(split_by_time(sound(frame)), challenger, POLICY)
    assert [finding.sentence for finding in found if not finding.passed] == []
    signal = next(finding for finding in found if finding.rule == "signal of the newest days")
    assert signal.value <= signal.limit


def judge_equal_orders(frame, challenger):
    found = find_changes(split_by_time(frame, holdout_days=4), challenger, POLICY)
    return next(finding for finding in found if finding.rule == "no order twice")


def test_one_order_of_few_may_be_there_twice(frame, challenger):
    order = frame["order_id"][newest(frame, 4)].iloc[0]
    again = frame[frame["order_id"] == order]
    once = pd.concat([frame, again.assign(order_id=10**9)], ignore_index=True)
    found = judge_equal_orders(once, challenger)
    assert (found.passed, found.value, found.limit) == (True, 1, 1)


def test_orders_of_unknown_users_are_not_equal(frame, challenger):
    unknown = twice(frame, 4).assign(user_id=None)
    assert judge_equal_orders(unknown, challenger).value == 0


def test_no_signal_is_compared_with_days_on_which_all_was_bought(frame, challenger):
    before = frame["order_id"].isin(split_by_time(frame).calibration["order_id"])
    full = frame.assign(outcome=frame["outcome"].mask(before, 1.0))
    found = find_changes(split_by_time(full), challenger, POLICY)
    signal = next(finding for finding in found if finding.rule == "signal of the newest days")
    assert (signal.passed, signal.is_needed) == (None, False)


def test_four_orders_are_compared_with_nothing(frame, challenger):
    last = frame[newest(frame, 1)]
    few = frame[~newest(frame, 1) | frame["order_id"].isin(last["order_id"].unique()[:4])]
    assert find_changes(split_by_time(few, holdout_days=1), challenger, POLICY) == ()
