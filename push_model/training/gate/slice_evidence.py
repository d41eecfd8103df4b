"""How does a challenger do in each group of candidates?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from push_model.evaluation.resampling import Interval, Resampler, relative_gain
from push_model.evaluation.scorers import Scores
from push_model.evaluation.slices import slices_of
from push_model.training.gate.policy import Policy


@dataclass(frozen=True, slots=True)
class Slice:
    """How a challenger does in a group of candidates.

    Attributes
    ----------
    name : str
        In plain words.
    rows, orders, purchases : int
        Its size.
    average_precision : float
        The challenger's.
    rival : str
        Whom it is compared with: ``"champion"``, or ``"popularity"`` where there is none.
    rival_average_precision : float
        Theirs.
    gain : Interval
        What the challenger's is above theirs, as a share of theirs.
    expected_per_actual : Interval
        Purchases promised for each one made.
    """

    name: str
    rows: int
    orders: int
    purchases: int
    average_precision: float
    rival: str
    rival_average_precision: float
    gain: Interval
    expected_per_actual: Interval
    calibration_error: Interval

    @property
    def base_rate(self) -> float:
        """Share bought."""
        return self.purchases / max(1, self.rows)


def measure_slices(
    rows: pd.DataFrame, scores: Mapping[str, Scores], policy: Policy, seed: int
) -> Iterator[Slice]:
    """Measure the slices that are large enough to have a say."""
    rival = "champion" if "champion" in scores else "popularity"
    bought = rows["outcome"].to_numpy(dtype=np.float64)
    sized = [(name, mask, _size(rows[mask])) for name, mask in slices_of(rows)]
    heard = [
        (name, mask, size)
        for name, mask, size in sized
        if size[1] >= policy.min_slice_orders and size[2] >= policy.min_slice_purchases
    ]
    # Many slices are asked, and one of them is always unlucky: the error is shared (Bonferroni).
    alpha = policy.alpha / max(1, len(heard))
    for name, mask, size in heard:
        own = Resampler(rows["order_id"][mask], bought[mask], resamples=policy.resamples, seed=seed)
        ours, theirs = (
            own.average_precision(scores[scorer][mask]) for scorer in ("challenger", rival)
        )
        yield Slice(
            name,
            *size,
            average_precision=float(ours[0]),
            rival=rival,
            rival_average_precision=float(theirs[0]),
            gain=own.interval(relative_gain(ours, theirs), alpha=alpha),
            expected_per_actual=own.interval(
                own.ratio(scores["challenger"][mask], bought[mask]), alpha=alpha
            ),
            calibration_error=own.interval(
                own.calibration_error(scores["challenger"][mask]), alpha=alpha
            ),
        )


def _size(rows: pd.DataFrame) -> tuple[int, int, int]:
    return len(rows), int(rows["order_id"].nunique()), int(rows["outcome"].sum())
