"""Processes of a test's own: started with a log each, killed with all that they forked."""

import os
import subprocess
import sys
from contextlib import suppress

import psutil

# Reads ids of sessions, and kills them once the other end of the pipe closes: pytest has ended.
GUARD = """
import sys, psutil
from tests.system.cluster.processes import members_of
ids = [int(line) for line in sys.stdin]
for process in [each for id in ids for each in members_of(id)]:
    process.kill()
"""


def component():
    """Name this process to Airflow, in place of the machine that all of them share."""
    return os.environ["COMPONENT"]


def members_of(session):
    """List the living processes of a session; what a command forks stays in its session."""

    def is_member(process):
        with suppress(OSError, psutil.NoSuchProcess):
            alive = process.status() != psutil.STATUS_ZOMBIE
            return alive and os.getsid(process.pid) == session
        return False

    return list(filter(is_member, psutil.process_iter()))


class Processes:
    """Commands that run until they are stopped, at the latest when this process ends."""

    def __init__(self, folder):
        self.folder, self.running = folder, {}
        folder.mkdir()
        self._guard = subprocess.Popen(
            [sys.executable, "-c", GUARD], stdin=subprocess.PIPE, start_new_session=True
        )

    def log(self, name):
        return self.folder / f"{name}.log"

    def start(self, name, command, environment):
        with self.log(name).open("ab") as output:
            started = subprocess.Popen(
                command,
                env={**environment, "COMPONENT": name},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running[name] = started
        self.guard(started.pid)

    def guard(self, session):
        """Have a session killed when this process ends, in whatever way."""
        self._guard.stdin.write(b"%d\n" % session)
        self._guard.stdin.flush()

    def refuse_ended(self):
        for name, started in self.running.items():
            assert started.poll() is None, f"{name} ended:\n{self.log(name).read_text()[-3000:]}"

    def kill(self, name):
        """Kill a command and all that it forked, as when its machine is lost."""
        started = self.running.pop(name)
        for process in members_of(started.pid):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        started.wait()

    def end_all(self):
        """End every command; the last to start is the first to end."""
        for name in reversed(list(self.running)):
            self.running[name].terminate()
            with suppress(subprocess.TimeoutExpired):
                self.running[name].wait(timeout=5)
            self.kill(name)

    def close(self):
        self._guard.communicate()
