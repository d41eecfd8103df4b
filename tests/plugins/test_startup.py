import json
import socket
import sys

import pytest

from push_ops import background
from push_ops.startup import RECORD, StartError, start_and_wait

# `start_and_wait` leaves its processes running: that is what it is for.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

# Answers as Airflow's API does; the second argument lists what is not healthy.
API = """
import http.server, json, sys
unhealthy = sys.argv[2].split()
parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        said = {p: {"status": "unhealthy" if p in unhealthy else "healthy"} for p in parts}
        self.wfile.write(json.dumps(said if self.path == "/api/v2/monitor/health" else {}).encode())

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever()
"""
SLEEP = "import time; time.sleep(60)"


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def home(tmp_path):
    yield tmp_path
    background.stop(background.load(tmp_path / RECORD), clean_stop_s=0.1)


def test_it_returns_when_every_part_is_healthy_and_writes_down_what_runs(home, port):
    components = {"api-server": _api(port), "scheduler": [sys.executable, "-c", SLEEP]}

    start_and_wait(components, home=home, environment={}, port=port, timeout_s=30)

    running = background.load(home / RECORD)
    assert [session.name for session in running] == ["api-server", "scheduler"]
    assert all(session.members() for session in running)


def test_it_says_what_it_waits_for(home, port, capsys):
    components = {"api-server": _api(port, unhealthy="scheduler triggerer")}

    with pytest.raises(StartError, match=r"not ready after 3 s.*Not ready: scheduler, triggerer"):
        start_and_wait(components, home=home, environment={}, port=port, timeout_s=3)

    assert "0 s  waiting for api-server" in capsys.readouterr().out


def test_a_component_that_stops_is_named_with_the_end_of_its_log(home, port):
    components = {
        "api-server": _api(port, unhealthy="scheduler"),
        "scheduler": [sys.executable, "-c", "raise SystemExit('no database')"],
    }

    with pytest.raises(
        StartError, match=r"The scheduler stopped .*scheduler\.log.*\n  no database"
    ):
        start_and_wait(components, home=home, environment={}, port=port, timeout_s=30)


def test_a_failed_start_leaves_nothing_running(home, port):
    components = {"api-server": _api(port), "scheduler": [sys.executable, "-c", "raise SystemExit"]}

    with pytest.raises(StartError, match="The scheduler stopped"):
        start_and_wait(
            {**components, "api-server": _api(port, unhealthy="scheduler")},
            home=home,
            environment={},
            port=port,
            timeout_s=30,
        )

    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
    assert not (home / RECORD).exists()


def test_a_component_gets_its_settings_on_top_of_the_environment(home, port, monkeypatch):
    monkeypatch.setenv("FROM_OUTSIDE", "1")
    names = ["FROM_OUTSIDE", "OURS"]
    code = f"import json, os; raise SystemExit(json.dumps([os.getenv(n) for n in {names}]))"

    with pytest.raises(StartError, match="stopped"):
        start_and_wait(
            {"scheduler": [sys.executable, "-c", code]},
            home=home,
            environment={"OURS": "2"},
            port=port,
            timeout_s=30,
        )

    assert json.loads((home / "components" / "scheduler.log").read_text()) == ["1", "2"]


def _api(port, unhealthy=""):
    return [sys.executable, "-c", API, str(port), unhealthy]
