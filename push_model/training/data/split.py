"""Split a frame by time into rows that train, calibrate and evaluate a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from push_model.errors import DatasetError

# The usual split of this frame, as shares of its orders: the newest tenth is the holdout.
TRAIN_SHARE = 0.7
CALIBRATION_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Window:
    """The days ``start <= day < end``.

    Examples
    --------
    >>> Window(date(2021, 2, 1), date(2021, 2, 3)).days
    2
    """

    start: date
    end: date

    @property
    def days(self) -> int:
        """Length in days."""
        return (self.end - self.start).days

    def __str__(self) -> str:
        return f"{self.start} <= day < {self.end}"


class Windows(NamedTuple):
    """Three adjoining windows, oldest first; each starts where the one before it ends."""

    train: Window
    calibration: Window
    holdout: Window


class Split(NamedTuple):
    """The rows of each window, and the windows."""

    train: pd.DataFrame
    calibration: pd.DataFrame
    holdout: pd.DataFrame
    windows: Windows


def split_by_time(frame: pd.DataFrame, *, holdout_days: int | None = None) -> Split:
    """Split whole orders by whole days: the oldest train, the newest are the holdout.

    A split by rows would put one order on both sides. A split by products (the file's own order)
    would test new products, not days to come. The outcome plays no part.

    Examples
    --------
    >>> days = pd.to_datetime([f"2021-02-{day:02}" for day in range(1, 11)])
    >>> frame = pd.DataFrame({"order_id": range(10), "order_date": days})
    >>> [len(window) for window in split_by_time(frame)[:3]]
    [7, 2, 1]
    >>> [len(window) for window in split_by_time(frame, holdout_days=5)[:3]]
    [4, 1, 5]
    """
    known = TRAIN_SHARE + CALIBRATION_SHARE
    if holdout_days is None:
        windows = Windows(*cut_by_time(frame, (TRAIN_SHARE, known)))
    else:
        windows = _cut_before(frame, TRAIN_SHARE / known, holdout_days)
    train, calibration, holdout = (frame[is_inside(frame, window)] for window in windows)
    return Split(train, calibration, holdout, windows)


def cut_by_time(frame: pd.DataFrame, shares: Sequence[float]) -> tuple[Window, ...]:
    """Cut the days of a frame where its orders reach given shares.

    Examples
    --------
    >>> days = pd.to_datetime([f"2021-02-{day:02}" for day in range(1, 11)])
    >>> frame = pd.DataFrame({"order_id": range(10), "order_date": days})
    >>> [window.days for window in cut_by_time(frame, [0.5, 0.9])]
    [5, 4, 1]
    """
    orders_per_day = frame.groupby(_day_of(frame))["order_id"].nunique().sort_index()
    n_days, n_windows = len(orders_per_day), len(shares) + 1
    if n_days < n_windows:
        raise DatasetError(
            f"The orders fall on {n_days} day(s); {n_windows} windows need at least {n_windows} "
            "different days. Give a longer history or a later training_date."
        )
    reached = orders_per_day.cumsum().to_numpy() / orders_per_day.sum()
    places = [0]
    for number, share in enumerate(shares, start=1):
        place = int(np.argmax(reached >= share)) + 1
        # One huge day can swallow a whole share; each window still keeps a day of its own.
        places.append(min(max(place, places[-1] + 1), n_days - n_windows + number))
    days = [stamp.date() for stamp in orders_per_day.index]
    edges = [*(days[place] for place in places), days[-1] + timedelta(days=1)]
    return tuple(Window(start, end) for start, end in pairwise(edges))


def _cut_before(frame: pd.DataFrame, train_share: float, holdout_days: int) -> Windows:
    end = _day_of(frame).max() + pd.Timedelta(days=1)
    start = end - pd.Timedelta(days=holdout_days)
    before = frame[_day_of(frame) < start]
    if _day_of(before).nunique() < 2:  # noqa: PLR2004 - a window each
        raise DatasetError(
            f"The last {holdout_days} day(s) are held out, and before {start.date()} the orders "
            "fall on fewer than 2 days. Hold out fewer days, or give a longer history."
        )
    train, calibration = cut_by_time(before, (train_share,))
    holdout = Window(start.date(), end.date())
    # Adjoining, though there may be days without orders between them.
    return Windows(train, Window(calibration.start, holdout.start), holdout)


def is_inside(frame: pd.DataFrame, window: Window) -> pd.Series:
    """Return which rows fall into a window."""
    day = _day_of(frame)
    return (day >= pd.Timestamp(window.start)) & (day < pd.Timestamp(window.end))


def _day_of(frame: pd.DataFrame) -> pd.Series:
    return pd.to_datetime(frame["order_date"]).dt.normalize()
