import os
import socket
import stat
import sys

import pytest
from typer.testing import CliRunner

from push_ops.local.cluster.cluster import (
    app,
    describe,
    list_silent_workers,
    start_cluster,
    write_settings,
)
from push_ops.local.cluster.plan import plan_cluster
from push_ops.local.network import HOST, find_free_ports
from push_ops.local.startup import StartError, starting, stop_recorded

# `start` leaves its process running: that is what it is for.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@pytest.fixture
def running(tmp_path):
    """A cluster's folder whose record names a process that runs."""
    with starting(tmp_path, os.environ) as startup:
        startup.start("scheduler", [sys.executable, "-c", "import time; time.sleep(60)"])
    yield tmp_path
    stop_recorded(tmp_path, clean_stop_s=0.1)


def test_a_port_in_use_is_refused_before_anything_is_made(tmp_path):
    home = tmp_path / "cluster"
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]

        answer = CliRunner().invoke(app, ["up", "--home", str(home), "--port", str(port)])

    assert answer.exit_code == 1
    assert f"choose another port: make cluster PORT={port + 1}" in answer.output
    assert not home.exists()


def test_a_second_start_from_one_folder_is_refused(running):
    with pytest.raises(StartError, match=r"up already.*make cluster-down"):
        start_cluster(running, port=find_free_ports(1)[0])


def test_stopping_stops_all_of_it_and_then_there_is_nothing_to_stop(running):
    first = CliRunner().invoke(app, ["down", "--home", str(running)])
    second = CliRunner().invoke(app, ["down", "--home", str(running)])

    assert "The cluster is down: 1 processes stopped." in first.output
    assert second.output == "The cluster is not up: there is nothing to stop.\n"


def test_it_says_where_it_is_how_to_log_in_and_how_to_stop_it(tmp_path):
    plan = plan_cluster(tmp_path, port=8123, settings={})

    said = describe(plan, tmp_path)

    for part in ("http://127.0.0.1:8123", "admin", plan.secrets["AIRFLOW_ADMIN_PASSWORD"]):
        assert part in said
    assert "make cluster-down" in said


def test_its_settings_are_for_its_owner_alone(tmp_path):
    plan = plan_cluster(tmp_path, port=8123, settings={})

    (tmp_path / "airflow.env").touch(mode=0o644)
    write_settings(tmp_path / "airflow.env", plan)

    assert stat.S_IMODE((tmp_path / "airflow.env").stat().st_mode) == 0o600
    assert plan.broker in (tmp_path / "airflow.env").read_text()


def test_no_secret_is_printed_with_a_plan(tmp_path):
    plan = plan_cluster(tmp_path, port=8123, settings={})

    assert not [secret for secret in plan.secrets.values() if secret in repr(plan)]


def test_without_a_broker_every_worker_is_silent():
    (port,) = find_free_ports(1)

    assert list_silent_workers(f"redis://{HOST}:{port}/0") == ["worker-1", "worker-2"]


def test_a_preparation_that_fails_leaves_nothing_running_and_shows_its_log(tmp_path):
    with pytest.raises(StartError, match=r"(?s)init failed.*init\.log; it ends:.*no_such_key"):
        start_cluster(
            tmp_path,
            port=find_free_ports(1)[0],
            settings={"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "no_such_key://"},
        )

    assert not (tmp_path / "background.json").exists()
