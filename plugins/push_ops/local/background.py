"""Which processes did we start in the background, and how do we stop every one of them?

Each command is started as the leader of a session of its own. Whatever it forks stays in that
session, even when its parent dies first, so the sessions name all of them: no orphan is missed.
PostgreSQL's processes each lead a session of their own; they are its children, and end with it.
"""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from push_model.store.durable import write_aside

# A clean stop lets Airflow close its jobs in the database; a training is not waited for.
CLEAN_STOP_S = 20.0
# What outlives a SIGKILL for longer hangs in the kernel, and waiting more does not help.
KILL_WAIT_S = 5.0
# Start times are told from the boot time, which moves when the machine's clock is set right.
CLOCK_DRIFT_S = 60.0


@dataclass(frozen=True, slots=True)
class Session:
    """One background command and all that it forked.

    Attributes
    ----------
    name : str
        What was started.
    id : int
        The session id, which is its leader's process id.
    started : float
        When its leader started, in seconds since 1970: tells it from a later process with
        the same id.
    """

    name: str
    id: int
    started: float

    def members(self) -> list[psutil.Process]:
        """List its living processes, the leader first."""
        if _is_someone_else(self):
            return []
        found = {p for p in psutil.process_iter() if _session_id(p) == self.id}
        alive = [p for p in found | _children(self.id) if not _is_zombie(p)]
        return sorted(alive, key=lambda process: process.pid != self.id)


def launch(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Start a command in a session of its own for whoever waits for its end."""
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - the command is our own, not a person's text
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def describe(name: str, process: "subprocess.Popen[bytes]") -> Session:
    """Give the session that a launched command leads."""
    return Session(name, process.pid, psutil.Process(process.pid).create_time())


def stop(sessions: Sequence[Session], *, clean_stop_s: float = CLEAN_STOP_S) -> int:
    """Stop every process of the sessions: asked first, killed when they do not listen."""
    members = [process for session in sessions for process in session.members()]
    leaders = [process for process in members if process.pid in {s.id for s in sessions}]
    for leader in leaders:
        _send(leader, psutil.Process.terminate)
    psutil.wait_procs(leaders, timeout=clean_stop_s)
    # Of a leader that ended, children with sessions of their own are known from before alone.
    while left := [
        *(process for process in members if process.is_running() and not _is_zombie(process)),
        *(process for session in sessions for process in session.members()),
    ]:
        for process in left:
            _send(process, psutil.Process.kill)
        psutil.wait_procs(left, timeout=KILL_WAIT_S)
    return len(members)


def save(sessions: Sequence[Session], path: Path) -> None:
    """Write down what was started, for another process to stop."""
    # Whole or not at all: half a record, and nothing of what runs could be stopped.
    write_aside(path, json.dumps([[s.name, s.id, s.started] for s in sessions]).encode())


def load(path: Path) -> list[Session]:
    """Read what `save` wrote; nothing where there is no file."""
    if not path.exists():
        return []
    return [Session(*row) for row in json.loads(path.read_text("utf-8"))]


def _is_someone_else(session: Session) -> bool:
    # What we start never shares our own session. Id 0 stands for every session whose leader is
    # outside of this container, our own often among them: no record may name that one.
    if session.id <= 0 or session.id == os.getsid(0):
        return True
    try:
        started = psutil.Process(session.id).create_time()
    except psutil.NoSuchProcess:  # a dead leader's id stays reserved while its session has members
        return False
    return abs(started - session.started) > CLOCK_DRIFT_S


def _session_id(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except (ProcessLookupError, PermissionError):
        return None


def _children(leader: int) -> set[psutil.Process]:
    try:
        return set(psutil.Process(leader).children(recursive=True))
    except psutil.NoSuchProcess:
        return set()


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _send(process: psutil.Process, signal: Callable[[psutil.Process], None]) -> None:
    try:
        signal(process)
    except psutil.NoSuchProcess:
        return
