"""The frame of public receipts is point in time; invented receipts stand for the real ones."""

from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest

from benchmarks import public_frame
from push_model.columns import FEATURES, FRAME
from push_model.training.data.dataset import load_dataset

DAY = date(2017, 2, 20)
KEYS = ["order_id", "variant_id"]


@pytest.fixture(scope="module")
def receipts():
    rng = np.random.default_rng(0)
    orders = pd.DataFrame({"basket_id": range(500), "household_id": rng.integers(1, 21, 500)})
    moments = pd.Timestamp("2017-01-01 05:00") + pd.to_timedelta(
        rng.integers(0, 60 * 1440, 500), "m"
    )
    orders["transaction_timestamp"] = np.sort(moments)
    receipts = orders.loc[orders.index.repeat(rng.integers(3, 14, 500))].reset_index(drop=True)
    receipts["product_id"] = (25 * rng.random(len(receipts)) ** 2).astype(int)
    receipts = receipts.drop_duplicates(["basket_id", "product_id"], ignore_index=True)
    return receipts.assign(
        quantity=rng.integers(1, 3, len(receipts)),
        sales_value=rng.integers(50, 900, len(receipts)) / 100,
        retail_disc=rng.integers(0, 90, len(receipts)) / 100,
        coupon_match_disc=0.0,
    )


def build(folder, receipts, **options):
    folder.mkdir(exist_ok=True)
    products = pd.DataFrame({"product_id": range(26), "department": "GROCERY"})
    products = products.assign(
        product_category=[f"KIND {number % 4}" for number in range(26)],
        manufacturer_id=products["product_id"] % 7,
    )
    homes = {"household_id": [5], "household_comp": ["2 Adults Kids"], "kids_count": ["3+"]}
    tables = (receipts, products, pd.DataFrame(homes))
    for name, table in zip(public_frame.TABLES, tables, strict=True):
        duckdb.from_df(table).write_parquet(str(folder / f"{name}.parquet"))
    frame = folder / "frame.parquet"
    public_frame.build(folder, frame, first_day=DAY - timedelta(days=14), candidates=20, **options)
    return frame


def read(path):
    return duckdb.read_parquet(str(path)).df()


@pytest.fixture(scope="module")
def built(receipts, tmp_path_factory):
    return build(tmp_path_factory.mktemp("built"), receipts)


def day_of(receipts):
    return (receipts["transaction_timestamp"] - pd.Timedelta(hours=5)).dt.date


def rewrite_future(receipts):
    """Fill the orders of `DAY` otherwise, and drop those of later days."""
    past = receipts[day_of(receipts) < DAY]
    today = receipts[day_of(receipts) == DAY].copy()
    today["product_id"] = (today["product_id"] + 1) % 26
    today["sales_value"] *= 3
    return pd.concat([past, today])


def assert_point_in_time(folder, receipts, built):
    other = read(build(folder, rewrite_future(receipts))).set_index(KEYS)
    whole = read(built).set_index(KEYS)
    is_past = whole["order_date"] < pd.Timestamp(DAY)
    pd.testing.assert_frame_equal(whole[is_past], other[other["order_date"] < pd.Timestamp(DAY)])
    both = whole.index[whole["order_date"] == pd.Timestamp(DAY)].intersection(other.index)
    assert len(both) >= 40
    pd.testing.assert_frame_equal(whole.loc[both, list(FEATURES)], other.loc[both, list(FEATURES)])
    assert not whole.loc[both, "outcome"].equals(other.loc[both, "outcome"])


def test_what_is_bought_from_a_day_on_changes_no_row_before_it_and_no_feature_of_it(
    receipts, built, tmp_path
):
    assert_point_in_time(tmp_path, receipts, built)


LEAKS = [
    ("past", " < ", " <= "),
    ("recent", "past", "bought"),
    ("prices", "recent", "bought"),
    ("cadence_of_product_type", " < ", " >= "),
    ("orders", "BY created_at", "BY created_at DESC"),
]


@pytest.mark.parametrize("leak", LEAKS, ids=[name for name, *_ in LEAKS])
def test_a_look_at_the_day_itself_or_beyond_is_noticed(receipts, tmp_path, monkeypatch, leak):
    name, right, wrong = leak
    queries = public_frame.VIEWS if name in public_frame.VIEWS else public_frame.MADE_ONCE
    assert right in queries[name]
    monkeypatch.setitem(queries, name, queries[name].replace(right, wrong))
    leaking = build(tmp_path / "whole", receipts)

    with pytest.raises(AssertionError):
        assert_point_in_time(tmp_path / "cut", receipts, leaking)


def test_the_frame_is_accepted_and_has_the_same_bytes_every_time(receipts, built, tmp_path):
    again = build(tmp_path, receipts.sample(frac=1, random_state=1))

    assert again.read_bytes() == built.read_bytes()
    assert tuple(read(built)) == FRAME
    assert load_dataset(str(built), until=date.max).shape[0] == len(read(built))


def test_a_row_says_what_the_receipts_before_its_day_say(receipts, built):
    receipts = receipts.assign(day=day_of(receipts))
    rows = read(built)

    for row in rows.sample(60, random_state=0).itertuples():
        day = row.order_date.date()
        past = receipts[receipts["day"] < day]
        recent = past[past["day"] >= day - timedelta(days=56)]
        counts = recent["product_id"].value_counts()
        sold = recent[recent["product_id"] == row.variant_id]
        last = sold[sold["day"] == sold["day"].max()]
        own = past[past["household_id"] == row.user_id]
        mine = own[own["product_id"] == row.variant_id]
        basket = receipts[receipts["basket_id"] == row.order_id]["product_id"]
        earlier = receipts[
            (receipts["household_id"] == row.user_id) & (receipts["basket_id"] < row.order_id)
        ]

        assert row.global_popularity == counts[row.variant_id] / recent["basket_id"].nunique()
        assert counts[row.variant_id] >= counts.iloc[19]
        assert row.outcome == (row.variant_id in set(basket))
        assert row.user_id % 5 == 0
        assert row.user_order_seq == earlier["basket_id"].nunique() + 1
        assert row.ordered_before == (len(mine) > 0)
        if len(mine):
            assert row.days_since_purchase_variant_id == (day - mine["day"].max()).days
        price = last["sales_value"].sum() / last["quantity"].sum()
        assert row.normalised_price == pytest.approx(price / 36.89)
        discount = last["retail_disc"].sum() / last["sales_value"].sum()
        assert row.discount_pct == pytest.approx(discount)
    assert rows.groupby("order_id")["outcome"].sum().min() == 5
    assert set(rows.groupby("order_id").size()) == {20}
