"""What lives as long as this process does? Its models, and what it was asked so far."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from push_model.serving.live_model import LiveModels

if TYPE_CHECKING:
    from collections.abc import Iterable

# Names come from requests, without end if someone wills it; so many show what is misspelt.
MOST_UNKNOWN_NAMES = 20
LONGEST_UNKNOWN_NAME = 60


class Counts(NamedTuple):
    """What a process was asked so far.

    Attributes
    ----------
    requests : int
        All requests.
    failed_requests : int
        Those answered with an error as a whole.
    users : int
        Users asked about.
    errors : int
        Those that could not be scored.
    unknown_features : int
        Values sent under names the model does not know.
    unknown_feature_names : tuple of str
        The first such names, sorted, at most 20.
    """

    requests: int = 0
    failed_requests: int = 0
    users: int = 0
    errors: int = 0
    unknown_features: int = 0
    unknown_feature_names: tuple[str, ...] = ()


class Tally:
    """Counts requests; safe to share between threads."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Count from nothing, with a lock of its own; a fork does, for its parent is another."""
        self._lock = Lock()
        self._requests = self._failed = self._users = self._errors = self._unknown = 0
        self._names: set[str] = set()

    def count_answer(self, *, users: int, errors: int) -> None:
        """Count an answered request.

        Parameters
        ----------
        users : int
            Users asked about.
        errors : int
            Those that could not be scored.
        """
        with self._lock:
            self._requests += 1
            self._users += users
            self._errors += errors

    def count_failure(self) -> None:
        """Count a request that failed as a whole."""
        with self._lock:
            self._requests += 1
            self._failed += 1

    def count_unknown(self, values: int, names: Iterable[str]) -> None:
        """Count values sent under names that the model does not know.

        Parameters
        ----------
        values : int
            How many.
        names : iterable of str
            Their names; looked at until 20 are kept.
        """
        with self._lock:
            self._unknown += values
            if len(self._names) < MOST_UNKNOWN_NAMES:
                for name in names:
                    self._names.add(name[:LONGEST_UNKNOWN_NAME])
                    if len(self._names) == MOST_UNKNOWN_NAMES:
                        break

    def counts(self) -> Counts:
        """Give the counts of one moment.

        Returns
        -------
        Counts
            So far.
        """
        with self._lock:
            figures = self._requests, self._failed, self._users, self._errors, self._unknown
            return Counts(*figures, tuple(sorted(self._names)))


LIVE_MODELS = LiveModels()
TALLY = Tally()


def _start_in_fork() -> None:
    """Make what a fork copied usable: another thread may have held a lock at that moment."""
    LIVE_MODELS.start_in_fork()
    TALLY.start()


if hasattr(os, "register_at_fork"):  # absent on Windows, as forks are
    os.register_at_fork(after_in_child=_start_in_fork)
