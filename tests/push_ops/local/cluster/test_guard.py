import io
import os
import signal
import subprocess
import sys
import time

import pytest

from push_ops.local import background
from push_ops.local.cluster.guard import start_guard, watch
from push_ops.local.startup import RECORD, starting

# What is started runs on until the guard stops it.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
# Starts a component under a guard, then hangs.
STARTER = f"""
import os, pathlib, sys, time
from push_ops.local.cluster.guard import start_guard
from push_ops.local.startup import starting
home = pathlib.Path(sys.argv[1])
guard = start_guard(home)
with starting(home, os.environ) as startup:
    startup.start("scheduler", {SLEEPER!r})
print("started", flush=True)
time.sleep(60)
"""


def test_what_a_killed_process_started_is_stopped(tmp_path):
    path = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-c", STARTER, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    ) as starter:
        assert starter.stdout.readline() == b"started\n"
        (session,) = background.load(tmp_path / RECORD)
        alive_before = session.members()

        starter.send_signal(signal.SIGKILL)

        _wait_until(lambda: not session.members())
    assert len(alive_before) == 1
    _wait_until(lambda: not (tmp_path / RECORD).exists())


def test_what_is_watched_is_stopped_when_the_pipe_closes(tmp_path):
    with starting(tmp_path, os.environ) as startup:
        startup.start("scheduler", SLEEPER)

    watch(tmp_path, io.BytesIO())

    assert startup.sessions["scheduler"].members() == []


def test_a_guard_with_nothing_to_stop_ends_with_its_starter(tmp_path):
    guard = start_guard(tmp_path)

    guard.communicate(timeout=20)

    assert guard.returncode == 0


def _wait_until(is_true, timeout_s=20.0):
    end = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < end, "it was not stopped in time"
        time.sleep(0.05)
