"""Score candidates with a model, and with rules that need none."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from push_model.model.scoring import Model

Scores = NDArray[np.float64]

# A user's second order is the first that a frame of repeat orders holds.
FIRST_REPEAT_ORDER = 2


def score(model: Model, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Score rows of a feature frame with the model that serves."""
    columns = {name: rows[name].to_numpy(dtype=np.float64) for name in model.feature_names}
    return np.asarray(model.propensities_of_columns(columns))


def baseline_scores(rows: pd.DataFrame) -> dict[str, Scores]:
    """Score candidates by the rules that need no model."""
    popularity = rows["global_popularity"].fillna(0.0).to_numpy(dtype=np.float64)
    before = rows["ordered_before"].fillna(0.0).to_numpy(dtype=np.float64)
    return {"popularity": popularity, "bought before": (before + popularity) / 2.0}
