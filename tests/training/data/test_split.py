from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from push_model.errors import DatasetError
from push_model.training.data.split import Window, split_by_time
from tests.effort import EFFORT

EXAMPLES = settings(deadline=None, max_examples=25 * EFFORT)


def orders_by_day(counts: list[int], rows_per_order: int = 3) -> pd.DataFrame:
    days = [
        pd.Timestamp(2021, 1, 1) + timedelta(days=day)
        for day, orders in enumerate(counts)
        for _ in range(orders * rows_per_order)
    ]
    order_ids = [row // rows_per_order for row in range(len(days))]
    return pd.DataFrame({"order_id": order_ids, "order_date": days})


@pytest.mark.mltest("Data 7")
@EXAMPLES
@given(st.lists(st.integers(0, 9), min_size=3, max_size=40).filter(lambda c: sum(map(bool, c)) > 2))
def test_windows_adjoin_hold_every_row_once_and_no_order_twice(counts):
    frame = orders_by_day(counts)

    split = split_by_time(frame)

    assert len(split.train) + len(split.calibration) + len(split.holdout) == len(frame)
    assert split.windows.train.end == split.windows.calibration.start
    assert split.windows.calibration.end == split.windows.holdout.start
    orders = [set(rows["order_id"]) for rows in split[:3]]
    assert all(orders)
    assert not (orders[0] & orders[1])
    assert not (orders[1] & orders[2])
    assert not (orders[0] & orders[2])


@EXAMPLES
@given(st.lists(st.integers(1, 9), min_size=3, max_size=30), st.randoms(use_true_random=False))
def test_row_order_decides_nothing(counts, random):
    frame = orders_by_day(counts)
    positions = list(range(len(frame)))
    random.shuffle(positions)

    shuffled = split_by_time(frame.iloc[positions])

    assert shuffled.windows == split_by_time(frame).windows


def test_shares_count_orders_and_not_rows():
    many_small_then_few_big = orders_by_day([1] * 10)
    big = many_small_then_few_big["order_id"] >= 7
    frame = pd.concat([many_small_then_few_big, *[many_small_then_few_big[big]] * 20])

    split = split_by_time(frame)

    assert split.train["order_id"].nunique() == 7
    assert set(split.holdout["order_id"]) == {9}


def test_a_boundary_day_belongs_to_one_window_only():
    split = split_by_time(orders_by_day([6, 2, 2]))

    assert split.windows.train == Window(date(2021, 1, 1), date(2021, 1, 2))
    assert split.windows.calibration == Window(date(2021, 1, 2), date(2021, 1, 3))
    assert split.windows.holdout == Window(date(2021, 1, 3), date(2021, 1, 4))


def test_a_day_that_swallows_a_share_leaves_each_later_window_a_day():
    split = split_by_time(orders_by_day([1, 1, 98]))

    assert [window.days for window in split.windows] == [1, 1, 1]


def test_hours_within_a_day_and_dates_as_text_change_nothing():
    frame = orders_by_day([3, 4, 2, 5, 1])
    hours = pd.to_timedelta(frame["order_id"] % 24, unit="h")

    windows = split_by_time(frame).windows

    assert split_by_time(frame.assign(order_date=frame["order_date"] + hours)).windows == windows
    assert split_by_time(frame.astype({"order_date": str})).windows == windows


@EXAMPLES
@given(
    st.lists(st.integers(0, 9), min_size=3, max_size=40).filter(lambda c: sum(map(bool, c)) > 2),
    st.integers(1, 20),
)
def test_a_holdout_of_so_many_days_ends_with_the_newest_order(counts, days):
    frame = orders_by_day(counts)
    last = frame["order_date"].max().date()
    before = frame[frame["order_date"].dt.date <= last - timedelta(days=days)]
    if before["order_date"].nunique() < 2:
        with pytest.raises(DatasetError, match=rf"The last {days} day\(s\) are held out"):
            split_by_time(frame, holdout_days=days)
        return

    split = split_by_time(frame, holdout_days=days)

    train, calibration, holdout = split.windows
    assert (holdout.end, holdout.days) == (last + timedelta(days=1), days)
    assert (train.end, calibration.end) == (calibration.start, holdout.start)
    assert len(split.train) + len(split.calibration) == len(before)
    assert min(len(split.train), len(split.calibration)) > 0


def test_fewer_than_three_days_are_refused():
    with pytest.raises(DatasetError, match=r"fall on 2 day\(s\).*at least 3 different days"):
        split_by_time(orders_by_day([5, 5]))


def test_a_window_reads_as_a_half_open_range():
    assert str(Window(date(2021, 2, 1), date(2021, 2, 3))) == "2021-02-01 <= day < 2021-02-03"
