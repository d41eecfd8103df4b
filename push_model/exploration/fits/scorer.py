"""What scores rows once an entry is fitted, and what is there to say of it?"""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from push_model.evaluation.metrics import Floats
from push_model.evaluation.scorers import baseline_scores, score
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.pipelines import Fitted, export_entry
from push_model.model.scoring import Model
from push_model.store.folder import document_bytes
from push_model.training.export import Document, check_equal

# Rows on which the exported model is held against its pipeline.
CHECKED_ROWS = 20_000

NO_FACTS: Mapping[str, Any] = {
    "coefficients": {},
    "importances": {},
    "calibration": None,
    "converged": None,
}
RULES = {"popularity": "popularity", "bought_before": "bought before"}


class Scorer(NamedTuple):
    """Something that scores rows, and what there is to say of it.

    Attributes
    ----------
    score : callable
        Takes rows, gives an array of shape (n_rows,).
    size_bytes, inputs : int
        As in `Result`.
    facts : mapping
        As in `Result`.
    document : dict or None
        The model document, where serving can read one.
    """

    score: Callable[[pd.DataFrame], Floats]
    size_bytes: int
    inputs: int
    facts: Mapping[str, Any]
    document: Document | None = None


def make_scorer(entry: Entry, fitted: Fitted | None, train: pd.DataFrame) -> Scorer:
    """Make what scores rows: the model as served, where serving can read it."""
    if fitted is None:
        name = RULES[entry.family]
        return Scorer(lambda rows: baseline_scores(rows)[name], 0, 1 + entry.complexity, NO_FACTS)
    inputs = [str(name) for name in fitted.pipeline.named_steps["prepare"].get_feature_names_out()]
    facts = _facts(fitted, inputs)
    if not entry.is_servable:
        size = len(pickle.dumps(fitted.pipeline))
        return Scorer(_propensities_of(fitted.pipeline), size, len(inputs), facts)
    document = export_entry(entry, fitted.pipeline, train)
    check_equal(document, fitted.pipeline, train.tail(CHECKED_ROWS))
    model = Model.from_document(document)
    size = len(document_bytes(document))
    return Scorer(lambda rows: score(model, rows), size, len(inputs), facts, document)


def _propensities_of(pipeline: Pipeline) -> Callable[[pd.DataFrame], Floats]:
    return lambda rows: np.asarray(pipeline.predict_proba(rows)[:, 1], dtype=np.float64)


def _facts(fitted: Fitted, inputs: list[str]) -> dict[str, Any]:
    classifier = fitted.pipeline.named_steps["classify"]
    classifier = getattr(classifier, "classifier", classifier)  # under a calibration
    facts = dict(NO_FACTS)
    if isinstance(classifier, LogisticRegression):
        facts["converged"] = bool(classifier.n_iter_[0] < classifier.max_iter)
        weights = classifier.coef_[0]
        # Splines make more columns than inputs, whose weights say nothing one by one.
        if len(weights) == len(inputs):
            facts["coefficients"] = _by_name(inputs, weights)
    elif hasattr(classifier, "feature_importances_"):
        gains = np.asarray(classifier.feature_importances_, dtype=np.float64)
        facts["importances"] = _by_name(inputs, gains / max(gains.sum(), np.finfo(float).tiny))
    if fitted.calibration is not None:
        facts["calibration"] = asdict(fitted.calibration)
    return facts


def _by_name(inputs: list[str], values: Floats) -> dict[str, float]:
    return {name: float(value) for name, value in zip(inputs, values, strict=True)}
