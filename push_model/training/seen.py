"""Where do the features' values lie in the train window? What serving is held against."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from push_model.columns import FEATURES
from push_model.preparation import Step, prepare_columns

# Ten bins: the population stability index is usually read on tenths.
BIN_ENDS = np.arange(1, 10) / 10


def measure_seen(rows: pd.DataFrame, steps: Sequence[Step]) -> dict[str, Mapping[str, Any]]:
    """Measure each feature's share of missing values, range and tenths.

    Parameters
    ----------
    rows : DataFrame of shape (n_rows, n_columns)
        The train window.
    steps : sequence of Step
        How the model prepares rows: what a frame writes for "never" is missing, as null is.

    Returns
    -------
    dict of str to dict
        By feature, as ``seen`` of docs/model-format.md.
    """
    columns = {name: rows[name].to_numpy(dtype=np.float64) for name in FEATURES}
    prepared = prepare_columns(columns, steps)
    return {
        name: _measure(column[~np.isnan(column) & ~np.isnan(prepared[name])], n_rows=len(rows))
        for name, column in columns.items()
    }


def _measure(values: NDArray[np.float64], *, n_rows: int) -> dict[str, Any]:
    if not len(values):
        nothing = {"minimum": 0.0, "maximum": 0.0, "borders": [], "shares": [0.0]}
        return {"missing": 1.0, **nothing}
    ends = np.unique(np.quantile(values, BIN_ENDS, method="inverted_cdf"))
    borders = ends[ends < values.max()]
    counts = np.bincount(borders.searchsorted(values), minlength=len(borders) + 1)
    return {
        "missing": (n_rows - len(values)) / n_rows,
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "borders": borders.tolist(),
        "shares": (counts / n_rows).tolist(),
    }
