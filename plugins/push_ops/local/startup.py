"""How is an Airflow started as one thing? Component by component; all of them, or none is left."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import typer

from push_ops.local import background
from push_ops.local.background import Session

# In Airflow's folder: what is running, and what each component prints.
RECORD = "background.json"
LOGS = "components"
# Ready in 20-50 s on two idle cores; a first start on a busy machine takes a few times that.
READY_TIMEOUT_S = 300.0
POLL_S = 1.0
TELL_EVERY_S = 10.0
LAST_LINES = 15
# Stopped last: a component that ends writes that down.
STORES = ("postgres", "redis")


class StartError(Exception):
    """Airflow did not start; the message says why and what to do."""


@dataclass(slots=True)
class Startup:
    """What has been started so far.

    Attributes
    ----------
    home : Path
        Airflow's folder: takes the components' logs and the record of what runs.
    environment : mapping of str to str
        What all components have in theirs.
    sessions : dict of str to Session
        What runs, by its name.
    """

    home: Path
    environment: Mapping[str, str]
    sessions: dict[str, Session] = field(default_factory=dict)

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a component, or start it again, and write down that it runs."""
        self._launch(name, command, environment or {})

    def run(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        timeout_s: float = READY_TIMEOUT_S,
    ) -> None:
        """Run a command to its end."""
        process = self._launch(name, command, environment)
        try:
            failed = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            failed = True
        if failed:
            raise StartError(f"{name} failed, or took too long.{self._end_of_log(name)}")
        del self.sessions[name]

    def wait(
        self, unready: Callable[[], Sequence[str]], *, timeout_s: float = READY_TIMEOUT_S
    ) -> None:
        """Wait until every component is ready."""
        started = time.monotonic()
        next_line_s = 0.0
        while True:
            self._refuse_stopped()
            if not (left := unready()):
                return
            if (waited_s := time.monotonic() - started) >= timeout_s:
                raise StartError(
                    f"Airflow was not ready after {timeout_s:.0f} s, and was stopped. "
                    f"Not ready: {', '.join(left)}.{self._end_of_log(left[0])}"
                )
            if waited_s >= next_line_s:
                typer.echo(f"  {waited_s:3.0f} s  waiting for {', '.join(left)}")
                next_line_s += TELL_EVERY_S
            time.sleep(POLL_S)

    def log(self, name: str) -> Path:
        """Say where the output of a component goes."""
        return self.home / LOGS / f"{name}.log"

    def _launch(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> "subprocess.Popen[bytes]":
        self.log(name).parent.mkdir(exist_ok=True)
        settings = {**self.environment, **environment, "PUSH_COMPONENT": name}
        process = background.launch(command, log=self.log(name), environment=settings)
        self.sessions[name] = background.describe(name, process)
        background.save(list(self.sessions.values()), self.home / RECORD)
        return process

    def _refuse_stopped(self) -> None:
        for name, session in self.sessions.items():
            if not session.members():
                raise StartError(
                    f"The {name} stopped before Airflow was ready.{self._end_of_log(name)}"
                )

    def _end_of_log(self, name: str) -> str:
        log = self.log(name)
        if not log.exists():
            return f" The logs of its components are in {log.parent}."
        last = log.read_text("utf-8", errors="replace").splitlines()[-LAST_LINES:]
        return f" All of its log is in {log}; it ends:" + "".join(f"\n  {line}" for line in last)


@contextmanager
def starting(home: Path, environment: Mapping[str, str]) -> Iterator[Startup]:
    """Start components in a block that leaves nothing running where it fails."""
    startup = Startup(home, environment)
    try:
        yield startup
    except BaseException:  # an impatient ctrl-C too must leave nothing behind
        stop_recorded(home)
        raise


def stop_recorded(home: Path, *, clean_stop_s: float = background.CLEAN_STOP_S) -> int:
    """Stop every process that was started from a folder, what Airflow stores in last."""
    sessions = background.load(home / RECORD)
    airflow = [session for session in sessions if session.name not in STORES]
    stores = [session for session in sessions if session.name in STORES]
    stopped = [background.stop(each, clean_stop_s=clean_stop_s) for each in (airflow, stores)]
    (home / RECORD).unlink(missing_ok=True)
    return sum(stopped)


def is_running(home: Path) -> bool:
    """Say whether anything that was started from a folder is alive."""
    return any(session.members() for session in background.load(home / RECORD))


def refuse_running(home: Path, *, command: str) -> None:
    """Raise where something that was started from a folder is alive."""
    if is_running(home):
        raise StartError(f"Airflow is up already, started from this folder: `{command}` stops it.")
