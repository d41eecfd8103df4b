"""Which error means what, and who must act on it.

Every error raised on purpose is a `PushModelError`. Each takes one finished
message and nothing else, so that it survives pickling between processes.
"""

from collections.abc import Iterable


class PushModelError(Exception):
    """Any failure this package foresees; catch it to catch them all."""


class InvalidEventError(PushModelError, ValueError):
    """An event or a request breaks the contract; its caller must mend it."""


class RequestTooLargeError(InvalidEventError):
    """A request is larger than this process reads; its caller must split it."""


class InvalidSettingError(PushModelError, ValueError):
    """An environment variable holds what it may not; the operator must mend it."""


class DatasetError(PushModelError):
    """A dataset cannot be read or learnt from; its owner must mend it."""


class MissingColumnsError(DatasetError):
    """A feature frame lacks columns that are needed; its owner must add them."""


class ModelNotFoundError(PushModelError):
    """A model, or any champion, is absent from the store; the operator must train or name one."""


class ModelIntegrityError(PushModelError):
    """A model folder is not what was saved; the operator must restore it or retrain."""


class ModelFormatError(PushModelError):
    """A model folder is whole but not of a format this release reads; the operator must upgrade."""


class UnfitChampionError(PushModelError):
    """The champion stays and is too old, or promises wrongly; the operator must see to another."""


class PromotionConflictError(PushModelError):
    """The champion is not the one a challenger was compared with; validate it again."""


class MissingDependencyError(PushModelError, ImportError):
    """A serving-only install was asked to train; install the full requirements there."""


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Suggest the known word closest to a mistyped one, as the end of an error message.

    Parameters
    ----------
    word : object
        What came.
    known : iterable of str
        What would have been right.

    Returns
    -------
    str
        A sentence that starts with a space, or nothing when no word is close.

    Examples
    --------
    >>> did_you_mean("orderd_before", ["ordered_before", "set_as_regular"])
    " Did you mean 'ordered_before'?"
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only a failing request pays for it

    close = get_close_matches(str(word), list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
