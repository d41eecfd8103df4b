import json
import os
import re
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from push_ops.local import background
from push_ops.local.standalone import airflow_components, app, settings, write_password
from push_ops.local.startup import RECORD

ROOT = Path(__file__).parents[3]


def test_the_port_is_checked_before_anything_starts(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        answer = CliRunner().invoke(app, ["up", "--home", str(tmp_path), "--port", str(port)])

    assert answer.exit_code == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in answer.output
    assert list(tmp_path.iterdir()) == []


def test_stopping_what_is_not_up_says_so(tmp_path):
    answer = CliRunner().invoke(app, ["down", "--home", str(tmp_path)])

    assert answer.exit_code == 0
    assert answer.output == "Airflow is not up: there is nothing to stop.\n"


def test_the_password_stays_the_same_and_is_for_its_owner_alone(tmp_path):
    first = write_password(tmp_path / "passwords.json")
    second = write_password(tmp_path / "passwords.json")

    assert first == second
    assert json.loads((tmp_path / "passwords.json").read_text()) == {"admin": first}
    assert stat.S_IMODE((tmp_path / "passwords.json").stat().st_mode) == 0o600


def test_a_password_that_others_could_read_is_closed_to_them(tmp_path):
    first = write_password(tmp_path / "passwords.json")
    (tmp_path / "passwords.json").chmod(0o644)

    assert write_password(tmp_path / "passwords.json") == first
    assert stat.S_IMODE((tmp_path / "passwords.json").stat().st_mode) == 0o600


def test_two_folders_have_two_passwords(tmp_path):
    assert write_password(tmp_path / "a.json") != write_password(tmp_path / "b.json")


def test_only_the_api_listens_and_only_on_this_machine():
    components = airflow_components(8123)

    assert components["api-server"][1:] == ["api-server", "--host", "127.0.0.1", "--port", "8123"]
    assert "--skip-serve-logs" in components["scheduler"]
    assert "--skip-serve-logs" in components["triggerer"]


def test_tasks_reach_the_api_where_it_listens(tmp_path):
    chosen = settings(tmp_path, 8123)

    assert chosen["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8123/execution/"


def test_airflow_starts_lets_its_user_in_and_stops_without_a_trace(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    airflow = _project_airflow(tmp_path)
    airflow([str(Path(sys.executable).with_name("airflow")), "db", "migrate"])

    said = airflow([sys.executable, "-m", "push_ops.local.standalone", "up", "--port", str(port)])
    sessions = background.load(tmp_path / RECORD)
    members = [process for session in sessions for process in session.members()]
    try:
        password = json.loads((tmp_path / "passwords.json").read_text())["admin"]
        token = _log_in(port, password)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            _log_in(port, "a guess")
        listening = {address for process in members for address in listens_at(process)}
    finally:
        stopped = airflow([sys.executable, "-m", "push_ops.local.standalone", "down"])

    assert f"http://127.0.0.1:{port}" in said
    assert password in said
    assert token
    assert listening == {("127.0.0.1", port)}
    # Not as many as there were: Airflow starts others for a moment, to read a DAG.
    assert re.search(r"[1-9]\d* processes stopped", stopped)
    assert not any(process.is_running() for process in members)


def listens_at(process):
    try:
        return [c.laddr for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
    except psutil.NoSuchProcess:
        return []


def _project_airflow(home):
    """Run commands as `make up` does, in a folder of the test's own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "COV"))}
    env["HOME_OF_TEST"] = str(home)
    shell = 'source ./airflow.env; export AIRFLOW_HOME="$HOME_OF_TEST"; exec "$@"'

    def run(command):
        done = subprocess.run(
            ["bash", "-c", shell, "bash", *command],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def _log_in(port, password):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/auth/token",
        data=json.dumps({"username": "admin", "password": password}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["access_token"]
