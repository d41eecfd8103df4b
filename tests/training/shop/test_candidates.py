import dataclasses

import numpy as np
import pandas as pd
import pytest

from push_model.columns import FRAME
from push_model.training.shop.candidates import count_rows, iterate_candidates
from push_model.training.shop.catalogue import WINDOW_DAYS
from push_model.training.shop.record import Record, record_orders
from push_model.training.shop.shop import Marks, Shop, simulate_shop

# Measured once over the whole record, as in the published frame.
CONSTANT_BY_DESIGN = [name for name in FRAME if name.startswith(("avg_days", "std_days"))]


@pytest.fixture(scope="module")
def shop_and_record():
    rng = np.random.default_rng(7)
    shop = simulate_shop(rng, min_repeat_orders=700)
    record = record_orders(rng, shop, orders=700)
    # One order in ten is enough to look at, from the first day to the last.
    return shop, Record(record.order[::10], record.columns[::10])


@pytest.fixture(scope="module")
def built(shop_and_record):
    return build(*shop_and_record)


def build(shop, record, *, block_rows=50_000):
    return pd.concat(iterate_candidates(shop, record, block_rows=block_rows), ignore_index=True)


def forget_from(shop, record, day):
    """Rebuild a shop as it stood before `day` began."""
    kept = shop.visits.day < day
    place = np.cumsum(kept) - 1

    def shorten(marks):
        product = np.repeat(np.arange(len(marks.start) - 1), np.diff(marks.start))[
            kept[marks.order]
        ]
        start = np.searchsorted(product, np.arange(len(marks.start)))
        return Marks(start, place[marks.order[kept[marks.order]]].astype(np.int32))

    past = Shop(
        shop.catalogue,
        type(shop.visits)(*(column[kept] for column in shop.visits)),
        shop.household,
        *(shorten(getattr(shop, kind)) for kind in ("bought", "abandoned", "regular", "snoozed")),
    )
    early = kept[record.order]
    return past, Record(place[record.order[early]], record.columns[early])


def test_popularity_is_zero_on_the_first_day(built):
    first_day = built["order_date"] == pd.Timestamp("2020-10-05")

    assert first_day.any()
    assert (built.loc[first_day, "global_popularity"] == 0).all()


def test_popularity_is_the_share_of_the_orders_of_the_28_days_before(shop_and_record, built):
    shop, record = shop_and_record
    order = record.order[-1]
    day = shop.visits.day[order]
    recent = np.flatnonzero((shop.visits.day >= day - 28) & (shop.visits.day < day))

    rows = built[built["order_id"] == record.columns["order_id"].iloc[-1]]

    shares = [np.isin(recent, shop.bought.of(product)).mean() for product in range(len(rows))]
    assert max(shares) > 0.05
    np.testing.assert_allclose(rows["global_popularity"], shares)


@pytest.mark.parametrize("day", [20, 75, WINDOW_DAYS - 10])
def test_rows_before_a_day_do_not_depend_on_orders_from_that_day_on(shop_and_record, built, day):
    frame = built.drop(columns=CONSTANT_BY_DESIGN)

    early = build(*forget_from(*shop_and_record, day)).drop(columns=CONSTANT_BY_DESIGN)

    past = frame[frame["order_date"] < pd.Timestamp("2020-10-05") + pd.Timedelta(days=day)]
    assert 1_000 < len(early) < len(frame)
    pd.testing.assert_frame_equal(early, past.reset_index(drop=True))


def test_history_agrees_with_a_plain_reading_of_the_purchases(shop_and_record, built):
    shop, record = shop_and_record
    user, day = shop.visits.user, shop.visits.day
    product = int(np.argmax(np.diff(shop.bought.start)))
    bought = set(shop.bought.of(product).tolist())

    rows = built[built["variant_id"] == shop.catalogue.variant_id[product]]

    for order, (_, row) in zip(record.order, rows.iterrows(), strict=True):
        gaps = [day[order] - day[o] for o in bought if o < order and user[o] == user[order]]
        # The record looks back 148 days and no further.
        known = [gap for gap in gaps if gap <= 148]
        assert row["outcome"] == (order in bought)
        assert row["ordered_before"] == bool(known)
        assert row["days_since_purchase_variant_id"] == min(known, default=33)


def test_a_snoozed_product_is_a_regular(built):
    snoozed = built["active_snoozed"] == 1

    assert snoozed.any()
    assert (built.loc[snoozed, "set_as_regular"] == 1).all()


def test_a_product_nobody_bought_borrows_the_gaps_of_its_type(shop_and_record):
    shop, record = shop_and_record
    product = 3
    start, order = shop.bought
    kept = np.r_[order[: start[product]], order[start[product + 1] :]]
    shift = np.where(np.arange(len(start)) > product, start[product + 1] - start[product], 0)
    unloved = dataclasses.replace(shop, bought=Marks(start - shift, kept))

    frame = build(unloved, record)

    rows = frame[frame["variant_id"] == shop.catalogue.variant_id[product]]
    assert (rows["outcome"] == 0).all()
    assert (rows["days_since_purchase_variant_id"] == 33).all()
    assert (rows["avg_days_to_buy_variant_id"] == rows["avg_days_to_buy_product_type"]).all()


def test_the_rows_do_not_depend_on_the_size_of_a_block(shop_and_record, built):
    small = build(*shop_and_record, block_rows=500)

    pd.testing.assert_frame_equal(small, built)
    assert len(small) == count_rows(*shop_and_record)
