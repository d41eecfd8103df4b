"""Put a model document through everything that serving does; only documented errors may come."""

from __future__ import annotations

import json
import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from push_model.errors import ModelFormatError, ModelIntegrityError
from push_model.model.scoring import Model
from push_model.serving.prediction import _answer
from push_model.serving.request import RequestReader
from push_model.serving.skew import Sketch
from push_model.store.folder import _parse

if TYPE_CHECKING:
    from collections.abc import Sequence

_VALUES = (math.nan, 0.0, 1.0, 33.0, -7.5, 5e-324, 1e300, -1e300)


def read_and_score(
    content: bytes,
    *,
    explain: bool = True,
    quietly: bool = False,
    values: Sequence[Any] = (None, 0.0, 1, 1e300),
) -> str:
    """Read bytes as a model document and put it through all that serving does; say what it was."""
    try:
        model = Model.from_document(_parse(content))
    except (ModelFormatError, ModelIntegrityError):
        return "refused"
    rows = [
        [_VALUES[(i * 3 + shift) % len(_VALUES)] for i in range(len(model.feature_names))]
        for shift in range(len(_VALUES))
    ]
    one_by_one = [model.propensity(row) for row in rows]
    if not all(math.isnan(p) or 0.0 <= p <= 1.0 for p in one_by_one):
        raise AssertionError("a propensity is not a probability")
    _check_batch(model, rows, one_by_one, quietly=quietly)
    _check_requests(model, values, explain=explain)
    return "scored"


def _check_batch(
    model: Model, rows: Sequence[Sequence[float]], one_by_one: list[float], *, quietly: bool
) -> None:
    import numpy as np  # noqa: PLC0415 - as the package does

    columns = dict(zip(model.feature_names, np.array(rows).T, strict=True))
    with np.errstate(all="ignore") if quietly else nullcontext():
        together = model.propensities_of_columns(columns).tolist()
    if list(map(repr, together)) != list(map(repr, one_by_one)):
        raise AssertionError("a batch differs from its rows")


def _check_requests(model: Model, values: Sequence[Any], *, explain: bool) -> None:
    reader, sketch = RequestReader(model.features), Sketch(model)
    for value in values:
        features = value if isinstance(value, dict) else dict.fromkeys(model.feature_names, value)
        candidates = reader.read({"u": features, "v": [features, features], "w": {}})
        sketch.add(candidates.rows)
        answer = _answer(candidates, model, threshold=None, explain=explain)
        json.dumps(answer, allow_nan=False)
    json.dumps(sketch.report(), allow_nan=False)
