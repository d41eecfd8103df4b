"""What did a user's earlier orders hold? Known as of each order's day, from the frame itself."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

import duckdb

from push_model.columns import HISTORY, TRAINING
from push_model.scoring import Model
from push_model.training.dataset import load_dataset, refuse_missing_columns, write_parquet
from push_model.training.engine import name_of
from push_model.training.frames import to_relation
from push_model.training.schema import check_schema

NEEDED = ("user_id", "variant_id", "order_id", "order_date", "ordered_before", "outcome")

# Not "frame", which others name their rows in queries on top of these.
_ROWS = "rows_with_a_past"
# An order's place among its user's: 1 for those of the first day in the frame. Orders of one day
# are not each other's past, so they share a place.
_PLACED = f"""
    SELECT order_id, user_id, rank() OVER (PARTITION BY user_id ORDER BY day) AS place
    FROM (SELECT order_id, any_value(user_id) AS user_id, any_value(order_date)::DATE AS day
          FROM {_ROWS} GROUP BY order_id)
"""
# Some rows in twenty: of what was never bought there is nothing to count.
_BOUGHT = f"""
    SELECT order_id, variant_id, user_id, place, outcome = 1 AS bought,
        coalesce(ordered_before, 0) = 1 AS before
    FROM {_ROWS} JOIN ({_PLACED}) USING (order_id, user_id)
    SEMI JOIN (SELECT DISTINCT user_id, variant_id FROM {_ROWS}
               WHERE outcome = 1 OR ordered_before = 1) USING (user_id, variant_id)
"""
_IN_FRAME = f"""
    SELECT *, count(*) FILTER (WHERE bought) OVER past AS times,
        max(CASE WHEN bought THEN place END) OVER past AS last_place
    FROM ({_BOUGHT})
    WINDOW past AS (PARTITION BY user_id, variant_id ORDER BY place
                    RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
"""
# What was bought before, and not in the frame, was bought in an order before it: one more, which
# has the place 0.
_COUNTED = f"""
    SELECT *, bool_or(before AND times = 0) OVER (
        PARTITION BY user_id, variant_id ORDER BY place) AS earlier
    FROM ({_IN_FRAME})
"""
_WITH_HISTORY = f"""
    SELECT COLUMNS,
        placed.place::DOUBLE AS earlier_orders,
        coalesce(times + earlier::INT, 0)::DOUBLE AS orders_with_variant,
        CASE WHEN times > 0 THEN placed.place - last_place
             WHEN earlier THEN placed.place END::DOUBLE AS orders_since_variant
    FROM {_ROWS} JOIN ({_PLACED}) AS placed USING (order_id)
    LEFT JOIN (SELECT order_id, variant_id, times, last_place, earlier FROM ({_COUNTED})) AS counted
        USING (order_id, variant_id)
"""
# Of each user's next order, after all that is known.
_NEXT = f"""
    WITH counted AS (
        SELECT user_id, variant_id, count_if(bought) AS times,
            max(CASE WHEN bought THEN place END) AS last_place, bool_or(earlier) AS earlier
        FROM ({_COUNTED}) GROUP BY user_id, variant_id),
    users AS (SELECT user_id, count(*) + 1 AS place FROM ({_PLACED}) GROUP BY user_id)
    SELECT user_id, NULL::BIGINT AS variant_id, place AS earlier_orders,
        0 AS orders_with_variant, NULL::BIGINT AS orders_since_variant
    FROM users
    UNION ALL
    SELECT user_id, variant_id, place, times + earlier::INT, place - coalesce(last_place, 0)
    FROM counted JOIN users USING (user_id)
    ORDER BY user_id, variant_id NULLS FIRST
"""


def needs_history(model: Model) -> bool:
    """Tell whether a model asks for any of what earlier orders held.

    Parameters
    ----------
    model : Model
        A loaded model.

    Returns
    -------
    bool
    """
    return not set(HISTORY).isdisjoint(model.feature_names)


def load_with_history(
    uri: str, *, columns: Sequence[str], until: date, needs_history: bool
) -> duckdb.DuckDBPyRelation:
    """Open a feature frame and, where it is asked for, what earlier orders held.

    Parameters
    ----------
    uri, columns, until
        As for `load_dataset`.
    needs_history : bool
        Whether the columns of ``push_model.columns.HISTORY`` are wanted, too: as the dataset has
        them where it has all, else derived.

    Returns
    -------
    DuckDBPyRelation of shape (n_rows, n_columns)

    Raises
    ------
    DatasetError
        As `load_dataset`.
    """
    if not needs_history:
        return load_dataset(uri, columns=columns, until=until)
    asked = dict.fromkeys([*columns, *NEEDED])
    return with_history(load_dataset(uri, columns=[*asked], optional=HISTORY, until=until))


def with_history(frame: Any) -> duckdb.DuckDBPyRelation:
    """Add what a user's earlier orders say of a product, as of the day of each order.

    Parameters
    ----------
    frame : DataFrame, LazyFrame or DuckDBPyRelation of shape (n_rows, n_columns)
        A feature frame of pandas, Polars or DuckDB that passed `check_schema`, with all its
        orders, large or not. Reads the columns of `NEEDED`.

    Returns
    -------
    DuckDBPyRelation of shape (n_rows, n_columns + 3)
        With ``earlier_orders``, ``orders_with_variant`` and ``orders_since_variant``; the frame's
        own where it has all three.

    Raises
    ------
    MissingColumnsError
        If a column of `NEEDED` is absent.

    Notes
    -----
    Orders of earlier days count, of the same day never: cut the frame off on any day, and no row
    before it changes. What ``ordered_before`` tells of the time before the frame counts as one
    order more, as it is for every user whose second order the frame holds. Windows run over what
    was ever bought, and spill to disk.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "user_id": 1, "variant_id": 7, "order_id": [1, 2, 3], "ordered_before": [0.0, 0.0, 1.0],
    ...     "order_date": pd.to_datetime(["2021-02-01", "2021-02-08", "2021-02-15"]),
    ...     "outcome": [0.0, 1.0, 0.0],
    ... })
    >>> found = with_history(frame).order("order_id").df()
    >>> found["orders_with_variant"].tolist(), found["orders_since_variant"].tolist()
    ([0.0, 0.0, 1.0], [nan, nan, 1.0])
    """
    rows = to_relation(frame)
    if set(HISTORY) <= set(rows.columns):
        return rows
    refuse_missing_columns(rows.columns, NEEDED, source=name_of(rows))
    columns = ", ".join(
        f"""{_ROWS}."{name.replace('"', '""')}\"""" for name in rows.columns if name not in HISTORY
    )
    return _query(rows, _WITH_HISTORY.replace("COLUMNS", columns))


def history_of_next_orders(frame: Any) -> duckdb.DuckDBPyRelation:
    """Give what each user's next order will have behind it, for requests to carry.

    Parameters
    ----------
    frame : DataFrame, LazyFrame or DuckDBPyRelation of shape (n_rows, n_columns)
        As for `with_history`.

    Returns
    -------
    DuckDBPyRelation of shape (n_users + n_pairs, 5)
        ``user_id``, ``variant_id``, ``earlier_orders``, ``orders_with_variant`` and
        ``orders_since_variant``: a row for every product a user bought before, and for each user
        one without a product, for all that he did not.

    Raises
    ------
    MissingColumnsError
        If a column of `NEEDED` is absent.
    """
    rows = to_relation(frame)
    refuse_missing_columns(rows.columns, NEEDED, source=name_of(rows))
    return _query(rows, _NEXT)


def write_history(uri: str, path: Path, *, until: date) -> int:
    """Write what `history_of_next_orders` gives to a Parquet file, whole or not at all.

    Parameters
    ----------
    uri : str
        Feature frame, as for `load_dataset`.
    path : Path
        The file to make or replace.
    until : date
        Last day of which is known.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    DatasetError
        If the dataset cannot be read or breaks the schema.
    """
    loaded = load_dataset(uri, columns=[*dict.fromkeys([*TRAINING, *NEEDED])], until=until)
    checked = check_schema(loaded, source=uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_parquet(history_of_next_orders(checked), path, facts={"until": str(until)})


def _query(rows: duckdb.DuckDBPyRelation, query: str) -> duckdb.DuckDBPyRelation:
    # Only statements that give no rows give None.
    return cast("duckdb.DuckDBPyRelation", rows.query(_ROWS, query))
