"""Who stops a cluster when whoever started it is gone, even by a SIGKILL? This process.

It holds one end of a pipe; the other end is the starter's, and closes with it.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from push_ops.local.startup import stop_recorded

# What is left is of no use to anyone.
CLEAN_STOP_S = 1.0


def start_guard(home: Path) -> "subprocess.Popen[bytes]":
    """Start a process that stops everything when this one ends, in whatever way."""
    plugins = str(Path(__file__).parents[3])
    return subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-m", __name__, str(home)],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": plugins},
        start_new_session=True,
    )


def watch(home: Path, pipe: IO[bytes]) -> None:
    """Wait for the pipe to close, then stop everything."""
    pipe.read()
    stop_recorded(home, clean_stop_s=CLEAN_STOP_S)


if __name__ == "__main__":
    watch(Path(sys.argv[1]), sys.stdin.buffer)
