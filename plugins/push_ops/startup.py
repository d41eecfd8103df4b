"""Did every component of Airflow start? Starts them, and waits until the API says so."""

import http.client
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from push_ops import background
from push_ops.background import Session

HOST = "127.0.0.1"
# In Airflow's folder: what is running, and what each component prints.
RECORD = "background.json"
LOGS = "components"
# Ready in 20-50 s on two idle cores; a first start on a busy machine takes a few times that.
READY_TIMEOUT_S = 300.0
POLL_S = 1.0
TELL_EVERY_S = 10.0
LAST_LINES = 15
PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


class StartError(Exception):
    """Airflow did not start; the message says why and what to do."""


def start_and_wait(
    components: Mapping[str, Sequence[str]],
    *,
    home: Path,
    environment: Mapping[str, str],
    port: int,
    timeout_s: float = READY_TIMEOUT_S,
) -> float:
    """Start the components and wait until the API calls all of them healthy.

    Parameters
    ----------
    components : mapping of str to sequence of str
        A command for each component.
    home : Path
        Takes their logs and the record that `down` reads.
    environment : mapping of str to str
        Their settings, on top of this process's environment.
    port : int
        Where the API listens.
    timeout_s : float, default=300
        Seconds until it is called a failure.

    Returns
    -------
    float
        Seconds it took.

    Raises
    ------
    StartError
        If a component stopped or time ran out. Nothing is left running then.
    """
    logs = home / LOGS
    logs.mkdir(exist_ok=True)
    sessions: list[Session] = []
    try:
        for name, command in components.items():
            log = logs / f"{name}.log"
            sessions.append(
                background.start(name, command, log=log, environment={**os.environ, **environment})
            )
            background.save(sessions, home / RECORD)
        return _wait(sessions, logs=logs, port=port, timeout_s=timeout_s)
    except BaseException:  # an impatient ctrl-C too must leave nothing behind
        background.stop(sessions)
        (home / RECORD).unlink(missing_ok=True)
        raise


def _wait(sessions: Sequence[Session], *, logs: Path, port: int, timeout_s: float) -> float:
    started = time.monotonic()
    next_line_s = 0.0
    while (waited_s := time.monotonic() - started) < timeout_s:
        for session in sessions:
            if not session.members():
                raise StartError(_say_stopped(session.name, logs / f"{session.name}.log"))
        if not (unready := _unready(port)):
            return waited_s
        if waited_s >= next_line_s:
            typer.echo(f"  {waited_s:3.0f} s  waiting for {', '.join(unready)}")
            next_line_s += TELL_EVERY_S
        time.sleep(POLL_S)
    raise StartError(
        f"Airflow was not ready after {timeout_s:.0f} s, and was stopped. Not ready: "
        f"{', '.join(_unready(port))}. The logs of its components are in {logs}."
    )


def _unready(port: int) -> list[str]:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/api/v2/monitor/health")
        health = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return ["api-server"]
    finally:
        connection.close()
    return [part for part in PARTS if health.get(part, {}).get("status") != "healthy"]


def _say_stopped(name: str, log: Path) -> str:
    last = log.read_text("utf-8", errors="replace").splitlines()[-LAST_LINES:]
    lines = "".join(f"\n  {line}" for line in last)
    return (
        f"The {name} stopped before Airflow was ready. All of its log is in {log}; it ends:{lines}"
    )
