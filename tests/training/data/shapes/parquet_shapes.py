"""Parquet files with each of the types, codings and layouts that writers choose."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from push_model.columns import COLUMNS
from tests.training.data.shapes.shape import Shape, same

Change = Callable[[pa.Table], pa.Table]
Rows = Callable[[pd.DataFrame], pd.DataFrame]
KEYS = ("order_id", "variant_id", "user_id")
TEXTS = ("vendor", "product_type")
FLAGS = tuple(column.name for column in COLUMNS if column.type == "flag")
COUNTS = ("count_adults", "count_children", "count_babies", "count_pets", "user_order_seq")
NUMBERS = ("normalised_price", "discount_pct", "global_popularity")
_NO_FOOTER = "DATASET has no Parquet footer: it is cut short. Deliver it again."
_NOT_PARQUET = "DATASET is not Parquet, or cut short. Export it again."


def to_table(rows: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)


def write_table(change: Change = same, name: str = "frame.parquet", **options: object):
    """Return how to write rows as a Parquet file."""

    def write(rows: pd.DataFrame, folder: Path) -> Path:
        pq.write_table(change(to_table(rows)), folder / name, **options)
        return folder / name

    return write


def cast(names: Sequence[str], kind: pa.DataType) -> Change:
    """Return how to change the type of some columns of a table."""

    def change(table: pa.Table) -> pa.Table:
        for name in names:
            at = table.column_names.index(name)
            values = (
                table[name].cast(pa.binary()) if pa.types.is_large_binary(kind) else table[name]
            )
            table = table.set_column(at, name, values.cast(kind, safe=False))
        return table

    return change


def coded(names: Sequence[str]) -> Change:
    """Return how to dictionary-encode columns, as pandas' categories are."""

    def change(table: pa.Table) -> pa.Table:
        for name in names:
            at = table.column_names.index(name)
            table = table.set_column(at, name, table[name].dictionary_encode())
        return table

    return change


def with_column(name: str, values: Sequence[object], kind: pa.DataType | None = None) -> Change:
    """Return how to set a column of a table to some values, repeated."""

    def change(table: pa.Table) -> pa.Table:
        repeated = [values[row % len(values)] for row in range(table.num_rows)]
        array = pa.array(repeated, kind)
        if name in table.column_names:
            return table.set_column(table.column_names.index(name), name, array)
        return table.append_column(name, array)

    return change


def in_quarters(rows: pd.DataFrame) -> pd.DataFrame:
    """Round numbers to what every type of numbers holds."""
    return rows.assign(**{name: (rows[name] * 4).round() / 4 + 0.0 for name in NUMBERS})


def _at(hour: str) -> Rows:
    return lambda rows: rows.assign(order_date=rows["order_date"] + pd.Timedelta(hour))


def _write_bytes(change: Callable[[bytes], bytes], name: str = "frame.parquet"):
    def write(rows: pd.DataFrame, folder: Path) -> Path:
        path = write_table(name=name)(rows, folder)
        path.write_bytes(change(path.read_bytes()))
        return path

    return write


def _without_footer(file: bytes) -> bytes:
    length = int.from_bytes(file[-8:-4], "little")
    return file[: -8 - length] + b"\0" * length + file[-8:]


def _required(table: pa.Table) -> pa.Table:
    holds_null = {name for name in table.column_names if table[name].null_count}
    fields = [field.with_nullable(field.name in holds_null) for field in table.schema]
    return table.cast(pa.schema(fields))


def _nan_for_null(table: pa.Table) -> pa.Table:
    return pa.Table.from_pandas(table.to_pandas(), preserve_index=False, nthreads=1)


def _twice(name: str) -> Change:
    return lambda table: table.append_column(name, pa.array([0.5] * table.num_rows))


def _first(name: str) -> Change:
    return lambda table: table.add_column(0, name, pa.array([0.5] * table.num_rows))


def _cast_each(names: Sequence[str], kinds: Sequence[pa.DataType]) -> Change:
    def change(table: pa.Table) -> pa.Table:
        for name, kind in zip(names, kinds, strict=False):
            table = cast([name], kind)(table)
        return table

    return change


_WHOLE = (pa.int8(), pa.uint16(), pa.int32(), pa.uint64(), pa.int16(), pa.uint8(), pa.uint32())
_OF_KEYS = (pa.decimal128(24, 2), pa.float64(), pa.uint64(), pa.decimal128(20), pa.string())
_FRACTIONS = (pa.float16(), pa.float32(), pa.decimal128(12, 3), pa.decimal256(50, 3), pa.string())
_OF_FLAGS = (pa.bool_(), pa.int8(), pa.uint16(), pa.decimal128(3), pa.string())
_OF_TEXT = (pa.binary(), pa.string_view(), pa.large_string(), pa.large_binary())
_NAMES = [
    Shape("Parquet: .parquet", write_table()),
    Shape("Parquet: .pq", write_table(name="frame.pq")),
    Shape("Parquet: .PARQUET", write_table(name="FRAME.PARQUET")),
    Shape("Parquet: .snappy.parquet", write_table(name="part-0.c000.snappy.parquet")),
    Shape(
        "Parquet: CSV by name",
        write_table(name="frame.csv"),
        refused="DATASET is not in UTF-8. Export it again, in UTF-8.",
    ),
]
_CODINGS = [
    *(
        Shape(f"Parquet: {codec}", write_table(compression=codec))
        for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4")
    ),
    Shape("Parquet: no dictionary", write_table(use_dictionary=False)),
    Shape("Parquet: small row groups", write_table(row_group_size=7)),
    Shape("Parquet: pages of version 2", write_table(data_page_version="2.0")),
    Shape("Parquet: format 1.0", write_table(version="1.0")),
    Shape(
        "Parquet: small pages without statistics",
        write_table(data_page_size=64, write_statistics=False),
    ),
    Shape(
        "Parquet: delta codings",
        write_table(
            use_dictionary=False,
            column_encoding={
                "order_id": "DELTA_BINARY_PACKED",
                "vendor": "DELTA_BYTE_ARRAY",
                "product_type": "DELTA_LENGTH_BYTE_ARRAY",
                "discount_pct": "BYTE_STREAM_SPLIT",
            },
        ),
    ),
    Shape(
        "Parquet: check sums and page index",
        write_table(write_page_checksum=True, write_page_index=True),
    ),
    Shape(
        "Parquet: metadata of bytes",
        write_table(lambda table: table.replace_schema_metadata({b"\xff": b"\xfe"})),
    ),
    Shape("Parquet: required columns", write_table(_required)),
    Shape("Parquet: NaN for missing", write_table(_nan_for_null)),
]
_TYPES = [
    Shape("Parquet: each type of whole numbers", write_table(_cast_each(COUNTS, _WHOLE))),
    Shape("Parquet: each type of keys", write_table(_cast_each(KEYS, _OF_KEYS))),
    Shape(
        "Parquet: each type of numbers", write_table(_cast_each(NUMBERS, _FRACTIONS)), in_quarters
    ),
    Shape("Parquet: each type of flags", write_table(_cast_each(FLAGS, _OF_FLAGS))),
    Shape("Parquet: text as bytes and in views", write_table(_cast_each(TEXTS, _OF_TEXT))),
    *(Shape(f"Parquet: counts as {kind}", write_table(cast(COUNTS, kind))) for kind in _WHOLE),
    *(Shape(f"Parquet: keys as {kind}", write_table(cast(KEYS, kind))) for kind in _OF_KEYS),
    *(
        Shape(f"Parquet: numbers as {kind}", write_table(cast(NUMBERS, kind)), in_quarters)
        for kind in _FRACTIONS
    ),
    *(Shape(f"Parquet: flags as {kind}", write_table(cast(FLAGS, kind))) for kind in _OF_FLAGS),
    *(Shape(f"Parquet: text as {kind}", write_table(cast(TEXTS, kind))) for kind in _OF_TEXT),
    Shape("Parquet: coded text", write_table(coded(TEXTS))),
    Shape("Parquet: coded keys and flags", write_table(coded([*KEYS, *FLAGS]))),
    Shape(
        "Parquet: a feature of no type",
        write_table(with_column("count_pets", [None], pa.null())),
        lambda rows: rows.assign(count_pets=None),
    ),
    Shape(
        "Parquet: keys as int32",
        write_table(cast(KEYS, pa.int32())),
        lambda rows: rows.assign(**{name: rows[name] % 1_000_000 for name in KEYS}),
    ),
    Shape(
        "Parquet: a feature of lists",
        write_table(with_column("count_pets", [[1.0]])),
        refused="count_pets must be a number, is text 64",
    ),
    Shape(
        "Parquet: flags of words",
        write_table(with_column("outcome", ["yes", "no"])),
        refused="outcome must be a number, is text 64",
    ),
    Shape(
        "Parquet: a missing outcome",
        write_table(with_column("outcome", [1.0, None])),
        refused="outcome must be given 32",
    ),
    Shape(
        "Parquet: an outcome of NaN",
        write_table(with_column("outcome", [1.0, float("nan")])),
        refused="outcome must be given 32",
    ),
    Shape(
        "Parquet: an infinite price",
        write_table(with_column("normalised_price", [0.5, float("inf")])),
        refused="normalised_price must be finite 32",
    ),
]
_DAYS = [
    *(
        Shape(f"Parquet: days as {kind}", write_table(cast(["order_date", "created_at"], kind)))
        for kind in (
            *(pa.date32(), pa.date64(), pa.string()),
            *map(pa.timestamp, ("s", "ms", "us", "ns")),
            *(pa.timestamp(unit, "UTC") for unit in ("s", "ms", "us", "ns")),
            *(
                pa.timestamp("us", zone)
                for zone in ("Europe/Berlin", "America/Los_Angeles", "+05:30")
            ),
        )
    ),
    *(
        Shape(
            f"Parquet: moments late in the day as {kind}",
            write_table(cast(["order_date"], kind)),
            _at("23h 59min"),
        )
        for kind in (
            pa.timestamp("us"),
            pa.timestamp("us", "UTC"),
            pa.timestamp("ns", "Asia/Tokyo"),
        )
    ),
    Shape(
        "Parquet: moments as INT96", write_table(use_deprecated_int96_timestamps=True), _at("23h")
    ),
    Shape(
        "Parquet: days as whole numbers",
        write_table(with_column("order_date", [18_540])),
        refused="order_date must be a day, yyyy-mm-dd 64",
    ),
    Shape(
        "Parquet: a time of the day",
        write_table(with_column("order_date", [3600], pa.time32("s"))),
        refused="order_date must be a day, yyyy-mm-dd 64",
    ),
    Shape(
        "Parquet: a missing day",
        write_table(with_column("order_date", [None], pa.date32())),
        refused="order_date must be given 64",
    ),
]
_COLUMNS = [
    Shape(
        "Parquet: nested columns beside",
        write_table(with_column("note", [{"a": [1], "b": {"c": "x"}}])),
    ),
    Shape(
        "Parquet: a map beside",
        write_table(with_column("note", [[("a", 1)]], pa.map_(pa.string(), pa.int64()))),
    ),
    Shape(
        "Parquet: columns in another order",
        write_table(lambda table: table.select(table.column_names[::-1])),
    ),
    Shape("Parquet: a column called filename", write_table(with_column("filename", ["x"]))),
    Shape(
        "Parquet: a column in capitals beside",
        write_table(_twice("OUTCOME")),
        refused="DATASET names column(s) ['OUTCOME'] twice, capital letters aside.",
    ),
    Shape(
        "Parquet: a column in capitals before",
        write_table(_first("OUTCOME")),
        refused="DATASET names column(s) ['outcome'] twice, capital letters aside.",
    ),
    Shape(
        "Parquet: a column there twice",
        write_table(_twice("outcome")),
        refused="DATASET names column(s) ['outcome'] twice, capital letters aside.",
    ),
    Shape(
        "Parquet: names in capitals",
        write_table(
            lambda table: table.rename_columns([name.upper() for name in table.column_names])
        ),
        refused="DATASET: 'abandoned_before', ",
    ),
    Shape(
        "Parquet: a column lacks",
        write_table(lambda table: table.drop_columns(["outcome"])),
        refused="DATASET: 'outcome' is missing. Rename or add columns.",
    ),
    Shape(
        "Parquet: no rows",
        write_table(lambda table: table.slice(0, 0)),
        refused="DATASET has columns but no rows. Export it again.",
    ),
]
_BROKEN = [
    Shape("Parquet: cut short", _write_bytes(lambda file: file[:-9]), refused=_NO_FOOTER),
    Shape("Parquet: empty", _write_bytes(lambda _: b""), refused="DATASET is empty. Deliver it"),
    Shape(
        "Parquet: its first half",
        _write_bytes(lambda file: file[: len(file) // 2]),
        refused=_NO_FOOTER,
    ),
    Shape("Parquet: twice in one file", _write_bytes(lambda file: file + file)),
    Shape(
        "Parquet: JSON",
        _write_bytes(lambda _: b'{"order_id": 1}\n'),
        refused="DATASET is not Parquet. Export it again.",
    ),
    Shape(
        "Parquet: encrypted",
        _write_bytes(lambda file: b"PARE" + file[4:-4] + b"PARE"),
        refused="DATASET is encrypted. Write it without encryption.",
    ),
    Shape(
        "Parquet: zeros for its data",
        _write_bytes(lambda file: file[:4] + b"\0" * 2000 + file[2004:]),
        refused="DATASET",
    ),
    Shape(
        "Parquet: zeros for its footer",
        _write_bytes(_without_footer),
        refused=_NOT_PARQUET,
    ),
]
SHAPES = [*_NAMES, *_CODINGS, *_TYPES, *_DAYS, *_COLUMNS, *_BROKEN]
