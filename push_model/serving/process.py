"""Count what this process was asked so far."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# Names come from requests and may be endless; so many show what is misspelt.
MOST_UNKNOWN_NAMES = 20
_LONGEST_UNKNOWN_NAME = 60


class Counts(NamedTuple):
    """What a process was asked so far."""

    requests: int = 0
    failed_requests: int = 0  # answered with an error as a whole
    users: int = 0
    errors: int = 0  # users that could not be scored
    unknown_features: int = 0  # values sent under names the model does not know
    unknown_feature_names: tuple[str, ...] = ()  # the first such names, sorted, at most 20


class Tally:
    """Counts requests; safe to share between threads."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Reset all counts and the lock; a forked child does."""
        self._lock = Lock()
        self._requests = self._failed = self._users = self._errors = self._unknown = 0
        self._names: set[str] = set()

    def count_answer(self, *, users: int, errors: int) -> None:
        """Count an answered request, its users, and those that could not be scored."""
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
        """Count values sent under names that the model does not know; keep the first names."""
        with self._lock:
            self._unknown += values
            if len(self._names) < MOST_UNKNOWN_NAMES:
                for name in names:
                    self._names.add(name[:_LONGEST_UNKNOWN_NAME])
                    if len(self._names) == MOST_UNKNOWN_NAMES:
                        break

    def counts(self) -> Counts:
        """Return the counts of one moment."""
        with self._lock:
            figures = self._requests, self._failed, self._users, self._errors, self._unknown
            return Counts(*figures, tuple(sorted(self._names)))


TALLY = Tally()

if hasattr(os, "register_at_fork"):  # absent on Windows, as forks are
    # At the moment of the fork another thread may hold the lock.
    os.register_at_fork(after_in_child=TALLY.start)
