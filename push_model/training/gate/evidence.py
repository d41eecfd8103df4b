"""What do the newest orders say of a challenger? Measured once, judged elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from push_model.evaluation.metrics import PUSH_THRESHOLD, measure
from push_model.evaluation.resampling import Resampler, relative_gain
from push_model.evaluation.results import Interval
from push_model.evaluation.scorers import Scores, baseline_scores
from push_model.training.gate.policy import Policy
from push_model.training.gate.serving_check import ServingCheck
from push_model.training.gate.slice_evidence import measure_slices
from push_model.training.gate.training_window import Learnt
from push_model.training.gate.verdict import FeatureDrift, HoldoutResults

# The list whose change is looked at: what sales would send to.
LISTED_SHARE = 0.05


class RefitGap(NamedTuple):
    """How a model that serves differs from the twin that was judged in its place.

    Attributes
    ----------
    changed_share : float
        Share of the twin's best 5 % that its list lacks.
    promised_ratio : float
        What it promises, for each purchase that the twin promises.
    """

    changed_share: float
    promised_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the rules look at."""

    holdout: HoldoutResults
    precision_gain: Interval | None  # of what is pushed, against the champion
    expected_per_actual: Interval
    calibration_error: Interval  # chance adds to it, and twice to that of a replicate
    learnt: Learnt | None = None  # what the manifest says
    rows_given: Learnt | None = None  # what the frame gives for the same window
    champion_learnt: Learnt | None = None
    days_since_newest_order: int | None = None  # before the run date
    changed_versions: tuple[str, ...] = ()  # each "name then -> now"
    refit: RefitGap | None = None  # how the final model differs from the evaluated one
    serving: ServingCheck | None = None


def gather(
    rows: pd.DataFrame,
    scores: Mapping[str, Scores],
    *,
    policy: Policy,
    seed: int = 0,
    drift: tuple[FeatureDrift, ...] = (),
    **facts: Any,
) -> Evidence:
    """Measure scorers on the same holdout."""
    scores = {**scores, **baseline_scores(rows)}
    outcomes = rows["outcome"].to_numpy(dtype=np.float64)
    resampler = Resampler(rows["order_id"], outcomes, resamples=policy.resamples, seed=seed)
    precision = {name: resampler.average_precision(own) for name, own in scores.items()}
    ratios = {
        name: resampler.ratio(own, outcomes) for name, own in scores.items() if _promises(name)
    }
    pushed = {
        name: resampler.ratio(outcomes * (own > PUSH_THRESHOLD), own > PUSH_THRESHOLD)
        for name, own in scores.items()
        if _promises(name)
    }

    interval = partial(resampler.interval, alpha=policy.alpha)
    figures = {
        "average_precision": precision,
        "expected_per_actual": ratios,
        "precision_when_pushed": pushed,
    }
    holdout = HoldoutResults(
        days=int(rows["order_date"].dt.normalize().nunique()),
        orders=resampler.n_orders,
        users=int(rows["user_id"].nunique()),
        metrics={name: measure(outcomes, own) for name, own in scores.items()},
        level=1.0 - policy.alpha,
        intervals={
            name: {
                metric: interval(found[name])[1:]
                for metric, found in figures.items()
                if name in found
            }
            for name in scores
        },
        gains={
            name: interval(relative_gain(precision["challenger"], found))
            for name, found in precision.items()
            if name != "challenger"
        },
        slices=tuple(measure_slices(rows, scores, policy, seed)),
        changed_share=(
            changed_share(scores["challenger"], scores["champion"])
            if "champion" in scores
            else None
        ),
        drift=drift,
    )
    return Evidence(
        holdout=holdout,
        precision_gain=(
            interval(relative_gain(pushed["challenger"], pushed["champion"]))
            if "champion" in pushed
            else None
        ),
        expected_per_actual=interval(ratios["challenger"]),
        calibration_error=interval(resampler.calibration_error(scores["challenger"])),
        **facts,
    )


def compare_refit(serving: Scores, twin: Scores) -> RefitGap:
    """Hold a model that serves against the twin that was judged in its place."""
    return RefitGap(changed_share(serving, twin), float(serving.sum() / twin.sum()))


def changed_share(ours: Scores, theirs: Scores, *, listed: float = LISTED_SHARE) -> float:
    """Say which share of their best candidates is not among ours.

    Examples
    --------
    >>> changed_share(np.array([3.0, 2, 1, 0]), np.array([3.0, 0, 1, 2]), listed=0.5)
    0.5
    """
    k = max(1, round(listed * len(ours)))
    best, previous = (np.argsort(-scores, kind="stable")[:k] for scores in (ours, theirs))
    return 1.0 - len(np.intersect1d(best, previous)) / k


def _promises(name: str) -> bool:
    return name in {"challenger", "champion"}
