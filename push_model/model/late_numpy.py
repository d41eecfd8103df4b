"""How is NumPy imported late, by whichever thread needs it first?"""

from __future__ import annotations

import os
from threading import RLock

# A fork copies the lock that an import holds, and nobody is left to release it: the child would
# wait for ever. So no fork happens while NumPy is imported here.
_IMPORTING = RLock()

if hasattr(os, "register_at_fork"):  # absent on Windows, as forks are
    os.register_at_fork(
        before=_IMPORTING.acquire,
        after_in_parent=_IMPORTING.release,
        after_in_child=_IMPORTING.release,
    )


def import_numpy() -> None:
    """Import NumPy; afterwards `import numpy` waits for nothing, in a fork neither."""
    with _IMPORTING:
        import numpy  # noqa: F401, ICN001, PLC0415 - single users never pay for it
