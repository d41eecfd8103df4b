"""What do the newest orders say of a challenger? Measured once, judged elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from push_model.evaluation.metrics import PUSH_THRESHOLD, Metrics, measure
from push_model.evaluation.resampling import Interval, Resampler, relative_gain
from push_model.evaluation.scorers import Scores, baseline_scores
from push_model.training.gate.drift import FeatureDrift
from push_model.training.gate.policy import Policy
from push_model.training.gate.serving_check import ServingCheck
from push_model.training.gate.slice_evidence import Slice, measure_slices
from push_model.training.gate.training_window import Learnt

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
    """All that the rules look at.

    Attributes
    ----------
    days, orders, users : int
        Size of the holdout.
    metrics : dict of str to Metrics
        For ``"challenger"``, ``"champion"`` if there is one, ``"popularity"`` and
        ``"bought before"``.
    level : float
        Of every interval: the truth lies within with this probability.
    intervals : dict of str to dict of str to Interval
        By scorer and metric, for people to read.
    gains : dict of str to Interval
        By rival, what the challenger's average precision is above theirs, as a share of theirs.
    precision_gain : Interval or None
        The same of the precision of what is pushed, against the champion.
    expected_per_actual : Interval
        Purchases promised for each one made.
    calibration_error : Interval
        Expected calibration error of the challenger, and of draws, to which chance adds twice.
    slices : tuple of Slice
        Those with any purchase.
    changed_share : float or None
        Share of the champion's best 5 % that the challenger's list lacks.
    drift : tuple of FeatureDrift
        The newest rows against the champion's training; empty where there is none.
    learnt, rows_given : Learnt
        What the challenger says it learnt from, and what the frame gives for the same window.
    champion_learnt : Learnt or None
        What the champion learnt from.
    days_since_newest_order : int or None
        From the newest order to the run date; None where that was not looked at.
    changed_versions : tuple of str
        Libraries that are not those the champion was trained with, each "name then -> now".
    refit : RefitGap or None
        How what would serve differs from what was judged; None where that was not measured.
    serving : ServingCheck or None
        What a fresh process made of the model; None where it was not asked.
    """

    days: int
    orders: int
    users: int
    metrics: dict[str, Metrics]
    level: float
    intervals: dict[str, dict[str, Interval]]
    gains: dict[str, Interval]
    precision_gain: Interval | None
    expected_per_actual: Interval
    calibration_error: Interval
    slices: tuple[Slice, ...]
    changed_share: float | None
    drift: tuple[FeatureDrift, ...] = ()
    learnt: Learnt | None = None
    rows_given: Learnt | None = None
    champion_learnt: Learnt | None = None
    days_since_newest_order: int | None = None
    changed_versions: tuple[str, ...] = ()
    refit: RefitGap | None = None
    serving: ServingCheck | None = None


def gather(
    rows: pd.DataFrame, scores: Mapping[str, Scores], *, policy: Policy, seed: int = 0, **facts: Any
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
    return Evidence(
        days=int(rows["order_date"].dt.normalize().nunique()),
        orders=resampler.n_orders,
        users=int(rows["user_id"].nunique()),
        metrics={name: measure(outcomes, own) for name, own in scores.items()},
        level=1.0 - policy.alpha,
        intervals={
            name: {
                metric: interval(found[name]) for metric, found in figures.items() if name in found
            }
            for name in scores
        },
        gains={
            name: interval(relative_gain(precision["challenger"], found))
            for name, found in precision.items()
            if name != "challenger"
        },
        precision_gain=(
            interval(relative_gain(pushed["challenger"], pushed["champion"]))
            if "champion" in pushed
            else None
        ),
        expected_per_actual=interval(ratios["challenger"]),
        calibration_error=interval(resampler.calibration_error(scores["challenger"])),
        slices=tuple(measure_slices(rows, scores, policy, seed)),
        changed_share=(
            changed_share(scores["challenger"], scores["champion"])
            if "champion" in scores
            else None
        ),
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
