"""Provide the feature sets that entries read, and the transformers that only they need."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from push_model.columns import FEATURES, HISTORY
from push_model.model.preparation import Log, Product, Ratio, Step
from push_model.training.estimators import (
    LINEAR_STEPS,
    RATIOS,
    SHARE,
    FeaturePreparer,
    NamedInputs,
)

Floats = NDArray[np.float64]

_THREE = ("ordered_before", "abandoned_before", "global_popularity")
_RATED_BY = ("variant_id", "product_type", "vendor")
_OF_PRODUCT = ("earlier_orders", "orders_with_variant", "orders_since_variant")
# The same in all rows of an order.
_CADENCE = ("days_since_order", "usual_days_between_orders")
_LATENESS = Ratio("lateness", *_CADENCE)
_OF_KIND = ("orders_with_product_type", "orders_since_product_type")
_HOUSEHOLD = frozenset({
    "count_adults",
    "count_children",
    "count_babies",
    "count_pets",
    "people_ex_baby",
})

_INTERACTIONS: tuple[Step, ...] = (
    *LINEAR_STEPS,
    Product("log_popularity_squared", "log_global_popularity", "log_global_popularity"),
    Product("log_popularity_if_bought", "log_global_popularity", "ordered_before"),
    Product("log_popularity_squared_if_bought", "log_popularity_squared", "ordered_before"),
    Log("log_variant_gap_ratio", "variant_gap_ratio", 1e-2),
    Log("log_product_type_gap_ratio", "product_type_gap_ratio", 1e-2),
)


class _FeatureSet(NamedTuple):
    """How to make a `FeaturePreparer`."""

    features: tuple[str, ...] = FEATURES
    # Steps that derive inputs; None for the family's own.
    derived: tuple[Step, ...] | None = None
    # The inputs that the classifier gets; None for all.
    only: tuple[str, ...] | None = None
    # Whether the frame's number of days for "never bought" becomes a missing value.
    never_is_missing: bool = True


# `make_pipeline` itself prepares "history"; `fits.pipelines` adds to the default sets.
FEATURE_SETS: dict[str, _FeatureSet] = {
    "request": _FeatureSet(),
    "history": _FeatureSet(),
    "splines": _FeatureSet(),
    "categories": _FeatureSet(),
    "season": _FeatureSet(),
    "price in its kind": _FeatureSet(),
    "three columns": _FeatureSet(derived=(), only=_THREE),
    "four columns": _FeatureSet(derived=(), only=(*_THREE, "set_as_regular")),
    "raw columns": _FeatureSet(derived=()),
    "no ratios": _FeatureSet(derived=()),
    "log interactions": _FeatureSet(derived=_INTERACTIONS),
    "never as a number": _FeatureSet(derived=RATIOS, never_is_missing=False),
    "no household": _FeatureSet(tuple(name for name in FEATURES if name not in _HOUSEHOLD)),
    "history of the product": _FeatureSet((*FEATURES, *_OF_PRODUCT)),
    "history by kind, too": _FeatureSet((*FEATURES, *HISTORY, *_OF_KIND)),
    "history and cadence": _FeatureSet(
        (*FEATURES, *HISTORY, *_CADENCE), (*RATIOS, SHARE, _LATENESS)
    ),
    "no order number": _FeatureSet(tuple(name for name in FEATURES if name != "user_order_seq")),
}


def make_preparer(name: str, default: FeaturePreparer) -> FeaturePreparer:
    """Return the transformer that turns rows into the inputs of a feature set.

    Examples
    --------
    >>> make_preparer("three columns", FeaturePreparer()).only
    ('ordered_before', 'abandoned_before', 'global_popularity')
    """
    wanted = FEATURE_SETS[name]
    if wanted == _FeatureSet():
        return default
    return FeaturePreparer(
        derived=default.derived if wanted.derived is None else wanted.derived,
        features=wanted.features,
        only=wanted.only,
        never_is_missing=wanted.never_is_missing,
    )


# Candidates at the overall rate that each rate starts from: at 1 %, two purchases.
_PRIOR_ROWS = 200.0
_PRICES = ("normalised_price", "discount_pct")


class AsOfRates(NamedInputs, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn categories into smoothed purchase rates, as known the day before.

    A rate over all training rows would hold each row's own outcome. While fitting, a row of day D
    gets the rates of the days before D; the first day has none. Rows to score get the rates after
    the last day.
    """

    def __init__(self, by: tuple[str, ...] = _RATED_BY, prior_rows: float = _PRIOR_ROWS) -> None:
        self.by = by
        self.prior_rows = prior_rows

    def fit(self, X: pd.DataFrame, y: Floats) -> "AsOfRates":
        """Measure the rates after the last day."""
        outcome = pd.Series(np.asarray(y, dtype=np.float64), index=X.index)
        self.base_ = float(outcome.mean())
        self.rates_ = {}
        for name in self.by:
            sums = outcome.groupby(X[name]).agg(["sum", "count"])
            self.rates_[name] = self._smooth(sums["sum"], sums["count"], self.base_)
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        """Return the rates after the last day fitted, for each row."""
        columns = [X[name].map(self.rates_[name]).fillna(self.base_) for name in self.by]
        return np.column_stack([column.to_numpy(dtype=np.float64) for column in columns])

    def fit_transform(self, X: pd.DataFrame, y: Floats, **_: object) -> Floats:
        """Measure the rates, and return those of the days before each row's own."""
        self.fit(X, y)
        day = X["order_date"].dt.normalize()
        outcome = pd.Series(np.asarray(y, dtype=np.float64), index=X.index)
        bought, rows = _count_before(outcome, [day])
        base = bought / rows.where(rows > 0)
        return np.column_stack([
            self._smooth(*_count_before(outcome, [X[name], day]), base).to_numpy()
            for name in self.by
        ])

    @property
    def inputs_(self) -> tuple[str, ...]:  # type: ignore[override] # known before any fit
        """The names of the rates, one for each column of `by`."""
        return tuple(f"rate_by_{name}" for name in self.by)

    def _smooth(self, bought: pd.Series, rows: pd.Series, base: pd.Series | float) -> pd.Series:
        return (bought + self.prior_rows * base) / (rows + self.prior_rows)


def _count_before(outcome: pd.Series, keys: list[pd.Series]) -> tuple[pd.Series, pd.Series]:
    """Return sum and count of the outcomes before each row's day, which is the last key."""
    daily = outcome.groupby(keys, observed=True).agg(["sum", "count"])
    levels = list(range(len(keys) - 1))
    reached = daily.groupby(level=levels).cumsum() if levels else daily.cumsum()
    before = (reached - daily).add_prefix("before_")
    columns = [key.rename(f"key_{number}") for number, key in enumerate(keys)]
    names = [f"key_{number}" for number in range(len(keys))]
    before.index.names = names
    found = pd.concat(columns, axis=1).join(before, on=names)
    return found["before_sum"], found["before_count"]


class Season(NamedInputs, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn the day of an order into its month and its day of the week."""

    inputs_ = ("order_month", "order_weekday")

    def fit(self, X: pd.DataFrame, y: object = None) -> "Season":
        """Count the columns."""
        del y
        self.n_columns_ = X.shape[1]
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        """Return month and weekday."""
        day = X["order_date"].dt
        return np.column_stack([day.month, day.day_of_week]).astype(np.float64)


class PriceInKind(NamedInputs, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn price and discount into their distance from the median of the product type."""

    inputs_ = ("price_in_kind", "discount_in_kind")

    def fit(self, X: pd.DataFrame, y: object = None) -> "PriceInKind":
        """Measure the medians."""
        del y
        self.usual_ = X.groupby("product_type", observed=True)[[*_PRICES]].median()
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        """Return price over its median, and discount less its median."""
        price, discount = (X[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in _PRICES)
        usual_price, usual_discount = (
            X["product_type"].map(self.usual_[name]).to_numpy(dtype=np.float64, na_value=np.nan)
            for name in _PRICES
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(usual_price > 0, price / usual_price, np.nan)
        return np.column_stack([ratio, discount - usual_discount])
