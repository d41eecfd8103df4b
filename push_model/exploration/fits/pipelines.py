"""Fit an entry as a pipeline, and make what scores rows then."""

import pickle
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import SplineTransformer
from sklearn.tree import DecisionTreeClassifier

from push_model.evaluation.metrics import Floats
from push_model.evaluation.scorers import baseline_scores, score
from push_model.exploration.entries.entry import (
    ORDER_SHARES,
    RULES,
    SERVABLE_FAMILIES,
    Entry,
    parametrisation_of,
)
from push_model.exploration.entries.inputs import AsOfRates, PriceInKind, Season, make_preparer
from push_model.model.scoring import Model
from push_model.store.folder import document_bytes
from push_model.training.calibration import calibrate, choose_calibration
from push_model.training.data.split import cut_by_time, is_inside
from push_model.training.estimators import THREADS, FeaturePreparer, make_pipeline
from push_model.training.export import Document, check_equal, export_model

# The newest fifth of the training window decides on the calibration, as in `train`.
_OLDER_SHARE = 0.8
_KEPT_NEGATIVES = 0.1
# Inputs that may only raise the propensity of a monotone entry.
_RAISING = frozenset({
    "ordered_before",
    "abandoned_before",
    "set_as_regular",
    "global_popularity",
    "orders_with_variant",
    "share_of_orders_with_variant",
})
_SPLINED = frozenset({
    "normalised_price",
    "discount_pct",
    "variant_gap_ratio",
    "product_type_gap_ratio",
    "log_global_popularity",
    "log_user_order_seq",
    "log_days_since_purchase_variant_id",
    "log_days_since_purchase_product_type",
})
# Settings that no parametrisation has, as CatBoost's own arguments.
_BEYOND: dict[str, Callable[[Any, tuple[str, ...]], dict[str, Any]]] = {
    "subsample": lambda share, _: {"bootstrap_type": "Bernoulli", "subsample": share},
    "is_monotone": lambda _, inputs: {
        "monotone_constraints": [int(name in _RAISING) for name in inputs]
    },
}
# Transformers that add inputs to a preparer's, by feature set.
_ADDED: dict[str, Callable[[], Any]] = {
    "categories": AsOfRates,
    "season": Season,
    "price in its kind": PriceInKind,
}
CLASSIFIERS: dict[str, Callable[..., Any]] = {
    "decision_tree": DecisionTreeClassifier,
    "histogram_boosting": HistGradientBoostingClassifier,
    "random_forest": partial(RandomForestClassifier, n_jobs=THREADS),
}

# Rows on which the exported model is compared with its pipeline.
_CHECKED_ROWS = 20_000


def fit_entry(entry: Entry, rows: pd.DataFrame, *, seed: int) -> Pipeline:
    """Fit an entry, with its treatment.

    A calibrated entry is fitted twice, as in `train`: on the older orders, to choose the
    calibration on the newer ones, then on all orders with that calibration.
    """
    if entry.treatment != "calibrated":
        return _fit(entry, rows, seed)
    older, newer = (rows[is_inside(rows, w)] for w in cut_by_time(rows, [_OLDER_SHARE]))
    trained_on_older = Model.from_document(_export_entry(entry, _fit(entry, older, seed), older))
    calibration = choose_calibration(newer, score(trained_on_older, newer))
    return calibrate(_fit(entry, rows, seed), calibration.line)


def _export_entry(entry: Entry, pipeline: Pipeline, rows: pd.DataFrame) -> Document:
    """Return the model document of a servable entry."""
    last = rows["order_date"].max().date()
    return export_model(pipeline, parametrisation_of(entry), trained_on=str(last))


def _fit(entry: Entry, rows: pd.DataFrame, seed: int) -> Pipeline:
    weights = None
    if share := ORDER_SHARES.get(entry.treatment):
        rows = _thin_orders(rows, share=share, seed=seed)
    if entry.treatment == "a tenth of the negatives":
        rows, weights = _thin_negatives(rows, seed=seed)
    pipeline = _make(entry, rows, seed)
    given = {} if weights is None else {"classify__sample_weight": weights}
    with warnings.catch_warnings():
        # Whether a linear model converged is one of its facts.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(rows, rows["outcome"].to_numpy(), **given)
    if entry.family == "random_forest":
        # Threads sum the trees in any order, and with it change the last bits.
        pipeline.set_params(classify__n_jobs=1)
    return pipeline


def _thin_orders(rows: pd.DataFrame, *, share: float, seed: int) -> pd.DataFrame:
    """Keep whole orders, drawn at random from all days."""
    orders = rows["order_id"].unique()
    drawn = np.random.default_rng(seed).permutation(orders)[: max(1, round(share * len(orders)))]
    return rows[rows["order_id"].isin(drawn)]


def _thin_negatives(rows: pd.DataFrame, *, seed: int) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Keep the purchases and a tenth of the rest, which then weighs ten times as much."""
    bought = rows["outcome"].to_numpy() > 0
    kept = bought | (np.random.default_rng(seed).random(len(rows)) < _KEPT_NEGATIVES)
    return rows[kept], np.where(bought, 1.0, 1.0 / _KEPT_NEGATIVES)[kept]


def _make(entry: Entry, rows: pd.DataFrame, seed: int) -> Pipeline:
    pipeline = _family_pipeline(entry, seed)
    preparer = make_preparer(entry.features, pipeline.named_steps["prepare"])
    pipeline.set_params(prepare=preparer)
    if entry.treatment == "class weights":
        trees = entry.family == "boosted_trees"
        name = "auto_class_weights" if trees else "class_weight"
        pipeline.named_steps["classify"].set_params(**{name: "Balanced" if trees else "balanced"})
    # A fitted preparer knows its inputs: one that is missing in all rows is left out.
    inputs = preparer.fit(rows).inputs_
    for name, value in entry.settings.items():
        if name in _BEYOND:
            pipeline.named_steps["classify"].set_params(**_BEYOND[name](value, inputs))
    return _extend(entry.features, pipeline, inputs)


def _family_pipeline(entry: Entry, seed: int) -> Pipeline:
    if entry.family in SERVABLE_FAMILIES:
        pipeline = make_pipeline(parametrisation_of(entry), seed=seed)
        return pipeline.set_params(classify__verbose=0)  # progress is counted in entries
    classifier = CLASSIFIERS[entry.family](**entry.settings, random_state=seed)
    return Pipeline([("prepare", FeaturePreparer()), ("classify", classifier)])


def _extend(features: str, pipeline: Pipeline, inputs: tuple[str, ...]) -> Pipeline:
    """Add the steps of a feature set that a preparer does not have."""
    if added := _ADDED.get(features):
        parts = [("prepare", pipeline.named_steps["prepare"]), ("added", added())]
        union = FeatureUnion(parts, verbose_feature_names_out=False)
        return pipeline.set_params(prepare=union)
    if features == "splines":
        places = [place for place, name in enumerate(inputs) if name in _SPLINED]
        bend = ColumnTransformer(
            [("splines", SplineTransformer(n_knots=6, extrapolation="constant"), places)],
            remainder="passthrough",
        )
        return Pipeline([*pipeline.steps[:-1], ("bend", bend), pipeline.steps[-1]])
    return pipeline


class Scorer(NamedTuple):
    """A function that scores rows, and what it costs."""

    score: Callable[[pd.DataFrame], Floats]
    size_bytes: int
    inputs: int
    # Whether a linear model converged; None for all else.
    converged: bool | None = None
    # None where serving cannot read the model.
    document: Document | None = None


def make_scorer(entry: Entry, pipeline: Pipeline | None, train: pd.DataFrame) -> Scorer:
    """Return the scorer of an entry: the model as served, where serving can read it."""
    if pipeline is None:
        name = RULES[entry.family]
        return Scorer(lambda rows: baseline_scores(rows)[name], 0, 1 + entry.complexity)
    inputs = len(pipeline.named_steps["prepare"].get_feature_names_out())
    converged = _has_converged(pipeline)
    if not entry.is_servable:
        size = len(pickle.dumps(pipeline))
        return Scorer(
            lambda rows: np.asarray(pipeline.predict_proba(rows)[:, 1]), size, inputs, converged
        )
    document = _export_entry(entry, pipeline, train)
    check_equal(document, pipeline, train.tail(_CHECKED_ROWS))
    model = Model.from_document(document)
    size = len(document_bytes(document))
    return Scorer(lambda rows: score(model, rows), size, inputs, converged, document)


def _has_converged(pipeline: Pipeline) -> bool | None:
    classifier = pipeline.named_steps["classify"]
    classifier = getattr(classifier, "classifier", classifier)  # under a calibration
    if not isinstance(classifier, LogisticRegression):
        return None
    return bool(classifier.n_iter_[0] < classifier.max_iter)
