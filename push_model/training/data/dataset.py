"""Open a dataset as a stream of typed rows, none of them dated later than a given day."""

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import duckdb

from push_model.columns import TRAINING
from push_model.errors import MissingColumnsError, describe_missing
from push_model.training.data import casts
from push_model.training.data.csv_rows import list_csv_columns, read_csv
from push_model.training.data.files import Snapshot, is_file_uri, take_snapshot
from push_model.training.data.frames import connect, reading, select_typed, to_relation
from push_model.training.data.parquet_rows import (
    list_layouts,
    list_parquet_columns,
    read_parquet,
    refuse_uneven_parts,
)
from push_model.training.data.sources import Rows, find_reader

#: Column of `Dataset.original`: each row's number in the file, 1 for the first below the header.
ROW_NUMBER = "row number in the file"
# It places a row, so it is always read.
_DAY = "order_date"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows to train on or to score, read in a stream whenever they are used."""

    #: What messages call it.
    name: str
    #: Keys as whole numbers, features as doubles, ``order_date`` as a day.
    rows: duckdb.DuckDBPyRelation
    #: The same rows as the file spells them, each with its `ROW_NUMBER`.
    original: duckdb.DuckDBPyRelation
    #: The files that are read; None where rows come from elsewhere.
    snapshot: Snapshot | None = None
    #: As that of `Rows`.
    read_share: Callable[[], float | None] = lambda: None

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        name: str,
        columns: Sequence[str] = TRAINING,
        optional: Sequence[str] = (),
        until: dt.date = dt.date.max,
    ) -> "Dataset":
        """Make a dataset of a frame of pandas, Polars or DuckDB."""
        rows = to_relation(frame, source=name)
        return _make(
            name, [Rows(rows, rows)], _choose(name, rows.columns, columns, optional), until
        )


def load_dataset(
    uri: str,
    *,
    columns: Sequence[str] = TRAINING,
    until: dt.date,
) -> duckdb.DuckDBPyRelation:
    """Open a feature frame without reading it yet.

    Parameters
    ----------
    uri : str
        A CSV, CSV.gz or Parquet file or a folder of Parquet parts, as a path or a
        ``file://`` URI; or a URI of a scheme that a package registered (docs/datasets.md).
    columns : sequence of str, default=push_model.columns.TRAINING
        Names of the columns to read, in the order wanted.
    until : date
        Last day to read. Rows dated later are never part of anything.

    Returns
    -------
    DuckDBPyRelation of shape (n_rows, n_columns)
        The rows, read in a stream whenever they are used: keys as whole numbers, features
        as doubles, ``order_date`` as a day. Rows without a day are still there: the schema
        check refuses them.

    Raises
    ------
    DatasetError
        If nothing reads `uri`, or there is nothing to read.
    MissingColumnsError
        If the dataset lacks some of `columns`.

    Examples
    --------
    >>> load_dataset("no_such_frame.csv", until=dt.date(2021, 3, 3))
    Traceback (most recent call last):
        ...
    push_model.errors.DatasetError: no_such_frame.csv does not exist. Check the path.
    """
    return open_dataset(uri, columns=columns, until=until).rows


def open_dataset(
    uri: str,
    *,
    columns: Sequence[str] = TRAINING,
    until: dt.date,
    optional: Sequence[str] = (),
) -> Dataset:
    """Open a dataset with `columns`, and those of `optional` that it has."""
    if is_file_uri(uri):
        return open_files(take_snapshot(uri), columns=columns, optional=optional, until=until)
    with reading(uri):
        rows = find_reader(uri)(connect(), uri)
    return _make(uri, [rows], _choose(uri, rows.original.columns, columns, optional), until)


def open_files(
    snapshot: Snapshot,
    *,
    columns: Sequence[str] = TRAINING,
    until: dt.date,
    optional: Sequence[str] = (),
) -> Dataset:
    """Open the files that were listed, and no others."""
    name, connection = snapshot.uri, connect()
    with reading(name):
        layouts = list_layouts(connection, snapshot) if snapshot.is_parquet else []
        if snapshot.is_parquet:
            refuse_uneven_parts(snapshot, layouts, [*dict.fromkeys([*columns, *optional, _DAY])])
            there = list_parquet_columns(snapshot, layouts)
        else:
            there = list_csv_columns(snapshot)
        known = _choose(name, there, columns, optional)
        read = [*dict.fromkeys([*known, _DAY])]
        if snapshot.is_parquet:
            rows = read_parquet(connection, snapshot, layouts, read)
        else:
            rows = [read_csv(connection, snapshot, read)]
    return _make(name, rows, known, until, snapshot)


def refuse_missing_columns(
    present: Collection[str], needed: Collection[str], *, source: str
) -> None:
    """Refuse a frame that lacks columns.

    Examples
    --------
    >>> refuse_missing_columns(["order_id", "outcom"], ["order_id", "outcome"], source="a.csv")
    Traceback (most recent call last):
        ...
    push_model.errors.MissingColumnsError: a.csv: 'outcome' is missing; is 'outcom' a typo? \
Rename or add columns.
    """
    if not set(needed) <= set(present):
        raise MissingColumnsError(
            f"{source}: {describe_missing(needed, present)} Rename or add columns."
        )


def _choose(
    name: str, there: Sequence[str], columns: Sequence[str], optional: Sequence[str]
) -> list[str]:
    """Return the columns to read, of those that are there."""
    refuse_missing_columns(there, {*columns, _DAY}, source=name)
    return [*dict.fromkeys([*columns, *(column for column in optional if column in there)])]


def _make(
    name: str,
    sources: Sequence[Rows],
    columns: Sequence[str],
    until: dt.date,
    snapshot: Snapshot | None = None,
) -> Dataset:
    with reading(name):
        typed = [select_typed(_known(rows.typed, until), columns) for rows in sources]
        original = number_rows(_join_original([rows.original for rows in sources]))
        joined = reduce(duckdb.DuckDBPyRelation.union, typed)
        known = _known(original, until)
        return Dataset(name, joined, known, snapshot, sources[0].read_share)


def number_rows(rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Add `ROW_NUMBER` to rows."""
    return rows.select(f'row_number() OVER () AS "{ROW_NUMBER}", *')


def _join_original(sources: Sequence[duckdb.DuckDBPyRelation]) -> duckdb.DuckDBPyRelation:
    """Join parts of several layouts; a column of several types becomes text."""
    types = [*map(casts.types_of, sources)]
    one_type = {name: len({of[name] for of in types}) == 1 for name in types[0]}
    selected = ", ".join(
        f'"{name}"' if is_one else f'CAST("{name}" AS VARCHAR) AS "{name}"'
        for name, is_one in one_type.items()
    )
    return reduce(duckdb.DuckDBPyRelation.union, [rows.select(selected) for rows in sources])


def _known(rows: duckdb.DuckDBPyRelation, until: dt.date) -> duckdb.DuckDBPyRelation:
    # A row whose day cannot be read is kept: it may be known, so the schema check must refuse it.
    day = casts.day(_DAY, casts.types_of(rows)[_DAY])
    return rows.filter(f"{day} <= DATE '{until.isoformat()}' OR {day} IS NULL")
