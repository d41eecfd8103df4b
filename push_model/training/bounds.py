"""Which values may a setting take? Fields of a dataclass with limits, and what breaks one."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any, TypeVar

from push_model.errors import InvalidEventError, did_you_mean

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Limited = TypeVar("Limited", bound="DataclassInstance")

# Whole numbers from here on have no double of their own; no hyper-parameter comes near.
LARGEST_INT = 2**53


@dataclass(frozen=True, slots=True)
class Limits:
    """The legal values of one hyper-parameter."""

    type: type
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()

    def complaint(self, value: object) -> str | None:
        """Say which rule a value breaks."""
        if self.type is float and type(value) is int:
            value = float(value) if abs(value) < LARGEST_INT else math.inf
        if type(value) is not self.type:
            return f"must be a {_TYPE_WORDS[self.type]}, got {value!r}"
        if self.choices:
            return (
                None if value in self.choices else f"must be one of {self.choices}, got {value!r}"
            )
        assert isinstance(value, int | float)
        broken = (
            f"{sign} {limit:g}"
            for sign, limit, holds in (
                (">", self.above, gt),
                (">=", self.at_least, ge),
                ("<=", self.at_most, le),
                ("<", self.below, lt),
            )
            if limit is not None and not holds(value, limit)
        )
        rule = next(broken, None)
        return rule and f"must be {rule}, got {value!r}"


_TYPE_WORDS = {int: "whole number", float: "number", str: "text"}


def limited(default: Any, *, reason: str = "", **limits: Any) -> Any:
    """Make a field of a dataclass that only takes legal values."""
    metadata = {"limits": Limits(type(default), **limits), "reason": reason}
    return field(default=default, metadata=metadata)


def read_limited(
    cls: type[Limited], values: Mapping[str, Any], place: str, *, also: Iterable[str] = ()
) -> Limited:
    """Fill a dataclass whose fields are `limited`, refusing what is unknown or out of range."""
    limits = {f.name: f.metadata["limits"] for f in fields(cls)}
    for key, value in values.items():
        if key not in limits:
            known = [*also, *limits]
            raise InvalidEventError(
                f"{place} has unknown key {key!r}.{did_you_mean(key, known)} It takes {known}."
            )
        if complaint := limits[key].complaint(value):
            raise InvalidEventError(f'{place}["{key}"] {complaint}.')
    return cls(**{key: limits[key].type(value) for key, value in values.items()})
