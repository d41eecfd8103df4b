"""Build the pipeline of a parametrisation, from feature frame to propensity."""

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression as SklearnLogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from push_model.columns import BY_NAME, FEATURES, HISTORY
from push_model.errors import MissingColumnsError, describe_missing
from push_model.model.preparation import Fill, Log, MissingIf, Product, Ratio, Step, prepare_columns
from push_model.training.parametrisation import (
    BoostedTrees,
    LogisticRegression,
    Parametrisation,
)

_DAYS_SINCE = ("days_since_purchase_variant_id", "days_since_purchase_product_type")

# Missing means that the product was never bought; no number can say so.
_SAYS_NEVER = frozenset({*_DAYS_SINCE, "orders_since_variant", "orders_since_vendor"})
# Missing means that nothing is known: one earlier order, as in a user's second order, and none
# with the product.
_NOTHING_KNOWN = {"earlier_orders": 1.0, "orders_with_variant": 0.0, "orders_with_vendor": 0.0}

# CatBoost sums in as many parts as it has threads: another number of threads would make another
# model of the same rows.
THREADS = 2

# A real gap's most common value holds a few per cent of the rows; "never" holds most of them.
_MARKER_SHARE = 0.25

RATIOS: tuple[Step, ...] = (
    Ratio("variant_gap_ratio", _DAYS_SINCE[0], "avg_days_to_buy_variant_id"),
    Ratio("product_type_gap_ratio", _DAYS_SINCE[1], "avg_days_to_buy_product_type"),
)

# Two purchases mean more after two orders than after ten.
SHARE = Ratio("share_of_orders_with_variant", "orders_with_variant", "earlier_orders")

# A linear model needs logs of heavy-tailed features, and products of flags whose effects do not
# add up (a regular product left in the cart is not twice as likely to be bought).
LINEAR_STEPS: tuple[Step, ...] = (
    *RATIOS,
    Log("log_global_popularity", "global_popularity", 1e-3),
    Log("log_user_order_seq", "user_order_seq", 0.0),
    Log("log_days_since_purchase_variant_id", _DAYS_SINCE[0], 1.0),
    Log("log_days_since_purchase_product_type", _DAYS_SINCE[1], 1.0),
    Product("regular_and_bought", "set_as_regular", "ordered_before"),
    Product("abandoned_and_bought", "abandoned_before", "ordered_before"),
    Product("regular_and_abandoned", "set_as_regular", "abandoned_before"),
)


class NamedInputs:
    """Name a transformer's outputs for scikit-learn, from its ``inputs_``."""

    inputs_: tuple[str, ...]

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the inputs."""
        del input_features
        return np.asarray(self.inputs_, dtype=object)


class FeaturePreparer(NamedInputs, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn features into the scorer's inputs exactly as serving does.

    ``steps_`` holds all steps in order, ``inputs_`` the names of the outputs; `export_model`
    writes both.
    """

    def __init__(
        self,
        derived: tuple[Step, ...] = RATIOS,
        features: tuple[str, ...] = FEATURES,
        only: tuple[str, ...] | None = None,
        never_is_missing: bool = True,  # noqa: FBT001, FBT002 - scikit-learn's own clone passes names
    ) -> None:
        self.derived = derived
        self.features = features
        self.only = only
        self.never_is_missing = never_is_missing

    def fit(self, X: pd.DataFrame, y: object = None) -> "FeaturePreparer":
        """Find the markers and the fills."""
        del y
        _require(self.features, X)
        since = _DAYS_SINCE if self.never_is_missing else ()
        markers = [step for name in since if (step := _find_never_marker(X, name))]
        # A column that `columns.py` does not list (yet) stays as it is.
        filled = [name for name in self.features if name in BY_NAME and name not in _SAYS_NEVER]
        fills = [_typical(X, name) for name in filled]
        # Fills first: a marker reads the flag, and an unknown flag counts as 0.
        self.steps_: tuple[Step, ...] = (*fills, *markers, *self.derived)
        replaced = {step.of for step in self.derived if isinstance(step, Log)}
        made = [step.name for step in self.derived]
        prepared = prepare_columns(_columns(X, self.features), self.steps_)
        self.inputs_ = tuple(
            name
            for name in (*self.features, *made)
            # A column that is missing in every row has no mean and no scale.
            if name not in replaced and not np.isnan(prepared[name]).all()
            if self.only is None or name in self.only
        )
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the inputs of each row."""
        _require(self.features, X)
        prepared = prepare_columns(_columns(X, self.features), self.steps_)
        return np.column_stack([prepared[name] for name in self.inputs_])


def _find_never_marker(X: pd.DataFrame, name: str) -> MissingIf | None:
    """Find the number that a frame writes for "never bought".

    It is the most common value among candidates not ordered before, if a quarter of them or more
    have it: no real gap in days is that common. Where ``ordered_before`` is 1 the same number
    stays a real gap (33 days is both in the published frame).

    Examples
    --------
    >>> frame = pd.DataFrame({"days": [33.0, 33.0, 33.0, 12.0], "ordered_before": [0, 0, 0, 1]})
    >>> _find_never_marker(frame, "days")
    MissingIf(name='days', equals=33.0, flag='ordered_before')
    """
    gaps = X.loc[X["ordered_before"] == 0, name].dropna()
    if gaps.empty:
        return None
    rows_by_gap = gaps.value_counts()
    # The smallest of equally common values, so that row order decides nothing.
    marker = rows_by_gap[rows_by_gap == rows_by_gap.iloc[0]].index.min()
    if rows_by_gap.iloc[0] < _MARKER_SHARE * len(gaps):
        return None
    return MissingIf(name, float(marker), "ordered_before")


def make_pipeline(parametrisation: Parametrisation, *, seed: int) -> Pipeline:
    """Build the unfitted pipeline of a parametrisation."""
    if isinstance(parametrisation, BoostedTrees):
        return _boosted_trees(parametrisation, seed)
    return _logistic_regression(parametrisation, seed)


def _boosted_trees(parametrisation: BoostedTrees, seed: int) -> Pipeline:
    classifier = CatBoostClassifier(
        iterations=parametrisation.iterations,
        depth=parametrisation.depth,
        learning_rate=parametrisation.learning_rate,
        l2_leaf_reg=parametrisation.l2_leaf_reg,
        random_strength=parametrisation.random_strength,
        leaf_estimation_iterations=parametrisation.leaf_estimation_iterations,
        border_count=parametrisation.border_count,
        loss_function="Logloss",
        grow_policy="SymmetricTree",
        nan_mode="Min",
        random_seed=seed,
        thread_count=THREADS,
        allow_writing_files=False,
        metric_period=max(1, parametrisation.iterations // 10),
    )
    return Pipeline([("prepare", _preparer(parametrisation, RATIOS)), ("classify", classifier)])


def _logistic_regression(parametrisation: LogisticRegression, seed: int) -> Pipeline:
    l1_ratio = {"l2": 0.0, "l1": 1.0, "elasticnet": parametrisation.l1_ratio}
    ratio = l1_ratio[parametrisation.penalty]
    classifier = SklearnLogisticRegression(
        C=parametrisation.C,
        l1_ratio=ratio,
        max_iter=parametrisation.max_iter,
        # lbfgs is the fastest where the penalty is smooth; saga is the one that takes l1.
        solver="saga" if ratio else "lbfgs",
        verbose=int(ratio > 0),  # saga takes minutes on millions of rows: show its epochs
        random_state=seed,
    )
    return Pipeline([
        ("prepare", _preparer(parametrisation, LINEAR_STEPS)),
        ("scale", StandardScaler()),
        # After scaling 0 is the mean: a missing value adds nothing.
        ("impute", SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)),
        ("classify", classifier),
    ])


def _preparer(parametrisation: Parametrisation, derived: tuple[Step, ...]) -> FeaturePreparer:
    if parametrisation.features == "request":
        return FeaturePreparer(derived)
    return FeaturePreparer((*derived, SHARE), (*FEATURES, *HISTORY))


def _typical(X: pd.DataFrame, name: str) -> Fill:
    """Fill with the median; 0 for a flag, and when the whole column is missing."""
    if name in _NOTHING_KNOWN:
        return Fill(name, _NOTHING_KNOWN[name])
    if BY_NAME[name].type == "flag":
        return Fill(name, 0.0)
    median = X[name].median()
    return Fill(name, 0.0 if pd.isna(median) else float(median))


def _columns(X: pd.DataFrame, names: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    return {name: X[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names}


def _require(names: tuple[str, ...], X: pd.DataFrame) -> None:
    if not set(names) <= set(X.columns):
        raise MissingColumnsError(f"The feature frame: {describe_missing(names, X.columns)}")
