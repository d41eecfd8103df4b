"""Read the features of each user into rows that the model can score, or say what is wrong.

No message repeats a value: requests hold what users did.
"""

from __future__ import annotations

from itertools import chain, compress
from math import inf, isnan, nan
from operator import gt, itemgetter, lt
from sys import float_info
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import describe_missing, list_some
from push_model.model.scoring import import_numpy, is_worth_numpy
from push_model.serving.users import Repeated, flatten, is_number, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from push_model.model.document import Feature
    from push_model.serving.answer import UserId


_EASY_TYPES = frozenset({float, int, NoneType})
# The whole numbers that are common; a set finds NaN only as the very object that null became.
_EASY_WHOLE = frozenset({*map(float, range(1_000)), nan})


# So many users of a request get a suggestion; a request with more errors needs no more hints.
MOST_SUGGESTED = 100


class Candidates(NamedTuple):
    """What can be scored of a request."""

    # For each user, in order, how many products the list has, or None for a lone product.
    places: list[tuple[UserId, int | None]]
    # Of shape (n_candidates, n_features), user after user; NaN = missing.
    rows: list[list[float]] | NDArray[np.float64]
    errors: dict[UserId, str]  # for each other user, what is wrong
    ignored_features: int  # values sent under names the model does not know


class _UnusableError(Exception):
    """One user cannot be scored; the others still can."""


class _Rule(NamedTuple):
    """What one value must be; both limits are finite."""

    name: str
    low: float
    high: float
    is_whole: bool

    @classmethod
    def of(cls, feature: Feature) -> _Rule:
        low = -float_info.max if feature.minimum is None else feature.minimum
        high = float_info.max if feature.maximum is None else feature.maximum
        if feature.type == "flag":
            low, high = max(low, 0.0), min(high, 1.0)
        return cls(feature.name, low, high, is_whole=feature.type != "number")

    def read(self, value: Any) -> float:
        """Read any value but null, which is always legal; NaN means missing, as null does."""
        if not is_number(value):
            raise _UnusableError(f"{self._must_be()}, got {kind_of(value)}")
        try:
            number = float(value)
        except OverflowError:  # an integer beyond the largest double
            number = inf
        if isnan(number):
            return number
        if not self.low <= number <= self.high:
            raise _UnusableError(f"{self.name!r} is out of range: must be {self._range()}, or null")
        if self.is_whole and number % 1.0:
            raise _UnusableError(f"{self._must_be()}, got a fraction")
        return number

    def _must_be(self) -> str:
        if self._is_flag():
            return f"{self.name!r} must be 0, 1 or null"
        kind = "a whole number" if self.is_whole else "a number"
        is_bounded = self._range() != _ANY
        return f"{self.name!r} must be {kind}{f' ({self._range()})' if is_bounded else ''} or null"

    def _range(self) -> str:
        if self._is_flag():
            return "0 or 1"
        if (self.low, self.high) == (-float_info.max, float_info.max):
            return _ANY
        if self.high == float_info.max:
            return f"{_format(self.low)} or more"
        if self.low == -float_info.max:
            return f"{_format(self.high)} or less"
        return f"{_format(self.low)} to {_format(self.high)}"

    def _is_flag(self) -> bool:
        return self.is_whole and (self.low, self.high) == (0.0, 1.0)


_ANY = "finite"


def _format(limit: float) -> str:
    return f"{limit:,.0f}" if limit % 1.0 == 0.0 else f"{limit:g}"


class RequestReader:
    """Reads the features of users as one model needs them, in the order it needs them."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._names = tuple(feature.name for feature in features)
        self._rules = tuple(map(_Rule.of, features))
        self._lows = tuple(rule.low for rule in self._rules)
        self._highs = tuple(rule.high for rule in self._rules)
        self._is_whole = tuple(rule.is_whole for rule in self._rules)
        self._pick: Callable[[Mapping[Any, Any]], tuple[Any, ...]] = (
            itemgetter(*self._names) if len(self._names) > 1 else self._pick_one
        )

    def _pick_one(self, features: Mapping[Any, Any]) -> tuple[Any, ...]:
        return (features[self._names[0]],)

    def read(self, users: Mapping[UserId, Any]) -> Candidates:
        """Read every user, as `read_users` gives them; an error of one leaves the others."""
        if is_worth_numpy(len(users)) and (candidates := self._read_flawless(users)):
            return candidates
        places: list[tuple[UserId, int | None]] = []
        rows: list[list[float]] = []
        errors: dict[UserId, str] = {}
        sent_features = 0
        for user_id, sent in users.items():
            try:
                if isinstance(sent, list):
                    rows += self._read_products(sent, suggest=len(errors) < MOST_SUGGESTED)
                    places.append((user_id, len(sent)))
                    sent_features += sum(map(len, sent))
                else:
                    rows.append(self._read_features(sent, suggest=len(errors) < MOST_SUGGESTED))
                    places.append((user_id, None))
                    sent_features += len(sent)
            except _UnusableError as error:
                errors[user_id] = str(error)
        return Candidates(places, rows, errors, sent_features - len(rows) * len(self._names))

    def unknown_names(
        self, users: Mapping[UserId, Any], *, beside_known: bool = False
    ) -> Iterator[str]:
        """Yield the names that the model does not know, as often as they were sent.

        With `beside_known`, leave out objects without any feature that the model knows: they may
        hold users, wrapped once too often, and their names are then ids.
        """
        known = frozenset(self._names)
        _, products = flatten(users)
        for features in products:
            if isinstance(features, dict) and not (beside_known and known.isdisjoint(features)):
                for name in features:
                    if isinstance(name, str) and name not in known:
                        yield name

    def _read_products(self, products: list[Any], *, suggest: bool) -> list[list[float]]:
        rows = []
        for number, features in enumerate(products, start=1):
            try:
                rows.append(self._read_features(features, suggest=suggest))
            except _UnusableError as error:
                raise _UnusableError(f"product {number} of {len(products)}: {error}") from error
        return rows

    def _read_features(self, features: Any, *, suggest: bool) -> list[float]:
        if not isinstance(features, dict):
            raise _UnusableError(f"must be an object of features, got {kind_of(features)}.")
        if isinstance(features, Repeated):
            raise _UnusableError("must give each feature once; one is there twice.")
        if type(features) is not dict:
            features = dict(features)  # a defaultdict would make up what it lacks
        try:
            sent = self._pick(features)
        except KeyError:
            missing = describe_missing(self._names, features, suggest=suggest)
            raise _UnusableError(f"{missing} Send null for an unknown value.") from None
        return self._read_easy(sent) or self._read_each(sent)

    def _read_easy(self, sent: tuple[Any, ...]) -> list[float] | None:
        """Read what is legal at a glance, four times as fast as value by value; else None."""
        types = set(map(type, sent))
        if not types <= _EASY_TYPES:
            return None
        row = [nan if value is None else value for value in sent]
        if int in types:
            try:
                row = [*map(float, row)]
            except OverflowError:  # an integer beyond the largest double
                return None
        # Written so that NaN, which is missing, breaks no rule.
        is_broken = any(map(lt, row, self._lows)) or any(map(gt, row, self._highs))
        if is_broken or not _EASY_WHOLE.issuperset(compress(row, self._is_whole)):
            return None
        return row

    def _read_each(self, sent: tuple[Any, ...]) -> list[float]:
        row: list[float] = []
        wrong: list[str] = []
        for value, rule in zip(sent, self._rules, strict=True):
            try:
                row.append(nan if value is None else rule.read(value))
            except _UnusableError as error:
                wrong.append(str(error))
        if wrong:
            raise _UnusableError(f"{list_some(wrong, '; ')}.")
        return row

    def _read_flawless(self, users: Mapping[UserId, Any]) -> Candidates | None:
        """Read a large request by columns, three times as fast; None if any user has a flaw."""
        places, products = flatten(users)
        if not is_worth_numpy(len(products)) or set(map(type, products)) != {dict}:
            return None
        import_numpy()
        import numpy as np  # noqa: PLC0415 - single users never pay for it

        try:
            sent = [*map(self._pick, products)]
        except KeyError:
            return None
        if not {float, NoneType}.issuperset(map(type, chain.from_iterable(sent))):
            return None
        table = np.array(sent, dtype=np.float64)  # None becomes NaN
        _, low, high, is_whole = (np.array(part) for part in zip(*self._rules, strict=True))
        with np.errstate(invalid="ignore"):  # infinity has no remainder, and is out of range anyway
            is_broken = is_whole & (table % 1.0 != 0.0)
        is_legal = (low <= table) & (table <= high) & ~is_broken
        if not (is_legal | np.isnan(table)).all():
            return None
        ignored = sum(map(len, products)) - table.size
        return Candidates(places, table, {}, ignored)
