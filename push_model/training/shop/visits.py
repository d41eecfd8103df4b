"""Who orders from the invented shop, and when?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from push_model.training.shop.catalogue import WINDOW_DAYS

# The window opens on a shop that already has customers, so that repeat orders exist on its
# first day; their earlier orders are history, never rows.
WARM_UP_DAYS = 36
MOST_VISITS = 40
# Monday to Sunday, beginning with the window's first day; Thursday 25 % below Saturday.
WEEKDAY_PULL = (1.0, 0.97, 0.92, 0.72, 1.0, 1.14, 1.06)
SECONDS_A_DAY = 86_400


class Visits(NamedTuple):
    """The orders of some users, by user and then by time; arrays of shape (n_orders,).

    Attributes
    ----------
    user : ndarray
        Number of the user, from 0.
    day, second : ndarray
        Day, counted from the window's first (negative before), and second of that day.
    seq : ndarray
        This is the user's nth order, from 1.
    """

    user: NDArray[np.int64]
    day: NDArray[np.int64]
    second: NDArray[np.int64]
    seq: NDArray[np.int64]

    def is_repeat(self) -> NDArray[np.bool_]:
        """Mark the repeat orders within the window: those a frame is made of."""
        return (self.seq > 1) & (self.day >= 0)


def draw_pull(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw how much each day, warm-up included, attracts orders from its neighbours."""
    days = np.arange(-WARM_UP_DAYS, WINDOW_DAYS + 2)
    return np.take(WEEKDAY_PULL, days % 7) * rng.lognormal(0, 0.1, len(days))


def draw_visits(rng: np.random.Generator, *, users: int, pull: NDArray[np.float64]) -> Visits:
    """Draw the orders of `users` new users from their first order to the window's end.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> visits = draw_visits(rng, users=3, pull=draw_pull(rng))
    >>> sorted(set(visits.user.tolist()))
    [0, 1, 2]
    """
    # Arrivals grow linearly, so their square root is uniform between two ends.
    arrival = (WARM_UP_DAYS + WINDOW_DAYS) * rng.uniform(0, 1, users) ** 0.95 - WARM_UP_DAYS
    pace = rng.lognormal(np.log(31), 0.6, users)
    gaps = rng.gamma(2.5, pace[:, None] / 2.5, (users, MOST_VISITS))
    gaps[:, 0] = 0
    wished = np.floor(arrival[:, None] + np.cumsum(gaps, axis=1)).astype(np.int64)
    loyalty = rng.geometric(rng.beta(2.2, 3.2, users))
    keep = (wished < WINDOW_DAYS) & (np.arange(MOST_VISITS) < loyalty[:, None])
    user = np.nonzero(keep)[0]
    day = _move_to_busy_days(rng, wished[keep], pull)
    return _in_order(user, day, _draw_seconds(rng, len(day)))


def _move_to_busy_days(
    rng: np.random.Generator, wished: NDArray[np.int64], pull: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Put each order on its wished day or one of the two after, as they pull."""
    pulls = pull[wished[:, None] + WARM_UP_DAYS + np.arange(3)]
    share = np.cumsum(pulls, axis=1) / pulls.sum(axis=1, keepdims=True)
    later = (rng.random((len(wished), 1)) > share).sum(axis=1)
    day: NDArray[np.int64] = np.minimum(wished + later, WINDOW_DAYS - 1)
    return day


def _draw_seconds(rng: np.random.Generator, orders: int) -> NDArray[np.int64]:
    """Draw seconds of the day around the early evening, none at night."""
    return (SECONDS_A_DAY * (0.27 + 0.72 * rng.beta(2.2, 1.7, orders))).astype(np.int64)


def _in_order(user: NDArray[np.int64], day: NDArray[np.int64], second: NDArray[np.int64]) -> Visits:
    """Sort by user and time, and number each user's orders."""
    order = np.lexsort((second, day, user))
    first = np.searchsorted(user, user)
    return Visits(user, day[order], second[order], np.arange(len(user)) - first + 1)
