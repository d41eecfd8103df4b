"""How is a dataset waited for? It is looked at until it is there, whole, and at rest."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from push_model.serving.settings import read_setting
from push_model.training.data.wholeness import Part, find_fault, take_snapshot

# A delivery that comes later than this leaves too little of the day to act on a bad one.
WAIT_S = 4 * 60 * 60
# Longer than an upload pauses. Looking costs a stat, but on a network mount each is a request.
SETTLE_S = 30

_NS = 1_000_000_000


class Patience(NamedTuple):
    """How long a dataset is waited for.

    Attributes
    ----------
    wait_s : int
        Seconds until it is given up.
    settle_s : int
        Seconds for which nobody may have written to it.
    """

    wait_s: int
    settle_s: int


def read_patience(environ: Mapping[str, str]) -> Patience:
    """Read how long to wait.

    Examples
    --------
    >>> read_patience({"PUSH_DATASET_SETTLE_S": "5"})
    Patience(wait_s=14400, settle_s=5)
    """
    variables = {"PUSH_DATASET_WAIT_S": WAIT_S, "PUSH_DATASET_SETTLE_S": SETTLE_S}
    return Patience(
        *(
            read_setting(variable, environ.get(variable) or str(default))
            for variable, default in variables.items()
        )
    )


class Watch:
    """What was seen so far of a dataset that is waited for."""

    def __init__(self, uri: str, settle_s: float) -> None:
        self._uri, self._settle_s = uri, settle_s
        self._seen: tuple[Part, ...] = ()
        self._seen_at = time.monotonic()
        self._fault: str | None = None
        self._is_examined = False

    def is_there(self) -> bool:
        """Tell whether the last look found anything."""
        return bool(self._seen)

    def look(self) -> str | None:
        """Look at the dataset once."""
        try:
            self._note(take_snapshot(self._uri))
            if not self._seen:
                return "is not there"
            if self._quiet_s() < self._settle_s:
                return f"was written to less than {self._settle_s:g} s ago"
            if not self._is_examined:
                # Once for each state of the file: gzip is unpacked for it.
                self._fault, self._is_examined = find_fault(self._uri), True
        except OSError as error:  # a mount that comes and goes, or a file nobody may read
            return f"cannot be read: {error.strerror or type(error).__name__}"
        return self._fault

    def _note(self, seen: tuple[Part, ...]) -> None:
        if seen != self._seen:
            self._seen, self._seen_at, self._is_examined = seen, time.monotonic(), False

    def _quiet_s(self) -> float:
        """Count the seconds since a change, by the file's own time or by when it was seen.

        The file's own saves waiting for one that came long ago; where clocks differ, or a copy
        took over the original's time, it may be no help.
        """
        newest = max(part.modified_ns for part in self._seen)
        return max(time.monotonic() - self._seen_at, (time.time_ns() - newest) / _NS)
