import datetime as dt
import decimal
import subprocess
import sys
import traceback
from itertools import permutations
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import polars as pl
import pytest

from push_model.errors import DatasetError
from push_model.training.data.frames import (
    collect_sorted,
    connect,
    open_copy,
    reading,
    select_typed,
    to_relation,
    write_parquet,
)
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


PERIODS = pd.period_range("2021-03-01", periods=2)


@pytest.mark.parametrize(
    ("values", "read"),
    [
        # DuckDB looks at one object in so many.
        ([0] * 23_000 + [0.5] * 1_000, [0.0, 0.5]),
        ([1] * 23_999 + ["u_2"], ["1", "u_2"]),
        ([2**70, 1, None], ["1", str(2**70)]),
        (
            [dt.date(2021, 3, 1), dt.date(2021, 3, 2), None],
            [dt.date(2021, 3, 1), dt.date(2021, 3, 2)],
        ),
        (list(PERIODS), ["2021-03-01", "2021-03-02"]),
        ([True, None, float("nan")], [True]),
        ([decimal.Decimal("0.10"), 0.5], ["0.10", "0.5"]),
    ],
    ids=["fractions", "users", "large", "days", "periods", "flags", "decimals"],
)
def test_objects_of_pandas_are_read_by_all_of_their_values(values, read):
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object)})

    found = to_relation(frame).filter("x IS NOT NULL").select("x").distinct().order("x")

    assert [value for (value,) in found.fetchall()] == read


@pytest.mark.parametrize(
    ("column", "read"),
    [
        (pd.Series([0.5, None], dtype="float16"), [(0.5,), (None,)]),
        (pd.Series([0.5, None]).astype(pd.SparseDtype("float")), [("0.5",), (None,)]),
        (pd.Series([1j]), [("1j",)]),
        (pd.Series(PERIODS), [("2021-03-01",), ("2021-03-02",)]),
    ],
    ids=["float16", "sparse", "complex", "period"],
)
def test_types_that_no_file_has_are_read(column, read):
    assert to_relation(pd.DataFrame({"x": column})).fetchall() == read


NEW_YORK = ZoneInfo("America/New_York")
# How a program may hold a day, and the day that is read.
DAYS = {
    "a date": (dt.date(2021, 3, 1), "2021-03-01"),
    "a moment": (pd.Timestamp(2021, 3, 1, 23).to_pydatetime(), "2021-03-01"),
    "a moment in New York": (dt.datetime(2021, 3, 1, 23, tzinfo=NEW_YORK), "2021-03-02"),
    "one of pandas there": (pd.Timestamp(2021, 3, 1, 23, tz=NEW_YORK), "2021-03-02"),
    "a text": ("2021-03-01", "2021-03-01"),
    "none": (None, None),
    "NaT": (pd.NaT, None),
}


def test_days_and_moments_of_one_column_are_each_read_in_utc():
    for names in permutations(DAYS, 2):
        given, read = zip(*(DAYS[name] for name in names), strict=True)
        frame = pd.DataFrame({"order_date": pd.Series(given, dtype=object)})

        found = select_typed(to_relation(frame), ["order_date"]).fetchall()

        assert [day and str(day) for (day,) in found] == [*read], names


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DataFrame([[1, 2]], columns=["vendor", "vendor"]),
        lambda: pd.DataFrame([[1, 2]], columns=["Vendor", "vendor"]),
        lambda: pl.DataFrame({"Vendor": 1, "vendor": 2}),
        lambda: connect().sql("SELECT 1 AS vendor, 2 AS vendor"),
    ],
    ids=["pandas", "pandas, in capitals", "polars, in capitals", "duckdb"],
)
def test_two_columns_of_one_name_are_refused(make):
    with pytest.raises(DatasetError, match=r"^mine names column\(s\) .*'vendor' twice, capital"):
        to_relation(make(), source="mine")


def test_objects_of_polars_are_refused_by_their_column():
    with pytest.raises(DatasetError, match=r"Column\(s\) user_id hold objects"):
        to_relation(pl.DataFrame({"user_id": [object()]}))


def test_a_frame_that_fails_while_it_is_converted_shows_no_value():
    frame = pl.LazyFrame({"order_id": ["canary"]}).cast(pl.Int64)

    with pytest.raises(DatasetError, match=r"^frame could not be converted.*Error\.$") as caught:
        to_relation(frame, source="frame")

    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_collecting_leaves_a_pandas_frame_unchanged():
    frame = make_frame(orders=3, seed=0)
    before = frame.copy(deep=True)

    collect_sorted(frame)

    pd.testing.assert_frame_equal(frame, before)


def test_a_copy_is_read_whatever_its_folders_are_called(tmp_path):
    frame = make_frame(orders=3, seed=0)
    for name, rows in {"runs v": frame.head(1), "runs [v]": frame}.items():
        (tmp_path / name / "outcome=9").mkdir(parents=True)
        write_parquet(rows, tmp_path / name / "outcome=9" / "frame.parquet", facts={})

    copy = open_copy(tmp_path / "runs [v]" / "outcome=9" / "frame.parquet")

    pd.testing.assert_frame_equal(collect_sorted(copy), collect_sorted(frame))


def test_a_damaged_copy_is_named(tmp_path):
    path = tmp_path / "frame.parquet"
    write_parquet(make_frame(orders=3, seed=0), path, facts={})
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(DatasetError, match=r"frame\.parquet is not Parquet, or cut short"):
        open_copy(path)


def test_days_as_text_become_days():
    frame = make_frame(orders=3, seed=0)
    text = frame.assign(order_date=frame["order_date"].dt.strftime("%Y-%m-%d 00:00:00"))

    pd.testing.assert_frame_equal(collect_sorted(text), collect_sorted(frame))


@pytest.mark.parametrize("type_", ["DOUBLE", "VARCHAR"])
def test_a_key_that_is_not_whole_is_never_rounded(type_):
    rows = connect().sql(f"SELECT CAST(2.5 AS {type_}) AS order_id")

    with pytest.raises(DatasetError, match="not of its column's type"):
        collect_sorted(select_typed(rows, ["order_id"]))


@pytest.mark.parametrize("type_", ["DOUBLE", "VARCHAR", "INTEGER"])
def test_a_whole_key_is_read_from_any_type(type_):
    rows = connect().sql(f"SELECT CAST(7 AS {type_}) AS order_id")

    assert select_typed(rows, ["order_id"]).fetchall() == [(7,)]


def test_what_is_no_frame_is_refused():
    with pytest.raises(TypeError, match="dict"):
        to_relation({"order_id": [1]})


def test_a_mistake_of_ours_is_not_blamed_on_the_dataset():
    with pytest.raises(duckdb.BinderException, match="nothing"), reading("frame.csv"):
        connect().sql("SELECT nothing")


def test_an_unforeseen_error_is_told_without_what_it_quotes():
    with (
        pytest.raises(
            DatasetError, match=r"^frame\.csv could not be read to its end: DataError\.$"
        ),
        reading("frame.csv"),
    ):
        raise duckdb.DataError("Out of Range: 'secret' is too large")


def test_nothing_is_fetched_from_the_network():
    settings = connect().sql(
        "SELECT current_setting('autoinstall_known_extensions'), "
        "current_setting('autoload_known_extensions')"
    )

    assert settings.fetchall() == [(False, False)]


def test_a_disk_that_takes_no_more_is_no_fault_of_the_data():
    with (
        pytest.raises(OSError, match=r"frame\.csv was read, but its rows cannot be written"),
        reading("frame.csv"),
    ):
        raise duckdb.IOException("IO Error: Async write failed: No space left on device")


def test_a_name_of_a_file_is_not_taken_for_disk_trouble():
    with pytest.raises(DatasetError, match="went away"), reading("frame.csv"):
        raise duckdb.IOException("IO Error: No files found that match 'write/read-only.parquet'")


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    script = (
        "import datetime as dt, resource, sys\n"
        "from pathlib import Path\n"
        "from push_model.training.data.dataset import load_dataset\n"
        "from push_model.training.data.frames import write_parquet\n"
        "frame = load_dataset(sys.argv[1], until=dt.date(2100, 1, 1))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))\n"
        "try:\n"
        "    write_parquet(frame, Path(sys.argv[1]).with_name('out.parquet'), facts={})\n"
        "except OSError as error:\n"
        "    print(error)\n"
    )
    make_frame(orders=500).to_csv(tmp_path / "frame.csv", index=False)

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "frame.csv")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "cannot be written: disk trouble" in done.stdout, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["frame.csv"]


def test_a_parquet_file_of_ours_is_read_by_pandas_alone(tmp_path):
    frame = make_frame(orders=3, seed=0)
    write_parquet(frame, tmp_path / "frame.parquet", facts={"uri": "frame.csv"})

    read = pd.read_parquet(tmp_path / "frame.parquet")

    pd.testing.assert_frame_equal(collect_sorted(read), collect_sorted(frame))
