"""The operations page names messages, services and commands that exist."""

import re

import pytest
from typer.main import get_command

from push_model.commands.app import app
from push_ops.messages.messages import NEXT_STEPS
from tests.project.containers import (
    COMPOSE,
    OPERATIONS,
    commands_in,
    run_with_airflow,
    section,
    within,
)

RUNBOOK = section("When a message comes")
COMMANDS = commands_in(OPERATIONS)
OF_PUSH_MODEL = [
    words
    for each in COMMANDS
    if (words := within(each, "push-model")) and words != ["..."]  # any command at all
]
OF_AIRFLOW = [words for each in COMMANDS if (words := within(each, "airflow"))]


def test_each_kind_of_message_has_its_part_and_no_other_has_one():
    assert re.findall(r"^### (.+)$", RUNBOOK, flags=re.MULTILINE) == list(NEXT_STEPS)


def test_a_command_is_for_a_service_that_there_is():
    options = r"(?:-T |--tail \d+ |--since \w+ )?"
    asked = set(re.findall(rf"docker compose (?:exec|logs) {options}([\w-]+)", "\n".join(COMMANDS)))

    assert asked - {"SERVICE"} <= set(COMPOSE["services"])
    assert {"worker", "scheduler", "triggerer", "postgres", "init"} <= asked


@pytest.mark.parametrize("words", OF_PUSH_MODEL, ids=" ".join)
def test_push_model_understands_its_command(words):
    name, *arguments = words
    command = get_command(app).commands[name]

    assert command.make_context(name, arguments)


def test_airflow_understands_its_commands(tmp_path):
    script = """
import json, sys
from airflow.cli.cli_parser import get_parser
for words in json.loads(sys.argv[1]):
    get_parser().parse_args(words)
    print("understood")
"""

    done = run_with_airflow(script, OF_AIRFLOW, tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("understood") == len(OF_AIRFLOW) > 5
