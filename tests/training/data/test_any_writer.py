import csv
import tempfile
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from hypothesis import event, given, settings
from hypothesis import strategies as st

from push_model.columns import BY_NAME
from tests.effort import EFFORT
from tests.training.data.shapes.shape import digest_rows, make_base, read_it

BASE = make_base(orders=3, products=3)
NUMBERS = [name for name in BASE if BY_NAME[name].type == "number"]
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
IDS = st.integers(-(2**63), 2**63 - 1)
# A letter first: text of digits alone is read as the number, and "na" is refused.
USERS = st.from_regex(r"u[a-z0-9, \"-]{0,30}", fullmatch=True)


def nine_of(values):
    return st.lists(values, min_size=9, max_size=9)


def three_of(values, *, unique=False):
    return st.lists(values, min_size=3, max_size=3, unique=unique)


@st.composite
def frames(draw):
    """Draw three orders of three rows with any id, user, text, legal number and time of the day."""
    rows, order = BASE.copy(), pd.factorize(BASE["order_id"])[0]
    rows["order_id"] = pd.Series(draw(three_of(IDS, unique=True)))[order].to_numpy()
    rows["user_id"] = pd.Series(draw(three_of(IDS) | three_of(USERS)))[order].to_numpy()
    for name in draw(st.sets(st.sampled_from(NUMBERS), max_size=4)):
        limits = BY_NAME[name].minimum, BY_NAME[name].maximum
        rows[name] = pd.Series(draw(nine_of(st.none() | st.floats(*limits))), dtype=float)
    rows["vendor"] = pd.Series(draw(nine_of(st.none() | TEXTS)), dtype="str")
    rows["order_date"] += pd.Timedelta(draw(st.sampled_from([0, 1, 86_399])), "s")
    return rows


def pandas_csv(rows, folder, *, suffix, **options):
    rows.to_csv(folder / f"frame{suffix}", **options)


def polars_csv(rows, folder, **options):
    pl.from_pandas(rows).write_csv(folder / "frame.csv", **options)


def pyarrow_csv(rows, folder, **options):
    pa_csv.write_csv(to_table(rows), folder / "frame.csv", pa_csv.WriteOptions(**options))


def duckdb_copy(rows, folder, *, suffix, options):
    with duckdb.connect() as connection:
        connection.register("delivered", rows)
        connection.execute(f"COPY (FROM delivered) TO '{folder}/frame{suffix}' ({options})")


def pandas_parquet(rows, folder, **options):
    rows.to_parquet(folder / "frame.parquet", **options)


def polars_parquet(rows, folder, **options):
    pl.from_pandas(rows).write_parquet(folder / "frame.parquet", **options)


def pyarrow_parquet(rows, folder, **options):
    pq.write_table(to_table(rows), folder / "frame.parquet", **options)


def pyarrow_folder(rows, folder, **options):
    pq.write_to_dataset(to_table(rows), folder / "frame", **options)


def to_table(rows):
    return pa.Table.from_pandas(rows, preserve_index=False)


def any_of(**options):
    return st.fixed_dictionaries({name: st.sampled_from(of) for name, of in options.items()})


CODECS = ["snappy", "gzip", "zstd", "lz4"]
WRITERS = {
    pandas_csv: any_of(
        suffix=[".csv", ".csv.gz", ".CSV"],
        index=[False, True],
        quoting=[csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC],
        lineterminator=["\n", "\r\n", "\r"],
        encoding=["utf-8", "utf-8-sig"],
        date_format=[None, "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"],
    ),
    polars_csv: any_of(
        include_bom=[False, True],
        line_terminator=["\n", "\r\n"],
        quote_style=["necessary", "always", "non_numeric"],
        batch_size=[1, 1024],
    ),
    pyarrow_csv: any_of(quoting_style=["needed", "all_valid"], batch_size=[1, 1024]),
    duckdb_copy: any_of(
        suffix=[".csv"],
        options=["HEADER", "HEADER, FORCE_QUOTE *", "HEADER, DATEFORMAT '%Y-%m-%d'"],
    )
    | any_of(suffix=[".csv.gz"], options=["HEADER, COMPRESSION gzip"])
    | any_of(
        suffix=[".parquet", ".pq"],
        options=[f"FORMAT parquet, COMPRESSION {codec}" for codec in CODECS]
        + ["FORMAT parquet, PARQUET_VERSION v2", "FORMAT parquet, ROW_GROUP_SIZE 2048"],
    ),
    pandas_parquet: any_of(compression=[None, *CODECS], index=[None, True, False]),
    polars_parquet: any_of(
        compression=["uncompressed", *CODECS], statistics=[False, True], row_group_size=[None, 2]
    ),
    pyarrow_parquet: any_of(
        compression=["none", "brotli", *CODECS],
        use_dictionary=[False, True],
        data_page_version=["1.0", "2.0"],
        version=["1.0", "2.4", "2.6"],
        row_group_size=[2, None],
        coerce_timestamps=[None, "us"],
        write_page_checksum=[False, True],
    ),
    pyarrow_folder: any_of(
        partition_cols=[None, ["order_id"], ["order_date"], ["outcome", "variant_id"]]
    ),
}


@settings(max_examples=12 * EFFORT)
@given(rows=frames(), data=st.data())
def test_a_frame_of_any_writer_is_read_back_equal(rows, data):
    write = data.draw(st.sampled_from(list(WRITERS)))
    options = data.draw(WRITERS[write])
    event(write.__name__)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()

        write(rows, folder / "data", **options)
        (delivered,) = (folder / "data").iterdir()

        # An empty text is missing, as is NaN: most writers of CSV know no difference.
        expected = rows.assign(vendor=rows["vendor"].replace(["", "NaN", "nan"], None))
        assert read_it(str(delivered), folder) == digest_rows(expected)
