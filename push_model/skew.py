"""Is what requests send like what the model was trained on? Counts of a sample, in flat memory."""

from __future__ import annotations

from bisect import bisect_left
from itertools import cycle
from math import isnan, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from push_model.answer import FeatureSkew, Skew
    from push_model.model_format import Seen
    from push_model.scoring import Model

# One candidate in eight is looked at, so that the sketch costs less than a tenth of a score; a
# wrong unit shows in a few dozen. Uneven gaps, or requests of 8 products would always show one.
ONE_ROW_IN = 8
_GAPS = (7, 10, 5, 12, 6, 9, 4, 11)
# A large request is one moment of one caller, and need not outweigh all others.
MOST_ROWS_OF_A_REQUEST = 64

# The usual reading of the index: below 0.1 the same, above 0.25 another population.
CHANGED_ABOVE = 0.25
FEWEST_ROWS = 50
# Where most candidates have no value the index hardly moves, so values outside count by themselves.
FEWEST_OUTSIDE = 5
# What trained shares of nothing count as, so that the index stays finite.
SMALLEST_SHARE = 1e-4
WORTH_SAYING = 0.1


class Sketch:
    """Counts, by feature, where sent values fall among those of training.

    Parameters
    ----------
    model : Model
        Knows what it was trained on.

    Notes
    -----
    Takes no lock: two threads at once may lose a count, which a sample can bear.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._seen = {f.name: f.seen for f in model.features if f.seen is not None}
        self.start()

    def start(self) -> None:
        """Count from nothing."""
        self._rows = 0
        self._gaps = cycle(_GAPS)
        self._skip = 0
        self._missing = dict.fromkeys(self._seen, 0)
        self._outside = dict.fromkeys(self._seen, 0)
        self._bins = {name: [0] * len(seen.shares) for name, seen in self._seen.items()}

    def add(self, rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> None:
        """Count a sample of candidates.

        Parameters
        ----------
        rows : sequence of sequence of float, or ndarray, of shape (n_rows, n_features)
            In the order of the model's features; NaN = missing.
        """
        n_rows, place = len(rows), self._skip
        stride = max(1, -(-n_rows // (ONE_ROW_IN * MOST_ROWS_OF_A_REQUEST)))
        while place < n_rows:
            self._count([*map(float, rows[place])])
            place += next(self._gaps) * stride
        self._skip = (place - n_rows) // stride

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
        """Say how what was sent differs from what the model was trained on.

        Returns
        -------
        Skew or None
            By feature; None where the model does not say what it was trained on. The index is the
            population stability index: the sum over bins of
            ``(served - trained) * ln(served / trained)``, with "missing" as a bin of its own.
        """
        if not self._seen:
            return None
        features = {name: self._compare(name, seen) for name, seen in self._seen.items()}
        return {"rows": self._rows, "one_row_in": ONE_ROW_IN, "features": features}

    def _compare(self, name: str, seen: Seen) -> FeatureSkew:
        counts = [self._missing[name], *self._bins[name]]
        rows = max(1, sum(counts))
        psi = _stability_index(counts, [seen.missing, *seen.shares])
        present = max(1, sum(counts[1:]))
        missing, outside = counts[0] / rows, self._outside[name] / present
        # Chance alone gives about one bin's worth in so many rows.
        chance = 2.0 * (len(counts) - 1) / rows
        is_outside = self._outside[name] >= FEWEST_OUTSIDE and outside >= WORTH_SAYING
        changed = is_outside or (rows >= FEWEST_ROWS and psi > CHANGED_ABOVE + chance)
        return {
            "missing": {"trained": seen.missing, "served": missing},
            "out_of_range": outside,
            "psi": psi,
            "changed": changed,
            "says": _say(seen, missing, outside) if changed else "as in training",
        }


def _stability_index(counts: Sequence[int], trained: Sequence[float]) -> float:
    total = sum(counts) + 0.5 * len(counts)
    index = 0.0
    for count, share in zip(counts, trained, strict=True):
        served, expected = (count + 0.5) / total, max(share, SMALLEST_SHARE)
        index += (served - expected) * log(served / expected)
    return index if sum(counts) else 0.0


def _say(seen: Seen, missing: float, outside: float) -> str:
    if outside >= WORTH_SAYING:
        return (
            f"{outside:.0%} of values lie outside {seen.minimum:g} to {seen.maximum:g}, the range "
            "of training. Is the unit right?"
        )
    if abs(missing - seen.missing) >= WORTH_SAYING:
        return f"missing in {missing:.0%} of candidates, in training in {seen.missing:.0%}"
    return "spread otherwise than in training"
