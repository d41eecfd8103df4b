import pandas as pd
import polars as pl
import pytest

from push_model.errors import DatasetError
from push_model.training.data.engine import connect
from push_model.training.data.frames import collect_sorted, select_typed, to_pandas, to_relation
from tests.frames import make_frame


@pytest.mark.parametrize("kind", ["pandas", "polars", "polars lazy", "duckdb"])
def test_a_frame_is_the_same_whatever_holds_it_and_however_it_was_sorted(kind):
    frame = make_frame(orders=6, seed=0)
    shuffled = frame.sample(frac=1, random_state=3)
    columns = {name: shuffled[name].to_numpy() for name in shuffled}
    given = {
        "pandas": lambda: shuffled,
        "polars": lambda: pl.DataFrame(columns),
        "polars lazy": lambda: pl.LazyFrame(columns),
        "duckdb": lambda: to_relation(shuffled),
    }[kind]()

    collected = collect_sorted(given)

    pd.testing.assert_frame_equal(collected, collect_sorted(frame))
    assert collected["order_date"].is_monotonic_increasing


def test_collecting_leaves_a_pandas_frame_unchanged():
    frame = make_frame(orders=3, seed=0)
    before = frame.copy(deep=True)

    collect_sorted(frame)

    pd.testing.assert_frame_equal(frame, before)


def test_days_as_text_become_days():
    frame = make_frame(orders=3, seed=0)
    text = frame.assign(order_date=frame["order_date"].dt.strftime("%Y-%m-%d 00:00:00"))

    pd.testing.assert_frame_equal(collect_sorted(text), collect_sorted(frame))


@pytest.mark.parametrize("type_", ["DOUBLE", "VARCHAR"])
def test_a_key_that_is_not_whole_is_never_rounded(type_):
    rows = connect().sql(f"SELECT CAST(2.5 AS {type_}) AS order_id")

    with pytest.raises(DatasetError, match="not of its column's type"):
        to_pandas(select_typed(rows, ["order_id"]))


@pytest.mark.parametrize("type_", ["DOUBLE", "VARCHAR", "INTEGER"])
def test_a_whole_key_is_read_from_any_type(type_):
    rows = connect().sql(f"SELECT CAST(7 AS {type_}) AS order_id")

    assert select_typed(rows, ["order_id"]).fetchall() == [(7,)]


def test_what_is_no_frame_is_refused():
    with pytest.raises(TypeError, match="dict"):
        to_relation({"order_id": [1]})
