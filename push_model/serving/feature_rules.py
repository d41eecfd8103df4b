"""What may a feature's value be, and what is said of one that may not? Never the value itself."""

from __future__ import annotations

from math import inf, isnan
from numbers import Real
from sys import float_info
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from push_model.model.format import Feature

MOST_LISTED = 5

# A suggestion compares each absent feature with each unknown one, and a caller may send millions.
MOST_COMPARED = 20


class UnusableError(Exception):
    """One user cannot be scored. Never leaves the reading of requests: the others still can."""


class Rule(NamedTuple):
    """What one value must be.

    Attributes
    ----------
    name : str
        The feature.
    low, high : float
        Smallest and largest legal value, both finite.
    is_whole : bool
        Whether it must be a whole number.
    """

    name: str
    low: float
    high: float
    is_whole: bool

    def __str__(self) -> str:
        if self.is_whole and (self.low, self.high) == (0.0, 1.0):
            return "0 or 1"
        kind = "a whole number" if self.is_whole else "a number"
        if (self.low, self.high) == (-float_info.max, float_info.max):
            return kind
        if self.high == float_info.max:
            return f"{kind} >= {_written(self.low)}"
        if self.low == -float_info.max:
            return f"{kind} <= {_written(self.high)}"
        return f"{kind} from {_written(self.low)} to {_written(self.high)}"

    @classmethod
    def of(cls, feature: Feature) -> Rule:
        """Make the rule of a feature.

        Parameters
        ----------
        feature : Feature
            As the model document gives it.

        Returns
        -------
        Rule
            With limits on both sides; no double is beyond the widest.
        """
        low = -float_info.max if feature.minimum is None else feature.minimum
        high = float_info.max if feature.maximum is None else feature.maximum
        if feature.type == "flag":
            low, high = max(low, 0.0), min(high, 1.0)
        return cls(feature.name, low, high, is_whole=feature.type != "number")

    def read(self, value: Any) -> float:
        """Read any value but null, which is always legal.

        Parameters
        ----------
        value : object
            What a request holds.

        Returns
        -------
        float
            The number; NaN says missing, as null does.

        Raises
        ------
        UnusableError
            If it is no number, or not a legal one.
        """
        if not _is_number(value):
            raise UnusableError(f"{self.name!r} must be {self} or null, got {kind_of(value)}")
        try:
            number = float(value)
        except OverflowError:  # an integer beyond the largest double
            number = inf
        is_legal = self.low <= number <= self.high and not (self.is_whole and number % 1.0)
        if is_legal or isnan(number):
            return number
        raise UnusableError(f"{self.name!r} must be {self} or null, got another number")


def _written(limit: float) -> str:
    return f"{limit:,.0f}" if limit % 1.0 == 0.0 else f"{limit:g}"


def say_absent(names: Sequence[str], features: Mapping[Any, Any], *, suggest: bool = True) -> str:
    """Say which features a user lacks, and which were probably meant.

    Parameters
    ----------
    names : sequence of str
        The features a model needs.
    features : mapping
        What came.
    suggest : bool
        Whether to look for what was probably meant, which takes a thousand times as long.

    Returns
    -------
    str
        A message that says what to do.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only a failing request pays for it

    absent = sorted(name for name in names if name not in features)
    unknown = [name for name in features if isinstance(name, str) and name not in names]
    unknown = unknown if suggest else []
    pairs = [
        f"{name!r} by {close[0]!r}"
        for name in absent
        if (close := get_close_matches(name, unknown[:MOST_COMPARED], n=1))
    ]
    suggestion = f" (did you mean {list_some(pairs, ', ')}?)" if pairs else ""
    listed = list_some([repr(name) for name in absent], ", ")
    return (
        f"lacks {len(absent)} of {len(names)} features: [{listed}]{suggestion}. "
        "Send null for a value that is not known."
    )


def list_some(parts: Sequence[str], between: str) -> str:
    """List the first five, and count the rest.

    Parameters
    ----------
    parts : sequence of str
        What to list.
    between : str
        What stands between two of them.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> list_some("abcdefg", ", ")
    'a, b, c, d, e and 2 more'
    """
    rest = len(parts) - MOST_LISTED
    return between.join(parts[:MOST_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def kind_of(value: Any) -> str:
    """Say what came in the words of JSON, and never the value itself.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    str
        Its kind.

    Examples
    --------
    >>> kind_of("3.5")
    'text'
    """
    words = {str: "text", bool: "true or false", list: "a list"}
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if _is_number(value):
        return "a number"
    return words.get(type(value), f"a {type(value).__name__}")


def _is_number(value: Any) -> bool:
    """Tell numbers, NumPy's among them, from true and false, which Python counts as integers."""
    return not isinstance(value, bool) and isinstance(value, Real)
