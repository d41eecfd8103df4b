"""Read which users a request names, and refuse a request that is too large."""

from __future__ import annotations

from contextlib import suppress
from json import JSONDecoder
from numbers import Real
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import InvalidEventError, RequestTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from push_model.serving.answer import UserId
    from push_model.serving.settings import Limits


class Repeated(dict[str, Any]):
    """A JSON object that gave a key twice, so that its meaning is unclear."""


class _Counts(NamedTuple):
    """What a request holds down to the features, which are not counted."""

    candidates: int
    lists: int
    objects: int  # that of the users among them
    keys: int


_NOTHING = _Counts(0, 0, 0, 0)


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    return read if len(read) == len(pairs) else Repeated(read)


# Integers become doubles at once: one of a thousand digits is then infinite, and its user's error.
_decode = JSONDecoder(parse_int=float).raw_decode
_decode_marking_repeats = JSONDecoder(parse_int=float, object_pairs_hook=_read_object).raw_decode

# Users, the list of one, its features.
_VALID_NESTING = 3
_LARGEST_ID = 2**63

# JSON's white space.
_SPACE = " \t\n\r"


def read_users(users: Any, limits: Limits) -> dict[UserId, Any]:
    """Read the users of a request: JSON text of an object, or the object.

    Their features are not checked yet.

    Examples
    --------
    >>> from push_model.serving.settings import Limits
    >>> read_users('{"u_17": {"count_pets": 2}}', Limits())
    {'u_17': {'count_pets': 2.0}}
    """
    read: Any = _parse(users, limits) if isinstance(users, str) else users
    if not isinstance(read, dict):
        raise InvalidEventError(
            f"users must be an object of user ids, as JSON text or a dict, got {kind_of(read)}."
            f"{' Decode them as UTF-8 first.' if isinstance(read, bytes) else ''}"
        )
    if not read:
        raise InvalidEventError("users is empty: send at least one user id with its features.")
    if isinstance(read, Repeated):
        raise InvalidEventError("users must name each user once; an id is there twice.")
    by_user_id: dict[UserId, Any] = read
    if read is users:
        by_user_id = _read_ids(read)
        _check_candidates(_count(by_user_id).candidates, limits)
    return by_user_id


def flatten(
    users: Mapping[UserId, Any],
) -> tuple[list[tuple[UserId, int | None]], list[Any]]:
    """Return how many products each user has, None for a lone one, and the products in order."""
    places: list[tuple[UserId, int | None]] = []
    products: list[Any] = []
    for user_id, sent in users.items():
        if isinstance(sent, list):
            places.append((user_id, len(sent)))
            products += sent
        else:
            places.append((user_id, None))
            products.append(sent)
    return places, products


def kind_of(value: Any) -> str:
    """Return what came in the words of JSON, and never the value itself.

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
    if is_number(value):
        return "a number"
    return words.get(type(value), f"a {type(value).__name__}")


def is_number(value: Any) -> bool:
    """Check for a number, NumPy's included; Python counts true and false as integers, JSON not."""
    return not isinstance(value, bool) and isinstance(value, Real)


def _parse(text: str, limits: Limits) -> Any:
    if len(text) > limits.characters:
        raise RequestTooLargeError(
            f"users has {len(text):,} characters, and this process reads at most "
            f"{limits.characters:,} (PUSH_MAX_REQUEST_CHARACTERS). Send fewer users at once."
        )
    if not text.strip(_SPACE):
        return {}
    read = _decode_within(limits, _decode, text)
    n_candidates, n_lists, n_objects, n_keys = _count(read) if isinstance(read, dict) else _NOTHING
    _check_candidates(n_candidates, limits)
    # What opens beyond users, lists and features is nested deeper than a request need be.
    opened = text.count("{") + text.count("[")
    if opened > n_lists + n_objects or limits.nesting < _VALID_NESTING:
        _check_nesting(read, limits)
    # Each key has its own colon, so if there are as many colons as keys, no key is repeated.
    # A colon in a user id only sends a valid request the slower way.
    if text.count(":") == n_keys:
        return read
    return _decode_within(limits, _decode_marking_repeats, text)


def _count(users: dict[Any, Any]) -> _Counts:
    n_candidates = n_lists = 0
    n_objects, n_keys = 1, len(users)
    for sent in users.values():
        if isinstance(sent, dict):
            n_candidates += 1
            n_objects += 1
            n_keys += len(sent)
        elif isinstance(sent, list):
            n_candidates += len(sent) or 1  # a user with an empty list counts, too
            n_lists += 1
            objects = [features for features in sent if isinstance(features, dict)]
            n_objects += len(objects)
            n_keys += sum(map(len, objects))
        else:
            n_candidates += 1
    return _Counts(n_candidates, n_lists, n_objects, n_keys)


def _decode_within(limits: Limits, decode: Callable[[str, int], tuple[Any, int]], text: str) -> Any:
    start = 0 if text[0] == "{" else len(text) - len(text.lstrip(_SPACE))
    try:
        read, end = decode(text, start)
    except RecursionError:
        raise _nested_too_deeply(limits) from None
    except ValueError as error:
        # The error's message is kept; its document is not.
        raise InvalidEventError(f"users must be JSON text: {error}.") from None
    if end < len(text) and text[end:].strip(_SPACE):
        raise InvalidEventError(
            f"users must be JSON text: it ends at character {end}, and more follows."
        )
    return read


def _check_candidates(n_candidates: int, limits: Limits) -> None:
    if n_candidates > limits.candidates:
        raise RequestTooLargeError(
            f"users has {n_candidates:,} candidates, each a user and a product, and this process "
            f"reads at most {limits.candidates:,} (PUSH_MAX_CANDIDATES). Send fewer at once."
        )


def _check_nesting(read: Any, limits: Limits) -> None:
    level = [read]
    for _ in range(limits.nesting):
        level = [inner for outer in level for inner in _inside(outer)]
    if any(isinstance(outer, dict | list) for outer in level):
        raise _nested_too_deeply(limits)


def _inside(outer: Any) -> Iterable[Any]:
    if isinstance(outer, dict):
        return outer.values()
    return outer if isinstance(outer, list) else ()


def _nested_too_deeply(limits: Limits) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"users nests too deeply: this process reads at most {limits.nesting} objects and lists "
        f"inside each other (PUSH_MAX_NESTING), and a valid request has {_VALID_NESTING}."
    )


def _read_ids(users: dict[Any, Any]) -> dict[UserId, Any]:
    """Return users with integers of Python for ids, whichever library made them."""
    if not all(map(_is_id, users)):
        users = {_read_id(user_id): sent for user_id, sent in users.items()}
    if len(set(map(str, users))) < len(users):
        raise InvalidEventError("users must name each user once; 17 and '17' are one id in JSON.")
    return users


def _read_id(user_id: Any) -> UserId:
    # Python's bool is an integer, NumPy's is not.
    if not isinstance(user_id, bool | str):
        with suppress(TypeError):
            user_id = index(user_id)
    if not _is_id(user_id):
        raise InvalidEventError("users must have texts or 64-bit integers for user ids.")
    read: UserId = user_id
    return read


def _is_id(user_id: object) -> bool:
    if type(user_id) is int:
        return -_LARGEST_ID <= user_id < _LARGEST_ID
    return isinstance(user_id, str)
