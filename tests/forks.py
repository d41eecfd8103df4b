"""A part of a test in a forked process: untraced, bounded, and seen where it hangs."""

import gc
import os
import signal
import sys
import time

import pytest

MAY_TAKE_S = 120.0
WITH_FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
# Python 3.12 on warns of a fork beside threads, which is what is tried here.
FORK_WARNING = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def in_fork(work) -> int:
    """Run in a forked process to its end; give its exit code, less than 0 if a signal ended it."""
    return code_of(start(work))


def start(work) -> int:
    """Run in a forked process that ends with what `work` returns, or with 1 if it raises."""
    # Untraced, for the child would wait for ever for a lock of coverage's that a thread of this
    # process holds now; of a child that ends without clean-up, coverage learns nothing anyway.
    trace = sys.gettrace()
    sys.settrace(None)
    child = os.fork()
    if child == 0:
        code = 1
        # What other tests left to be collected stays: a database's end would wait for its threads,
        # which a fork has none of.
        gc.freeze()
        try:
            code = work()
        finally:
            os._exit(code)
    sys.settrace(trace)
    return child


def code_of(child: int) -> int:
    """Wait for a forked process; give its exit code, less than 0 if a signal ended it."""
    # Bounded from here: a fork may hang before its first line, in what runs at each fork. And one
    # that outlives its worker of pytest-xdist holds a pipe whose end the whole run waits for.
    give_up_at = time.monotonic() + MAY_TAKE_S
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > give_up_at:
            os.kill(child, signal.SIGABRT)  # pytest's faulthandler shows where it hung
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.0005)
    return os.waitstatus_to_exitcode(ended[1])
