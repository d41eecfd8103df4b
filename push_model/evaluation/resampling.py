"""Paired bootstrap over users, with all of their orders: the same draws for every scorer.

Rows of one order share a user and a moment, and orders of one user share habits, so that rows or
orders drawn one by one would look like more evidence than there is. A user drawn twice counts
twice: weights on users, and no copied row.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pandas import DataFrame, factorize
from scipy.sparse import csr_array
from scipy.stats import norm, t

from push_model.errors import DatasetError
from push_model.evaluation.metrics import calibration_bins
from push_model.evaluation.results import Interval

Floats = NDArray[np.float64]

# Draws worked on at once: memory stays flat however many there are.
_CHUNK = 128


class Resampler:
    """Draws units with replacement: the users of a holdout, or its orders."""

    def __init__(self, units: ArrayLike, outcomes: ArrayLike, *, resamples: int, seed: int) -> None:
        found, self._unit = np.unique(np.asarray(units), return_inverse=True)
        self._bought = np.asarray(outcomes, dtype=np.float64) > 0
        self.n_units = len(found)  # how many there are to draw
        rng = np.random.default_rng(seed)
        even = np.full(self.n_units, 1.0 / self.n_units)
        drawn = rng.multinomial(self.n_units, even, size=resamples)
        # The first column is the units as they are, so that estimates need no code of their own.
        self._weights = np.vstack([np.ones(self.n_units), drawn]).T

    @classmethod
    def of_users(cls, rows: DataFrame, *, resamples: int, seed: int) -> "Resampler":
        """Draw the users of feature rows; an order of an unknown user stands for itself."""
        return cls(users_of(rows), rows["outcome"].to_numpy(), resamples=resamples, seed=seed)

    def average_precision(self, scores: ArrayLike) -> Floats:
        """Compute average precision on the units as they are, and on each draw.

        Notes
        -----
        Recall only rises where something was bought, so that the rows between two such places
        matter by their number alone: a sparse table of rows by place and unit, times the weights,
        gives all draws at once.
        """
        place, is_counted = _places(np.asarray(scores, dtype=np.float64), self._bought)
        shape = (int(place[self._bought].max()) + 1, self.n_units)
        rows = _table(place[is_counted], self._unit[is_counted], shape)
        bought = _table(place[self._bought], self._unit[self._bought], shape)
        return np.concatenate([
            _average_precision(rows @ weights, bought @ weights) for weights in self._chunks()
        ])

    def ratio(self, numerators: ArrayLike, denominators: ArrayLike) -> Floats:
        """Compute a ratio of two sums over rows on the units as they are, and on each draw.

        Nothing of nothing is 0; something of nothing is NaN.
        """
        above, below = (
            np.bincount(self._unit, weights=np.asarray(part, float), minlength=self.n_units)
            @ self._weights
            for part in (numerators, denominators)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            of_nothing = np.where(above == 0, 0.0, np.nan)
            quotient: Floats = np.where(below == 0, of_nothing, above / below)
        return quotient

    def calibration_error(self, propensities: ArrayLike) -> Floats:
        """Compute the expected calibration error on the units as they are, and on each draw."""
        p = np.asarray(propensities, dtype=np.float64)
        bins = calibration_bins(p)
        shape = (int(bins.max()) + 1, self.n_units)
        gaps = csr_array((self._bought - p, (bins, self._unit)), shape=shape) @ self._weights
        rows = np.bincount(self._unit, minlength=self.n_units) @ self._weights
        error: Floats = np.abs(gaps).sum(axis=0) / rows
        return error

    def interval(self, resampled: Floats, *, alpha: float) -> Interval:
        """Return the interval of a resampled figure."""
        return expanded_interval(resampled, units=self.n_units, alpha=alpha)

    def _chunks(self) -> Iterator[Floats]:
        for start in range(0, self._weights.shape[1], _CHUNK):
            yield self._weights[:, start : start + _CHUNK]


def users_of(rows: DataFrame) -> NDArray[np.int64]:
    """Return a number for each row's user; an order of an unknown user has its own."""
    orders = -1 - factorize(rows["order_id"])[0]
    if "user_id" not in rows:
        return orders
    users = factorize(rows["user_id"])[0]
    return np.where(users >= 0, users, orders)


def expanded_interval(resampled: Floats, *, units: int, alpha: float) -> Interval:
    """Return the interval of a figure from its draws.

    The expanded percentile interval (Hesterberg 2015, doi:10.1080/00031305.2015.1089789): with
    few units plain percentiles are too narrow, by what Student's t is wider than the normal.
    """
    if units == 1:
        raise DatasetError(
            "All orders are of one user, and an interval needs two users. Hold out more days, or "
            "check user_id."
        )
    tail = float(norm.cdf(np.sqrt(units / (units - 1)) * t.ppf(alpha / 2, units - 1)))
    low, high = np.nanquantile(resampled[1:], [tail, 1 - tail])
    return Interval(float(resampled[0]), float(low), float(high))


def relative_gain(ours: Floats, theirs: Floats) -> Floats:
    """Return figures over another scorer's, as a share of the other's, draw by draw."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gain: Floats = np.where(theirs == ours, 0.0, ours / theirs - 1.0)
    return np.where(np.isposinf(gain), 1.0, gain)


def _places(
    scores: Floats, bought: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return for each row the rank of the lowest purchase score not above it, and if there is one.

    A row below all purchases never counts.
    """
    of_purchases = np.unique(scores[bought])
    above = np.searchsorted(of_purchases, scores, side="right")
    return len(of_purchases) - above, above > 0


def _table(place: NDArray[np.int64], unit: NDArray[np.int64], shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(len(place)), (place, unit)), shape=shape)


def _average_precision(rows: Floats, bought: Floats) -> Floats:
    """Add up precision times the recall gained, for tables of shape (n_places, n_draws)."""
    hits = bought.cumsum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # places and draws without any weight
        precision = np.nan_to_num(hits / rows.cumsum(axis=0))
        found: Floats = (precision * bought).sum(axis=0) / hits[-1]
    return found
