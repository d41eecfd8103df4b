"""How often was such a product bought before? Rates by category, as of each order's day."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from push_model.training.estimators import NamedInputs

BY = ("variant_id", "product_type", "vendor")
# Candidates of the overall rate that each rate starts from: at 1 %, two purchases.
PRIOR_ROWS = 200.0

Floats = NDArray[np.float64]


class AsOfRates(NamedInputs, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn categories into smoothed purchase rates, known the day before.

    Attributes
    ----------
    base_ : float
        Overall rate of the rows fitted.
    rates_ : dict of str to Series
        By column, the rate of each value after the last day fitted.

    Notes
    -----
    A rate over all train rows holds each row's own outcome, which trees then read back. While
    fitting, a row of day D is given the rates of the days before D alone; rows to score get those
    after the last day. The first day's are missing: nothing was known.
    """

    def __init__(self, by: tuple[str, ...] = BY, prior_rows: float = PRIOR_ROWS) -> None:
        self.by = by
        self.prior_rows = prior_rows

    def fit(self, X: pd.DataFrame, y: Floats) -> "AsOfRates":
        """Learn the rates after the last day."""
        outcome = pd.Series(np.asarray(y, dtype=np.float64), index=X.index)
        self.base_ = float(outcome.mean())
        self.rates_ = {}
        for name in self.by:
            sums = outcome.groupby(X[name]).agg(["sum", "count"])
            self.rates_[name] = self._smooth(sums["sum"], sums["count"], self.base_)
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        """Give each row the rates after the last day fitted."""
        columns = [X[name].map(self.rates_[name]).fillna(self.base_) for name in self.by]
        return np.column_stack([column.to_numpy(dtype=np.float64) for column in columns])

    def fit_transform(self, X: pd.DataFrame, y: Floats, **_: object) -> Floats:
        """Learn the rates, and give each row those of the days before its own."""
        self.fit(X, y)
        day = X["order_date"].dt.normalize()
        outcome = pd.Series(np.asarray(y, dtype=np.float64), index=X.index)
        bought, rows = _before(outcome, [day])
        base = bought / rows.where(rows > 0)
        return np.column_stack([
            self._smooth(*_before(outcome, [X[name], day]), base).to_numpy() for name in self.by
        ])

    @property
    def inputs_(self) -> tuple[str, ...]:  # type: ignore[override] # known before any fit
        """The names of the rates, one for each column of `by`."""
        return tuple(f"rate_by_{name}" for name in self.by)

    def _smooth(self, bought: pd.Series, rows: pd.Series, base: pd.Series | float) -> pd.Series:
        return (bought + self.prior_rows * base) / (rows + self.prior_rows)


def _before(outcome: pd.Series, keys: list[pd.Series]) -> tuple[pd.Series, pd.Series]:
    """Sum and count the outcomes of days before each row's own; the last key is the day."""
    daily = outcome.groupby(keys, observed=True).agg(["sum", "count"])
    levels = list(range(len(keys) - 1))
    reached = daily.groupby(level=levels).cumsum() if levels else daily.cumsum()
    before = (reached - daily).add_prefix("before_")
    columns = [key.rename(f"key_{number}") for number, key in enumerate(keys)]
    names = [f"key_{number}" for number in range(len(keys))]
    before.index.names = names
    found = pd.concat(columns, axis=1).join(before, on=names)
    return found["before_sum"], found["before_count"]
