"""What does a cluster say of its DAGs? Its own API, asked as its first user."""

from pathlib import Path
from typing import Any

from push_ops.local.network import ask

USER = "admin"
TRIES = 3


def log_in(port: int, password: str) -> str | None:
    """Get what the API takes for a login.

    Parameters
    ----------
    port : int
        Where the API listens.
    password : str
        Of the first user, as it was drawn.

    Returns
    -------
    str or None
        A token, good for a day; None where someone changed the password.
    """
    for _ in range(TRIES):  # a busy machine may not answer in time
        if answer := ask(port, "/auth/token", body={"username": USER, "password": password}):
            return str(answer["access_token"])
    return None


def list_unread_dags(port: int, token: str, folder: Path) -> list[str]:
    """Ask which DAG files were not looked at yet.

    Parameters
    ----------
    port : int
        Where the API listens.
    token : str
        From `log_in`.
    folder : Path
        The DAG files.

    Returns
    -------
    list of str
        Names of files. One that holds no DAG is never read, as far as the API tells.
    """
    dags = (ask(port, "/api/v2/dags", token=token) or {}).get("dags", [])
    read = {dag["relative_fileloc"] for dag in dags}
    broken = {error["filename"] for error in _import_errors(port, token)}
    return sorted({path.name for path in folder.glob("*.py")} - read - broken)


def list_complaints(port: int, token: str) -> list[str]:
    """Ask which DAG files cannot be read.

    Parameters
    ----------
    port : int
        Where the API listens.
    token : str
        From `log_in`.

    Returns
    -------
    list of str
        A text each: the file, and why.
    """
    return [
        f"The DAG file {error['filename']} cannot be read:\n{error['stack_trace'].rstrip()}"
        for error in _import_errors(port, token)
    ]


def _import_errors(port: int, token: str) -> list[dict[str, Any]]:
    errors = (ask(port, "/api/v2/importErrors", token=token) or {}).get("import_errors", [])
    return list(errors)
