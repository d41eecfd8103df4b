"""Are these rows like those another model was trained on? Distances that no row count moves."""

from bisect import bisect_left
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from push_model.errors import DatasetError
from push_model.model.document import Seen
from push_model.model.scoring import Model
from push_model.serving.skew import stability_index
from push_model.training.gate.policy import Policy
from push_model.training.gate.verdict import FeatureDrift
from push_model.training.train_distribution import count_by_bin, iterate_values

# Of a feature that one row in a thousand has, or fewer, what lies outside its range is an anecdote.
SMALLEST_SHARE_PRESENT = 1e-3
# Seasons alone move popularity by an index of 0.4 from train window to holdout, and by 1.0 beside a
# champion 90 days older; a wrong unit or an unfilled column gives 4 and more (benchmarks/drift.py).
MAX_PSI = Policy().max_psi
MAX_MISSING_CHANGE = Policy().max_missing_change
MAX_OUTSIDE_SHARE = Policy().max_outside_share
# From this share of rows on it is worth saying that values came or went.
WORTH_SAYING = 0.1
HALF = 0.5
SAME = "as in the champion's training."


# What is the same in all rows of an order, and nearly so in all orders of a user: its rows are no
# evidence of their own.
OF_THE_USER = frozenset({
    "user_order_seq",
    "count_adults",
    "count_children",
    "count_babies",
    "count_pets",
    "people_ex_baby",
    "earlier_orders",
})
# So many users, or rows, must be expected to say otherwise before silence is news: of seven users
# all stay silent by chance once in a thousand, and rows of one user go together.
USERS_EXPECTED = 7.0
ROWS_EXPECTED = 200.0


class _Sizes(NamedTuple):
    rows: int
    users: int


class _Limits(NamedTuple):
    psi: float
    missing_change: float
    outside_share: float


def measure_drift(
    rows: pd.DataFrame,
    against: Model,
    *,
    max_psi: float = MAX_PSI,
    max_missing_change: float = MAX_MISSING_CHANGE,
    max_outside_share: float = MAX_OUTSIDE_SHARE,
) -> tuple[FeatureDrift, ...]:
    """Hold rows against the training of another model, feature by feature.

    Notes
    -----
    Shares alone are compared: neither the order of the rows nor how many there are moves a
    figure, so a large frame does not drift by being large, as it would by any p-value. One pass
    over each column; beside one column of doubles, a byte a row and marked feature is held.

    Examples
    --------
    >>> import tempfile
    >>> from push_model import FEATURES
    >>> from push_model.store.folder import read_model
    >>> from push_model.testing import make_model
    >>> champion = read_model(make_model(tempfile.mkdtemp())).model
    >>> rows = pd.DataFrame([dict.fromkeys(FEATURES, 0.0)] * 4)
    >>> rows["days_since_purchase_variant_id"] = [24.0, 48.0, 72.0, 960.0]
    >>> print(measure_drift(rows, champion)[-1].says)
    days_since_purchase_variant_id: 50 % of values lie outside 1 to 60, the range the champion \
was trained on. Is the unit right?
    """
    if rows.empty:
        raise DatasetError("No rows to hold against the champion's training. Check the holdout.")
    limits = _Limits(max_psi, max_missing_change, max_outside_share)
    users = rows["user_id"].nunique() if "user_id" in rows else len(rows)
    sizes = _Sizes(len(rows), users)
    seen = {feature.name: feature.seen for feature in against.features}
    # The steps are the model's own way of telling a marker from a value.
    columns = iterate_values(rows, against.steps, against.feature_names)
    return tuple(
        _compare(name, values, known, sizes=sizes, limits=limits)
        for name, values in columns
        if (known := seen[name]) is not None
    )


def _compare(
    name: str, values: NDArray[np.float64], seen: Seen, *, sizes: _Sizes, limits: _Limits
) -> FeatureDrift:
    n_rows = sizes.rows
    missing = (n_rows - len(values)) / n_rows
    outside = _share_outside(values, seen)
    psi = _index(count_by_bin(values, seen.borders), seen, n_rows=n_rows)
    medians = _median_then(seen), _median_now(values)
    is_outside = outside > limits.outside_share and _is_present(len(values), n_rows)
    is_moved = psi > limits.psi or abs(missing - seen.missing) > limits.missing_change
    silent = _say_if_silent(name, values, seen, sizes)
    changed = is_outside or is_moved or bool(silent)
    words = silent or _say(seen, missing, outside if is_outside else 0.0, medians)
    return FeatureDrift(
        feature=name,
        psi=psi,
        missing_then=seen.missing,
        missing_now=missing,
        outside=outside,
        median_then=medians[0],
        median_now=medians[1],
        changed=changed,
        says=f"{name}: {words if changed else SAME}",
    )


def _index(counts: NDArray[np.int64], seen: Seen, *, n_rows: int) -> float:
    """Give the index of all rows, or of the values alone: few of them hardly move the whole."""
    n_values = int(counts.sum())
    now = counts.tolist()
    missing = (n_rows - n_values) / n_rows
    of_rows = stability_index(
        [missing, *(count / n_rows for count in now)], [seen.missing, *seen.shares]
    )
    if seen.missing >= 1.0 - SMALLEST_SHARE_PRESENT or not _is_present(n_values, n_rows):
        return of_rows
    then = [share / (1.0 - seen.missing) for share in seen.shares]
    return max(of_rows, stability_index([count / n_values for count in now], then))


def _say_if_silent(name: str, values: NDArray[np.float64], seen: Seen, sizes: _Sizes) -> str:
    """Say that a feature takes one value only; so rare a flag as some are, no index would."""
    if not len(values) or values.min() < values.max():
        return ""
    only = float(values[0])
    others = sum(seen.shares) - seen.shares[bisect_left(seen.borders, only)]
    # Few users without a pet, or few rows without a regular product, are no news.
    is_expected = (
        others * sizes.users >= USERS_EXPECTED
        if name in OF_THE_USER
        else others * sizes.rows >= ROWS_EXPECTED
    )
    if not is_expected:
        return ""
    return f"always {only:g} now, where {100 * others:.2g} % of rows had another value."


def _is_present(n_values: int, n_rows: int) -> bool:
    return n_values > SMALLEST_SHARE_PRESENT * n_rows


def _share_outside(values: NDArray[np.float64], seen: Seen) -> float:
    # Where training saw no value at all there is no range to leave; values come as a bin instead.
    if not len(values) or seen.missing == 1.0:
        return 0.0
    return float(np.mean((values < seen.minimum) | (values > seen.maximum)))


def _median_then(seen: Seen) -> float | None:
    """Find the median among the tenths that training wrote down; exact, for it is one of them."""
    if not (present := sum(seen.shares)):
        return None
    reached = accumulate(share / present for share in seen.shares)
    ends = (*seen.borders, seen.maximum)
    # Shares are rounded quotients: half of the values may add up to a hair less than 0.5.
    return next(end for end, share in zip(ends, reached, strict=True) if share >= HALF - 1e-9)


def _median_now(values: NDArray[np.float64]) -> float | None:
    return float(np.quantile(values, HALF, method="inverted_cdf")) if len(values) else None


def _say(
    seen: Seen, missing: float, outside: float, medians: tuple[float | None, float | None]
) -> str:
    if outside:
        return (
            f"{100 * outside:.3g} % of values lie outside {seen.minimum:g} to {seen.maximum:g}, "
            "the range the champion was trained on. Is the unit right?"
        )
    if abs(missing - seen.missing) >= WORTH_SAYING:
        return f"missing in {100 * missing:.3g} % of rows, then in {100 * seen.missing:.3g} %."
    then, now = medians
    if then is not None and now is not None and then != now:
        return f"median moved from {then:.3g} to {now:.3g}."
    return "spread otherwise than in the champion's training."
