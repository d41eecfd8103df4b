"""The numbers behind curves of one scorer: ranking, gains, reliability, distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from push_model.evaluation.metrics import measure, precision_at_k

# 200 places draw a curve as finely as a screen shows it, from any number of rows.
_PLACES_BY_PURCHASES = 100
_PLACES_BY_CANDIDATES = 98
#: Shares of the candidates that could get a push, as sales would choose among them.
_PUSHED_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)
_RELIABILITY_BINS = 12
# Propensities spread over orders of magnitude; those below 0.0001 are drawn as 0.0001.
LEAST_SHOWN = 1e-4
_HISTOGRAM_BINS = 40
# 95 % of a normal distribution lie within so many standard deviations.
_Z_95 = 1.96

Floats = NDArray[np.float64]


class Place(NamedTuple):
    """Candidates and purchases down to some score, best scores first."""

    candidates: int
    purchases: int


class Bin(NamedTuple):
    """Candidates with similar propensities: what was predicted and what happened."""

    promised: float  # mean propensity; stored explorations hold these names
    happened: float  # share bought
    low: float  # Wilson's 95 % interval of the share bought, candidates taken as independent
    high: float
    rows: int


class Histogram(NamedTuple):
    """Counts of candidates by score; `edges` is one longer than the counts."""

    edges: tuple[float, ...]
    bought: tuple[int, ...]
    not_bought: tuple[int, ...]


class Gain(NamedTuple):
    """What a push to the best `share` of the candidates finds."""

    share: float
    precision: float
    recall: float
    lift: float


@dataclass(frozen=True, slots=True)
class Curves:
    """One scorer on the holdout."""

    metrics: Mapping[str, float]  # named as in `push_model.evaluation.results.Metrics`
    places: tuple[Place, ...]  # at most 200: precision-recall, ROC and gains are read off them
    gains: tuple[Gain, ...]  # at each of `_PUSHED_SHARES`
    reliability: tuple[Bin, ...]  # from low to high propensities
    histogram: Histogram  # of the scores


def trace(outcomes: ArrayLike, scores: ArrayLike) -> Curves:
    """Measure scores by every metric, and trace their curves."""
    y, p = np.asarray(outcomes, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    return Curves(
        metrics=measure(y, p).document(),
        places=_find_places(y, p),
        gains=tuple(_gain(y, p, share) for share in _PUSHED_SHARES),
        reliability=_bin_propensities(y, p),
        histogram=_histogram(y, p),
    )


def _find_places(outcomes: ArrayLike, scores: ArrayLike) -> tuple[Place, ...]:
    """Count candidates and purchases down to each of at most 200 scores, best first.

    Examples
    --------
    >>> _find_places([1, 0, 1, 0], [0.9, 0.8, 0.8, 0.1])
    (Place(candidates=1, purchases=1), Place(candidates=3, purchases=2), \
Place(candidates=4, purchases=2))
    """
    y, p = np.asarray(outcomes), np.asarray(scores, dtype=np.float64)
    order = np.argsort(-p, kind="stable")
    last_of_score = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    candidates, purchases = last_of_score + 1, np.cumsum(y[order])[last_of_score]
    wanted = [
        purchases.searchsorted(np.linspace(1, purchases[-1], _PLACES_BY_PURCHASES)),
        candidates.searchsorted(np.linspace(1, len(p), _PLACES_BY_CANDIDATES)),
        [len(candidates) - 1],
    ]
    chosen = np.unique(np.concatenate(wanted))
    return tuple(Place(int(candidates[i]), int(purchases[i])) for i in chosen)


def _bin_propensities(
    outcomes: ArrayLike, scores: ArrayLike, *, bins: int = _RELIABILITY_BINS
) -> tuple[Bin, ...]:
    """Compare mean propensities with shares bought, in bins of equally many predicted purchases.

    Examples
    --------
    >>> [(b.promised, b.happened) for b in _bin_propensities([0, 1], [0.25, 0.75], bins=2)]
    [(0.25, 0.0), (0.75, 1.0)]
    """
    y, p = np.asarray(outcomes, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    ascending = np.sort(p)
    promised = np.cumsum(ascending)
    ends = promised.searchsorted(promised[-1] * np.arange(1, bins) / bins)
    edges = np.unique(ascending[np.maximum(ends - 1, 0)])
    bin_of_row = edges.searchsorted(p, side="left")
    found = [bin_of_row == number for number in range(len(edges) + 1)]
    return tuple(_bin(y[inside], p[inside]) for inside in found if inside.any())


def _bin(y: Floats, p: Floats) -> Bin:
    happened, n = float(y.mean()), len(y)
    middle = (happened + _Z_95**2 / (2 * n)) / (1 + _Z_95**2 / n)
    variance = happened * (1 - happened) / n + _Z_95**2 / (4 * n**2)
    half = _Z_95 * sqrt(variance) / (1 + _Z_95**2 / n)
    # At 0 and at 1 an end is the share itself, but for the last bit.
    low, high = max(0.0, min(happened, middle - half)), min(1.0, max(happened, middle + half))
    return Bin(float(p.mean()), happened, low, high, n)


def _gain(y: Floats, p: Floats, share: float) -> Gain:
    k = max(1, round(share * len(y)))
    precision = precision_at_k(y, p, k=k)
    return Gain(share, precision, precision * k / float(y.sum()), precision / float(y.mean()))


def _histogram(y: Floats, p: Floats) -> Histogram:
    edges = np.geomspace(LEAST_SHOWN, 1.0, _HISTOGRAM_BINS + 1)
    bin_of_row = edges[1:-1].searchsorted(p, side="right")
    bought, all_of_them = (
        np.bincount(bin_of_row, weights=weights, minlength=_HISTOGRAM_BINS).astype(int)
        for weights in (y, None)
    )
    return Histogram(
        tuple(edges.tolist()), tuple(bought.tolist()), tuple((all_of_them - bought).tolist())
    )
