"""What does a request ask, user by user? Rows the model can score, and what is wrong with the rest.

No message repeats a value: requests hold what users did.
"""

from __future__ import annotations

from itertools import chain, compress
from math import nan
from operator import gt, itemgetter, lt
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.model.late_numpy import import_numpy
from push_model.model.scoring import is_worth_numpy
from push_model.serving.feature_rules import Rule, UnusableError, kind_of, list_some, say_absent
from push_model.serving.users import Repeated, flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from push_model.model.format import Feature
    from push_model.serving.answer import UserId


_EASY_TYPES = frozenset({float, int, NoneType})
# The whole numbers that are common; a set finds NaN only as the very object that null became.
_EASY_WHOLE = frozenset({*map(float, range(1_000)), nan})


# So many users of a request get a "did you mean"; who sends more wrong ones needs no more hints.
MOST_SUGGESTED = 100


class Candidates(NamedTuple):
    """What can be scored of a request.

    Attributes
    ----------
    places : list of (user id, int or None)
        For each user, in order, how many products the list has, or None for a lone product.
    rows : list of list of float, or ndarray, of shape (n_candidates, n_features)
        User after user; NaN = missing.
    errors : dict of user id to str
        For each other user, what is wrong.
    ignored_features : int
        Values sent under names the model does not know.
    """

    places: list[tuple[UserId, int | None]]
    rows: list[list[float]] | NDArray[np.float64]
    errors: dict[UserId, str]
    ignored_features: int


class RequestReader:
    """Reads the features of users as one model needs them.

    Parameters
    ----------
    features : sequence of Feature
        What the model needs, in order.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._names = tuple(feature.name for feature in features)
        self._rules = tuple(map(Rule.of, features))
        self._lows = tuple(rule.low for rule in self._rules)
        self._highs = tuple(rule.high for rule in self._rules)
        self._is_whole = tuple(rule.is_whole for rule in self._rules)
        self._pick: Callable[[Mapping[Any, Any]], tuple[Any, ...]] = (
            itemgetter(*self._names) if len(self._names) > 1 else self._pick_one
        )

    def _pick_one(self, features: Mapping[Any, Any]) -> tuple[Any, ...]:
        return (features[self._names[0]],)

    def read(self, users: Mapping[UserId, Any]) -> Candidates:
        """Read every user; one that cannot be scored does not sink the others.

        Parameters
        ----------
        users : mapping
            As `read_users` gives it; unchanged.

        Returns
        -------
        Candidates
            Rows of the users that can be scored, messages for the rest.
        """
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
            except UnusableError as error:
                errors[user_id] = str(error)
        return Candidates(places, rows, errors, sent_features - len(rows) * len(self._names))

    def unknown_names(
        self, users: Mapping[UserId, Any], *, beside_known: bool = False
    ) -> Iterator[str]:
        """Give the names that the model does not know, as often as they were sent.

        Parameters
        ----------
        users : mapping
            As `read_users` gives it; unchanged.
        beside_known : bool
            Leave out objects without any feature that it knows: they may hold users, wrapped once
            too often, and their names are then ids.

        Yields
        ------
        str
            A name.
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
            except UnusableError as error:
                raise UnusableError(f"product {number} of {len(products)}: {error}") from error
        return rows

    def _read_features(self, features: Any, *, suggest: bool) -> list[float]:
        if not isinstance(features, dict):
            raise UnusableError(f"must be an object of features, got {kind_of(features)}.")
        if isinstance(features, Repeated):
            raise UnusableError("must give each feature once; one is there twice.")
        if type(features) is not dict:
            features = dict(features)  # a defaultdict would make up what it lacks
        try:
            sent = self._pick(features)
        except KeyError:
            raise UnusableError(say_absent(self._names, features, suggest=suggest)) from None
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
            except UnusableError as error:
                wrong.append(str(error))
        if wrong:
            raise UnusableError(list_some(wrong, "; ") + ".")
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
