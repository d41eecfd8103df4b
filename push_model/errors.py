"""Define each error, and who must act on it.

Every error raised on purpose is a `PushModelError`. Each takes one finished message and nothing
else, so that it survives pickling between processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_MOST_LISTED = 5
# A suggestion compares each missing name with each unknown one, and a caller may send millions.
_MOST_COMPARED = 20


class PushModelError(Exception):
    """Any failure this package foresees; catch it to catch them all."""


class InvalidEventError(PushModelError, ValueError):
    """An event or a request breaks the contract; its caller must fix it."""


class RequestTooLargeError(InvalidEventError):
    """A request is larger than this process reads; its caller must split it."""


class InvalidSettingError(PushModelError, ValueError):
    """An environment variable has an invalid value; the operator must fix it."""


class DatasetError(PushModelError):
    """A dataset cannot be read or used for training; its owner must fix it."""


class DatasetNotReadyError(DatasetError):
    """A dataset is still being written; a retry may find it whole."""


class DatasetMissingError(DatasetError):
    """A dataset is not there; its owner must deliver it."""


class SchemaError(DatasetError):
    """Rows of a dataset break rules of the schema; its owner must fix them."""

    #: Each broken rule; places, never values.
    broken: tuple[Any, ...] = ()


class MissingColumnsError(DatasetError):
    """A feature frame lacks columns that are needed; its owner must add them."""


class ModelNotFoundError(PushModelError):
    """A model, or any champion, is absent from the store; the operator must train or name one."""


class ModelIntegrityError(PushModelError):
    """A model folder is not what was saved; the operator must restore it or retrain."""


class ModelFormatError(PushModelError):
    """A model folder is whole but not of a format this release reads; the operator must upgrade."""


class UnfitChampionError(PushModelError):
    """The champion stays but is too old or badly calibrated; the operator must replace it."""


class PromotionConflictError(PushModelError):
    """The champion or the store is not what a change was based on; look again, then decide."""


class MissingDependencyError(PushModelError, ImportError):
    """A serving-only install cannot train; install the full requirements there."""


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Suggest the known word closest to a mistyped one, as the end of an error message.

    Parameters
    ----------
    word : object
        What came.
    known : iterable of str
        The valid words.

    Returns
    -------
    str
        A sentence that starts with a space, or nothing when no word is close.

    Examples
    --------
    >>> did_you_mean("orderd_before", ["ordered_before", "set_as_regular"])
    " Did you mean 'ordered_before'?"
    """
    close = _close_to(str(word), list(known))
    return f" Did you mean {close!r}?" if close else ""


def describe_missing(
    needed: Collection[str], given: Iterable[object], *, suggest: bool = True
) -> str:
    """Return which needed names are missing, and which given ones look like typos of them.

    Parameters
    ----------
    needed : collection of str
        The names that must be there; at least one is missing.
    given : iterable of object
        What came, in any order.
    suggest : bool
        Whether to look for typos, which takes a thousand times as long.

    Returns
    -------
    str
        A sentence.

    Examples
    --------
    >>> describe_missing(["ordered_before", "outcome"], ["orderd_before", "outcome"])
    "'ordered_before' is missing; is 'orderd_before' a typo?"
    >>> describe_missing(["ordered_before", "outcome"], ["order_id"])
    "'ordered_before', 'outcome' are missing."
    """
    came = [name for name in given if isinstance(name, str)]
    missing = sorted({*needed}.difference(came))
    said = f"{list_some(map(repr, missing))} {_verb(missing)} missing"
    unknown = [name for name in came if name not in needed][:_MOST_COMPARED] if suggest else []
    typos = [*dict.fromkeys(filter(None, (_close_to(name, unknown) for name in missing)))]
    if not typos:
        return f"{said}."
    ending = "typos" if typos[1:] else "a typo"
    return f"{said}; {_verb(typos)} {list_some(map(repr, typos))} {ending}?"


def _verb(names: Sequence[str]) -> str:
    return "are" if len(names) > 1 else "is"


def _close_to(word: str, known: Sequence[str]) -> str | None:
    if not known:
        return None
    from difflib import get_close_matches  # noqa: PLC0415 - only a failing request pays for it

    return next(iter(get_close_matches(word, known, n=1)), None)


def list_some(parts: Iterable[str], separator: str = ", ") -> str:
    """List the first five parts, and count the rest.

    Parameters
    ----------
    parts : iterable of str
        What to list.
    separator : str
        Stands between two parts.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> list_some("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    listed = [*parts]
    rest = len(listed) - _MOST_LISTED
    return separator.join(listed[:_MOST_LISTED]) + (f" and {rest} more" if rest > 0 else "")
