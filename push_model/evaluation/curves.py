"""How do scores rank and promise, place by place? The numbers behind the card's pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from push_model.evaluation.metrics import measure, precision_at_k

# A curve of 200 places is drawn as finely as a screen shows it, from any number of rows.
PLACES_BY_PURCHASES = 100
PLACES_BY_CANDIDATES = 98
#: Shares of the candidates that could get a push, as sales would choose among them.
PUSHED_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)
RELIABILITY_BINS = 12
# Propensities spread over orders of magnitude; 0.0001 and less look alike to everyone.
LEAST_SHOWN = 1e-4
HISTOGRAM_BINS = 40
# 95 % of a normal distribution lie within so many standard deviations.
Z_95 = 1.96

Floats = NDArray[np.float64]


class Place(NamedTuple):
    """What has been found once every candidate down to some score got a push."""

    candidates: int
    purchases: int


class Bin(NamedTuple):
    """Candidates of like propensity: what was promised and what happened.

    Attributes
    ----------
    promised, happened : float
        Mean propensity and share bought.
    low, high : float
        Wilson's 95 % interval of the share bought, candidates taken as independent.
    rows : int
        Candidates in the bin.
    """

    promised: float
    happened: float
    low: float
    high: float
    rows: int


class Histogram(NamedTuple):
    """How many candidates score how high; `edges` is one longer than the counts."""

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
    """One scorer on the holdout.

    Attributes
    ----------
    metrics : mapping of str to float
        As `push_model.evaluation.metrics.Metrics` names them.
    places : tuple of Place
        At most 200, best scores first; precision-recall, ROC and gains are read off them.
    gains : tuple of Gain
        At each of `PUSHED_SHARES`.
    reliability : tuple of Bin
        From low to high propensities.
    histogram : Histogram
        Of the scores.
    """

    metrics: Mapping[str, float]
    places: tuple[Place, ...]
    gains: tuple[Gain, ...]
    reliability: tuple[Bin, ...]
    histogram: Histogram


def trace(outcomes: ArrayLike, scores: ArrayLike) -> Curves:
    """Measure scores by every metric, and at every place that is worth drawing."""
    y, p = np.asarray(outcomes, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    return Curves(
        metrics=measure(y, p).document(),
        places=find_places(y, p),
        gains=tuple(_gain(y, p, share) for share in PUSHED_SHARES),
        reliability=bin_promises(y, p),
        histogram=_histogram(y, p),
    )


def find_places(outcomes: ArrayLike, scores: ArrayLike) -> tuple[Place, ...]:
    """Count candidates and purchases down to each of at most 200 scores, best first.

    Examples
    --------
    >>> find_places([1, 0, 1, 0], [0.9, 0.8, 0.8, 0.1])
    (Place(candidates=1, purchases=1), Place(candidates=3, purchases=2), \
Place(candidates=4, purchases=2))
    """
    y, p = np.asarray(outcomes), np.asarray(scores, dtype=np.float64)
    order = np.argsort(-p, kind="stable")
    last_of_score = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    candidates, purchases = last_of_score + 1, np.cumsum(y[order])[last_of_score]
    wanted = [
        purchases.searchsorted(np.linspace(1, purchases[-1], PLACES_BY_PURCHASES)),
        candidates.searchsorted(np.linspace(1, len(p), PLACES_BY_CANDIDATES)),
        [len(candidates) - 1],
    ]
    chosen = np.unique(np.concatenate(wanted))
    return tuple(Place(int(candidates[i]), int(purchases[i])) for i in chosen)


def bin_promises(
    outcomes: ArrayLike, scores: ArrayLike, *, bins: int = RELIABILITY_BINS
) -> tuple[Bin, ...]:
    """Hold what propensities promise against what happened, bin by bin.

    Examples
    --------
    >>> [(b.promised, b.happened) for b in bin_promises([0, 1], [0.25, 0.75], bins=2)]
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
    middle = (happened + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    variance = happened * (1 - happened) / n + Z_95**2 / (4 * n**2)
    half = Z_95 * sqrt(variance) / (1 + Z_95**2 / n)
    # At 0 and at 1 an end is the share itself, but for the last bit.
    low, high = max(0.0, min(happened, middle - half)), min(1.0, max(happened, middle + half))
    return Bin(float(p.mean()), happened, low, high, n)


def _gain(y: Floats, p: Floats, share: float) -> Gain:
    k = max(1, round(share * len(y)))
    precision = precision_at_k(y, p, k=k)
    return Gain(share, precision, precision * k / float(y.sum()), precision / float(y.mean()))


def _histogram(y: Floats, p: Floats) -> Histogram:
    edges = np.geomspace(LEAST_SHOWN, 1.0, HISTOGRAM_BINS + 1)
    bin_of_row = edges[1:-1].searchsorted(p, side="right")
    bought, all_of_them = (
        np.bincount(bin_of_row, weights=weights, minlength=HISTOGRAM_BINS).astype(int)
        for weights in (y, None)
    )
    return Histogram(
        tuple(edges.tolist()), tuple(bought.tolist()), tuple((all_of_them - bought).tolist())
    )
