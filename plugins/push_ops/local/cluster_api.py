"""What does a cluster say of its DAGs? Its own API, asked as its first user."""

from pathlib import Path
from typing import Any

from push_ops.local.network import ask

USER = "admin"
TRIES = 3


def log_in(port: int, password: str) -> str | None:
    """Get what the API takes for a login."""
    for _ in range(TRIES):  # a busy machine may not answer in time
        if answer := ask(port, "/auth/token", body={"username": USER, "password": password}):
            return str(answer["access_token"])
    return None


def list_unread_dags(port: int, token: str, folder: Path) -> list[str]:
    """Ask which DAG files were not looked at yet."""
    dags = (ask(port, "/api/v2/dags", token=token) or {}).get("dags", [])
    read = {dag["relative_fileloc"] for dag in dags}
    broken = {error["filename"] for error in _import_errors(port, token)}
    return sorted({path.name for path in folder.glob("*.py")} - read - broken)


def list_complaints(port: int, token: str) -> list[str]:
    """Ask which DAG files cannot be read."""
    return [
        f"The DAG file {error['filename']} cannot be read:\n{error['stack_trace'].rstrip()}"
        for error in _import_errors(port, token)
    ]


def _import_errors(port: int, token: str) -> list[dict[str, Any]]:
    errors = (ask(port, "/api/v2/importErrors", token=token) or {}).get("import_errors", [])
    return list(errors)
