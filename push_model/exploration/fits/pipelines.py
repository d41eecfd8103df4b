"""How does an entry become a fitted pipeline? By `make_pipeline` wherever serving can follow."""

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
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import SplineTransformer
from sklearn.tree import DecisionTreeClassifier

from push_model.evaluation.scorers import score
from push_model.exploration.entries.contexts import PriceInKind, Season
from push_model.exploration.entries.entry import ORDER_SHARES, SERVABLE_FAMILIES, Entry
from push_model.exploration.entries.inputs import make_preparer
from push_model.exploration.entries.rates import AsOfRates
from push_model.model.scoring import Model
from push_model.training.calibrated import calibrate
from push_model.training.calibration import Calibration, choose_calibration
from push_model.training.data.split import cut_by_time, is_inside
from push_model.training.estimators import THREADS, FeaturePreparer, make_pipeline
from push_model.training.export import Document, export_model
from push_model.training.parametrisation import Parametrisation, read_parametrisation

# Of the train window: the newest fifth tries the line, as the calibration window does in `train`.
OLDER_SHARE = 0.8
KEPT_NEGATIVES = 0.1
# What can only make a purchase more likely, whatever else is so.
RAISING = frozenset({
    "ordered_before",
    "abandoned_before",
    "set_as_regular",
    "global_popularity",
    "orders_with_variant",
    "share_of_orders_with_variant",
})
SPLINED = frozenset({
    "normalised_price",
    "discount_pct",
    "variant_gap_ratio",
    "product_type_gap_ratio",
    "log_global_popularity",
    "log_user_order_seq",
    "log_days_since_purchase_variant_id",
    "log_days_since_purchase_product_type",
})
# Settings of an entry that no parametrisation has: CatBoost's own arguments for each.
_BEYOND: dict[str, Callable[[Any, tuple[str, ...]], dict[str, Any]]] = {
    "subsample": lambda share, _: {"bootstrap_type": "Bernoulli", "subsample": share},
    "is_monotone": lambda _, inputs: {
        "monotone_constraints": [int(name in RAISING) for name in inputs]
    },
}
# What makes inputs beside a preparer's, by feature set.
_BESIDE: dict[str, Callable[[], Any]] = {
    "categories": AsOfRates,
    "season": Season,
    "price in its kind": PriceInKind,
}
CLASSIFIERS: dict[str, Callable[..., Any]] = {
    "decision_tree": DecisionTreeClassifier,
    "histogram_boosting": HistGradientBoostingClassifier,
    "random_forest": partial(RandomForestClassifier, n_jobs=THREADS),
}


class Fitted(NamedTuple):
    """A fitted pipeline, and what was decided of its propensities, if anything was asked."""

    pipeline: Pipeline
    calibration: Calibration | None = None


def parametrisation_of(entry: Entry) -> Parametrisation:
    """Give what `make_pipeline` knows of a servable entry."""
    known = {name: value for name, value in entry.settings.items() if name not in _BEYOND}
    features = "history" if entry.needs_history else "request"
    return read_parametrisation({"model": entry.family, **known, "features": features})


def request_of(entry: Entry) -> dict[str, Any] | None:
    """Give the parametrisation by which `handler_fit` trains this model."""
    is_known = entry.features in {"request", "history"} and entry.treatment in {
        "plain",
        "calibrated",
    }
    if not entry.is_servable or not is_known or set(entry.settings) & set(_BEYOND):
        return None
    return {"model": entry.family, **entry.settings, "features": entry.features}


def fit_entry(entry: Entry, rows: pd.DataFrame, *, seed: int) -> Fitted:
    """Fit an entry, with its treatment.

    Notes
    -----
    A calibrated entry is fitted twice, as in `train`: on the older orders for the line to be
    chosen on the newer ones, then on all of them, keeping the line.
    """
    if entry.treatment != "calibrated":
        return Fitted(_fit(entry, rows, seed))
    older, newer = (rows[is_inside(rows, w)] for w in cut_by_time(rows, [OLDER_SHARE]))
    twin = Model.from_document(export_entry(entry, _fit(entry, older, seed), older))
    calibration = choose_calibration(newer, score(twin, newer))
    return Fitted(calibrate(_fit(entry, rows, seed), calibration.line), calibration)


def export_entry(entry: Entry, pipeline: Pipeline, rows: pd.DataFrame) -> Document:
    """Write a servable entry out as serving reads it."""
    last = rows["order_date"].max().date()
    return export_model(pipeline, parametrisation_of(entry), trained_on=str(last))


def _fit(entry: Entry, rows: pd.DataFrame, seed: int) -> Pipeline:
    weights = None
    if share := ORDER_SHARES.get(entry.treatment):
        rows = thin_orders(rows, share=share, seed=seed)
    if entry.treatment == "a tenth of the negatives":
        rows, weights = thin_negatives(rows, seed=seed)
    pipeline = _make(entry, rows, seed)
    given = {} if weights is None else {"classify__sample_weight": weights}
    with warnings.catch_warnings():
        # An entry says what its settings give; that lasso's did not settle is one of its facts.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(rows, rows["outcome"].to_numpy(), **given)
    if entry.family == "random_forest":
        # Threads add up the trees as each ends: in another order, to other last bits.
        pipeline.set_params(classify__n_jobs=1)
    return pipeline


def thin_orders(rows: pd.DataFrame, *, share: float, seed: int) -> pd.DataFrame:
    """Keep whole orders, drawn from all days alike."""
    orders = rows["order_id"].unique()
    drawn = np.random.default_rng(seed).permutation(orders)[: max(1, round(share * len(orders)))]
    return rows[rows["order_id"].isin(drawn)]


def thin_negatives(rows: pd.DataFrame, *, seed: int) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Keep what was bought and a tenth of the rest, which then counts ten times."""
    bought = rows["outcome"].to_numpy() > 0
    kept = bought | (np.random.default_rng(seed).random(len(rows)) < KEPT_NEGATIVES)
    return rows[kept], np.where(bought, 1.0, 1.0 / KEPT_NEGATIVES)[kept]


def _make(entry: Entry, rows: pd.DataFrame, seed: int) -> Pipeline:
    pipeline = _family_pipeline(entry, seed)
    preparer = make_preparer(entry.features, pipeline.named_steps["prepare"])
    pipeline.set_params(prepare=preparer)
    if entry.treatment == "class weights":
        trees = entry.family == "boosted_trees"
        name = "auto_class_weights" if trees else "class_weight"
        pipeline.named_steps["classify"].set_params(**{name: "Balanced" if trees else "balanced"})
    # Names of inputs are known once the preparer has seen rows: what is missing in all is left out.
    inputs = preparer.fit(rows).inputs_
    for name, value in entry.settings.items():
        if name in _BEYOND:
            pipeline.named_steps["classify"].set_params(**_BEYOND[name](value, inputs))
    return _extend(entry.features, pipeline, inputs)


def _family_pipeline(entry: Entry, seed: int) -> Pipeline:
    if entry.family in SERVABLE_FAMILIES:
        pipeline = make_pipeline(parametrisation_of(entry), seed=seed)
        return pipeline.set_params(classify__verbose=0)  # progress is shown by entries done
    classifier = CLASSIFIERS[entry.family](**entry.settings, random_state=seed)
    return Pipeline([("prepare", FeaturePreparer()), ("classify", classifier)])


def _extend(features: str, pipeline: Pipeline, inputs: tuple[str, ...]) -> Pipeline:
    """Add what a feature set has beyond a preparer."""
    if beside := _BESIDE.get(features):
        parts = [("prepare", pipeline.named_steps["prepare"]), ("beside", beside())]
        union = FeatureUnion(parts, verbose_feature_names_out=False)
        return pipeline.set_params(prepare=union)
    if features == "splines":
        places = [place for place, name in enumerate(inputs) if name in SPLINED]
        bend = ColumnTransformer(
            [("splines", SplineTransformer(n_knots=6, extrapolation="constant"), places)],
            remainder="passthrough",
        )
        return Pipeline([*pipeline.steps[:-1], ("bend", bend), pipeline.steps[-1]])
    return pipeline
