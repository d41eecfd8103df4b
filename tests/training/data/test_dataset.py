import datetime as dt
import logging
from importlib.metadata import EntryPoint

import duckdb
import pandas as pd
import polars as pl
import pytest

from push_model.columns import TRAINING
from push_model.errors import DatasetError, MissingColumnsError
from push_model.training.data import sources
from push_model.training.data.dataset import load_dataset
from push_model.training.data.files import DatasetFacts, describe_dataset
from push_model.training.data.frames import collect_sorted, write_parquet
from push_model.training.data.sources import Rows
from tests.frames import make_frame

UNTIL = dt.date(2021, 3, 3)
KINDS = ["frame.csv", "frame.csv.gz", "frame.parquet", "parts"]


@pytest.fixture
def frame():
    return make_frame(orders=12, seed=0)


def write(frame: pd.DataFrame, path):
    if path.name.endswith((".csv", ".csv.gz")):
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        write_parquet(frame, path, facts={})
    else:
        path.mkdir()
        middle = len(frame) // 2
        write_parquet(frame[:middle], path / "part-0.parquet", facts={})
        write_parquet(frame[middle:], path / "part-1.parquet", facts={})
    return path


def read(path, *, until: dt.date = UNTIL) -> pd.DataFrame:
    return collect_sorted(load_dataset(str(path), until=until))


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_the_same_rows(tmp_path, frame, name):
    loaded = read(write(frame, tmp_path / name))

    pd.testing.assert_frame_equal(loaded, collect_sorted(frame[list(TRAINING)]))


def test_a_file_uri_is_a_path(tmp_path, frame):
    path = write(frame, tmp_path / "my frame.csv")

    loaded = collect_sorted(load_dataset(path.as_uri(), until=UNTIL))

    assert len(loaded) == len(frame)


def test_the_order_of_the_rows_in_the_file_does_not_matter(tmp_path, frame):
    path = write(frame, tmp_path / "frame.csv")
    shuffled = write(frame.sample(frac=1, random_state=1), tmp_path / "shuffled.csv")

    pd.testing.assert_frame_equal(read(shuffled), read(path))


@pytest.mark.parametrize("name", KINDS)
def test_rows_dated_later_are_never_read(tmp_path, frame, name):
    day = frame["order_date"].median()
    later = frame["order_date"] > day
    known = read(write(frame[~later], tmp_path / f"known_{name}"))
    changed = frame.assign(discount_pct=frame["discount_pct"].where(~later, 999.0))

    loaded = read(write(changed, tmp_path / name), until=day.date())

    assert 0 < len(loaded) < len(frame)
    pd.testing.assert_frame_equal(loaded, known)


def test_an_order_of_the_last_day_is_read_whatever_its_hour(tmp_path, frame):
    late = frame["order_date"] + pd.Timedelta("23h 59min")
    path = write(frame.assign(order_date=late), tmp_path / "frame.csv")

    assert len(read(path, until=frame["order_date"].max().date())) == len(frame)


def test_only_the_columns_asked_for_are_there_in_the_order_asked_for(tmp_path, frame):
    path = write(frame, tmp_path / "frame.csv")

    relation = load_dataset(str(path), columns=["vendor", "created_at", "order_id"], until=UNTIL)

    assert relation.columns == ["vendor", "created_at", "order_id"]
    assert [str(type_) for type_ in relation.types] == ["VARCHAR", "TIMESTAMP", "BIGINT"]


def test_ids_of_64_bits_are_read_exactly(tmp_path, frame):
    path = write(frame.assign(order_id=9_007_199_254_740_993), tmp_path / "frame.csv")

    assert set(read(path)["order_id"]) == {9_007_199_254_740_993}


def test_quoted_commas_extra_columns_and_a_byte_order_mark_are_read(tmp_path, frame):
    path = tmp_path / "frame.csv"
    frame.assign(vendor="a, b", note='"so"').to_csv(path, index=False, encoding="utf-8-sig")

    pd.testing.assert_frame_equal(read(path), collect_sorted(frame[list(TRAINING)]))


REFUSED = [
    ("missing.csv", None, r"missing\.csv does not exist\. Check the path\."),
    ("empty.csv", b"", r"empty\.csv is empty\. Export it again\."),
    ("empty.parquet", b"", r"empty\.parquet is not Parquet, or cut short\."),
    ("frame.xlsx", b"PK", r"frame\.xlsx cannot be read\. Give a \.csv, \.csv\.gz"),
    ("image.csv", b"\x89PNG\xff\x00", r"image\.csv is not in UTF-8\."),
    ("plain.csv.gz", b"order_id\n1\n", r"plain\.csv\.gz is cut short or was never gzip\."),
    ("page.csv", b"<html>\n</html>\n", r"page\.csv names no column of a feature frame in its"),
    ("twice.csv", b"outcome,a,a\n1,2,3\n", r"twice\.csv names column\(s\) 'a' twice"),
    ("broken.parquet", b"PAR1 no more", r"broken\.parquet is not Parquet, or cut short\."),
]


@pytest.mark.parametrize(("name", "content", "message"), REFUSED, ids=[r[0] for r in REFUSED])
def test_what_is_no_dataset_is_refused_in_one_sentence(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(DatasetError, match=message):
        load_dataset(str(tmp_path / name), until=UNTIL)


def test_an_index_written_along_without_a_name_is_left_out(tmp_path, frame):
    frame.to_csv(tmp_path / "indexed.csv")

    loaded = read(tmp_path / "indexed.csv")

    pd.testing.assert_frame_equal(loaded, collect_sorted(frame[list(TRAINING)]))


@pytest.mark.parametrize(("name", "holds"), [("f.csv", "a header"), ("f.parquet", "columns")])
def test_a_file_without_rows_is_refused(tmp_path, frame, name, holds):
    path = write(frame.head(0), tmp_path / name)

    with pytest.raises(DatasetError, match=rf"has {holds} but no rows\. Export it again\."):
        load_dataset(str(path), until=UNTIL)


def test_a_folder_without_parts_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"holds no \.parquet file\. Check the path\."):
        load_dataset(str(tmp_path), until=UNTIL)


def test_a_missing_column_is_refused_with_a_suggestion(tmp_path, frame):
    renamed = frame.rename(columns={"outcome": "outcom"}).drop(columns="count_pets")
    path = write(renamed, tmp_path / "frame.csv")

    with pytest.raises(
        MissingColumnsError,
        match=r"'count_pets', 'outcome' are missing; is 'outcom' a typo\? Rename or add columns\.$",
    ):
        load_dataset(str(path), until=UNTIL)


def test_an_unknown_scheme_is_refused_with_the_known_ones():
    with pytest.raises(
        DatasetError, match=r"^No source reads 's4://'\. Known schemes: \['file'\]\.$"
    ):
        load_dataset("s4://bucket/frame.csv", until=UNTIL)


def read_memory(connection: duckdb.DuckDBPyConnection, uri: str) -> Rows:
    """Stand for a source that another package registers."""
    rows = connection.from_df(make_frame(orders=int(uri.partition("://")[2]), seed=0))
    return Rows(typed=rows, original=rows)


def test_a_registered_scheme_is_read_like_a_file(tmp_path, frame, monkeypatch):
    point = EntryPoint("memory", f"{__name__}:read_memory", sources.ENTRY_POINTS)
    monkeypatch.setattr(EntryPoint, "load", lambda _: read_memory)
    monkeypatch.setattr(sources, "entry_points", lambda **_: [point])
    day = frame["order_date"].median().date()

    loaded = collect_sorted(load_dataset("memory://12", until=day))

    pd.testing.assert_frame_equal(loaded, read(write(frame, tmp_path / "f.csv"), until=day))


def test_reading_text_in_a_number_column_unchecked_is_refused_without_the_text(tmp_path, frame):
    path = write(frame.assign(count_pets="secret"), tmp_path / "frame.csv")

    with pytest.raises(DatasetError, match="not of its column's type") as error:
        read(path)

    assert "secret" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize("kind", ["pandas", "polars", "duckdb"])
def test_every_kind_of_frame_is_written_and_read_back(tmp_path, frame, kind):
    path = tmp_path / "frame.parquet"
    given = {
        "pandas": lambda: frame,
        "polars": lambda: pl.LazyFrame({name: frame[name].to_numpy() for name in frame}),
        "duckdb": lambda: load_dataset(str(write(frame, tmp_path / "frame.csv")), until=UNTIL),
    }[kind]()

    rows = write_parquet(given, path, facts={"note": "it's kept"})

    assert rows == len(frame)
    pd.testing.assert_frame_equal(read(path), collect_sorted(frame[list(TRAINING)]))


def test_a_write_that_fails_leaves_the_folder_as_it_was(tmp_path, frame):
    broken = write(frame.assign(count_pets="many"), tmp_path / "frame.csv")
    target = write(frame, tmp_path / "frame.parquet")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(DatasetError, match="not of its column's type"):
        write_parquet(load_dataset(str(broken), until=UNTIL), target, facts={})

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_write_into_a_missing_folder_is_refused(tmp_path, frame):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_parquet(frame, tmp_path / "nowhere" / "frame.parquet", facts={})


def test_long_reads_and_writes_say_what_they_did(tmp_path, frame, caplog):
    caplog.set_level(logging.INFO, logger="push_model")
    path = write(frame, tmp_path / "frame.parquet")

    read(path)

    said = [record.getMessage() for record in caplog.records]
    assert said[0].startswith(f"Wrote 240 rows to {path} in ")
    assert said[1].startswith("Read 240 rows in ")


def test_what_is_made_of_a_dataset_remembers_its_digest(tmp_path, frame):
    path = write(frame, tmp_path / "frame.csv")
    facts = describe_dataset(str(path))
    made = tmp_path / "large_orders.parquet"

    write_parquet(frame, made, facts=facts.metadata() | {"min_items": "5"})

    assert describe_dataset(str(made)) == facts


def test_the_numbers_of_a_collected_frame_have_one_type(tmp_path, frame):
    collected = read(write(frame, tmp_path / "frame.csv"))

    types = collected.dtypes.astype(str)
    assert set(types[["variant_id", "order_id"]]) == {"int64"}
    assert types["order_date"] == "datetime64[us]"
    assert set(types.drop(["variant_id", "order_id", "order_date"])) == {"float64"}


def test_a_dataset_of_another_scheme_has_no_digest():
    assert describe_dataset("memory://12") == DatasetFacts("memory://12", None, None)


def with_vendors(frame, vendors):
    """Write a CSV of which the vendors of the first rows are spelt as given."""
    head, *rows = frame.to_csv(index=False).splitlines()
    place = head.split(",").index("vendor")
    for number, vendor in enumerate(vendors):
        values = rows[number].split(",")
        rows[number] = ",".join([*values[:place], vendor, *values[place + 1 :]])
    return "\n".join([head, *rows, ""])


LOOSE = [
    *(['"oat'], ['"oat', '"tea"'], ['"oat', "tea", '"x"']),
    *(['"oat" & tea'], ['"oat \\"& tea\\" co"']),
]


@pytest.mark.parametrize("vendors", LOOSE)
def test_a_quote_that_is_not_closed_or_not_doubled_swallows_nothing(tmp_path, frame, vendors):
    path = tmp_path / "frame.csv"
    path.write_text(with_vendors(frame, vendors))

    with pytest.raises(DatasetError, match="has a row with more or fewer values"):
        read(path)


@pytest.mark.parametrize("vendors", [['"oat\n& tea"', '"tea"'], ['12" pan'], ['"a ""b"""']])
def test_quotes_and_line_ends_within_a_value_are_read(tmp_path, frame, vendors):
    path = tmp_path / "frame.csv"
    path.write_text(with_vendors(frame, vendors))

    assert len(read(path)) == len(frame)
