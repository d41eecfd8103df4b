"""The cluster without containers and docker-compose.yaml are held to each other here."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from push_ops.local.cluster.plan import WORKERS, plan_cluster, read_secrets

ROOT = Path(__file__).parents[4]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))["services"]
IMAGE = (ROOT / "Dockerfile").read_text("utf-8")
PORT = 8123
# Where things are, which no two machines share. Everything else must be the same.
ADDRESSES = {
    "AIRFLOW_HOME",
    "AIRFLOW__API__BASE_URL",
    "AIRFLOW__CORE__DAGS_FOLDER",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__CORE__PLUGINS_FOLDER",
    "AIRFLOW__CELERY__BROKER_URL",
    "AIRFLOW__CELERY__RESULT_BACKEND",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "PUSH_DATASET",
    "PUSH_MODELS_DIR",
    "PUSH_RUNS_DIR",
    "PYTHONPATH",
}
# A container is a machine of its own, with a name and ports of its own; a process is not.
OF_ONE_MACHINE = {
    "AIRFLOW__CORE__HOSTNAME_CALLABLE",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT",
}


@pytest.fixture
def plan(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("AIRFLOW", "PUSH_"))]:
        monkeypatch.delenv(name)
    return plan_cluster(tmp_path, port=PORT, settings={})


def test_it_runs_the_services_of_docker_compose_and_a_second_worker(plan):
    services = {re.sub("-[12]$", "", name) for name in plan.components}

    assert services | {"init"} | set(plan.stores) == set(SERVICES)
    assert WORKERS == ("worker-1", "worker-2")


@pytest.mark.parametrize("name", ["init", "scheduler", "dag-processor", "triggerer"])
def test_a_command_is_that_of_docker_compose(plan, name):
    service = {**plan.components, "init": plan.preparation}[name]

    assert service.command == [word.replace("$$", "$") for word in SERVICES[name]["command"]]


@pytest.mark.parametrize("name", WORKERS)
def test_a_workers_command_is_that_of_docker_compose_and_a_name(plan, name):
    command = [*SERVICES["worker"]["command"], "--celery-hostname", name]

    assert plan.components[name].command == command


@pytest.mark.parametrize("name", ["api-server", "execution-api"])
def test_an_apis_command_is_that_of_docker_compose_elsewhere(plan, name):
    elsewhere = {"0.0.0.0": "127.0.0.1", "8080": str(PORT), "8081": str(plan.ports.execution)}

    command = [elsewhere.get(word, word) for word in SERVICES[name]["command"]]

    assert plan.components[name].command == command


@pytest.mark.parametrize(
    "name", ["init", "api-server", "execution-api", "scheduler", "triggerer", *WORKERS]
)
def test_the_settings_are_those_of_container_and_image(plan, name):
    settings = {**plan.components, "init": plan.preparation}[name].environment
    written = SERVICES[name.removesuffix("-1").removesuffix("-2")]["environment"]
    image = dict(re.findall(r"^[ENV ]+((?:AIRFLOW|PYTHONPATH)\w*)=(\S+)", IMAGE, re.MULTILINE))

    expected = {**image, **{key: _fill(value, plan) for key, value in written.items()}}

    assert settings.keys() - expected.keys() == OF_ONE_MACHINE
    assert {key: settings[key] for key in expected.keys() - ADDRESSES} == {
        key: expected[key] for key in expected.keys() - ADDRESSES
    }


def test_no_address_of_a_container_is_left(plan):
    text = str(plan.components) + str(plan.preparation)

    for there in ("postgres:5432", "redis:6379", "-server:8080", "-api:8081", "/opt/", "0.0.0.0"):
        assert there not in text


def test_everything_listens_on_this_machine_alone_and_on_ports_of_its_own(plan):
    settings = plan.components["scheduler"].environment
    ports = plan.ports

    assert len({ports.api, ports.execution, ports.postgres, ports.redis, ports.health}) == 5
    assert f"@127.0.0.1:{ports.postgres}/" in settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert f"@127.0.0.1:{ports.redis}/" in plan.broker
    assert settings["AIRFLOW__API__BASE_URL"] == f"http://127.0.0.1:{PORT}"
    told = settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    assert told == f"http://127.0.0.1:{ports.execution}/execution/"
    assert settings["AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST"] == "127.0.0.1"


def test_the_password_of_the_first_user_is_known_to_the_preparation_alone(plan):
    password = plan.secrets["AIRFLOW_ADMIN_PASSWORD"]

    assert password in plan.preparation.environment.values()
    assert password not in str(plan.components)


def test_a_setting_given_for_one_cluster_wins(tmp_path):
    plan = plan_cluster(tmp_path, port=PORT, settings={"PUSH_MODELS_DIR": "/srv/models"})

    assert plan.components["worker-1"].environment["PUSH_MODELS_DIR"] == "/srv/models"


def test_the_secrets_stay_the_same_and_are_for_their_owner_alone(tmp_path):
    first = read_secrets(tmp_path / "secrets.env")

    assert read_secrets(tmp_path / "secrets.env") == first
    assert stat.S_IMODE((tmp_path / "secrets.env").stat().st_mode) == 0o600


def test_a_shell_reads_the_settings_as_they_are(plan):
    said = subprocess.run(
        ["bash", "-c", f"{plan.exports()}\nenv -0"], capture_output=True, text=True, check=True
    ).stdout

    settings = dict(line.split("=", 1) for line in said.split("\0") if line)
    assert plan.components["scheduler"].environment.items() <= settings.items()


def _fill(value, plan):
    """Put in what the plan drew; of what else is asked for, the default."""
    drawn = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: plan.secrets[found[1]], str(value))
    return re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", drawn)
