"""Find the reader of a dataset by its scheme, and read CSV and Parquet files."""

import csv
import gzip
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

import duckdb

from push_model.columns import BY_NAME
from push_model.errors import DatasetError
from push_model.training.data.files import find_path, is_file_uri, parquet_parts

#: Packages add a scheme by an entry point of this group, named like the scheme.
ENTRY_POINTS = "push_model.datasets"

# Whole-number features are read as doubles, so that 2.5 reaches the schema check unrounded.
_CSV_TYPES = {"number": "DOUBLE", "flag": "DOUBLE", "integer": "DOUBLE", "day": "TIMESTAMP"}


class Rows(NamedTuple):
    """Every row of a dataset, twice."""

    #: Each column in its own type: what training reads.
    typed: duckdb.DuckDBPyRelation
    #: In file order and as the file spells them: the schema check quotes row numbers from these.
    #: The same as `typed` where the source has types itself.
    original: duckdb.DuckDBPyRelation


_Reader = Callable[[duckdb.DuckDBPyConnection, str], Rows]


def find_reader(uri: str) -> _Reader:
    """Return the reader of a dataset, by the scheme of its URI.

    Examples
    --------
    >>> find_reader("s4://bucket/frame.csv")
    Traceback (most recent call last):
        ...
    push_model.errors.DatasetError: No source reads 's4://'. Known schemes: ['file'].
    """
    if is_file_uri(uri):
        return _read_path
    scheme = uri.partition("://")[0].lower()
    readers = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if scheme in readers:
        reader: _Reader = readers[scheme].load()
        return reader
    known = sorted({"file", *readers})
    raise DatasetError(f"No source reads {scheme + '://'!r}. Known schemes: {known}.")


def _read_path(connection: duckdb.DuckDBPyConnection, uri: str) -> Rows:
    """Read a file, or a folder of Parquet parts, by its suffix."""
    path = find_path(uri)
    if path.is_dir():
        return _read_parquet(connection, parquet_parts(path))
    if path.stat().st_size == 0:
        raise DatasetError(f"{uri} is empty. Export it again.")
    if path.name.endswith((".csv", ".csv.gz")):
        return _read_csv(connection, path)
    if path.suffix == ".parquet":
        return _read_parquet(connection, [path])
    raise DatasetError(
        f"{uri} cannot be read. Give a .csv, .csv.gz or .parquet file, "
        "or a folder of .parquet parts."
    )


def _read_csv(connection: duckdb.DuckDBPyConnection, path: Path) -> Rows:
    header = _read_header(path)
    types = {name: _csv_type(name) for name in header}
    return Rows(
        _scan_csv(connection, path, types),
        _scan_csv(connection, path, dict.fromkeys(header, "VARCHAR")),
    )


def _csv_type(name: str) -> str:
    column = BY_NAME.get(name)
    # A key stays text until `load_dataset` sees that it is whole: BIGINT would round 2.5.
    if column is None or column.role == "key":
        return "VARCHAR"
    return _CSV_TYPES.get(column.type, "VARCHAR")


def _scan_csv(
    connection: duckdb.DuckDBPyConnection, path: Path, types: dict[str, str]
) -> duckdb.DuckDBPyRelation:
    # The dialect is fixed (RFC 4180): guessing it from the first rows can guess wrong.
    return connection.read_csv(
        str(path),
        columns=types,
        header=True,
        auto_detect=False,
        sep=",",
        quotechar='"',
        escapechar='"',
    )


def _read_header(path: Path) -> list[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            header, first = next(lines, []), next(lines, None)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{path} is not a CSV in UTF-8, or cut short. Export it again."
        ) from error
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise DatasetError(f"{path} names column(s) {repeated} twice. Rename or drop one.")
    if first is None:
        raise DatasetError(f"{path} has a header but no rows. Export it again.")
    # A pandas index has no name, and DuckDB needs one.
    return [name or f"column {place}" for place, name in enumerate(header, start=1)]


def _read_parquet(connection: duckdb.DuckDBPyConnection, parts: list[Path]) -> Rows:
    rows = connection.read_parquet([str(part) for part in parts], union_by_name=False)
    return Rows(rows, rows)
