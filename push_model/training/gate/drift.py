"""Measure feature drift between rows and the training of a model."""

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

# Of a feature that one row in a thousand has, or fewer, values outside its range prove nothing.
_SMALLEST_SHARE_PRESENT = 1e-3
# A change of the share of missing values that is worth a sentence.
_WORTH_SAYING = 0.1
_HALF = 0.5

#: Alike in all rows of an order, and nearly so in all orders of a user: users count, not rows.
OF_THE_USER = frozenset({
    "user_order_seq",
    "count_adults",
    "count_children",
    "count_babies",
    "count_pets",
    "people_ex_baby",
    "earlier_orders",
})
# Other values must be expected from so many users, or rows, before their absence is news. If seven
# are expected, chance gives none once in a thousand; rows of one user go together.
_USERS_EXPECTED = 7.0
_ROWS_EXPECTED = 200.0
_USERS_OF_SHARES = 15


class _Sizes(NamedTuple):
    rows: int
    users: int


def measure_drift(
    rows: pd.DataFrame, model: Model, policy: Policy | None = None
) -> tuple[FeatureDrift, ...]:
    """Compare rows with the training of a model, feature by feature.

    Notes
    -----
    Only shares are compared. Neither the order of the rows nor their number moves a figure, so a
    large frame does not drift by being large, as it would by any p-value. One pass over each
    column; beside one column of doubles, a byte a row and marked feature is held.

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
    days_since_purchase_variant_id: 50 % of values are outside the training's range of 1 to 60. \
Check the unit.
    """
    if rows.empty:
        raise DatasetError("There are no rows to compare with the training. Check the holdout.")
    users = rows["user_id"].nunique() if "user_id" in rows else len(rows)
    sizes = _Sizes(len(rows), users)
    seen = {feature.name: feature.seen for feature in model.features}
    # The steps are the model's own way of telling a marker from a value.
    columns = iterate_values(rows, model.steps, model.feature_names)
    return tuple(
        _compare(name, values, known, sizes, policy or Policy())
        for name, values in columns
        if (known := seen[name]) is not None
    )


def _compare(
    name: str, values: NDArray[np.float64], seen: Seen, sizes: _Sizes, policy: Policy
) -> FeatureDrift:
    missing = (sizes.rows - len(values)) / sizes.rows
    outside = _share_outside(values, seen)
    psi = _index(count_by_bin(values, seen.borders), seen, n_rows=sizes.rows)
    medians = _median_then(seen), _median_now(values)
    has_left = outside > policy.max_outside_share and _is_present(len(values), sizes.rows)
    # Chance alone moves the shares of a few users.
    has_moved = sizes.users >= _USERS_OF_SHARES and (
        psi > policy.max_psi or abs(missing - seen.missing) > policy.max_missing_change
    )
    constant = _say_if_constant(name, values, seen, sizes)
    changed = has_left or has_moved or bool(constant)
    says = constant or _say(seen, missing, outside if has_left else 0.0, medians)
    return FeatureDrift(
        feature=name,
        psi=psi,
        missing_then=seen.missing,
        missing_now=missing,
        outside=outside,
        median_then=medians[0],
        median_now=medians[1],
        changed=changed,
        says=f"{name}: {says if changed else 'as in training.'}",
    )


def _index(counts: NDArray[np.int64], seen: Seen, *, n_rows: int) -> float:
    """Return the index of all rows or of the values alone: few values hardly move the whole."""
    n_values = int(counts.sum())
    now = counts.tolist()
    missing = (n_rows - n_values) / n_rows
    of_rows = stability_index(
        [missing, *(count / n_rows for count in now)], [seen.missing, *seen.shares]
    )
    if seen.missing >= 1.0 - _SMALLEST_SHARE_PRESENT or not _is_present(n_values, n_rows):
        return of_rows
    then = [share / (1.0 - seen.missing) for share in seen.shares]
    return max(of_rows, stability_index([count / n_values for count in now], then))


def _say_if_constant(name: str, values: NDArray[np.float64], seen: Seen, sizes: _Sizes) -> str:
    """Report a feature with one value only; some flags are so rare that no index shows it."""
    if not len(values) or values.min() < values.max():
        return ""
    only = float(values[0])
    others = sum(seen.shares) - seen.shares[bisect_left(seen.borders, only)]
    # Few users without a pet, or few rows without a regular product, are not news.
    is_expected = (
        others * sizes.users >= _USERS_EXPECTED
        if name in OF_THE_USER
        else others * sizes.rows >= _ROWS_EXPECTED
    )
    if not is_expected:
        return ""
    return f"always {only:g} now; {100 * others:.2g} % of rows had another value."


def _is_present(n_values: int, n_rows: int) -> bool:
    return n_values > _SMALLEST_SHARE_PRESENT * n_rows


def _share_outside(values: NDArray[np.float64], seen: Seen) -> float:
    # Training without any value has no range; values show as a bin instead.
    if not len(values) or seen.missing == 1.0:
        return 0.0
    return float(np.mean((values < seen.minimum) | (values > seen.maximum)))


def _median_then(seen: Seen) -> float | None:
    """Return the median among the tenths of the training; it is one of them, so it is exact."""
    if not (present := sum(seen.shares)):
        return None
    reached = accumulate(share / present for share in seen.shares)
    ends = (*seen.borders, seen.maximum)
    # Shares are rounded quotients: half of the values may add up to a little less than 0.5.
    return next(end for end, share in zip(ends, reached, strict=True) if share >= _HALF - 1e-9)


def _median_now(values: NDArray[np.float64]) -> float | None:
    return float(np.quantile(values, _HALF, method="inverted_cdf")) if len(values) else None


def _say(
    seen: Seen, missing: float, outside: float, medians: tuple[float | None, float | None]
) -> str:
    if outside:
        return (
            f"{100 * outside:.3g} % of values are outside the training's range of "
            f"{seen.minimum:g} to {seen.maximum:g}. Check the unit."
        )
    if abs(missing - seen.missing) >= _WORTH_SAYING:
        return f"missing in {100 * missing:.3g} % of rows, before in {100 * seen.missing:.3g} %."
    then, now = medians
    if then is not None and now is not None and then != now:
        return f"median moved from {then:.3g} to {now:.3g}."
    return "its distribution differs from that of the training."
