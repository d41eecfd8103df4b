"""Which candidates must every reader of a model score as its trainer did? Invented ones."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
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
SHARE_MISSING = 0.1

Value = float | None
Document = Mapping[str, Any]


class Golden(NamedTuple):
    """Candidates and what their trainer said of them.

    Attributes
    ----------
    rows : list of list of float or None
        Values in the order of the model's features; None = missing.
    propensities : list of float
        The trainer's own, not the exported model's.
    """

    rows: list[list[Value]]
    propensities: list[float]


def write_golden(document: Document, pipeline: Pipeline) -> bytes:
    """Invent candidates for a model, and write them down with its trainer's answers."""
    rows = invent_rows(document)
    names = [feature["name"] for feature in document["features"]]
    frame = pd.DataFrame(np.array(rows, dtype=np.float64), columns=names)
    propensities = pipeline.predict_proba(frame)[:, 1].tolist()
    return document_bytes(Golden(rows, propensities)._asdict())


def read_golden(folder: Path) -> Golden:
    """Read the golden rows of a model folder, if they are those that were saved."""
    # As `write_golden` wrote it.
    return Golden(**json.loads(read_vouched_for(folder, GOLDEN_FILE)))


def invent_rows(document: Document) -> list[list[Value]]:
    """Invent candidates that ask a model about all it treats apart.

    Notes
    -----
    Values lie between the tenths that ``seen`` holds already, so that no row of anybody's is
    written down.
    """
    features = document["features"]
    rng = Random(0)  # noqa: S311 - the same rows each time are the point
    typical: list[Value] = [_places(feature)[len(_places(feature)) // 2] for feature in features]
    rows: list[list[Value]] = [
        [None] * len(features),
        *_ends(features),
        *(_with(typical, {place: None}) for place in range(len(features))),
        *_marked(document, typical),
        *_on_borders(document, typical),
    ]
    while len(rows) < GOLDEN_ROWS:
        rows.append([_draw(feature, rng) for feature in features])
    return rows


def _ends(features: Sequence[Document]) -> Iterable[list[Value]]:
    for end in ("minimum", "maximum"):
        yield [_seen_end(feature, end) for feature in features]
        yield [_legal_end(feature, end) for feature in features]


def _places(feature: Document) -> list[float]:
    """Give a value within each tenth that training saw."""
    if feature["type"] == "flag":
        return [0.0, 1.0]
    low, high = (_seen_end(feature, end) for end in ("minimum", "maximum"))
    borders = feature["seen"]["borders"] if feature["seen"] else []
    middles = [(lower + upper) / 2 for lower, upper in pairwise((low, *borders, high))]
    return [_legal(feature, middle) for middle in middles]


def _seen_end(feature: Document, end: str) -> float:
    seen = feature["seen"]
    return _legal(feature, seen[end] if seen else _legal_end(feature, end))


def _legal_end(feature: Document, end: str) -> float:
    limit = feature[end]
    return 0.0 if limit is None else float(limit)


def _legal(feature: Document, value: float) -> float:
    whole = float(value) if feature["type"] == "number" else float(round(value))
    low, high = feature["minimum"], feature["maximum"]
    return max(-math.inf if low is None else low, min(math.inf if high is None else high, whole))


def _draw(feature: Document, rng: Random) -> Value:
    places = _places(feature)
    place = int(rng.random() * len(places))  # not choice(), which draws otherwise by version
    return None if rng.random() < SHARE_MISSING else places[place]


def _marked(document: Document, typical: Sequence[Value]) -> Iterable[list[Value]]:
    """Set each marker, with its flag 0 (it says "never"), 1 (it is a number) and missing."""
    place_of = _places_of_features(document)
    for step in document["steps"]:
        if step["kind"] == "missing_if":
            for flag in (0.0, 1.0, None):
                marker = {place_of[step["name"]]: step["equals"], place_of[step["flag"]]: flag}
                yield _with(typical, marker)


def _on_borders(document: Document, typical: Sequence[Value]) -> Iterable[list[Value]]:
    """Set each number that trees ask about on one of their borders, then a hair above it."""
    place_of = _places_of_features(document)
    borders_of = zip(document["inputs"], document["scorer"].get("borders", ()), strict=False)
    on: dict[int, float] = {
        place_of[name]: borders[len(borders) // 2]
        for name, borders in borders_of
        if borders and name in place_of
    }
    for move in (float, lambda border: math.nextafter(border, math.inf)):
        moved = {p: _legal(document["features"][p], move(border)) for p, border in on.items()}
        yield _with(typical, moved)


def _places_of_features(document: Document) -> dict[str, int]:
    return {feature["name"]: place for place, feature in enumerate(document["features"])}


def _with(row: Sequence[Value], changes: Mapping[int, Value]) -> list[Value]:
    return [changes.get(place, value) for place, value in enumerate(row)]
