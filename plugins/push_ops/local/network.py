"""Where do Airflow's components listen, and do they answer there?"""

import http.client
import json
import socket
from contextlib import ExitStack
from typing import Any

from push_ops.local.startup import StartError

HOST = "127.0.0.1"
ANSWER_TIMEOUT_S = 10.0
FIRST_REFUSAL = 400  # of HTTP's status codes
# What the API calls them, and whose log says why one is unwell.
PARTS = {
    "metadatabase": "api-server",
    "scheduler": "scheduler",
    "dag_processor": "dag-processor",
    "triggerer": "triggerer",
}


def refuse_taken_port(port: int, *, command: str) -> None:
    """Raise where another program listens on the port."""
    with socket.socket() as probe:
        # A port that was closed a moment ago is free for a server; without this it looks taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise StartError(
                f"Port {port} on {HOST} cannot be used: {error.strerror}. Stop the program that "
                f"has it, or choose another port: {command} PORT={port + 1}"
            ) from error


def find_free_ports(count: int) -> list[int]:
    """Find ports on which nothing listens.

    Examples
    --------
    >>> len(set(find_free_ports(3)))
    3
    """
    with ExitStack() as probes:  # all at once, or the same port may come twice
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in sockets]


def list_unready(port: int) -> list[str]:
    """Ask the API which components are not healthy."""
    health = ask(port, "/api/v2/monitor/health")
    if health is None:
        return ["api-server"]
    return [
        component
        for part, component in PARTS.items()
        if health.get(part, {}).get("status") != "healthy"
    ]


def ask(
    port: int, path: str, *, token: str | None = None, body: dict[str, str] | None = None
) -> dict[str, Any] | None:
    """Ask a server of this machine for JSON."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_TIMEOUT_S)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        if body is None:
            connection.request("GET", path, headers=headers)
        else:
            headers["Content-Type"] = "application/json"
            connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return answer if isinstance(answer, dict) and response.status < FIRST_REFUSAL else None
