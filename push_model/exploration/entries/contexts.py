"""What surrounds a candidate? The day of the order, and the prices of the product's kind."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from push_model.training.estimators import NamedInputs

Floats = NDArray[np.float64]

_PRICES = ("normalised_price", "discount_pct")


class Season(NamedInputs, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn the day of an order into its month and its day of the week."""

    inputs_ = ("order_month", "order_weekday")

    def fit(self, X: pd.DataFrame, y: object = None) -> "Season":
        """Learn nothing."""
        del y
        self.n_columns_ = X.shape[1]
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        """Give month and weekday."""
        day = X["order_date"].dt
        return np.column_stack([day.month, day.day_of_week]).astype(np.float64)


class PriceInKind(NamedInputs, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn price and discount into their distance from what is usual for the kind of product.

    Attributes
    ----------
    usual_ : DataFrame of shape (n_kinds, 2)
        Median price and discount of the rows fitted, by ``product_type``.
    """

    inputs_ = ("price_in_kind", "discount_in_kind")

    def fit(self, X: pd.DataFrame, y: object = None) -> "PriceInKind":
        """Learn what is usual."""
        del y
        self.usual_ = X.groupby("product_type", observed=True)[[*_PRICES]].median()
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        """Give price over usual price, and discount less usual discount."""
        price, discount = (X[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in _PRICES)
        usual_price, usual_discount = (
            X["product_type"].map(self.usual_[name]).to_numpy(dtype=np.float64, na_value=np.nan)
            for name in _PRICES
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(usual_price > 0, price / usual_price, np.nan)
        return np.column_stack([ratio, discount - usual_discount])
