"""The services of docker-compose.yaml, to be run on this machine."""

import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

import yaml

from scripts.compose_secrets import write_secrets
from tests.project.containers import ROOT

VARIABLE = re.compile(r"\$\{(\w+)(?::?[-?]([^}]*))?\}")


class Places(NamedTuple):
    """Where the parts listen: ports of 127.0.0.1, and the folder of PostgreSQL's socket."""

    api: int
    execution: int
    redis: int
    health: int
    postgres: str


class Service(NamedTuple):
    command: list
    environment: dict


def draw_secrets(folder):
    """Draw secrets as an operator does."""
    write_secrets(folder / ".env")
    return dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines())


def read_services(home, places, secrets):
    """Read each service's command and environment, with addresses of this machine."""
    text = (ROOT / "docker-compose.yaml").read_text("utf-8")
    text = VARIABLE.sub(lambda found: secrets.get(found[1], found[2] or ""), text)
    for there, here in {
        "$$": "$",
        "@postgres:5432/airflow": f"@/airflow?host={places.postgres}",
        "@redis:6379/": f"@127.0.0.1:{places.redis}/",
        "http://execution-api:8081/": f"http://127.0.0.1:{places.execution}/",
        "0.0.0.0": "127.0.0.1",
        '"8080"': f'"{places.api}"',
        '"8081"': f'"{places.execution}"',
        "/opt/push-model": str(ROOT),
    }.items():
        text = text.replace(there, here)
    own = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "tests.system.cluster.processes.component",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(places.health),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join((str(ROOT / "plugins"), str(ROOT))),
    }
    return {
        name: Service(
            service.get("command", []),
            _surroundings() | _as_text(service["environment"]) | own,
        )
        for name, service in yaml.safe_load(text)["services"].items()
    }


def _as_text(settings):
    return {name: "" if value is None else str(value) for name, value in settings.items()}


def _surroundings():
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "COV", "PUSH_"))}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"}
