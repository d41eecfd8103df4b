import datetime as dt
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from push_model.columns import TRAINING
from push_model.errors import DatasetError, MissingColumnsError
from push_model.training.data import schema
from push_model.training.data.dataset import Dataset, open_dataset, open_files
from push_model.training.data.delivery import bring_in
from push_model.training.data.files import describe_dataset, take_snapshot
from push_model.training.data.frames import collect_sorted, connect, write_parquet
from push_model.training.data.schema import write_checked
from tests.frames import make_frame

UNTIL = dt.date(2021, 3, 3)
EARLY = dt.date(2020, 10, 8)


def write_csv(frame: pd.DataFrame, folder) -> str:
    frame.to_csv(folder / "frame.csv", index=False)
    return str(folder / "frame.csv")


def check_schema(dataset: Dataset) -> pd.DataFrame:
    """Check a dataset by copying it, and return the copy."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.parquet"
        write_checked(dataset, path, facts={})
        return collect_sorted(connect().read_parquet(str(path)))


def check_csv(frame: pd.DataFrame, folder, *, until: dt.date = UNTIL):
    write_csv(frame, folder)
    return check_schema(open_csv(folder, until=until))


def open_csv(folder, *, until: dt.date = UNTIL) -> Dataset:
    return open_files(
        replace(take_snapshot(str(folder / "frame.csv")), uri="frame.csv"), until=until
    )


def check_frame(frame):
    return check_schema(Dataset.from_frame(frame, name="mine", optional=["user_id"]))


def with_value(column: str, value: object, *, row: int = 3) -> pd.DataFrame:
    frame = make_frame(orders=6, seed=0).astype(object)
    frame.loc[row - 1, column] = value
    return frame


def violations_of(error: pytest.ExceptionInfo) -> list[list[str]]:
    """Read the table in a message back."""
    rows = str(error.value).splitlines()[2:]
    return [re.split(r"\s{2,}", row.strip()) for row in rows]


# Each list breaks one frame: a value that is text makes its column text.
BROKEN = [
    [
        ("discount_pct", "cheap", "must be a number, is text"),
        ("user_order_seq", 2.5, "must be a whole number"),
        ("ordered_before", 2, "must be 0 or 1"),
        ("outcome", 0.5, "must be 0 or 1"),
        ("order_id", None, "must be given"),
        ("order_date", "yesterday", "must be a day, yyyy-mm-dd"),
    ],
    [
        ("discount_pct", "Infinity", "must be finite"),
        ("days_since_purchase_variant_id", -3, "must be >= 0"),
        ("avg_days_to_buy_product_type", 90_000, "must be <= 36500"),
        ("outcome", None, "must be given"),
        ("order_id", 2.5, "must be a whole number"),
        ("order_date", None, "must be given"),
    ],
    [
        ("discount_pct", -1.5, "must be >= -1"),
        ("variant_id", "shampoo", "must be a number, is text"),
    ],
]


@pytest.mark.mltest("Data 1")
@pytest.mark.parametrize("broken", BROKEN, ids=["mixed", "out of limits", "text"])
def test_a_broken_value_is_listed_by_column_rule_count_and_row(tmp_path, broken):
    frame = make_frame(orders=6, seed=0).astype(object)
    for row, (column, value, _) in enumerate(broken):
        frame.loc[row, column] = value

    with pytest.raises(DatasetError, match=rf"breaks the schema in {len(broken)} ways") as error:
        check_csv(frame, tmp_path)

    found = {tuple(violation) for violation in violations_of(error)}
    assert found == {
        (column, rule, "1", str(row)) for row, (column, _, rule) in enumerate(broken, start=1)
    }


@pytest.mark.mltest("Data 1")
def test_every_violation_is_in_one_table_without_a_value_or_an_id(tmp_path):
    frame = with_value("vendor", "somebody")
    frame.loc[:6, "discount_pct"] = "cheap"
    frame.loc[9, "count_pets"] = -4321
    frame = pd.concat([frame, frame.iloc[[20]]])

    with pytest.raises(DatasetError) as error:
        check_csv(frame, tmp_path)

    assert str(error.value) == (
        "frame.csv breaks the schema in 3 ways. Fix it; row 1 is the first below the header.\n"
        "  column                rule                       rows  first rows\n"
        "  discount_pct          must be a number, is text     7  1, 2, 3, 4, 5, ...\n"
        "  count_pets            must be >= 0                  1  10\n"
        "  order_id, variant_id  must be there once            1  121"
    )


def test_an_order_of_several_days_is_refused_by_the_rows_off_its_usual_day(tmp_path):
    frame = with_value("order_date", pd.Timestamp("2020-10-01"), row=1)

    with pytest.raises(DatasetError, match="must be one day an order") as error:
        check_csv(frame, tmp_path)

    assert violations_of(error) == [["order_id, order_date", "must be one day an order", "1", "1"]]


@pytest.mark.parametrize("kind", ["csv", "parquet", "pandas", "polars"])
def test_an_order_of_several_users_is_refused_by_the_rows_off_its_usual_user(tmp_path, kind):
    frame = with_value("user_id", 77, row=3).infer_objects()
    path = tmp_path / "frame.parquet"
    write_parquet(frame, path, facts={})
    columns = [*TRAINING, "user_id"]
    given = {
        "csv": lambda: open_dataset(write_csv(frame, tmp_path), columns=columns, until=UNTIL),
        "parquet": lambda: open_dataset(str(path), columns=columns, until=UNTIL),
        "pandas": lambda: Dataset.from_frame(frame, name="frame", columns=columns),
        "polars": lambda: Dataset.from_frame(pl.from_pandas(frame), name="frame", columns=columns),
    }

    with pytest.raises(DatasetError, match="must be one user an order") as error:
        check_schema(given[kind]())

    assert violations_of(error) == [["order_id, user_id", "must be one user an order", "1", "3"]]
    assert "77" not in str(error.value).partition("\n")[2]


def test_users_named_by_text_are_held_to_it_too():
    frame = make_frame(orders=6, seed=0).astype({"user_id": str})
    frame["user_id"] = "u" + frame["user_id"]
    frame.loc[2, "user_id"] = "somebody else"

    with pytest.raises(DatasetError, match=r"order_id, user_id +must be one user an order +1  3"):
        check_frame(frame)


def test_an_order_has_a_user_in_all_rows_or_in_none():
    frame = make_frame(orders=6, seed=0)

    with pytest.raises(DatasetError, match=r"order_id, user_id +must be one user an order +1  3"):
        check_frame(frame.assign(user_id=frame["user_id"].where(frame.index != 2)))


def test_a_broken_copy_is_refused_where_no_row_can_be_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "_refuse", lambda *_: None)
    broken = Dataset.from_frame(make_frame(orders=2).assign(count_pets=-1), name="mine")

    with pytest.raises(DatasetError, match=r"^mine breaks the schema in rows that cannot be"):
        write_checked(broken, tmp_path / "frame.parquet", facts={})


def write_one_user_in_two_ways(frame):
    users = frame["user_id"].astype(str)
    return frame.assign(user_id=users.where(frame.index != 2, users + ".0"))


def give_hours(frame):
    minutes = pd.to_timedelta(np.arange(len(frame)), unit="min")
    return frame.assign(order_date=frame["order_date"] + minutes)


@pytest.mark.parametrize(
    "change",
    [
        write_one_user_in_two_ways,
        give_hours,
        lambda frame: frame.assign(user_id=np.nan),
    ],
    ids=["one user in two ways", "hours of one day", "every user unknown"],
)
def test_what_means_the_same_or_is_unknown_breaks_no_rule(change):
    frame = make_frame(orders=6, seed=0)

    assert len(check_frame(change(frame))) == len(frame)


def test_users_that_were_not_loaded_are_not_checked(tmp_path):
    frame = with_value("user_id", 77, row=3)
    frame.loc[9, "count_pets"] = -1

    with pytest.raises(DatasetError, match="count_pets") as error:
        check_csv(frame, tmp_path)

    assert violations_of(error) == [["count_pets", "must be >= 0", "1", "10"]]


@pytest.mark.parametrize("missing", [None, np.nan, "NaN"])
def test_a_missing_feature_is_legal(tmp_path, missing):
    frame = with_value("discount_pct", missing)

    checked = check_csv(frame, tmp_path)

    assert checked["discount_pct"].isna().sum() == 1


@pytest.mark.parametrize(
    ("column", "value"), [("discount_pct", "cheap"), ("count_pets", -1), ("order_id", 2.5)]
)
def test_a_row_dated_later_cannot_break_what_comes_before(tmp_path, column, value):
    whole = make_frame(orders=12, seed=0)
    last = int(np.argmax(whole["order_date"].to_numpy())) + 1
    broken = whole.astype(object)
    broken.loc[last - 1, column] = value
    write_csv(whole, tmp_path)
    expected = collect_sorted(open_csv(tmp_path, until=EARLY).rows)

    checked = check_csv(broken, tmp_path, until=EARLY)

    pd.testing.assert_frame_equal(checked, expected)


def test_rows_are_numbered_as_in_the_file_where_later_rows_are_left_out(tmp_path):
    frame = make_frame(orders=12, seed=0).sort_values("order_date", ascending=False)
    frame["count_pets"] = frame["count_pets"].where(np.arange(len(frame)) != 200, -1.0)

    with pytest.raises(DatasetError, match="count_pets") as error:
        check_csv(frame, tmp_path, until=EARLY)

    assert violations_of(error) == [["count_pets", "must be >= 0", "1", "201"]]


@pytest.mark.parametrize(
    ("value", "rule"), [(-1.0, "must be >= 0"), (dt.date(2021, 1, 1), "must be a number, is text")]
)
def test_a_parquet_file_is_held_to_the_same_rules(tmp_path, value, rule):
    path = tmp_path / "frame.parquet"
    write_parquet(make_frame(orders=6, seed=0).assign(count_pets=value), path, facts={})

    with pytest.raises(DatasetError, match="count_pets") as error:
        check_schema(open_dataset(str(path), until=UNTIL))

    assert violations_of(error) == [["count_pets", rule, "120", "1, 2, 3, 4, 5, ..."]]


@pytest.mark.parametrize("kind", ["pandas", "polars", "polars lazy", "duckdb"])
def test_a_frame_from_a_loader_of_your_own_is_checked_too(kind):
    frame = make_frame(orders=6, seed=0)
    kinds = {
        "pandas": lambda f: f,
        "polars": pl.from_pandas,
        "polars lazy": lambda f: pl.from_pandas(f).lazy(),
        "duckdb": lambda f: duckdb.connect().from_df(f),
    }
    good = kinds[kind](frame)
    bad = kinds[kind](frame.assign(count_pets=frame["count_pets"].where(frame.index != 1, -1.0)))

    assert check_frame(good).shape == (len(frame), len(TRAINING) + 1)
    with pytest.raises(DatasetError, match=r"count_pets +must be >= 0 +1  2"):
        check_frame(bad)


def test_a_relation_of_your_own_that_cannot_be_read_is_refused():
    rows = duckdb.connect().from_df(make_frame(orders=2).assign(count_pets="many"))
    stopped = rows.select("* REPLACE (CAST(count_pets AS DOUBLE) AS count_pets)")

    with pytest.raises(DatasetError, match=r"^mine holds a value that is not of its column's type"):
        check_frame(stopped)


def test_a_file_that_goes_away_while_it_is_read_is_named_without_its_rows(tmp_path):
    write_csv(make_frame(orders=2), tmp_path)
    opened = open_csv(tmp_path)
    (tmp_path / "frame.csv").unlink()

    with pytest.raises(DatasetError, match=r"^frame\.csv went away while it was read\."):
        check_schema(opened)


def test_a_file_cut_short_is_said_to_be_that(tmp_path):
    path = tmp_path / "frame.csv.gz"
    make_frame(orders=60, seed=0).to_csv(path, index=False)
    path.write_bytes(path.read_bytes()[:-400])

    with pytest.raises(DatasetError, match=r"frame\.csv\.gz is cut short or was never gzip\."):
        check_schema(open_dataset(str(path), until=UNTIL))


def test_a_frame_in_order_is_written_with_its_facts(tmp_path):
    write_csv(make_frame(orders=6, seed=0), tmp_path)
    path = tmp_path / "loaded.parquet"

    rows = write_checked(open_csv(tmp_path), path, facts={"uri": "frame.csv"})

    assert rows == 120
    assert describe_dataset(str(path)).uri == "frame.csv"
    written = collect_sorted(open_dataset(str(path), until=UNTIL).rows)
    pd.testing.assert_frame_equal(written, collect_sorted(open_csv(tmp_path).rows))


@pytest.mark.parametrize(("column", "value"), [("discount_pct", "cheap"), ("count_pets", -1)])
def test_a_broken_frame_is_not_written_and_the_file_before_it_stays(tmp_path, column, value):
    uri = write_csv(with_value(column, value), tmp_path)
    path = tmp_path / "loaded.parquet"
    path.write_bytes(b"yesterday's")

    with pytest.raises(DatasetError, match=r"frame\.csv breaks the schema in 1 way\.") as error:
        bring_in(uri, path, until=UNTIL)

    assert violations_of(error)[0][0] == column
    assert sorted(file.name for file in tmp_path.iterdir()) == ["frame.csv", "loaded.parquet"]
    assert path.read_bytes() == b"yesterday's"


def test_a_frame_is_written_whatever_later_rows_hold(tmp_path):
    frame = make_frame(orders=12, seed=0).astype(object)
    frame.loc[len(frame) - 1, "discount_pct"] = "cheap"
    write_csv(frame, tmp_path)

    rows = write_checked(open_csv(tmp_path, until=EARLY), tmp_path / "loaded.parquet", facts={})

    assert rows == (frame["order_date"] <= pd.Timestamp(EARLY)).sum()


def test_no_row_at_all_is_written_as_such(tmp_path):
    write_csv(make_frame(orders=2), tmp_path)
    before = open_csv(tmp_path, until=dt.date(2001, 1, 1))

    assert write_checked(before, tmp_path / "loaded.parquet", facts={}) == 0


def test_a_frame_that_lacks_columns_is_not_written(tmp_path):
    frame = make_frame(orders=2).drop(columns="outcome")

    with pytest.raises(MissingColumnsError, match=r"^mine: 'outcome' is missing"):
        write_checked(Dataset.from_frame(frame, name="mine"), tmp_path / "x.parquet", facts={})

    assert list(tmp_path.iterdir()) == []
