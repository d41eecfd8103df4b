"""Measure the distribution of each feature in training, for drift and skew checks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from push_model.columns import FEATURES
from push_model.model.preparation import MissingIf, Step, prepare_columns

# Ten bins: the population stability index is usually read on tenths.
_BIN_ENDS = np.arange(1, 10) / 10

# Rows prepared at once, so that finding the markers of a large frame copies none of it whole.
CHUNK_ROWS = 1 << 16


def measure_seen(
    rows: pd.DataFrame, steps: Sequence[Step], names: Sequence[str] = FEATURES
) -> dict[str, Mapping[str, Any]]:
    """Measure each feature's share of missing values, range and tenths."""
    return {
        name: _measure(values, n_rows=len(rows))
        for name, values in iterate_values(rows, steps, names)
    }


def iterate_values(
    rows: pd.DataFrame, steps: Sequence[Step], names: Sequence[str] = FEATURES
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the values of each feature that are not missing."""
    is_never = _find_markers(rows, steps, names)
    for name in names:
        column = rows[name].to_numpy(dtype=np.float64)
        is_missing = np.isnan(column)
        if name in is_never:
            is_missing |= is_never[name]
        yield name, column[~is_missing]


def _find_markers(
    rows: pd.DataFrame, steps: Sequence[Step], names: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """Return, for each feature with a marker, the rows that hold the marker or nothing."""
    places = [place for place, step in enumerate(steps) if isinstance(step, MissingIf)]
    if not places:
        return {}
    needed = steps[: places[-1] + 1]  # what is derived afterwards makes no feature missing
    is_never = {steps[place].name: np.empty(len(rows), dtype=np.bool_) for place in places}
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = slice(start, start + CHUNK_ROWS)
        part = {name: rows[name].iloc[chunk].to_numpy(dtype=np.float64) for name in names}
        prepared = prepare_columns(part, needed)
        for name, mask in is_never.items():
            mask[chunk] = np.isnan(prepared[name])
    return is_never


def _measure(values: NDArray[np.float64], *, n_rows: int) -> dict[str, Any]:
    if not len(values):
        nothing = {"minimum": 0.0, "maximum": 0.0, "borders": [], "shares": [0.0]}
        return {"missing": 1.0, **nothing}
    ends = np.unique(np.quantile(values, _BIN_ENDS, method="inverted_cdf"))
    borders = ends[ends < values.max()]
    return {
        "missing": (n_rows - len(values)) / n_rows,
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "borders": borders.tolist(),
        "shares": (count_by_bin(values, borders) / n_rows).tolist(),
    }


def count_by_bin(
    values: NDArray[np.float64], borders: Sequence[float] | NDArray[np.float64]
) -> NDArray[np.int64]:
    """Count values by bin, each bin with its upper border in it.

    Examples
    --------
    >>> count_by_bin(np.array([1.0, 2.0, 2.0, 9.0]), [2.0]).tolist()
    [3, 1]
    """
    bins = np.searchsorted(np.asarray(borders, dtype=np.float64), values, side="left")
    counts: NDArray[np.int64] = np.bincount(bins, minlength=len(borders) + 1)
    return counts
