"""Read the commands in docs/operations.md, and run on this machine what they run in a container."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import yaml

from tests.waiting import LIMIT_S

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))
_DOCKER = re.compile(r"docker compose exec (?:-T )?([\w-]+) ")


def section(title, *, depth=2):
    """Return the text below a heading, up to the next heading of its level."""
    _, found = re.split(rf"^{'#' * depth} {re.escape(title)}$", OPERATIONS, flags=re.MULTILINE)
    return re.split(rf"^#{{2,{depth}}} ", found, flags=re.MULTILINE)[0]


def commands_in(text):
    """Return the lines of its shell blocks, and every `docker compose ...` in its sentences."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.split(" # ")[0].strip() for block in blocks for line in block.splitlines()]
    return [*lines, *re.findall(r"`(docker compose [^`]+)`", text)]


def within(command, program):
    """Return the words of a program that a command runs in a container, or None."""
    words = shlex.split(_DOCKER.sub("", command)) if _DOCKER.match(command) else []
    return words[1:] if words[:1] == [program] else None


def run_here(command, *, folder, env=()):
    """Run on this machine, in a folder, what a command would run in a container."""
    return subprocess.run(
        ["bash", "-c", _DOCKER.sub("", command)],
        cwd=folder,
        env={**os.environ, **dict(env)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def run_with_airflow(script, argument, home):
    """Run a script that imports Airflow in a process of its own, set up as in the containers."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "COV"))}
    deciding = ("AIRFLOW__CORE__EXECUTOR", "AIRFLOW__CORE__AUTH_MANAGER")
    env |= {name: COMPOSE["x-airflow-environment"][name] for name in deciding}
    return subprocess.run(
        [sys.executable, "-c", script, json.dumps(argument)],
        env=env | {"AIRFLOW_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
