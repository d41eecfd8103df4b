"""How do frames of pandas, Polars and DuckDB become one another?"""

import logging
from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import duckdb
import narwhals as nw
from narwhals.dependencies import is_pandas_dataframe

from push_model.columns import BY_NAME, Column
from push_model.training.data.engine import NOT_WHOLE, connect, name_of, reading

if TYPE_CHECKING:
    import pandas as pd

# What places a row; no two rows of a checked frame agree in all three.
SORTED_BY = ["order_date", "order_id", "variant_id"]

logger = logging.getLogger(__name__)


def collect_sorted(frame: Any) -> "pd.DataFrame":
    """Bring a feature frame into memory, the same whatever the order of its rows was.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2021-03-02", "2021-03-01"])
    >>> frame = pd.DataFrame({"order_date": days, "order_id": [1, 2], "variant_id": [5, 5]})
    >>> collect_sorted(frame)["order_id"].tolist()
    [2, 1]
    """
    start = perf_counter()
    collected = to_pandas(frame)
    types = {name: _pandas_type(BY_NAME[name]) for name in collected if name in BY_NAME}
    collected = collected.astype(types)
    # A frame of another loader may hold moments; whole days are what orders are placed by.
    collected = collected.assign(order_date=collected["order_date"].dt.normalize())
    collected = collected.sort_values(SORTED_BY, ignore_index=True)
    logger.info("Read %d rows in %.1f s.", len(collected), perf_counter() - start)
    return collected


def to_pandas(frame: Any) -> "pd.DataFrame":
    """Bring a frame into memory as it is."""
    # The slowest import of all, which the tasks that only stream (load, filter) never pay.
    import pandas as pd  # noqa: PLC0415

    if is_pandas_dataframe(frame):
        return frame
    if isinstance(frame, duckdb.DuckDBPyRelation):
        with reading(name_of(frame)):
            return pd.DataFrame(frame.df())
    known = nw.from_native(frame)
    eager = known.collect() if isinstance(known, nw.LazyFrame) else known
    # Column by column, since Polars' own conversion needs pyarrow.
    return pd.DataFrame({column.name: column.to_numpy() for column in eager.iter_columns()})


def to_relation(frame: Any) -> duckdb.DuckDBPyRelation:
    """Let DuckDB read a frame of any kind.

    Examples
    --------
    >>> import pandas as pd
    >>> to_relation(pd.DataFrame({"order_id": [3, 4]})).sum("order_id").fetchall()
    [(7,)]
    """
    if isinstance(frame, duckdb.DuckDBPyRelation):
        return frame
    return connect().from_df(to_pandas(frame))


def select_typed(rows: duckdb.DuckDBPyRelation, columns: Iterable[str]) -> duckdb.DuckDBPyRelation:
    """Give each column of a feature frame its type, refusing what does not fit.

    Examples
    --------
    >>> rows = duckdb.sql("SELECT '7' AS order_id, '0.5' AS discount_pct, 'x' AS vendor")
    >>> select_typed(rows, ["order_id", "discount_pct"]).fetchall()
    [(7, 0.5)]
    """
    types = dict(zip(rows.columns, rows.types, strict=True))
    return rows.select(", ".join(_typed(name, str(types[name])) for name in columns))


def _typed(name: str, source_type: str) -> str:
    column = BY_NAME.get(name)
    if column is None or column.type == "text":
        return f'"{name}"'
    if column.role == "key":
        return f'{_whole(name, source_type)} AS "{name}"'
    wanted = {"order_date": "DATE", "created_at": "TIMESTAMP"}.get(name, "DOUBLE")
    return f'CAST("{name}" AS {wanted}) AS "{name}"'


def _whole(name: str, source_type: str) -> str:
    """Cast to BIGINT, which alone would round 2.5 to an id that is someone else's."""
    cast = f'CAST("{name}" AS BIGINT)'
    if "INT" in source_type:
        return cast
    fraction = f'CAST("{name}" AS DOUBLE) % 1 <> 0'
    if source_type == "VARCHAR":
        fraction = f"""contains("{name}", '.') AND {fraction}"""
    return f"CASE WHEN {fraction} THEN error('{NOT_WHOLE}') ELSE {cast} END"


def _pandas_type(column: Column) -> str:
    if column.role == "key":
        return "int64"
    return {"text": "str", "day": "datetime64[us]"}.get(column.type, "float64")
