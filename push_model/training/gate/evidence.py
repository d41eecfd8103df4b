"""What the newest orders show of a challenger, measured once; the rules judge it."""

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
from push_model.evaluation.slices import measure_slices, slices_of
from push_model.training.gate.challenger import Lead, TrainingWindow
from push_model.training.gate.policy import Policy
from push_model.training.gate.serving_check import ServingCheck
from push_model.training.gate.verdict import FeatureDrift, Finding, HoldoutResults

# Share of the candidates on the list that sales would send to.
LISTED_SHARE = 0.05

# The same holdout gets the same bootstrap draws, and so the same verdict.
_SEED = 0
# Baselines give ranks, no probabilities.
_PROBABILITIES = ("challenger", "champion")


class RefitGap(NamedTuple):
    """How a final model differs from the evaluated one."""

    changed_share: float  # of the evaluated model's best 5 % that the final model's list lacks
    expected_ratio: float  # expected purchases, as a multiple of the evaluated model's


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the rules look at; None where there is no champion, or nothing was measured."""

    holdout: HoldoutResults
    precision_gain: Interval | None  # of what is pushed, against the champion
    expected_per_actual: Interval
    calibration_error: Interval  # chance adds to it, and twice to that of a replicate
    trained_on: TrainingWindow | None = None  # as the manifest says
    rows_given: TrainingWindow | None = None  # as the dataset gives it
    champion_trained_on: TrainingWindow | None = None
    champion_lead: Lead | None = None  # on the champion's own holdout
    days_since_newest_order: int | None = None  # before the run date
    changed_versions: tuple[str, ...] = ()  # each "name then -> now"
    newest: tuple[Finding, ...] = ()  # of the newest days beside the days before
    refit: RefitGap | None = None
    serving: ServingCheck | None = None


def gather(
    rows: pd.DataFrame,
    scores: Mapping[str, Scores],
    *,
    policy: Policy,
    drift: tuple[FeatureDrift, ...] = (),
    **facts: Any,
) -> Evidence:
    """Measure scorers on the same holdout; `facts` are the fields that are not measured on it."""
    scores = {**scores, **baseline_scores(rows)}
    outcomes = rows["outcome"].to_numpy(dtype=np.float64)
    resampler = Resampler.of_users(rows, resamples=policy.resamples, seed=_SEED)
    interval = partial(resampler.interval, alpha=policy.alpha)
    replicates = _resample(resampler, scores, outcomes)
    pushed = replicates["precision_when_pushed"]
    holdout = HoldoutResults(
        days=int(rows["order_date"].dt.normalize().nunique()),
        orders=int(rows["order_id"].nunique()),
        users=int(rows["user_id"].nunique()),
        metrics={name: measure(outcomes, own) for name, own in scores.items()},
        level=1.0 - policy.alpha,
        intervals={
            name: {
                metric: interval(found[name])[1:]
                for metric, found in replicates.items()
                if name in found
            }
            for name in scores
        },
        gains={
            name: interval(relative_gain(replicates["average_precision"]["challenger"], found))
            for name, found in replicates["average_precision"].items()
            if name != "challenger"
        },
        slices=measure_slices(
            rows,
            scores,
            slices_of(rows),
            min_orders=policy.min_slice_orders,
            # Chance alone puts all of two users beyond a margin.
            min_users=policy.min_holdout_users,
            min_purchases=policy.min_slice_purchases,
            alpha=policy.alpha,
            resamples=policy.resamples,
            seed=_SEED,
        ),
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
        expected_per_actual=interval(replicates["expected_per_actual"]["challenger"]),
        calibration_error=interval(resampler.calibration_error(scores["challenger"])),
        **facts,
    )


def _resample(
    resampler: Resampler, scores: Mapping[str, Scores], outcomes: Scores
) -> dict[str, dict[str, Scores]]:
    """Return the replicates of each metric by scorer."""
    models = {name: scores[name] for name in _PROBABILITIES if name in scores}
    return {
        "average_precision": {
            name: resampler.average_precision(own) for name, own in scores.items()
        },
        "expected_per_actual": {
            name: resampler.ratio(own, outcomes) for name, own in models.items()
        },
        "precision_when_pushed": {
            name: resampler.ratio(outcomes * (own > PUSH_THRESHOLD), own > PUSH_THRESHOLD)
            for name, own in models.items()
        },
    }


def compare_refit(final: Scores, evaluated: Scores) -> RefitGap:
    """Compare the scores of a final model with those of the evaluated one."""
    return RefitGap(changed_share(final, evaluated), float(final.sum() / evaluated.sum()))


def changed_share(ours: Scores, theirs: Scores, *, listed: float = LISTED_SHARE) -> float:
    """Return which share of their best candidates is not among ours.

    Examples
    --------
    >>> changed_share(np.array([3.0, 2, 1, 0]), np.array([3.0, 0, 1, 2]), listed=0.5)
    0.5
    """
    k = max(1, round(listed * len(ours)))
    best, previous = (np.argsort(-scores, kind="stable")[:k] for scores in (ours, theirs))
    return 1.0 - len(np.intersect1d(best, previous)) / k
