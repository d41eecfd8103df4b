"""How does a person get a whole Airflow cluster without containers? Run by `make cluster`.

PostgreSQL, Valkey and two Celery workers, with the commands and settings of docker-compose.yaml.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import redis
import typer
from celery import Celery
from kombu.exceptions import OperationalError

from push_ops.local.cluster.plan import WORKERS, Plan, plan_cluster, surroundings
from push_ops.local.cluster.stores import list_unready_stores, prepare_postgres, prepare_valkey
from push_ops.local.cluster_api import USER, list_complaints, list_unread_dags, log_in
from push_ops.local.compose_secrets import write_for_owner
from push_ops.local.network import HOST, ask, list_unready, refuse_taken_port
from push_ops.local.startup import (
    LOGS,
    POLL_S,
    StartError,
    Startup,
    is_running,
    refuse_running,
    starting,
    stop_recorded,
)

SETTINGS = "airflow.env"
PING_TIMEOUT_S = 2.0
# They are read within seconds of the start.
DAGS_TIMEOUT_S = 60.0

app = typer.Typer(add_completion=False, help="Start and stop an Airflow cluster on this machine.")
Home = Annotated[Path, typer.Option(help="The cluster's folder.")]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="Where the web page listens.")]


@app.command(help="Start a cluster in the background, wait for it, print its address and login.")
def up(home: Home, port: Port = 8080) -> None:
    """Start a cluster in the background, wait until it is ready, print its address and login."""
    started = time.monotonic()
    try:
        plan, _ = start_cluster(home.absolute(), port=port)
    except StartError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"The cluster is ready after {time.monotonic() - started:.0f} s.")
    typer.echo(describe(plan, home))


@app.command(help="Stop every process that `up` started.")
def down(home: Home) -> None:
    """Stop every process that `up` started."""
    if not is_running(home):
        typer.echo("The cluster is not up: there is nothing to stop.")
        return
    typer.echo("Stopping the cluster: up to 40 seconds")
    typer.echo(f"The cluster is down: {stop_recorded(home)} processes stopped.")


def start_cluster(
    home: Path, *, port: int, settings: Mapping[str, str] | None = None
) -> tuple[Plan, Startup]:
    """Start a cluster and wait until every part of it is ready."""
    refuse_running(home, command="make cluster-down")
    refuse_taken_port(port, command="make cluster")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    plan = plan_cluster(home, port=port, settings=settings or {})
    write_settings(home / SETTINGS, plan)
    secrets, ports = plan.secrets, plan.ports
    prepare_postgres(home / "postgres", secrets["POSTGRES_PASSWORD"])
    prepare_valkey(home / "redis", ports.redis, secrets["REDIS_PASSWORD"])
    with starting(home, surroundings()) as startup:
        for name, command in plan.stores.items():
            startup.start(name, command)
        startup.wait(
            lambda: list_unready_stores(ports.postgres, ports.redis, secrets["REDIS_PASSWORD"])
        )
        startup.run("init", plan.preparation.command, plan.preparation.environment)
        for name, component in plan.components.items():
            startup.start(name, component.command, component.environment)
        startup.wait(lambda: list_unready_components(plan))
        _await_dags(plan)
    return plan, startup


def _await_dags(plan: Plan) -> None:
    """Wait for the DAGs, and say what is wrong with them. The cluster runs, whatever they are."""
    port = plan.ports.api
    if (token := log_in(port, plan.secrets["AIRFLOW_ADMIN_PASSWORD"])) is None:
        return  # whoever changed the password in the page looks at the DAGs there
    give_up_at = time.monotonic() + DAGS_TIMEOUT_S
    while unread := list_unread_dags(port, token, plan.dags):
        if time.monotonic() > give_up_at:
            typer.echo(f"No DAG was found in {', '.join(unread)}.", err=True)
            break
        time.sleep(POLL_S)
    for complaint in list_complaints(port, token):
        typer.echo(complaint, err=True)


def describe(plan: Plan, home: Path) -> str:
    """Say what a person needs to know of a cluster that runs."""
    return (
        f"  address   http://{HOST}:{plan.ports.api}\n  user      {USER}\n"
        f"  password  {plan.secrets['AIRFLOW_ADMIN_PASSWORD']}\n"
        f"  workers   {', '.join(WORKERS)}\n"
        f"  logs      {home / LOGS}\n"
        f"  commands  source {home / SETTINGS}, then for instance airflow dags list\n"
        "  stop      make cluster-down"
    )


def write_settings(path: Path, plan: Plan) -> None:
    """Write the settings for whoever wants to run Airflow's commands against the cluster."""
    write_for_owner(path, plan.exports())


def list_unready_components(plan: Plan) -> list[str]:
    """Ask Airflow's components which of them is not well."""
    ports = plan.ports
    silent = [] if ask(ports.execution, "/execution/health") else ["execution-api"]
    return [*list_unready(ports.api), *silent, *list_silent_workers(plan.broker)]


def list_silent_workers(broker: str) -> list[str]:
    """Ask the workers which of them does not answer."""
    expected = {f"celery@{name}": name for name in WORKERS}
    with Celery(broker=broker) as celery:
        try:
            pongs = celery.control.ping(destination=list(expected), timeout=PING_TIMEOUT_S)
        except (OperationalError, redis.RedisError):  # the broker itself is away, or was
            pongs = []
    alive = {node for pong in pongs for node in pong}
    return [name for node, name in expected.items() if node not in alive]


if __name__ == "__main__":
    app()
