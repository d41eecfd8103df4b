"""What did a user's earlier orders hold? Known as of each order's day, from the frame itself."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

import duckdb

from push_model.columns import HISTORY, TRAINING
from push_model.model.scoring import Model
from push_model.training.data.dataset import load_dataset, refuse_missing_columns, write_parquet
from push_model.training.data.engine import name_of
from push_model.training.data.frames import to_relation
from push_model.training.data.history_queries import ROWS, next_orders_query, with_history_query
from push_model.training.data.schema import check_schema

#: The columns that history is derived from.
NEEDED: tuple[str, ...] = (
    *("user_id", "variant_id", "vendor"),
    *("order_id", "order_date", "ordered_before", "outcome"),
)
# By what `HISTORY` counts.
_BY = ("variant_id", "vendor")


def needs_history(model: Model) -> bool:
    """Tell whether a model asks for any of what earlier orders held."""
    return not set(HISTORY).isdisjoint(model.feature_names)


def add_needed(columns: Sequence[str]) -> tuple[str, ...]:
    """Add what history is derived from to columns to read.

    Examples
    --------
    >>> add_needed(["outcome", "order_id"])[:3]
    ('outcome', 'order_id', 'user_id')
    """
    return tuple(dict.fromkeys([*columns, *NEEDED]))


def load_with_history(
    uri: str, *, columns: Sequence[str], until: date, needs_history: bool
) -> duckdb.DuckDBPyRelation:
    """Open a feature frame and, where it is asked for, what earlier orders held."""
    if not needs_history:
        return load_dataset(uri, columns=columns, until=until)
    asked = add_needed(columns)
    return with_history(load_dataset(uri, columns=asked, optional=HISTORY, until=until))


def with_history(
    frame: Any, *, by: Sequence[str] = _BY, has_cadence: bool = False
) -> duckdb.DuckDBPyRelation:
    """Add what a user's earlier orders say of a product and its vendor.

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
    refuse_missing_columns(rows.columns, {*NEEDED, *derived}, source=name_of(rows))
    columns = ", ".join(
        f"""{ROWS}."{name.replace('"', '""')}\""""
        for name in rows.columns
        if is_given or name not in HISTORY
    )
    query = with_history_query(columns, derived, has_place=not is_given, has_cadence=has_cadence)
    return _query(rows, query)


def history_of_next_orders(frame: Any) -> duckdb.DuckDBPyRelation:
    """Give what each user's next order will have behind it, for requests to carry."""
    rows = to_relation(frame)
    refuse_missing_columns(rows.columns, NEEDED, source=name_of(rows))
    return _query(rows, next_orders_query())


def write_history(uri: str, path: Path, *, until: date) -> int:
    """Write what `history_of_next_orders` gives to a Parquet file, whole or not at all."""
    loaded = load_dataset(uri, columns=add_needed(TRAINING), until=until)
    checked = check_schema(loaded, source=uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_parquet(history_of_next_orders(checked), path, facts={"until": str(until)})


def _query(rows: duckdb.DuckDBPyRelation, query: str) -> duckdb.DuckDBPyRelation:
    # Only statements that give no rows give None.
    return cast("duckdb.DuckDBPyRelation", rows.query(ROWS, query))
