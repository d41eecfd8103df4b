"""Read the parts of a model document around its scorer; errors name the place and the rule."""

from __future__ import annotations

import re
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import ModelFormatError, list_some

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1

_KEYS = {
    "format",
    "model_id",
    "trained_on",
    "family",
    "features",
    "steps",
    "inputs",
    "scorer",
}
_FAMILIES = ("boosted_trees", "logistic_regression")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TYPES = ("number", "integer", "flag")


class Seen(NamedTuple):
    """The values of a feature in the train window."""

    missing: float  # share of rows without a value
    minimum: float  # 0 where no row has a value, as is maximum
    maximum: float
    borders: tuple[float, ...]  # of the bins, ascending; each bin includes its upper border
    shares: tuple[float, ...]  # of all rows, one a bin: one more than borders


class Feature(NamedTuple):
    """What a request must send under one name."""

    name: str
    type: str  # "number", "integer" or "flag" (0 or 1)
    minimum: float | None  # smallest legal value; None for no limit
    maximum: float | None
    missing: str  # what a missing value means
    seen: Seen | None = None


class Facts(NamedTuple):
    """Which model a document holds."""

    model_id: str  # first 16 hex digits of the document's SHA-256
    trained_on: str  # "yyyy-mm-dd"
    family: str  # "boosted_trees" or "logistic_regression"


def read_object(value: Any, keys: set[str], place: str) -> dict[str, Any]:
    """Return a JSON object that has exactly these keys."""
    if not isinstance(value, dict):
        raise ModelFormatError(f"{place} must be an object, got {type(value).__name__}.")
    if lacking := sorted(keys - value.keys()):
        raise ModelFormatError(f"{place} lacks key(s) {lacking}.")
    if unknown := sorted(repr(key) for key in value.keys() - keys):
        raise ModelFormatError(f"{place} has unknown key(s) {list_some(unknown)}.")
    return value


def read_list(value: Any, place: str, *, length: int | None = None) -> list[Any]:
    """Return a JSON list, of a given length if one is given."""
    if not isinstance(value, list):
        raise ModelFormatError(f"{place} must be a list, got {type(value).__name__}.")
    if length is not None and len(value) != length:
        raise ModelFormatError(f"{place} must have {length} entries, got {len(value)}.")
    return value


def read_text(value: Any, place: str) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ModelFormatError(f"{place} must be a text that is not empty.")
    return value


def read_number(value: Any, place: str) -> float:
    """Return a finite number as a float."""
    return read_numbers([value], place)[0]


def read_numbers(value: Any, place: str, *, length: int | None = None) -> tuple[float, ...]:
    """Return a list of finite numbers as floats.

    Examples
    --------
    >>> read_numbers([1, 2.5], "borders[0]")
    (1.0, 2.5)
    """
    entries = read_list(value, place, length=length)
    try:
        if set(map(type, entries)) <= {float, int} and all(map(isfinite, entries)):
            return tuple(map(float, entries))
    except OverflowError:  # an integer beyond the largest double
        pass
    raise ModelFormatError(
        f"{place} must be finite: numbers only, and none too large for a double."
    )


def read_document(document: Any) -> dict[str, Any]:
    """Return the parts of a model document, not checked yet, if its format is ours."""
    found = document.get("format") if isinstance(document, dict) else None
    if type(found) is not int or found != FORMAT:
        came = str(found) if type(found) is int and abs(found) < 10**6 else "something else"
        raise ModelFormatError(
            f"A model document must be of format {FORMAT}, got {came}. "
            "Upgrade push-model to a release that reads it, or retrain with this one."
        )
    return read_object(document, _KEYS, "The model document")


def read_facts(fields: Mapping[str, Any]) -> Facts:
    """Read which model a document holds."""
    facts = Facts(*(read_text(fields[name], name) for name in Facts._fields))
    if facts.family not in _FAMILIES:
        raise ModelFormatError(f"family must be one of {_FAMILIES}.")
    if not _DAY.fullmatch(facts.trained_on):
        raise ModelFormatError("trained_on must be a day written yyyy-mm-dd.")
    return facts


def read_features(value: Any) -> tuple[Feature, ...]:
    """Read what a request must send."""
    features = tuple(
        _read_feature(entry, f"features[{i}]")
        for i, entry in enumerate(read_list(value, "features"))
    )
    if not features or len({feature.name for feature in features}) < len(features):
        raise ModelFormatError("features must name at least one feature, and none twice.")
    return features


def _read_feature(value: Any, place: str) -> Feature:
    fields = read_object(value, set(Feature._fields), place)
    limits = [
        None if fields[end] is None else read_number(fields[end], f"{place}[{end!r}]")
        for end in ("minimum", "maximum")
    ]
    kind = read_text(fields["type"], f"{place}['type']")
    if kind not in _TYPES:
        raise ModelFormatError(f"{place}['type'] must be one of {_TYPES}.")
    name, missing = (read_text(fields[key], f"{place}[{key!r}]") for key in ("name", "missing"))
    seen = None if fields["seen"] is None else _read_seen(fields["seen"], f"{place}['seen']")
    return Feature(name, kind, limits[0], limits[1], missing, seen)


def _read_seen(value: Any, place: str) -> Seen:
    fields = read_object(value, set(Seen._fields), place)
    missing, minimum, maximum = (
        read_number(fields[key], f"{place}[{key!r}]") for key in ("missing", "minimum", "maximum")
    )
    borders = read_numbers(fields["borders"], f"{place}['borders']")
    shares = read_numbers(fields["shares"], f"{place}['shares']", length=len(borders) + 1)
    if any(lower >= upper for lower, upper in pairwise(borders)):
        raise ModelFormatError(f"{place}['borders'] must be strictly increasing.")
    if minimum > maximum:
        raise ModelFormatError(f"{place}['minimum'] must be at most its maximum.")
    if min(missing, *shares) < 0.0 or missing > 1.0 or max(shares) > 1.0:
        raise ModelFormatError(f"{place} must give shares from 0 to 1.")
    return Seen(missing, minimum, maximum, borders, shares)
