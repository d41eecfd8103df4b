"""Calibrate propensities with Platt scaling, where it helps on orders it has not seen."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

# With fewer purchases a line follows luck; 100 place a slope within some 10 % either way.
MIN_PURCHASES = 100
# Share of the log loss to save on orders not seen, and by how many standard errors of that
# saving: with these, one useless line in twenty is kept.
_MIN_GAIN = 0.001
MIN_STANDARD_ERRORS = 1.645
# A model that needs more than this is broken, not over-confident; a line would hide it.
_SLOPES = (0.2, 5.0)
_INTERCEPTS = (-5.0, 5.0)
# Propensities of 0 and 1 have no log-odds.
SMALLEST = 1e-15

Floats = NDArray[np.float64]


class Line(NamedTuple):
    """Platt scaling: ``slope * log-odds + intercept`` in place of the log-odds."""

    slope: float = 1.0
    intercept: float = 0.0

    def propensities(self, log_odds: Floats) -> Floats:
        """Return the propensities after scaling."""
        return np.asarray(expit(self.slope * log_odds + self.intercept))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether a model is calibrated, and why."""

    method: str  # "platt" or "none"
    slope: float
    intercept: float
    says: str
    # On the newer half of the window, without a line and with one fitted on the older half.
    log_loss_before: float | None = None
    log_loss_after: float | None = None
    standard_errors: float | None = None  # of the saving, with orders as the units of chance
    orders: int | None = None  # of the newer half

    @property
    def line(self) -> Line:
        """The line that calibrates; without calibration, the one that changes nothing."""
        return Line(self.slope, self.intercept)

    def document(self) -> dict[str, Any]:
        """Return it as JSON-able data, for the manifest."""
        return asdict(self)


class CalibratedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier whose log-odds are put on a line."""

    def __init__(self, classifier: Any, slope: float = 1.0, intercept: float = 0.0) -> None:
        self.classifier = classifier
        self.slope = slope
        self.intercept = intercept

    @property
    def classes_(self) -> NDArray[Any]:
        """The classifier's own."""
        return np.asarray(self.classifier.classes_)

    def __sklearn_is_fitted__(self) -> bool:
        """Answer scikit-learn, which would look for attributes of our own."""
        # Before a fit scikit-learn's classifiers have no such attribute, CatBoost an empty one.
        classes = getattr(self.classifier, "classes_", None)
        return classes is not None and len(classes) > 0

    def fit(self, X: NDArray[np.float64], y: NDArray[np.float64]) -> "CalibratedClassifier":
        """Fit the classifier again; the line stays."""
        self.classifier.fit(X, y)
        return self

    def decision_function(self, X: NDArray[np.float64]) -> Floats:
        """Return the calibrated log-odds."""
        if isinstance(self.classifier, CatBoostClassifier):
            log_odds = self.classifier.predict(X, prediction_type="RawFormulaVal")
        else:
            log_odds = self.classifier.decision_function(X)
        return self.slope * np.asarray(log_odds, dtype=np.float64) + self.intercept

    def predict_proba(self, X: NDArray[np.float64]) -> Floats:
        """Return the calibrated propensities."""
        log_odds = self.decision_function(X)
        return np.column_stack([expit(-log_odds), expit(log_odds)])

    def predict(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return the more likely outcome; at a purchase rate of 1 % that is seldom "bought"."""
        return np.asarray(self.classes_[(self.decision_function(X) > 0.0).astype(int)])


def calibrate(pipeline: Pipeline, line: Line) -> Pipeline:
    """Put the log-odds of a fitted pipeline on a line."""
    if line == Line():
        return pipeline
    name, classifier = pipeline.steps[-1]
    return Pipeline([*pipeline.steps[:-1], (name, CalibratedClassifier(classifier, *line))])


def choose_calibration(rows: pd.DataFrame, propensities: Floats) -> Calibration:
    """Decide whether a line improves propensities on orders it has not seen.

    A line with a positive slope keeps every ranking, and so average precision (docs/adr/0011).
    Halves are whole days, and so whole orders. The saving is compared order by order, because
    the rows of an order share their luck.
    """
    outcomes = rows["outcome"].to_numpy(dtype=np.float64)
    log_odds = np.asarray(logit(np.clip(propensities, SMALLEST, 1.0 - SMALLEST)))
    is_older = _find_older_half(rows)
    bought = [int(outcomes[is_older].sum()), int(outcomes[~is_older].sum())]
    if min(bought) < MIN_PURCHASES:
        return _skip(
            f"the halves of the calibration window hold {bought[0]} and {bought[1]} purchases "
            f"({MIN_PURCHASES} needed in each)"
        )
    tried = fit_line(log_odds[is_older], outcomes[is_older])
    line = fit_line(log_odds, outcomes)
    if tried is None or line is None:
        return _skip(
            f"no slope from {_SLOPES[0]:g} to {_SLOPES[1]:g} fits; the model is far from calibrated"
        )
    newer = rows["order_id"].to_numpy()[~is_older]
    return _compare(tried, line, newer, log_odds[~is_older], outcomes[~is_older])


def fit_line(log_odds: Floats, outcomes: Floats) -> Line | None:
    """Fit the line with the smallest log loss; None where it lies on the bounds.

    It uses sums and no matrix product, so that the number of threads changes no bit.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines; without its smoothed targets,
    which matter to samples far smaller than `MIN_PURCHASES`.

    Examples
    --------
    >>> log_odds = np.repeat([-1.0, 1.0], 4)
    >>> line = fit_line(log_odds, np.array([0, 0, 0, 1, 0, 1, 1, 1.0]))
    >>> round(line.slope, 4), abs(round(line.intercept, 4))  # 1 in 4, and 3 in 4
    (1.0986, 0.0)
    """
    found = minimize(
        _loss_and_slopes,
        np.array(Line()),
        args=(log_odds, outcomes),
        jac=True,
        method="L-BFGS-B",
        bounds=(_SLOPES, _INTERCEPTS),
        options={"ftol": 0.0, "gtol": 1e-10},
    )
    line = Line(*map(float, found.x))
    is_within = all(
        low < value < high for value, (low, high) in zip(line, (_SLOPES, _INTERCEPTS), strict=True)
    )
    return line if is_within else None


def _loss_and_slopes(
    point: Floats, log_odds: Floats, outcomes: Floats
) -> tuple[float, tuple[float, float]]:
    """Return the mean log loss of a line, and its derivatives by slope and intercept."""
    scaled = point[0] * log_odds + point[1]
    gap = expit(scaled) - outcomes
    loss = np.mean(np.logaddexp(0.0, scaled) - outcomes * scaled)
    return float(loss), (float(np.mean(gap * log_odds)), float(np.mean(gap)))


def _find_older_half(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return the rows of the oldest days that hold about half of the orders."""
    orders_by_day = rows.groupby("order_date")["order_id"].nunique().sort_index()
    reached = orders_by_day.cumsum().to_numpy() / orders_by_day.sum()
    # A single day cannot be halved: the newer half is then empty, and no line is fitted.
    last = orders_by_day.index[int(np.argmax(reached >= 1 / 2))]
    return np.asarray(rows["order_date"] <= last)


def _compare(
    tried: Line, line: Line, orders: Any, log_odds: Floats, outcomes: Floats
) -> Calibration:
    before, after = (_log_losses(log_odds, outcomes, which) for which in (Line(), tried))
    _, order = np.unique(orders, return_inverse=True)
    savings: Floats = np.bincount(order, weights=before - after).astype(np.float64)
    errors = _standard_errors(savings)
    gain = float(savings.sum() / before.sum())
    helps = gain >= _MIN_GAIN and errors >= MIN_STANDARD_ERRORS
    chosen = line if helps else Line()
    return Calibration(
        "platt" if helps else "none",
        *chosen,
        says=_explain(gain, errors, orders=len(savings), helps=helps),
        log_loss_before=float(before.mean()),
        log_loss_after=float(after.mean()),
        standard_errors=errors,
        orders=len(savings),
    )


def _log_losses(log_odds: Floats, outcomes: Floats, line: Line) -> Floats:
    scaled = line.slope * log_odds + line.intercept
    return np.asarray(np.logaddexp(0.0, scaled) - outcomes * scaled)


def _standard_errors(savings: Floats) -> float:
    spread = float(np.sqrt(len(savings) * savings.var(ddof=1))) if len(savings) > 1 else 0.0
    return float(savings.sum()) / spread if spread else 0.0


def _explain(gain: float, errors: float, *, orders: int, helps: bool) -> str:
    change = f"log loss {'improved' if gain > 0 else 'worsened'} by {100 * abs(gain):.2f} %"
    tested = f"{change} on {orders} newer orders"
    if helps:
        return f"Calibrated with Platt scaling: {tested} (z {errors:.1f})."
    if gain < _MIN_GAIN:
        return f"No calibration applied: {tested} ({100 * _MIN_GAIN:g} % needed)."
    return (
        f"No calibration applied: {tested}, which is not significant "
        f"(z {errors:.1f}; {MIN_STANDARD_ERRORS:g} needed)."
    )


def _skip(reason: str) -> Calibration:
    return Calibration("none", *Line(), says=f"No calibration applied: {reason}.")
