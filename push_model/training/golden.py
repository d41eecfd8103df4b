"""Write candidates that every reader of a model must score as its trainer did."""

import json
import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from push_model.store.folder import document_bytes, read_vouched_for

GOLDEN_FILE = "golden.json"
GOLDEN_ROWS = 50

_SHARE_MISSING = 0.1

_Value = float | None
_Document = Mapping[str, Any]


class Golden(NamedTuple):
    """Candidates, and the propensities that their trainer gave them."""

    rows: list[list[_Value]]  # in the order of the model's features; None = missing
    propensities: list[float]  # of the pipeline, not of the exported model


def write_golden(document: _Document, pipeline: Pipeline) -> bytes:
    """Write candidates for a model, with its pipeline's answers, as JSON."""
    rows = _make_rows(document)
    names = [feature["name"] for feature in document["features"]]
    frame = pd.DataFrame(np.array(rows, dtype=np.float64), columns=names)
    propensities = pipeline.predict_proba(frame)[:, 1].tolist()
    return document_bytes(Golden(rows, propensities)._asdict())


def read_golden(folder: Path) -> Golden:
    """Read the golden rows of a model folder, checked against its manifest."""
    return Golden(**json.loads(read_vouched_for(folder, GOLDEN_FILE)))


def _make_rows(document: _Document) -> list[list[_Value]]:
    """Draw candidates between the tenths of each feature, so that no real row is written.

    Edge cases are not its job: `check_equal` compares pipeline and model on real rows.
    """
    rng = Random(0)  # noqa: S311 - the same rows each time are the point
    places = [_places(feature) for feature in document["features"]]
    rows: list[list[_Value]] = [
        [None] * len(places),
        [place[0] for place in places],
        [place[-1] for place in places],
    ]
    while len(rows) < GOLDEN_ROWS:
        rows.append([_draw(place, rng) for place in places])
    return rows


def _places(feature: _Document) -> list[float]:
    """Return a value within each tenth that training saw."""
    if feature["type"] == "flag":
        return [0.0, 1.0]
    seen = feature["seen"]
    ends = (seen["minimum"], *seen["borders"], seen["maximum"])
    return [_legal(feature, (lower + upper) / 2) for lower, upper in pairwise(ends)]


def _legal(feature: _Document, value: float) -> float:
    rounded = float(value) if feature["type"] == "number" else float(round(value))
    low, high = feature["minimum"], feature["maximum"]
    return max(-math.inf if low is None else low, min(math.inf if high is None else high, rounded))


def _draw(places: list[float], rng: Random) -> _Value:
    value = places[int(rng.random() * len(places))]  # not choice(), which varies by version
    return None if rng.random() < _SHARE_MISSING else value
