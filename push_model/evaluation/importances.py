"""Which features does the model lean on, and which way do they push?"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from push_model.evaluation.scorers import score
from push_model.model.document import Feature
from push_model.model.scoring import Model

# Enough rows for a steady average precision, few enough for seconds.
IMPORTANCE_ROWS = 50_000
REPEATS = 3
# Looked through for rows that have the feature's value, and averaged over.
DEPENDENCE_ROWS = 20_000
AVERAGED_ROWS = 2_000
#: Features whose partial dependence is drawn.
SHOWN_DEPENDENCES = 6
GRID_POINTS = 12

Floats = NDArray[np.float64]


class Importance(NamedTuple):
    """What is lost without a feature.

    Attributes
    ----------
    feature : str
        Its name.
    lost : float
        Average precision lost when its values are shuffled, mean of the repeats.
    low, high : float
        Least and most of the repeats.
    """

    feature: str
    lost: float
    low: float
    high: float

    @property
    def is_doubtful(self) -> bool:
        """Whether some shuffle lost nothing: the feature may cost more than it brings."""
        return self.low <= 0.0


class Dependence(NamedTuple):
    """Mean propensity as one feature takes one value after another.

    Attributes
    ----------
    feature : str
        Its name.
    values : tuple of float
        Ascending, from the train window's tenths.
    propensities : tuple of float
        Mean over the rows that have a value, all else as it is.
    when_missing : float or None
        Mean propensity of the rows that have none; None if every row has one.
    missing : str
        What a missing value says.
    rows : tuple of int
        How many of the rows looked through lie nearest to each value.
    """

    feature: str
    values: tuple[float, ...]
    propensities: tuple[float, ...]
    when_missing: float | None
    missing: str
    rows: tuple[int, ...] = ()


def measure_importances(model: Model, rows: pd.DataFrame, *, seed: int) -> tuple[Importance, ...]:
    """Measure the average precision lost when one feature's values are shuffled.

    Notes
    -----
    What is derived from a feature is shuffled with it. Of two features that say the same, each
    can stand in for the other, and both look less important than they are together.

    References
    ----------
    Breiman (2001), doi:10.1023/A:1010933404324.
    """
    rng = np.random.default_rng(seed)
    drawn = _draw(rows, IMPORTANCE_ROWS, rng)
    outcomes = drawn["outcome"].to_numpy(dtype=np.float64)
    if not 0 < outcomes.sum() < len(outcomes):
        return ()
    whole = average_precision_score(outcomes, score(model, drawn))
    found = []
    for name in model.feature_names:
        values = drawn[name].to_numpy(dtype=np.float64)
        lost = [
            float(
                whole
                - average_precision_score(
                    outcomes, score(model, drawn.assign(**{name: rng.permutation(values)}))
                )
            )
            for _ in range(REPEATS)
        ]
        found.append(Importance(name, sum(lost) / REPEATS, min(lost), max(lost)))
    return tuple(sorted(found, key=lambda importance: (-importance.lost, importance.feature)))


def trace_dependence(
    model: Model, rows: pd.DataFrame, feature_name: str, *, seed: int, least_users: int = 0
) -> Dependence | None:
    """Trace the mean propensity over the values of one feature.

    Notes
    -----
    Averaged only over rows that have a value: "days since bought" of a product that was never
    bought is a candidate that cannot be, and would bend the line.

    References
    ----------
    Friedman (2001), doi:10.1214/aos/1013203451.
    """
    drawn = _draw(rows, DEPENDENCE_ROWS, np.random.default_rng(seed))
    place = model.feature_names.index(feature_name)
    values = drawn[list(model.feature_names)].to_numpy(dtype=np.float64)
    sent = np.fromiter((model.sent(row)[feature_name] for row in values.tolist()), np.float64)
    is_sent = ~np.isnan(sent)
    if not is_sent.any():
        return None
    grid = np.unique(_grid(model.features[place], sent[is_sent]))
    if least_users:
        users = drawn.loc[is_sent, "user_id"].to_numpy()
        grid = _clip_to_common(grid, sent[is_sent], users, least_users)
    if len(grid) <= 1:
        return None
    averaged = drawn[is_sent].head(AVERAGED_ROWS)
    propensities = [
        float(score(model, averaged.assign(**{feature_name: value})).mean()) for value in grid
    ]
    nearest = np.searchsorted((grid[1:] + grid[:-1]) / 2, sent[is_sent])
    without = drawn[~is_sent]
    return Dependence(
        feature_name,
        tuple(grid.tolist()),
        tuple(propensities),
        float(score(model, without).mean()) if len(without) else None,
        model.features[place].missing,
        tuple(np.bincount(nearest, minlength=len(grid)).tolist()),
    )


def _clip_to_common(grid: Floats, values: Floats, users: NDArray[Any], least_users: int) -> Floats:
    """End the grid where, at or beyond its ends, there are enough users; nothing if nowhere."""
    by_user = pd.Series(values).groupby(users)
    lowest, highest = by_user.min(), by_user.max()
    if len(lowest) < least_users:
        return grid[:0]
    low, high = lowest.nsmallest(least_users).max(), highest.nlargest(least_users).min()
    return np.unique(np.clip(grid, low, max(low, high)))


def _grid(feature: Feature, values: Floats) -> list[float]:
    """Give the train window's tenths, or the rows' own where they were not written down."""
    if feature.seen is not None:
        seen = feature.seen
        ends = [seen.minimum, *seen.borders, seen.maximum]
    else:
        shares = np.linspace(0, 1, GRID_POINTS)
        ends = np.quantile(values, shares, method="nearest").tolist()
    return ends


def _draw(rows: pd.DataFrame, most: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw rows at random; they come shuffled, so that the first of them are a draw as well."""
    return rows.iloc[rng.permutation(len(rows))[:most]]
