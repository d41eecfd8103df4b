"""Which rows train the model, which calibrate it, and which judge it?"""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from push_model.errors import DatasetError, InvalidEventError, MissingColumnsError

# The usual split of this frame, as shares of its orders: the newest tenth judges.
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


def split_by_time(
    frame: pd.DataFrame,
    *,
    train_share: float = TRAIN_SHARE,
    calibration_share: float = CALIBRATION_SHARE,
) -> Split:
    """Split whole orders by whole days: the oldest train, the newest judge.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Feature frame. Reads ``order_id`` and ``order_date``; of a moment its day counts.
    train_share, calibration_share : float
        Shares of the *orders*, each above 0, together below 1. The holdout gets the rest.
        A window ends with the first day on which its share is reached.

    Returns
    -------
    Split
        Train, calibration and holdout rows in their original order, and their windows.

    Raises
    ------
    DatasetError
        If the orders fall on fewer than three days.
    MissingColumnsError
        If ``order_id`` or ``order_date`` is absent.
    InvalidEventError
        If the shares leave a window empty.

    Notes
    -----
    A split by rows would put one order on both sides, and one by products (the file's own
    order) would ask about products instead of days to come. Nothing here looks at the outcome.

    Examples
    --------
    >>> days = pd.to_datetime([f"2021-02-{day:02}" for day in range(1, 11)])
    >>> frame = pd.DataFrame({"order_id": range(10), "order_date": days})
    >>> [len(window) for window in split_by_time(frame)[:3]]
    [7, 2, 1]
    """
    if not (train_share > 0 and calibration_share > 0 and train_share + calibration_share < 1):
        raise InvalidEventError(
            "train_share and calibration_share must be > 0 and add up to less than 1, "
            f"got {train_share} and {calibration_share}."
        )
    if absent := sorted({"order_id", "order_date"} - set(frame.columns)):
        raise MissingColumnsError(f"The feature frame lacks column(s) {absent}.")
    day = pd.to_datetime(frame["order_date"]).dt.normalize()
    orders_per_day = frame.groupby(day)["order_id"].nunique().sort_index()
    windows = _find_windows(orders_per_day, train_share, train_share + calibration_share)
    train, calibration, holdout = (frame[_is_inside(day, window)] for window in windows)
    return Split(train, calibration, holdout, windows)


def _find_windows(orders_per_day: pd.Series, *shares: float) -> Windows:
    n_days = len(orders_per_day)
    if n_days < len(Windows._fields):
        raise DatasetError(
            f"The orders fall on {n_days} day(s); training, calibration and holdout need "
            "at least 3 different days. Give a longer history or a later training_date."
        )
    reached = orders_per_day.cumsum().to_numpy() / orders_per_day.sum()
    train_end = int(np.argmax(reached >= shares[0])) + 1
    calibration_end = int(np.argmax(reached >= shares[1])) + 1
    # One huge day can swallow a whole share; each later window still keeps a day of its own.
    train_end = min(train_end, n_days - 2)
    calibration_end = min(max(calibration_end, train_end + 1), n_days - 1)

    days = [stamp.date() for stamp in orders_per_day.index]
    after_last = (orders_per_day.index[-1] + pd.Timedelta(days=1)).date()
    edges = [days[0], days[train_end], days[calibration_end], after_last]
    return Windows(*(Window(start, end) for start, end in pairwise(edges)))


def _is_inside(day: pd.Series, window: Window) -> pd.Series:
    return (day >= pd.Timestamp(window.start)) & (day < pd.Timestamp(window.end))
