"""How does one process at a time change a store?"""

from __future__ import annotations

import os
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING

from push_model.errors import ModelNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_FILE = ".promotion.lock"
# A holder needs milliseconds, `prune` on a slow disk seconds: one that takes longer hangs.
LOCK_WAIT_S = 30.0


@contextmanager
def locked(models_dir: Path) -> Iterator[None]:
    """Let one process at a time change the store; one that dies lets go."""
    try:
        # Made but never removed: who removes a lock file may remove another's lock.
        descriptor = os.open(models_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError as error:
        raise ModelNotFoundError(
            f"There is no model store {models_dir}. Train a model into it, or name another."
        ) from error
    try:
        _wait_for_lock(descriptor, models_dir)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, models_dir: Path) -> None:
    import fcntl  # noqa: PLC0415 - serving must import where there is none, such as Windows

    give_up_at = monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() > give_up_at:
                raise TimeoutError(
                    f"Another process has held {models_dir / LOCK_FILE} for {LOCK_WAIT_S:g} s. "
                    "Let it finish, or end it: `fuser` names it. Removing the file frees nothing."
                ) from None
            sleep(0.01)
        else:
            return
