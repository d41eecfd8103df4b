"""Count what a user's earlier orders held, as of the day of each order."""

import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

import duckdb

from push_model.columns import HISTORY
from push_model.model.scoring import Model
from push_model.training.data.dataset import load_dataset, open_dataset, refuse_missing_columns
from push_model.training.data.delivery import COPY, bring_in
from push_model.training.data.frames import open_copy, to_relation, write_parquet

# The columns that history is derived from.
_NEEDED: tuple[str, ...] = (
    *("user_id", "variant_id", "vendor"),
    *("order_id", "order_date", "ordered_before", "outcome"),
)
#: What is bought again: its column, and its word in names of features.
KEYS = {"variant_id": "variant", "vendor": "vendor", "product_type": "product_type"}

# The keys that `HISTORY` counts by.
_BY = ("variant_id", "vendor")
# Not "frame": others name their rows so, in queries on top of these.
_ROWS = "rows_with_a_past"
# An order's place among its user's: 1 for those of the first day in the frame. Orders of one day
# are not each other's past, so they share a place. An order without a user is its only order.
_PLACED = f"""
    SELECT order_id, user_id, alone,
        rank() OVER (PARTITION BY user_id, alone ORDER BY day) AS place,
        day - max(day) OVER past AS days_since,
        (max(day) OVER past - min(day) OVER past) / nullif(count(*) OVER past - 1, 0) AS usual_days
    FROM (SELECT order_id, any_value(user_id) AS user_id, any_value(order_date)::DATE AS day,
              CASE WHEN any_value(user_id) IS NULL THEN order_id END AS alone
          FROM {_ROWS} GROUP BY order_id)
    WINDOW past AS (PARTITION BY user_id, alone ORDER BY day
                    RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 DAY PRECEDING)
"""
_CADENCE = """
    placed.days_since::DOUBLE AS days_since_order,
    placed.usual_days::DOUBLE AS usual_days_between_orders
"""
_PLACE = "placed.place::DOUBLE AS earlier_orders"


def needs_history(model: Model) -> bool:
    """Check whether a model reads any of `HISTORY`."""
    return not set(HISTORY).isdisjoint(model.feature_names)


def add_needed(columns: Sequence[str]) -> tuple[str, ...]:
    """Add the columns that history is derived from.

    Examples
    --------
    >>> add_needed(["outcome", "order_id"])[:3]
    ('outcome', 'order_id', 'user_id')
    """
    return tuple(dict.fromkeys([*columns, *_NEEDED]))


def load_with_history(
    uri: str, *, columns: Sequence[str], until: date, needs_history: bool
) -> duckdb.DuckDBPyRelation:
    """Open a feature frame and, where `needs_history`, add what earlier orders held."""
    if not needs_history:
        return load_dataset(uri, columns=columns, until=until)
    dataset = open_dataset(uri, columns=add_needed(columns), optional=HISTORY, until=until)
    return with_history(dataset.rows)


def with_history(
    frame: Any, *, by: Sequence[str] = _BY, has_cadence: bool = False
) -> duckdb.DuckDBPyRelation:
    """Add how often, and how long ago, a user bought a product and from its vendor.

    Only orders of earlier days count: cut the frame off on any day, and no row before it changes.
    ``ordered_before`` counts as one order before the frame. Windows run over what was ever
    bought, and spill to disk. A frame that has all of `HISTORY` keeps its own.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "user_id": 1, "variant_id": 7, "vendor": "oat & co",
    ...     "order_id": [1, 2, 3], "ordered_before": [0.0, 0.0, 1.0],
    ...     "order_date": pd.to_datetime(["2021-02-01", "2021-02-08", "2021-02-15"]),
    ...     "outcome": [0.0, 1.0, 0.0],
    ... })
    >>> found = with_history(frame).order("order_id").df()
    >>> found["orders_with_variant"].tolist(), found["orders_since_variant"].tolist()
    ([0.0, 0.0, 1.0], [nan, nan, 1.0])
    """
    rows = to_relation(frame)
    is_given = set(HISTORY) <= set(rows.columns)
    derived = [key for key in by if not (is_given and key in _BY)]
    if is_given and not derived and not has_cadence:
        return rows
    refuse_missing_columns(rows.columns, {*_NEEDED, *derived}, source="The frame")
    columns = ", ".join(
        f"""{_ROWS}."{name.replace('"', '""')}\""""
        for name in rows.columns
        if is_given or name not in HISTORY
    )
    query = _with_history_query(columns, derived, has_place=not is_given, has_cadence=has_cadence)
    return _query(rows, query)


def _history_of_next_orders(frame: Any) -> duckdb.DuckDBPyRelation:
    """Return the history of each user's next order, for requests to send."""
    rows = to_relation(frame)
    refuse_missing_columns(rows.columns, _NEEDED, source="The frame")
    return _query(rows, _next_orders_query())


def write_history(uri: str, path: Path, *, until: date) -> int:
    """Write `_history_of_next_orders` of a dataset to a Parquet file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = bring_in(uri, Path(folder) / COPY, until=until).path
        rows = _history_of_next_orders(open_copy(copy))
        return write_parquet(rows, path, facts={"until": str(until)})


def _query(rows: duckdb.DuckDBPyRelation, query: str) -> duckdb.DuckDBPyRelation:
    # Only statements that return no rows return None.
    return cast("duckdb.DuckDBPyRelation", rows.query(_ROWS, query))


def _with_history_query(
    columns: str, keys: Sequence[str], *, has_place: bool, has_cadence: bool
) -> str:
    counts = [
        f"""coalesce(of_{KEYS[key]}.times, 0)::DOUBLE AS orders_with_{KEYS[key]},
            of_{KEYS[key]}.since::DOUBLE AS orders_since_{KEYS[key]}"""
        for key in keys
    ]
    selected = ", ".join([columns, *[_CADENCE] * has_cadence, *[_PLACE] * has_place, *counts])
    joins = "\n".join(
        f"LEFT JOIN ({_past_by(key)}) AS of_{KEYS[key]} USING (order_id, {key})" for key in keys
    )
    return f"""
        SELECT {selected}
        FROM {_ROWS} JOIN ({_PLACED}) AS placed USING (order_id)
        {joins}
    """


def _next_orders_query() -> str:
    return f"""
        WITH users AS (SELECT user_id, count(*) + 1 AS place FROM ({_PLACED})
                       WHERE user_id IS NOT NULL GROUP BY user_id)
        SELECT user_id, NULL::BIGINT AS variant_id, NULL::VARCHAR AS vendor,
            place AS earlier_orders,
            0 AS orders_with_variant, NULL::BIGINT AS orders_since_variant,
            0 AS orders_with_vendor, NULL::BIGINT AS orders_since_vendor
        FROM users
        UNION ALL BY NAME ({_next_by("variant_id")})
        UNION ALL BY NAME ({_next_by("vendor")})
        ORDER BY user_id, variant_id NULLS FIRST, vendor NULLS FIRST
    """


def _next_by(key: str) -> str:
    word = KEYS[key]
    return f"""
        SELECT user_id, {key}, times + earlier::INT AS orders_with_{word},
            users.place - coalesce(last_place, 0) AS orders_since_{word}
        FROM (SELECT user_id, {key}, count_if(bought) AS times,
                  max(CASE WHEN bought THEN place END) AS last_place,
                  bool_or(is_from_before) AS earlier
              FROM ({_counted_by(key)}) GROUP BY user_id, {key})
        JOIN users USING (user_id)
    """


def _past_by(key: str) -> str:
    return f"""
        SELECT order_id, {key}, times + earlier::INT AS times,
            CASE WHEN times > 0 THEN place - last_place WHEN earlier THEN place END AS since
        FROM (SELECT *, is_told OR coalesce(bool_or(is_from_before) OVER past, false) AS earlier
              FROM ({_counted_by(key)})
              {_past_window(key)})
    """


def _counted_by(key: str) -> str:
    """Count the earlier orders with a key, for the keys that the user bought at any time.

    If an order says that it was bought before (``ordered_before``) and no earlier order of the
    frame holds it, it was bought before the frame: one order more, at place 0. Unless another
    order of the same day holds it: then ``ordered_before`` may mean that one.
    """
    # One row in twenty or so: what was never bought has no history.
    ever_bought = f"""
        SELECT order_id, {_ROWS}.{key}, any_value(placed.user_id) AS user_id,
            any_value(placed.alone) AS alone, any_value(placed.place) AS place,
            bool_or(outcome = 1) AS bought, bool_or(coalesce(ordered_before, 0) = 1) AS before
        FROM {_ROWS} JOIN ({_PLACED}) AS placed USING (order_id)
        SEMI JOIN (SELECT DISTINCT user_id, {key} FROM {_ROWS}
                   WHERE outcome = 1 OR ordered_before = 1) AS ever
            ON ever.{key} = {_ROWS}.{key} AND ever.user_id IS NOT DISTINCT FROM placed.user_id
        GROUP BY order_id, {_ROWS}.{key}
    """
    in_frame = f"""
        SELECT *, count(*) FILTER (WHERE bought) OVER past AS times,
            max(CASE WHEN bought THEN place END) OVER past AS last_place,
            count_if(bought) OVER (PARTITION BY user_id, alone, {key}, place) AS times_that_day
        FROM ({ever_bought})
        {_past_window(key)}
    """
    return f"""
        SELECT *, before AND times = 0 AS is_told,
            is_told AND times_that_day = bought::INT AS is_from_before
        FROM ({in_frame})
    """


def _past_window(key: str) -> str:
    return f"""
        WINDOW past AS (PARTITION BY user_id, alone, {key} ORDER BY place
                        RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    """
