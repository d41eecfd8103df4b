"""Keep the orders in which enough items were bought to pay for their delivery."""

import datetime as dt
from typing import Any, TypeVar

import narwhals as nw

from push_model.columns import MIN_ITEMS
from push_model.errors import DatasetError

_Frame = TypeVar("_Frame")


def keep_large_orders(frame: _Frame, *, min_items: int = MIN_ITEMS) -> _Frame:
    """Keep the rows of orders in which at least `min_items` items were bought.

    Items *bought* are counted, not rows: each order has a row for every product on sale.
    A relation is filtered by a semi join with the large orders, which streams; a window over
    each order would hold all rows at once.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"order_id": [1, 1, 2], "outcome": [1, 1, 1]})
    >>> keep_large_orders(frame, min_items=2)["order_id"].tolist()
    [1, 1]
    """
    known: Any = nw.from_native(frame)
    items = nw.col("outcome").sum()
    if isinstance(known, nw.LazyFrame):
        large = known.group_by("order_id").agg(items).filter(nw.col("outcome") >= min_items)
        kept = known.join(large.select("order_id"), on="order_id", how="semi")
    else:
        kept = known.filter(items.over("order_id") >= min_items)
    native: _Frame = kept.to_native()
    return native


def require_orders(large: Any, loaded: Any, *, min_items: int, until: dt.date, source: str) -> None:
    """Refuse a dataset without a single large order.

    Examples
    --------
    >>> import datetime as dt
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"order_id": [7, 7, 8]})
    >>> day = dt.date(2021, 3, 4)
    >>> require_orders(frame[:0], frame, min_items=5, until=day, source="frame.csv")
    Traceback (most recent call last):
        ...
    push_model.errors.DatasetError: No orders with at least 5 items bought on or before \
2021-03-04 in frame.csv (0 of 2 orders). Check the file or lower min_items.
    """
    if _count_orders(large):
        return
    if not (orders := _count_orders(loaded)):
        raise DatasetError(
            f"No orders on or before {until} in {source}. Check the file or use a later date."
        )
    raise DatasetError(
        f"No orders with at least {min_items} items bought on or before {until} in {source} "
        f"(0 of {orders} orders). Check the file or lower min_items."
    )


def _count_orders(frame: Any) -> int:
    counted: Any = nw.from_native(frame).select("order_id").unique().select(nw.len())
    collected = counted.collect("pyarrow") if isinstance(counted, nw.LazyFrame) else counted
    return int(collected.item())
