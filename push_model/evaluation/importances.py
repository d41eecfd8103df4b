"""Permutation importance and partial dependence of a model's features."""

from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import average_precision_score

from push_model.evaluation.scorers import Scores, score
from push_model.model.document import Feature
from push_model.model.scoring import Model

# Enough rows for a steady average precision, few enough for seconds.
IMPORTANCE_ROWS = 50_000
_REPEATS = 3
# Searched for rows that have the feature's value, and averaged over.
_DEPENDENCE_ROWS = 20_000
_AVERAGED_ROWS = 2_000
#: Features whose partial dependence is drawn.
SHOWN_DEPENDENCES = 6
_GRID_POINTS = 12


class Importance(NamedTuple):
    """Average precision lost when a feature's values are shuffled: mean, least and most."""

    feature: str
    lost: float
    low: float
    high: float

    @property
    def is_doubtful(self) -> bool:
        """Whether some shuffle lost nothing."""
        return self.low <= 0.0


class Dependence(NamedTuple):
    """Mean propensity as one feature takes one value after another, all else as it is."""

    feature: str
    values: tuple[float, ...]  # ascending
    propensities: tuple[float, ...]
    when_missing: float | None  # over the rows without a value; None if every row has one
    missing: str  # what a missing value means
    rows: tuple[int, ...] = ()  # how many rows lie nearest to each value


class _Estimator(RegressorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn is untyped
    """A model as scikit-learn's inspection takes it: frames in, propensities out."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def fit(self, _rows: pd.DataFrame, _outcomes: object = None) -> Self:
        """Return itself: the model is trained."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, rows: pd.DataFrame) -> Scores:
        """Return propensities."""
        return score(self.model, rows)


def measure_importances(model: Model, rows: pd.DataFrame, *, seed: int) -> tuple[Importance, ...]:
    """Measure the average precision lost when one feature's values are shuffled, most first.

    What is derived from a feature is shuffled with it. Features that carry the same information
    can replace each other, and then each looks less important than they are together.

    References
    ----------
    Breiman (2001), doi:10.1023/A:1010933404324.
    """
    drawn = _draw(rows, IMPORTANCE_ROWS, seed)
    found = permutation_importance(
        _Estimator(model),
        drawn[list(model.feature_names)].astype(float),
        drawn["outcome"].to_numpy(),
        scoring=lambda estimator, x, y: average_precision_score(y, estimator.predict(x)),
        n_repeats=_REPEATS,
        random_state=seed,
    )
    importances = (
        Importance(name, float(lost.mean()), float(lost.min()), float(lost.max()))
        for name, lost in zip(model.feature_names, found.importances, strict=True)
    )
    return tuple(sorted(importances, key=lambda each: (-each.lost, each.feature)))


def trace_dependence(
    model: Model, rows: pd.DataFrame, feature_name: str, *, seed: int, least_users: int = 0
) -> Dependence | None:
    """Trace the mean propensity over the values of one feature; None with fewer than two values.

    It is averaged only over rows that have a value: "days since bought" of a product that was
    never bought is a candidate that cannot exist. Values that fewer than `least_users` users
    reach are left out.

    References
    ----------
    Friedman (2001), doi:10.1214/aos/1013203451.
    """
    drawn = _draw(rows, _DEPENDENCE_ROWS, seed)
    features = drawn[list(model.feature_names)].astype(float)
    sent = np.array([model.sent(row)[feature_name] for row in features.to_numpy().tolist()])
    is_sent = ~np.isnan(sent)
    if not is_sent.any():
        return None
    feature = model.features[model.feature_names.index(feature_name)]
    grid = np.unique(_grid(feature, sent[is_sent]))
    if least_users:
        users = drawn.loc[is_sent, "user_id"].to_numpy()
        grid = _clip_to_common(grid, sent[is_sent], users, least_users)
    if len(grid) <= 1:
        return None
    averaged = partial_dependence(
        _Estimator(model),
        features[is_sent].head(_AVERAGED_ROWS),
        [feature_name],
        custom_values={feature_name: grid},
    )
    nearest = np.searchsorted((grid[1:] + grid[:-1]) / 2, sent[is_sent])
    return Dependence(
        feature_name,
        tuple(grid.tolist()),
        tuple(averaged["average"][0].tolist()),
        None if is_sent.all() else float(score(model, drawn[~is_sent]).mean()),
        feature.missing,
        tuple(np.bincount(nearest, minlength=len(grid)).tolist()),
    )


def _clip_to_common(grid: Scores, values: Scores, users: NDArray[Any], least_users: int) -> Scores:
    """Cut the grid at values that enough users reach; empty if there are none."""
    by_user = pd.Series(values).groupby(users)
    lowest, highest = by_user.min(), by_user.max()
    if len(lowest) < least_users:
        return grid[:0]
    low, high = lowest.nsmallest(least_users).max(), highest.nlargest(least_users).min()
    return np.unique(np.clip(grid, low, max(low, high)))


def _grid(feature: Feature, values: Scores) -> list[float]:
    """Return the train window's tenths, or the rows' own if the model holds none."""
    if feature.seen is not None:
        seen = feature.seen
        return [seen.minimum, *seen.borders, seen.maximum]
    shares = np.linspace(0, 1, _GRID_POINTS)
    quantiles: list[float] = np.quantile(values, shares, method="nearest").tolist()
    return quantiles


def _draw(rows: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """Draw rows at random; they come shuffled, so that the first of them are a draw as well."""
    return rows.iloc[np.random.default_rng(seed).permutation(len(rows))[:most]]
