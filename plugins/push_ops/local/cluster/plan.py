"""What does a cluster without containers run? docker-compose.yaml's services, in other places."""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from push_ops.local.cluster.compose import Service, read_services
from push_ops.local.cluster.stores import postgres_command, valkey_command
from push_ops.local.compose_secrets import write_secrets
from push_ops.local.network import HOST, find_free_ports

ROOT = Path(__file__).parents[4]
WORKERS = ("worker-1", "worker-2")
ONE_OF_EACH = ("api-server", "execution-api", "scheduler", "dag-processor", "triggerer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the components listen, all on this machine alone.

    Attributes
    ----------
    api, execution, postgres, redis, health : int
        Of the web page and the API; of what tasks report to; of PostgreSQL; of Valkey; of the
        scheduler's health check.
    """

    api: int
    execution: int
    postgres: int
    redis: int
    health: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A cluster that may be started.

    Attributes
    ----------
    ports : Ports
        Where it listens.
    secrets : dict of str to str
        Drawn once for its folder.
    stores : dict of str to list of str
        Commands of what Airflow keeps its state in.
    preparation : Service
        What runs before Airflow, and ends.
    components : dict of str to Service
        Airflow.
    """

    ports: Ports
    secrets: dict[str, str] = field(repr=False)
    stores: dict[str, list[str]]
    preparation: Service
    components: dict[str, Service]

    @property
    def broker(self) -> str:
        """Address of Valkey, its password in it."""
        return self.components["scheduler"].environment["AIRFLOW__CELERY__BROKER_URL"]

    @property
    def dags(self) -> Path:
        """Folder of the DAG files."""
        return Path(self.components["scheduler"].environment["AIRFLOW__CORE__DAGS_FOLDER"])

    def exports(self) -> str:
        """Give Airflow's settings as lines for a shell."""
        settings = {"PATH": surroundings()["PATH"], **self.components["scheduler"].environment}
        lines = [f"export {name}={shlex.quote(settings[name])}\n" for name in sorted(settings)]
        return "".join(lines)


def plan_cluster(home: Path, *, port: int, settings: Mapping[str, str]) -> Plan:
    """Plan a cluster: draw its secrets, choose its ports, read its commands."""
    secrets = read_secrets(home / "secrets.env")
    execution, postgres, redis, health = find_free_ports(4)
    ports = Ports(api=port, execution=execution, postgres=postgres, redis=redis, health=health)
    services = read_services(
        ROOT / "docker-compose.yaml",
        variables={**os.environ, **secrets, "AIRFLOW_PORT": str(port)},
        places=_places(ports),
    )
    here = {**_whereabouts(home, ports), **settings}
    components = {name: services[name].with_settings(here) for name in ONE_OF_EACH}
    for name in WORKERS:
        worker = services["worker"].with_settings(here)
        components[name] = worker.with_arguments("--celery-hostname", name)
    return Plan(
        ports=ports,
        secrets=secrets,
        stores={
            "postgres": postgres_command(home / "postgres", postgres),
            "redis": valkey_command(home / "redis"),
        },
        preparation=services["init"].with_settings(here),
        components=components,
    )


def read_secrets(path: Path) -> dict[str, str]:
    """Read the secrets of a folder; draw them where there are none."""
    if not path.exists():
        write_secrets(path)
    return dict(line.split("=", 1) for line in path.read_text("utf-8").splitlines())


def surroundings() -> dict[str, str]:
    """Give this process's environment without the settings of another Airflow."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    programs = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return {**kept, "PATH": programs}


def _places(ports: Ports) -> dict[str, str]:
    return {
        "@postgres:5432/": f"@{HOST}:{ports.postgres}/",
        "@redis:6379/": f"@{HOST}:{ports.redis}/",
        "http://execution-api:8081/": f"http://{HOST}:{ports.execution}/",
        "0.0.0.0": HOST,  # noqa: S104 - a container's own network; here it would be everyone's
        "8080": str(ports.api),
        "8081": str(ports.execution),
        "/opt/push-model": str(ROOT),
    }


def _whereabouts(home: Path, ports: Ports) -> dict[str, str]:
    """Give what an image and a machine of their own say for containers: folders, who is where."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "push_ops.local.component.name",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": HOST,
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(ports.health),
        "PYTHONPATH": str(ROOT / "plugins"),
    }
