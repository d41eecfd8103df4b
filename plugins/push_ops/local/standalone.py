"""How does a person start Airflow on this machine, see it ready, and stop it? Run by `make`.

The components are started side by side, not by `airflow standalone`: that one's log servers
listen on every network interface (ports 8793 and 8794) and cannot be told otherwise.
"""

import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from push_ops.local.compose_secrets import OWNER_ALONE
from push_ops.local.network import HOST, list_unready, refuse_taken_port
from push_ops.local.startup import (
    LOGS,
    StartError,
    is_running,
    refuse_running,
    starting,
    stop_recorded,
)

USER = "admin"
LOGINS = "passwords.json"

app = typer.Typer(add_completion=False, help="Start and stop Airflow on this machine.")
Home = Annotated[Path, typer.Option(envvar="AIRFLOW_HOME", help="Airflow's folder.")]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="Where the web page listens.")]


@app.command(help="Start Airflow in the background, wait for it, print its address and login.")
def up(home: Home, port: Port = 8080) -> None:
    """Start Airflow in the background, wait until it is ready, print its address and login."""
    started = time.monotonic()
    try:
        refuse_running(home, command="make down")
        refuse_taken_port(port, command="make up")
        password = write_password(home / LOGINS)
        with starting(home, {**os.environ, **settings(home, port)}) as startup:
            for name, command in airflow_components(port).items():
                startup.start(name, command)
            startup.wait(lambda: list_unready(port))
    except StartError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(
        f"Airflow is ready after {time.monotonic() - started:.0f} s.\n"
        f"  address   http://{HOST}:{port}\n  user      {USER}\n  password  {password}\n"
        f"  logs      {home / LOGS}\n  stop      make down"
    )


@app.command(help="Stop every process that `up` started.")
def down(home: Home) -> None:
    """Stop every process that `up` started."""
    if not is_running(home):
        typer.echo("Airflow is not up: there is nothing to stop.")
        return
    typer.echo("Stopping Airflow: up to 20 seconds")
    typer.echo(f"Airflow is down: {stop_recorded(home)} processes stopped.")


def airflow_components(port: int) -> dict[str, list[str]]:
    """Name the commands that together are an Airflow.

    Examples
    --------
    >>> sorted(airflow_components(8080))
    ['api-server', 'dag-processor', 'scheduler', 'triggerer']
    """
    airflow = str(Path(sys.executable).with_name("airflow"))
    return {
        "api-server": [airflow, "api-server", "--host", HOST, "--port", str(port)],
        "scheduler": [airflow, "scheduler", "--skip-serve-logs"],
        "dag-processor": [airflow, "dag-processor"],
        "triggerer": [airflow, "triggerer", "--skip-serve-logs"],
    }


def settings(home: Path, port: int) -> dict[str, str]:
    """Say what the components need to find each other and to know one user."""
    address = f"http://{HOST}:{port}"
    return {
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / LOGINS),
    }


def write_password(path: Path) -> str:
    """Give the one user a password, the same one at every start."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE)
        with os.fdopen(descriptor, "w") as file:
            json.dump({USER: secrets.token_urlsafe(12)}, file)
    path.chmod(OWNER_ALONE)  # it may have been opened to all since it was made
    password: str = json.loads(path.read_text("utf-8"))[USER]
    return password


if __name__ == "__main__":
    app()
