"""How far has a spread moved? One index over the shares in its bins, for training and serving."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# What shares of nothing count as, so that an empty bin keeps the index finite: one row in 10,000.
SMALLEST_SHARE = 1e-4


def stability_index(now: Iterable[float], then: Iterable[float]) -> float:
    r"""Compute the population stability index of two spreads over the same bins.

    Parameters
    ----------
    now, then : iterable of float, one a bin
        Shares of all rows; "missing" is best a bin of its own.

    Returns
    -------
    float
        :math:`\sum_b (now_b - then_b) \ln(now_b / then_b)`, 0 where nothing moved. Commonly read
        as the same below 0.1 and as another population above 0.25.

    Notes
    -----
    A distance between shares: the same spread of ten times the rows gives the same index.

    References
    ----------
    The J-divergence of Jeffreys (1946), doi:10.1098/rspa.1946.0056.

    Examples
    --------
    >>> stability_index([0.5, 0.5], [0.5, 0.5])
    0.0
    >>> round(stability_index([0.5, 0.5], [0.9, 0.1]), 3)
    0.879
    """
    index = 0.0
    for share, before in zip(now, then, strict=True):
        after, expected = max(share, SMALLEST_SHARE), max(before, SMALLEST_SHARE)
        index += (after - expected) * log(after / expected)
    return index
