"""How does a challenger do in each group of candidates?"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from push_model.evaluation.resampling import Resampler, relative_gain
from push_model.evaluation.results import Slice
from push_model.evaluation.scorers import Scores
from push_model.evaluation.slices import slices_of
from push_model.training.gate.policy import Policy


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
            name=name,
            rows=size[0],
            orders=size[1],
            purchases=size[2],
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
