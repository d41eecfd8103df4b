from datetime import date

import duckdb
import hypothesis.strategies as st
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings

from push_model.errors import DatasetError
from push_model.training.data.orders import keep_large_orders, require_orders
from tests.effort import EFFORT
from tests.frames import make_frame

candidates = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 1)), min_size=1, max_size=60).map(
    lambda rows: pd.DataFrame(rows, columns=["order_id", "outcome"])
)
baskets = st.integers(1, 8)
# A busy machine breaks no law.
BUSY = settings(deadline=None, max_examples=20 * EFFORT)


def one_order(*, bought: int, not_bought: int) -> pd.DataFrame:
    return pd.DataFrame({"order_id": 7, "outcome": [1.0] * bought + [0.0] * not_bought})


def test_an_order_with_four_items_bought_and_hundreds_of_rows_is_dropped():
    frame = one_order(bought=4, not_bought=800)

    assert keep_large_orders(frame).empty


def test_an_order_with_five_items_bought_is_kept_with_all_its_rows():
    frame = one_order(bought=5, not_bought=800)

    pd.testing.assert_frame_equal(keep_large_orders(frame), frame)


@pytest.mark.mltest("Data 7")
@BUSY
@given(frame=candidates, min_items=baskets)
def test_it_keeps_what_a_loop_over_the_orders_would_keep(frame, min_items):
    large = {
        order
        for order in frame["order_id"]
        if frame.loc[frame["order_id"] == order, "outcome"].sum() >= min_items
    }

    before = frame.copy(deep=True)

    kept = keep_large_orders(frame, min_items=min_items)

    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(kept, frame[frame["order_id"].isin(large)])


@BUSY
@given(frame=candidates, min_items=baskets, seed=st.integers(0, 99))
def test_the_order_of_the_rows_does_not_matter(frame, min_items, seed):
    shuffled = frame.sample(frac=1, random_state=seed)

    kept = keep_large_orders(shuffled, min_items=min_items).sort_index()

    pd.testing.assert_frame_equal(kept, keep_large_orders(frame, min_items=min_items))


@pytest.mark.parametrize("kind", ["polars", "polars lazy", "duckdb"])
def test_every_kind_of_frame_keeps_the_same_rows_and_stays_of_its_kind(kind):
    frame = make_frame(orders=12, seed=0)[["variant_id", "order_id", "outcome"]]
    columns = {name: frame[name].to_numpy() for name in frame}
    given_frame = {
        "polars": lambda: pl.DataFrame(columns),
        "polars lazy": lambda: pl.LazyFrame(columns),
        "duckdb": lambda: duckdb.connect().from_df(frame),
    }[kind]()

    kept = keep_large_orders(given_frame)

    assert isinstance(kept, type(given_frame))
    rows = kept.fetchall() if kind == "duckdb" else kept.lazy().collect().rows()
    expected = keep_large_orders(frame).itertuples(index=False, name=None)
    assert 0 < len(rows) < len(frame)
    assert sorted(rows) == sorted(expected)


def test_no_large_order_is_refused_with_the_count_of_all_orders():
    loaded = duckdb.connect().from_df(one_order(bought=4, not_bought=9))
    large = keep_large_orders(loaded)

    with pytest.raises(
        DatasetError,
        match=r"^No orders with at least 5 items bought on or before 2021-03-04 in frame\.csv "
        r"\(0 of 1 orders\)\. Check the file or lower min_items\.$",
    ):
        require_orders(large, loaded, min_items=5, until=date(2021, 3, 4), source="frame.csv")


def test_no_order_at_all_is_refused_by_the_date():
    loaded = one_order(bought=5, not_bought=0).head(0)

    with pytest.raises(
        DatasetError,
        match=r"^No orders on or before 2001-01-01 in frame\.csv\. "
        r"Check the file or use a later date\.$",
    ):
        require_orders(loaded, loaded, min_items=5, until=date(2001, 1, 1), source="frame.csv")


def test_one_large_order_is_enough():
    loaded = one_order(bought=5, not_bought=0)

    assert (
        require_orders(loaded, loaded, min_items=5, until=date(2021, 3, 4), source="frame.csv")
        is None
    )
