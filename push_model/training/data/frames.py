"""Read feature frames with DuckDB in flat memory, and move them to pandas and Parquet."""

import datetime as dt
import logging
import re
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import duckdb
import narwhals as nw
from narwhals.dependencies import is_pandas_dataframe

from push_model.columns import BY_NAME, Column
from push_model.errors import DatasetError, list_some
from push_model.store.durable import replacing
from push_model.training.data.casts import NOT_OF_ITS_TYPE, typed, types_of
from push_model.training.data.files import PREFIX, to_pattern

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# Each thread holds rows of its own: more threads, more memory.
_THREADS = 2
# Beyond this DuckDB spills to disk; measured in docs/adr/0005-dataset-engine.md.
_MEMORY_LIMIT = "256MB"
# The next step reads the file whole and once: quick to write beats small or easy to search.
_PARQUET = "FORMAT parquet, COMPRESSION lz4_raw, WRITE_BLOOM_FILTER false, DICTIONARY_SIZE_LIMIT 1"
# These three place a row; no two rows of a checked frame agree in all of them.
_SORTED_BY = ["order_date", "order_id", "variant_id"]
# Errors that the owner of a dataset could not fix.
_OUR_MISTAKES = (
    duckdb.OutOfMemoryException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
)
# A full disk, a quota, a lost volume; DuckDB has no class for them.
_WRITING = re.compile(r"\b(write|no space|disk quota|fsync|read-only)\b", re.IGNORECASE)
#: What a query fails with where not all users are whole numbers.
USERS_ARE_TEXT = "users are text"
_NOT_OF_ITS_TYPE = "holds a value that is not of its column's type."
# Words of DuckDB and Arrow, and what to say to the owner of the dataset.
_SENTENCES = {
    "gzip": "is cut short or was never gzip. Export it again.",
    "compressed stream": "is cut short or was never gzip. Export it again.",
    "zlib": "is cut short or was never gzip. Export it again.",
    "UTF8": "is not in UTF-8. Export it again, in UTF-8.",
    "straddling": "has a row of more than 256 kB, or quotes that are not closed. Fix it.",
    "CSV conversion error": _NOT_OF_ITS_TYPE,
    "Conversion Error": _NOT_OF_ITS_TYPE,
    NOT_OF_ITS_TYPE: _NOT_OF_ITS_TYPE,
    "CSV parse error": "has a row with more or fewer values than its header.",
    "Parquet": "is not Parquet, or cut short. Export it again.",
    "TProtocolException": "is not Parquet, or cut short. Export it again.",
    "know what type": "is not Parquet, or cut short. Export it again.",
    "read enough bytes": "is not Parquet, or cut short. Export it again.",
    "magic bytes": "is not Parquet, or cut short. Export it again.",
    "No files found": "went away while it was read. Deliver it again.",
    "Failed to open": "went away while it was read. Deliver it again.",
}

logger = logging.getLogger(__name__)


class UnreadableError(DatasetError):
    """Rows could not be read, or are not of their columns' types."""


class UsersAreTextError(UnreadableError):
    """Not all users of a dataset are whole numbers."""


def connect() -> duckdb.DuckDBPyConnection:
    """Open a DuckDB database in memory that spills to disk and never uses the network."""
    spill = Path(tempfile.gettempdir()) / f"push_model_{uuid.uuid4().hex}"
    connection = duckdb.connect(
        config={
            "threads": _THREADS,
            "memory_limit": _MEMORY_LIMIT,
            "temp_directory": str(spill),
            # Keeping the file's order would hold rows back; `collect_sorted` sorts them.
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    # Days of moments are days in UTC, whatever the host's time zone.
    connection.execute("SET TimeZone = 'UTC'")
    # Progress is counted, but no bar is drawn: standard output belongs to the caller.
    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    return connection


def open_copy(path: Path) -> duckdb.DuckDBPyRelation:
    """Open a Parquet file that was written here, whatever its folders are called."""
    # A folder named column=value may be a column to DuckDB.
    with reading(str(path)):
        return connect().read_parquet(to_pattern(path), hive_partitioning=False)


def to_relation(frame: Any, *, source: str = "The frame") -> duckdb.DuckDBPyRelation:
    """Return a frame of pandas, Polars or DuckDB as a relation.

    Examples
    --------
    >>> import pandas as pd
    >>> to_relation(pd.DataFrame({"order_id": [3, 4]})).sum("order_id").fetchall()
    [(7,)]
    """
    if isinstance(frame, duckdb.DuckDBPyRelation):
        refuse_repeated(frame.columns, source)
        return frame
    known = frame if is_pandas_dataframe(frame) else nw.from_native(frame)
    try:
        table = _to_arrow(known)
        refuse_repeated(table.column_names, source)
        return connect().from_arrow(table)
    except (OSError, MemoryError, DatasetError):
        raise
    except Exception as error:  # noqa: BLE001 - any engine may quote values, and has its own errors
        raise UnreadableError(
            f"{source} could not be converted to Arrow: {type(error).__name__}."
        ) from None


def collect_sorted(frame: Any, *, source: str = "The frame") -> "pd.DataFrame":
    """Read a feature frame into memory, the same for any order of its rows.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2021-03-02", "2021-03-01"])
    >>> frame = pd.DataFrame({"order_date": days, "order_id": [1, 2], "variant_id": [5, 5]})
    >>> collect_sorted(frame)["order_id"].tolist()
    [2, 1]
    """
    start = perf_counter()
    collected = _to_pandas(frame, source)
    # Users are whole numbers or text, and may be missing.
    known = [name for name in collected if name in BY_NAME and name != "user_id"]
    types = {name: _pandas_type(BY_NAME[name]) for name in known}
    collected = collected.astype(types)
    # A frame of another loader may hold moments; orders are placed by whole days.
    collected = collected.assign(order_date=collected["order_date"].dt.normalize())
    collected = collected.sort_values(_SORTED_BY, ignore_index=True)
    logger.info("Read %d rows in %.1f s.", len(collected), perf_counter() - start)
    return collected


def select_typed(rows: duckdb.DuckDBPyRelation, columns: Iterable[str]) -> duckdb.DuckDBPyRelation:
    """Cast each column of a feature frame to its type; a value that does not fit fails the query.

    Examples
    --------
    >>> rows = duckdb.sql("SELECT '7' AS order_id, '0.5' AS discount_pct, 'x' AS vendor")
    >>> select_typed(rows, ["order_id", "discount_pct"]).fetchall()
    [(7, 0.5)]
    """
    types = types_of(rows)
    return rows.select(", ".join(f'{typed(name, types[name])} AS "{name}"' for name in columns))


def write_parquet(
    frame: Any, path: Path, *, facts: Mapping[str, str], source: str = "The frame"
) -> int:
    """Write a frame to a Parquet file, whole or not at all, and return its number of rows."""
    start = perf_counter()
    relation = to_relation(frame)
    noted = ", ".join(f"{_quote(PREFIX + name)}: {_quote(fact)}" for name, fact in facts.items())
    options = _PARQUET + (f", KV_METADATA {{{noted}}}" if noted else "")
    with replacing(path) as aside, reading(source):
        aside.touch(exist_ok=False)
        copied: Any = relation.query(
            "frame", f"COPY (FROM frame) TO {_quote(str(aside))} ({options})"
        )
        ((rows,),) = copied.fetchall()
    logger.info("Wrote %d rows to %s in %.1f s.", rows, path, perf_counter() - start)
    return int(rows)


@contextmanager
def reading(source: str) -> Iterator[None]:
    """Raise DuckDB's errors as ours: one sentence, without a value of the data."""
    try:
        yield
    except _OUR_MISTAKES:
        raise
    except duckdb.IOException as error:
        if _WRITING.search(_strip_quoted(error)):
            # Not a fault of the data, and it may pass: the DAG retries an OSError.
            raise OSError(
                f"{source} was read, but its rows cannot be written: disk trouble."
            ) from None
        raise _explain(error, source) from None
    except duckdb.Error as error:
        raise _explain(error, source) from None
    except RuntimeError as error:
        if "interrupted" in str(error):
            raise KeyboardInterrupt from None  # ctrl-C, in DuckDB's words
        raise


def _explain(error: Exception, source: str) -> UnreadableError:
    if USERS_ARE_TEXT in str(error):
        return UsersAreTextError(f"{source} names users by text.")
    # Never the engine's own words: they quote rows.
    said = _strip_quoted(error)
    for words, sentence in _SENTENCES.items():
        if words.lower() in said.lower():
            return UnreadableError(f"{source} {sentence}")
    return UnreadableError(f"{source} could not be read to its end: {type(error).__name__}.")


def _strip_quoted(error: Exception) -> str:
    """Return what an error says without what it quotes, which may look like words of its own."""
    return re.sub(r"""'[^']*'|"[^"]*\"""", "...", str(error))


def refuse_repeated(names: Sequence[str], source: str) -> None:
    """Refuse two columns of one name; columns without a name may be several."""
    # To DuckDB a name in capitals is the same name, and it reads the first of two.
    known = [name.lower() for name in names]
    if repeated := sorted({repr(name) for name in names if name and known.count(name.lower()) > 1}):
        raise DatasetError(
            f"{source} names column(s) {list_some(repeated)} twice, capital letters aside. "
            "Rename or drop one."
        )


def _to_arrow(frame: Any) -> "pa.Table":
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.DataFrame):
        # Polars would write their addresses.
        if objects := [name for name, type_ in frame.schema.items() if type_ == nw.Object]:
            raise DatasetError(f"Column(s) {list_some(objects)} hold objects. Give them a type.")
        return frame.to_arrow()
    import pyarrow as pa  # noqa: PLC0415 - 40 MB that readers of Parquet do without

    arrays = [_column_to_arrow(frame.iloc[:, place]) for place in range(frame.shape[1])]
    return pa.table(arrays, names=[str(name) for name in frame.columns])


def _column_to_arrow(column: "pd.Series[Any]") -> Any:
    """Convert a column by all of its values: DuckDB would type objects by a sample of them."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    with suppress(pa.ArrowException, TypeError, OverflowError):
        array = pa.array(column, from_pandas=True)
        if array.type == pa.float16():  # not known to DuckDB
            return array.cast(pa.float32())
        # After a first date, Arrow takes of a moment the day in its own zone.
        is_cut = pa.types.is_date(array.type) and any(isinstance(v, dt.datetime) for v in column)
        # DuckDB would read how a period is stored.
        if not is_cut and not isinstance(array.type, pa.BaseExtensionType):
            return array
    # Values of several types, and of types that no file has.
    texts = column.astype(object).map(str, na_action="ignore")
    return pa.array(texts, pa.string(), from_pandas=True)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _to_pandas(frame: Any, source: str) -> "pd.DataFrame":
    # The slowest import of all; the steps that only stream (load, filter) never pay for it.
    import pandas as pd  # noqa: PLC0415

    if is_pandas_dataframe(frame):
        return frame
    with reading(source):
        return pd.DataFrame(to_relation(frame, source=source).df())


def _pandas_type(column: Column) -> str:
    if column.role == "key":
        return "int64"
    return {"text": "str", "day": "datetime64[us]"}.get(column.type, "float64")
