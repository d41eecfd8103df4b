"""What an operator types, out of docs/operations.md; and commands run here in place of there."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))
_DOCKER = re.compile(r"docker compose exec (?:-T )?([\w-]+) ")


def complaints_of_compose(path):
    """Give what the compose specification's schema has against a file; empty where it is sound."""
    checker = Path(sys.executable).with_name("check-jsonschema")
    asked = [checker, "--builtin-schema", "vendor.compose-spec", path]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr or "refused without a word"


def section(title, *, depth=2):
    """Give what is written below a heading, up to the next as high as it."""
    _, found = re.split(rf"^{'#' * depth} {re.escape(title)}$", OPERATIONS, flags=re.MULTILINE)
    return re.split(rf"^#{{2,{depth}}} ", found, flags=re.MULTILINE)[0]


def commands_in(text):
    """Give the lines of its blocks of shell, and every `docker compose ...` in its sentences."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.split(" # ")[0].strip() for block in blocks for line in block.splitlines()]
    # A table writes a pipe in another way, and no command in it has one.
    return [*lines, *re.findall(r"`(docker compose [^`]+)`", text)]


def within(command, program):
    """Give the words of a program that a command runs in a container; None where it does not."""
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
        timeout=120,
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
        timeout=120,
    )
