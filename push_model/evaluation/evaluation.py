"""How good is the model on the holdout, seen from every side the card shows?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from push_model.evaluation.card_slices import Slice, measure_slices
from push_model.evaluation.curves import Curves, trace
from push_model.evaluation.importances import (
    SHOWN_DEPENDENCES,
    Dependence,
    Importance,
    measure_importances,
    trace_dependence,
)
from push_model.model.scoring import Model

#: The challenger's propensities as they were before calibration.
UNCALIBRATED = "before calibration"
# Nearest to 0 and 1 that log-odds are taken of.
LEAST = 1e-15

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything the card measures: counts and means, no row, no user, no order.

    Attributes
    ----------
    rows, orders, purchases : int
        Size of the holdout.
    scorers : mapping of str to Curves
        ``"challenger"``, and ``"champion"``, ``"popularity"``, ``"bought before"`` and
        ``"before calibration"`` where they were scored.
    slices : tuple of Slice
        Who it is good for.
    importances : tuple of Importance
        What it leans on, most important first.
    dependences : tuple of Dependence
        Which way the most important features push.
    """

    rows: int
    orders: int
    purchases: int
    scorers: Mapping[str, Curves]
    slices: tuple[Slice, ...]
    importances: tuple[Importance, ...] = ()
    dependences: tuple[Dependence, ...] = ()

    def document(self) -> dict[str, Any]:
        """Give the evaluation as JSON-able data."""
        return asdict(self)


def evaluate(
    rows: pd.DataFrame,
    scores: Mapping[str, Floats],
    *,
    model: Model | None = None,
    calibration: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Evaluation:
    """Evaluate scores, and the model behind them, on the holdout."""
    raw = undo_calibration(scores["challenger"], calibration or {})
    scored = dict(scores) if raw is None else {**scores, UNCALIBRATED: raw}
    outcomes = rows["outcome"].to_numpy(dtype=np.float64)
    importances = measure_importances(model, rows, seed=seed) if model else ()
    return Evaluation(
        rows=len(rows),
        orders=int(rows["order_id"].nunique()),
        purchases=int(outcomes.sum()),
        scorers={name: trace(outcomes, given) for name, given in scored.items()},
        slices=measure_slices(rows, scores),
        importances=importances,
        dependences=_trace_dependences(model, rows, importances, seed=seed) if model else (),
    )


def undo_calibration(propensities: Floats, calibration: Mapping[str, Any]) -> Floats | None:
    """Give the propensities that calibration of the log-odds started from.

    Examples
    --------
    >>> undo_calibration(np.array([0.5]), {"slope": 2.0, "intercept": 0.0})
    array([0.5])
    >>> undo_calibration(np.array([0.5]), {"method": "none"}) is None
    True
    """
    slope, intercept = calibration.get("slope"), calibration.get("intercept")
    if slope is None or intercept is None or calibration.get("method") == "none":
        return None
    if not (isfinite(slope) and isfinite(intercept)) or slope <= 0:
        return None
    p = np.clip(propensities, LEAST, 1 - LEAST)
    log_odds = (np.log(p) - np.log1p(-p) - intercept) / slope
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def _trace_dependences(
    model: Model, rows: pd.DataFrame, importances: tuple[Importance, ...], *, seed: int
) -> tuple[Dependence, ...]:
    leant_on = (importance.feature for importance in importances if importance.lost > 0)
    traced = (trace_dependence(model, rows, name, seed=seed) for name in leant_on)
    return tuple(islice((found for found in traced if found is not None), SHOWN_DEPENDENCES))
