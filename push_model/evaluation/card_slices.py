"""For whom is the model good, and for whom not? The holdout cut into slices."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from push_model.evaluation.slices import slices_of

# Average precision over fewer purchases is mostly luck: it is left open.
LEAST_PURCHASES = 30
# There are dozens of product types; the card shows those bought most.
TYPES = "product type "
SHOWN_TYPES = 10

Flags = NDArray[np.bool_]


class Slice(NamedTuple):
    """How good the scores are on some of the rows.

    Attributes
    ----------
    slice : str
        Which rows, in words.
    rows, orders, purchases : int or None
        Size of the slice.
    average_precision : float or None
        Of this model; None with too few purchases.
    rival : str
        Whom it is compared with; empty where there is nobody.
    rival_average_precision : float or None
        Theirs.
    interval : pair of float, or None
        Of the average precision.
    gain : triple of float, or None
        What this model's average precision is above theirs, as a share of theirs, and the ends
        of its interval.
    expected_per_actual : float or None
        Purchases promised for each one made; None where none was.
    """

    slice: str
    rows: int | None
    orders: int | None
    purchases: int | None
    average_precision: float | None
    rival: str = ""
    rival_average_precision: float | None = None
    interval: Sequence[float] | None = None
    gain: Sequence[float] | None = None
    expected_per_actual: float | None = None


def measure_slices(
    rows: pd.DataFrame, scores: Mapping[str, NDArray[np.float64]]
) -> tuple[Slice, ...]:
    """Measure each slice of the rows."""
    outcomes = rows["outcome"].to_numpy(dtype=np.float64)
    order_ids = rows["order_id"].to_numpy()
    return tuple(
        _measure(name, inside, outcomes, order_ids, scores)
        for name, inside in _cut(rows)
        if inside.any()
    )


def read_slices(documents: Iterable[Mapping[str, Any]]) -> tuple[Slice, ...]:
    """Read the slices of a verdict.

    Examples
    --------
    >>> (found,) = read_slices([{"slice": "new users", "champion": 0.2}])
    >>> found.rival, found.rival_average_precision, found.purchases
    ('champion', 0.2, None)
    """
    return tuple(_read(document) for document in documents)


def merge_slices(measured: Sequence[Slice], judged: Sequence[Slice]) -> tuple[Slice, ...]:
    """Put what a verdict says of slices in the place of what was measured of them."""
    by_name = {found.slice: found for found in judged}
    known = tuple(by_name.pop(found.slice, found) for found in measured)
    return (*known, *by_name.values())


def choose_slices(slices: Sequence[Slice]) -> tuple[Slice, ...]:
    """Choose what the card shows: every slice but the less bought product types."""
    types = [found for found in slices if found.slice.startswith(TYPES)]
    others = [found for found in slices if not found.slice.startswith(TYPES)]
    most_bought = sorted(types, key=lambda found: -(found.purchases or 0))
    return (*others, *most_bought[:SHOWN_TYPES])


def _read(document: Mapping[str, Any]) -> Slice:
    champion = document.get("champion")
    gain, expected = document.get("gain"), document.get("expected_per_actual")
    if isinstance(expected, Mapping):
        expected = expected.get("estimate")
    return Slice(
        str(document.get("slice", "")),
        document.get("rows"),
        document.get("orders"),
        document.get("purchases"),
        document.get("average_precision"),
        str(document.get("rival") or ("champion" if champion is not None else "")),
        document.get("rival_average_precision", champion),
        document.get("interval"),
        (gain["estimate"], gain["low"], gain["high"]) if isinstance(gain, Mapping) else None,
        expected,
    )


def _measure(
    name: str,
    inside: Flags,
    outcomes: NDArray[np.float64],
    order_ids: NDArray[np.int64],
    scores: Mapping[str, NDArray[np.float64]],
) -> Slice:
    y = outcomes[inside]
    purchases = int(y.sum())
    precisions = {
        scorer: float(average_precision_score(y, scores[scorer][inside]))
        for scorer in ("challenger", "champion")
        if scorer in scores and purchases >= LEAST_PURCHASES
    }
    promised = float(scores["challenger"][inside].sum())
    return Slice(
        name,
        len(y),
        len(np.unique(order_ids[inside])),
        purchases,
        precisions.get("challenger"),
        "champion" if "champion" in scores else "",
        precisions.get("champion"),
        expected_per_actual=promised / purchases if purchases else None,
    )


def _cut(rows: pd.DataFrame) -> Iterator[tuple[str, Flags]]:
    known = (rows["ordered_before"] > 0).to_numpy()
    yield "products the user bought before", known
    yield "products new to the user", ~known
    yield from slices_of(rows)
