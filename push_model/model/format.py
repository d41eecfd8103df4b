"""What does a model document say around its scorer? Features, steps, inputs, and who it is."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import ModelFormatError
from push_model.model.checks import (
    read_list,
    read_number,
    read_numbers,
    read_object,
    read_text,
)
from push_model.model.preparation import Step, names_read, parse_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FORMAT = 1

_FAMILIES = ("boosted_trees", "logistic_regression")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TYPES = ("number", "integer", "flag")


class Seen(NamedTuple):
    """The values of a feature in the train window.

    Attributes
    ----------
    missing : float
        Share of rows without a value.
    minimum, maximum : float
        Least and greatest value; both 0 where no row has one.
    borders : tuple of float
        Ascending; they part the values into bins, each with its upper border in it.
    shares : tuple of float, one more than borders
        Share of all rows in each bin.
    """

    missing: float
    minimum: float
    maximum: float
    borders: tuple[float, ...]
    shares: tuple[float, ...]


class Feature(NamedTuple):
    """What a request must send under one name.

    Attributes
    ----------
    name : str
        Its name.
    type : str
        ``"number"``, ``"integer"`` or ``"flag"`` (0 or 1).
    minimum, maximum : float or None
        Smallest and largest legal value, both included; None where there is no limit.
    missing : str
        What a missing value says.
    seen : Seen or None
        Its values in the train window, if they were written down.
    """

    name: str
    type: str
    minimum: float | None
    maximum: float | None
    missing: str
    seen: Seen | None = None


class ModelDocument(NamedTuple):
    """What a model document says.

    Attributes
    ----------
    model_id : str
        First 16 hex digits of the document's own SHA-256.
    trained_on : str
        Training date, ``"yyyy-mm-dd"``.
    family : str
        ``"boosted_trees"`` or ``"logistic_regression"``.
    features : tuple of Feature
        What a request must send, in order.
    steps : tuple of Step
        How the features become the inputs.
    inputs : tuple of str
        Names the scorer reads, in order.
    scorer : object
        The scorer, not looked at yet.
    """

    model_id: str
    trained_on: str
    family: str
    features: tuple[Feature, ...]
    steps: tuple[Step, ...]
    inputs: tuple[str, ...]
    scorer: Any


def read_model_document(document: Any) -> ModelDocument:
    """Check a model document and read all of it but the scorer."""
    _check_format(document)
    fields = read_object(document, {"format", *ModelDocument._fields}, "The model document")
    features = _read_features(fields["features"])
    steps = parse_steps(fields["steps"])
    inputs = [read_text(name, "inputs") for name in read_list(fields["inputs"], "inputs")]
    _check_names(features, steps, inputs)
    facts = _read_facts(fields)
    return ModelDocument(*facts, features, steps, tuple(inputs), fields["scorer"])


def _check_format(document: Any) -> None:
    found = document.get("format") if isinstance(document, dict) else None
    if type(found) is not int or found != FORMAT:
        came = str(found) if type(found) is int and abs(found) < 10**6 else "something else"
        raise ModelFormatError(
            f"A model document must be of format {FORMAT}, got {came}. "
            "Upgrade push-model to a release that reads it, or retrain with this one."
        )


def _read_facts(fields: Mapping[str, Any]) -> tuple[str, str, str]:
    model_id, trained_on, family = (
        read_text(fields[name], name) for name in ("model_id", "trained_on", "family")
    )
    if family not in _FAMILIES:
        raise ModelFormatError(f"family must be one of {_FAMILIES}.")
    if not _DAY.fullmatch(trained_on):
        raise ModelFormatError("trained_on must be a day written yyyy-mm-dd.")
    return model_id, trained_on, family


def _read_features(value: Any) -> tuple[Feature, ...]:
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
    if any(lower >= upper for lower, upper in pairwise(borders)) or minimum > maximum:
        raise ModelFormatError(f"{place}['borders'] must ascend, and minimum to maximum.")
    if min(missing, *shares) < 0.0 or missing > 1.0 or max(shares) > 1.0:
        raise ModelFormatError(f"{place} must give shares from 0 to 1.")
    return Seen(missing, minimum, maximum, borders, shares)


def _check_names(features: Iterable[Feature], steps: Iterable[Step], inputs: Sequence[str]) -> None:
    known = {feature.name for feature in features}
    for i, step in enumerate(steps):
        if unknown := [name for name in names_read(step) if name not in known]:
            raise ModelFormatError(f"steps[{i}] reads {unknown}, which nothing before it gives.")
        known.add(step.name)
    if not inputs or not known.issuperset(inputs):
        raise ModelFormatError("inputs must name features, or what steps made, and at least one.")
