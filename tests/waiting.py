"""Wait for events, with a limit that a slow machine keeps."""

import socket
import time

LIMIT_S = 1200.0
EVERY_S = 0.25


def wait_until(find, what):
    """Return what `find` returns once it is true."""
    deadline = time.monotonic() + LIMIT_S
    while not (found := find()):
        assert time.monotonic() < deadline, f"It took more than {LIMIT_S:.0f} s until {what}."
        time.sleep(EVERY_S)
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
