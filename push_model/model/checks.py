"""Is this part of a model document what it must be? Checks that name the place and the rule."""

from __future__ import annotations

from math import isfinite
from typing import Any

from push_model.errors import ModelFormatError


def read_object(value: Any, keys: set[str], place: str) -> dict[str, Any]:
    """Give a JSON object that has exactly these keys."""
    if not isinstance(value, dict):
        raise ModelFormatError(f"{place} must be an object, got {type(value).__name__}.")
    if lacking := sorted(keys - value.keys()):
        raise ModelFormatError(f"{place} lacks key(s) {lacking}.")
    if unknown := sorted(repr(key) for key in value.keys() - keys):
        raise ModelFormatError(f"{place} has unknown key(s) {', '.join(unknown[:5])}.")
    return value


def read_list(value: Any, place: str, *, length: int | None = None) -> list[Any]:
    """Give a JSON list, of a given length if one is given."""
    if not isinstance(value, list):
        raise ModelFormatError(f"{place} must be a list, got {type(value).__name__}.")
    if length is not None and len(value) != length:
        raise ModelFormatError(f"{place} must have {length} entries, got {len(value)}.")
    return value


def read_text(value: Any, place: str) -> str:
    """Give a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ModelFormatError(f"{place} must be a text that is not empty.")
    return value


def read_number(value: Any, place: str) -> float:
    """Give a finite number as a float."""
    return read_numbers([value], place)[0]


def read_numbers(value: Any, place: str, *, length: int | None = None) -> tuple[float, ...]:
    """Give a list of finite numbers as floats.

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
