"""How does a fitted pipeline give calibrated propensities? Its classifier's log-odds, on a line."""

from typing import Any

import numpy as np
from catboost import CatBoostClassifier
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from push_model.training.calibration import Line


class CalibratedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier whose log-odds are put on a line.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        0 and 1.
    """

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
        # scikit-learn has no such attribute before a fit, CatBoost an empty one.
        classes = getattr(self.classifier, "classes_", None)
        return classes is not None and len(classes) > 0

    def fit(self, X: NDArray[np.float64], y: NDArray[np.float64]) -> "CalibratedClassifier":
        """Fit the classifier anew; the line stays, though it was chosen for the former fit."""
        self.classifier.fit(X, y)
        return self

    def decision_function(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the calibrated log-odds."""
        if isinstance(self.classifier, CatBoostClassifier):
            log_odds = self.classifier.predict(X, prediction_type="RawFormulaVal")
        else:
            log_odds = self.classifier.decision_function(X)
        return self.slope * np.asarray(log_odds, dtype=np.float64) + self.intercept

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the calibrated propensities."""
        log_odds = self.decision_function(X)
        return np.column_stack([expit(-log_odds), expit(log_odds)])

    def predict(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Give the more likely outcome; at a prevalence of 1 %, seldom "bought"."""
        return np.asarray(self.classes_[(self.decision_function(X) > 0.0).astype(int)])


def calibrate(pipeline: Pipeline, line: Line) -> Pipeline:
    """Put the log-odds of a fitted pipeline on a line."""
    if line == Line():
        return pipeline
    name, classifier = pipeline.steps[-1]
    return Pipeline([*pipeline.steps[:-1], (name, CalibratedClassifier(classifier, *line))])
