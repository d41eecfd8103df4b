"""What does DuckDB need told, and what does it tell? Its limits, and its errors in our words."""

import re
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from push_model.errors import DatasetError

# Each thread holds rows of its own: more threads, more memory.
THREADS = 2
# Beyond this DuckDB spills to disk; measured in docs/adr/0005-dataset-engine.md.
MEMORY_LIMIT = "256MB"
#: What a query says where a key is 2.5.
NOT_WHOLE = "a key is not a whole number"

_NAME = "push_model_dataset"
# Nobody who owns a dataset could mend these.
_NOT_THE_DATASET = (
    duckdb.OutOfMemoryException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
)
# A full disk, a quota, a volume that went away; DuckDB has no class of its own for them.
_WRITING = re.compile(r"\b(write|no space|disk quota|fsync|read-only)\b", re.IGNORECASE)
# What DuckDB says, and what a dataset's owner is told.
_SENTENCES = {
    "GZIP": "is cut short or was never gzip. Export it again.",
    "Conversion Error": "holds a value that is not of its column's type. check_schema lists where.",
    NOT_WHOLE: "holds a value that is not of its column's type. check_schema lists where.",
    "CSV Error": "is not a well-formed CSV in UTF-8. Export it again.",
    "Parquet": "is not Parquet, or cut short. Export it again.",
    "magic bytes": "is not Parquet, or cut short. Export it again.",
}


def connect(*, threads: int = THREADS) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB database in memory that spills to disk and never to the network."""
    spill = Path(tempfile.gettempdir()) / f"push_model_{uuid.uuid4().hex}"
    connection = duckdb.connect(
        config={
            "threads": threads,
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(spill),
            # Keeping the file's order would hold rows back; `collect_sorted` gives an order.
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    # It draws on standard output, which belongs to whoever called.
    connection.execute("SET enable_progress_bar = false")
    return connection


def remember_name(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Note what messages call the dataset that a connection reads."""
    connection.execute(f"SET VARIABLE {_NAME} = {quote(name)}")


def name_of(frame: duckdb.DuckDBPyRelation) -> str:
    """Recall what messages call a dataset.

    Examples
    --------
    >>> name_of(duckdb.sql("SELECT 1"))
    'The frame'
    """
    asked: Any = frame.query("frame", f"SELECT getvariable('{_NAME}')")
    ((name,),) = asked.fetchall()
    return str(name) if name else "The frame"


def quote(text: str) -> str:
    """Write a text as SQL.

    Examples
    --------
    >>> print(quote("o'clock"))
    'o''clock'
    """
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Say in one sentence, and without a value of the data, why a dataset cannot be read."""
    try:
        yield
    except _NOT_THE_DATASET:
        raise
    except duckdb.IOException as error:
        if _WRITING.search(str(error)):
            # Not the data's fault, and it may pass: the DAG tries such an error again.
            raise OSError(
                f"{name} was read, but its rows cannot be written: disk trouble."
            ) from None
        raise DatasetError(_explain(str(error), name)) from None
    except duckdb.Error as error:
        raise DatasetError(_explain(str(error), name)) from None


def _explain(message: str, name: str) -> str:
    if found := re.search(r"Error on Line: (\d+)(?s:.*)Columns: (\d+) Found: (\d+)", message):
        line, expected, count = found.groups()
        return (
            f"{name} has {count} values in line {line} where its header names {expected}. Mend it."
        )
    # What DuckDB quotes may be a value of the data, or a path that looks like one of these words.
    said = re.sub(r"""'[^']*'|"[^"]*\"""", "...", message.splitlines()[0])
    for words, sentence in _SENTENCES.items():
        if words in said:
            return f"{name} {sentence}"
    return f"{name} could not be read to its end: {said}"
