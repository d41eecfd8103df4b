"""Compare what requests send with what the model was trained on, from a sample in flat memory."""

from __future__ import annotations

from bisect import bisect_left
from itertools import cycle
from math import isnan, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from push_model.model.document import Seen
    from push_model.model.scoring import Model
    from push_model.serving.answer import FeatureSkew, Skew

# One candidate in eight is looked at, so that the sketch costs less than a tenth of a score; a
# wrong unit shows in a few dozen. Uneven gaps, or requests of 8 products would always show one.
ONE_ROW_IN = 8
_GAPS = (7, 10, 5, 12, 6, 9, 4, 11)
# A large request is one moment of one caller, and need not outweigh all others.
MOST_ROWS_OF_A_REQUEST = 128

# Common reading of the index: below 0.1 the same, above 0.25 another population.
_CHANGED_ABOVE = 0.25
_FEWEST_ROWS = 50
_FEWEST_PRESENT = 10
_FEWEST_OUTSIDE = 5
_WORTH_REPORTING = 0.1

# What empty bins count as, so that the index stays finite: one row in 10,000.
SMALLEST_SHARE = 1e-4


def stability_index(now: Iterable[float], then: Iterable[float]) -> float:
    r"""Compute the population stability index of two distributions over the same bins.

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
    A distance between shares: the same distribution of ten times the rows gives the same index.

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


class Sketch:
    """Counts, by feature, in which bins of the training data the sent values fall.

    Takes no lock: two threads at once may lose a count, which a sample can bear.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._seen = {f.name: f.seen for f in model.features if f.seen is not None}
        self.start()

    def start(self) -> None:
        """Reset all counts."""
        self._rows = 0
        self._gaps = cycle(_GAPS)
        self._skip = 0
        self._missing = dict.fromkeys(self._seen, 0)
        self._outside = dict.fromkeys(self._seen, 0)
        self._bins = {name: [0] * len(seen.shares) for name, seen in self._seen.items()}

    def add(self, rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> None:
        """Count a sample of candidates, of shape (n_rows, n_features); NaN = missing."""
        n_rows, place = len(rows), float(self._skip)
        stride = max(1.0, n_rows / (ONE_ROW_IN * MOST_ROWS_OF_A_REQUEST))
        while place < n_rows:
            self._count([*map(float, rows[int(place)])])
            place += next(self._gaps) * stride
        self._skip = int((place - n_rows) / stride)

    def _count(self, row: list[float]) -> None:
        self._rows += 1
        sent = self._model.sent(row)
        for name, seen in self._seen.items():
            value = sent[name]
            if isnan(value):
                self._missing[name] += 1
                continue
            self._bins[name][bisect_left(seen.borders, value)] += 1
            if not seen.minimum <= value <= seen.maximum:
                self._outside[name] += 1

    def report(self) -> Skew | None:
        """Return by feature how the values sent differ from those of training.

        None for a model that does not hold what it was trained on. ``psi`` is the population
        stability index over all candidates, with "missing" as a bin of its own, or over the
        values that were sent, whichever is larger.
        """
        if not self._seen:
            return None
        features = {name: self._compare(name, seen) for name, seen in self._seen.items()}
        return {"rows": self._rows, "one_row_in": ONE_ROW_IN, "features": features}

    def _compare(self, name: str, seen: Seen) -> FeatureSkew:
        missing, bins = self._missing[name], self._bins[name]
        present = sum(bins)
        rows = max(1, missing + present)
        outside = self._outside[name] / max(1, present)
        # If most candidates have no value, all of them together hardly move, so the values that
        # were sent are compared by themselves, too.
        found = [
            _index([missing, *bins], [seen.missing, *seen.shares], fewest=_FEWEST_ROWS),
            _index(
                bins,
                [share / (1.0 - seen.missing) for share in seen.shares],
                fewest=_FEWEST_PRESENT,
            )
            if seen.missing < 1.0
            else (0.0, False),
        ]
        is_outside = self._outside[name] >= _FEWEST_OUTSIDE and outside >= _WORTH_REPORTING
        changed = is_outside or any(is_large for _, is_large in found)
        return {
            "missing": {"trained": seen.missing, "served": missing / rows},
            "out_of_range": outside,
            "psi": max(index for index, _ in found),
            "changed": changed,
            "says": _explain(seen, missing / rows, outside) if changed else "as in training",
        }


def _index(counts: Sequence[int], trained: Sequence[float], *, fewest: int) -> tuple[float, bool]:
    """Return the index of counts against trained shares, and whether it is too large for chance."""
    n = sum(counts)
    if not n:
        return 0.0, False
    total = n + 0.5 * len(counts)
    index = stability_index(((count + 0.5) / total for count in counts), trained)
    # Chance alone gives about one bin's worth in so many rows.
    chance = 2.0 * (len(counts) - 1) / n
    return index, n >= fewest and index > _CHANGED_ABOVE + chance


def _explain(seen: Seen, missing: float, outside: float) -> str:
    if outside >= _WORTH_REPORTING:
        return (
            f"{outside:.0%} of values lie outside {seen.minimum:g} to {seen.maximum:g}, the range "
            "of training. Is the unit right?"
        )
    if abs(missing - seen.missing) >= _WORTH_REPORTING:
        return f"missing in {missing:.0%} of candidates, in training in {seen.missing:.0%}"
    return "distributed differently than in training"
