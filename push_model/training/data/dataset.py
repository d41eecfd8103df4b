"""Open a dataset as a stream of typed rows, none of them dated later than a given day."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from push_model.columns import TRAINING
from push_model.errors import DatasetError, MissingColumnsError, describe_missing
from push_model.training.data.frames import connect, reading, select_typed, to_relation
from push_model.training.data.sources import find_reader

#: Column of `Dataset.original`: each row's number in the file, 1 for the first below the header.
ROW_NUMBER = "row number in the file"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows to train on or to score, read in a stream whenever they are used."""

    #: What messages call it.
    name: str
    #: Keys as whole numbers, features as doubles, ``order_date`` as a day.
    rows: duckdb.DuckDBPyRelation
    #: The same rows as the file spells them, each with its `ROW_NUMBER`.
    original: duckdb.DuckDBPyRelation

    @classmethod
    def from_frame(cls, frame: Any, *, name: str) -> "Dataset":
        """Make a dataset of a frame of pandas, Polars or DuckDB."""
        rows = to_relation(frame)
        return cls(name, rows, number_rows(rows))


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
        as doubles, ``order_date`` as a day. Rows without a day are still there, for
        `check_schema` to refuse.

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
    name: str | None = None,
) -> Dataset:
    """Open a dataset with `columns`, and those of `optional` that it has."""
    name = name or uri
    with reading(name):
        rows = find_reader(uri)(connect(), uri)
        refuse_missing_columns(rows.original.columns, {*columns, "order_date"}, source=name)
        if not rows.original.limit(1).fetchall():
            raise DatasetError(f"{name} has columns but no rows. Export it again.")
        there = [column for column in optional if column in rows.typed.columns]
        typed = select_typed(rows.typed.filter(_is_known(until)), [*columns, *there])
        return Dataset(name, typed, number_rows(rows.original).filter(_is_known(until)))


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


def number_rows(rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Add `ROW_NUMBER` to rows."""
    return rows.select(f'row_number() OVER () AS "{ROW_NUMBER}", *')


def _is_known(until: dt.date) -> str:
    # A row whose day cannot be read is kept: it may be known, so `check_schema` must refuse it.
    day = "TRY_CAST(order_date AS DATE)"
    return f"{day} <= DATE '{until.isoformat()}' OR {day} IS NULL"
