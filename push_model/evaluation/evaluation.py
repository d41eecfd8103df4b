"""Everything that the model card shows of a model on the holdout, measured once."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from push_model.evaluation.curves import Curves, trace
from push_model.evaluation.importances import (
    SHOWN_DEPENDENCES,
    Dependence,
    Importance,
    measure_importances,
    trace_dependence,
)
from push_model.evaluation.results import Slice
from push_model.evaluation.scorers import Scores, baseline_scores
from push_model.evaluation.slices import measure_slices, merge_slices, shown_slices_of
from push_model.model.scoring import Model

#: The challenger's propensities as they were before calibration.
UNCALIBRATED = "before calibration"
# Nearest to 0 and 1 that log-odds are computed of.
_LEAST = 1e-15
# Of slices that the gate did not measure.
_SLICE_ALPHA, _SLICE_RESAMPLES = 0.1, 300
# The same holdout gets the same shuffles and bootstrap draws.
_SEED = 0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything the card measures: counts and means, no row, no user, no order."""

    rows: int
    orders: int
    purchases: int
    scorers: Mapping[str, Curves]  # "challenger", baselines, and others where they were scored
    slices: tuple[Slice, ...]
    importances: tuple[Importance, ...]  # most important first
    dependences: tuple[Dependence, ...]  # of the most important features

    def document(self) -> dict[str, Any]:
        """Return the evaluation as JSON-able data."""
        return asdict(self)


def evaluate(
    rows: pd.DataFrame,
    scores: Mapping[str, Scores],
    *,
    model: Model,
    line: tuple[float, float] | None = None,
    measured: Iterable[Slice] = (),
) -> Evaluation:
    """Evaluate scores, the baselines, and the model behind the challenger's scores.

    `line` is slope and intercept of the calibration, None without one. `measured` are slices that
    the gate measured already.
    """
    scored = {**scores, **baseline_scores(rows)}
    slices = _complete_slices(rows, scored, tuple(measured))
    if line:
        scored[UNCALIBRATED] = _undo_calibration(scores["challenger"], *line)
    outcomes = rows["outcome"].to_numpy(dtype=np.float64)
    importances = measure_importances(model, rows, seed=_SEED)
    return Evaluation(
        rows=len(rows),
        orders=int(rows["order_id"].nunique()),
        purchases=int(outcomes.sum()),
        scorers={name: trace(outcomes, given) for name, given in scored.items()},
        slices=slices,
        importances=importances,
        dependences=_trace_dependences(model, rows, importances),
    )


def _complete_slices(
    rows: pd.DataFrame, scores: Mapping[str, Scores], measured: tuple[Slice, ...]
) -> tuple[Slice, ...]:
    groups, known = shown_slices_of(rows), {part.name for part in measured}
    others = measure_slices(
        rows,
        scores,
        [group for group in groups if group[0] not in known],
        alpha=_SLICE_ALPHA,
        resamples=_SLICE_RESAMPLES,
        seed=_SEED,
    )
    return merge_slices(groups, measured, others)


def _undo_calibration(propensities: Scores, slope: float, intercept: float) -> Scores:
    """Return the propensities that calibration of the log-odds started from.

    Examples
    --------
    >>> _undo_calibration(np.array([0.5]), 2.0, 0.0)
    array([0.5])
    """
    p = np.clip(propensities, _LEAST, 1 - _LEAST)
    log_odds = (np.log(p) - np.log1p(-p) - intercept) / slope
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def _trace_dependences(
    model: Model, rows: pd.DataFrame, importances: tuple[Importance, ...]
) -> tuple[Dependence, ...]:
    important = (importance.feature for importance in importances if importance.lost > 0)
    traced = (trace_dependence(model, rows, name, seed=_SEED) for name in important)
    return tuple(islice((found for found in traced if found is not None), SHOWN_DEPENDENCES))
