"""How is a dataset read and written? In a stream, and never a row later than asked for."""

import datetime as dt
import logging
import uuid
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb

from push_model.columns import TRAINING
from push_model.errors import DatasetError, MissingColumnsError, describe_missing
from push_model.store.durable import move_synced
from push_model.training.data.engine import THREADS, connect, name_of, quote, reading, remember_name
from push_model.training.data.frames import select_typed, to_relation
from push_model.training.data.provenance import PREFIX
from push_model.training.data.sources import find_reader

#: View of a loaded dataset's rows as the file has them, for the schema check to quote.
ORIGINAL_ROWS = "push_model_original_rows"
#: Its column with each row's number in the file, 1 for the first.
ROW_NUMBER = "row number in the file"

# The next step reads the file whole and once: quick to write beats small or easy to search.
_PARQUET = "FORMAT parquet, COMPRESSION lz4_raw, WRITE_BLOOM_FILTER false, DICTIONARY_SIZE_LIMIT 1"

logger = logging.getLogger(__name__)


def load_dataset(
    uri: str,
    *,
    columns: Sequence[str] = TRAINING,
    until: dt.date,
    optional: Sequence[str] = (),
    threads: int = THREADS,
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
    optional : sequence of str
        Names of columns to read besides, those of them that are there.
    threads : int, default=2
        Threads that read.

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
    connection = connect(threads=threads)
    with reading(uri):
        rows = find_reader(uri)(connection, uri)
        refuse_missing_columns(rows.original.columns, {*columns, "order_date"}, source=uri)
        if not rows.original.limit(1).fetchall():
            raise DatasetError(f"{uri} has columns but no rows. Export it again.")
        remember_name(connection, uri)
        numbered = rows.original.select(f'row_number() OVER () AS "{ROW_NUMBER}", *')
        numbered.filter(_is_known(until)).create_view(ORIGINAL_ROWS)
        there = [name for name in optional if name in rows.typed.columns]
        return select_typed(rows.typed.filter(_is_known(until)), [*columns, *there])


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


def write_parquet(frame: Any, path: Path, *, facts: Mapping[str, str]) -> int:
    """Write a frame to a Parquet file, whole or not at all."""
    start = perf_counter()
    relation = to_relation(frame)
    noted = ", ".join(f"{quote(PREFIX + name)}: {quote(fact)}" for name, fact in facts.items())
    options = _PARQUET + (f", KV_METADATA {{{noted}}}" if noted else "")
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    aside.touch(exist_ok=False)
    try:
        with reading(name_of(relation)):
            copied: Any = relation.query(
                "frame", f"COPY (FROM frame) TO {quote(str(aside))} ({options})"
            )
            ((rows,),) = copied.fetchall()
        move_synced(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    logger.info("Wrote %d rows to %s in %.1f s.", rows, path, perf_counter() - start)
    return int(rows)


def _is_known(until: dt.date) -> str:
    """Keep a row whose day cannot be read too: it may be one of ours, so it must be refused."""
    day = "TRY_CAST(order_date AS DATE)"
    return f"{day} <= DATE '{until.isoformat()}' OR {day} IS NULL"
