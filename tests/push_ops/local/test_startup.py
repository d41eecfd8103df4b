import os
import sys

import pytest

from push_ops.local import background
from push_ops.local.startup import (
    RECORD,
    StartError,
    Startup,
    refuse_running,
    starting,
    stop_recorded,
)

# What is started runs on: that is what it is for.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def python(code):
    return [sys.executable, "-c", code]


@pytest.fixture
def home(tmp_path):
    yield tmp_path
    stop_recorded(tmp_path, clean_stop_s=0.1)


def start(home, components, unready=list, **options):
    with starting(home, os.environ) as startup:
        for name, command in components.items():
            startup.start(name, command)
        startup.wait(unready, **options)
    return startup


def test_what_is_started_runs_on_and_is_written_down(home):
    start(home, {"api-server": SLEEPER, "scheduler": SLEEPER})

    running = background.load(home / RECORD)
    assert [session.name for session in running] == ["api-server", "scheduler"]
    assert all(session.members() for session in running)


def test_it_says_what_it_waits_for_and_shows_the_end_of_its_log(home, capsys):
    talker = python("import time; print('no license', flush=True); time.sleep(60)")
    never = lambda: ["scheduler", "triggerer"]  # noqa: E731 - shorter than a function

    with pytest.raises(
        StartError, match=r"not ready after 2 s.*Not ready: scheduler, triggerer.*\n  no license"
    ):
        start(home, {"scheduler": talker}, never, timeout_s=2)

    assert "0 s  waiting for scheduler, triggerer" in capsys.readouterr().out


def test_without_a_log_of_its_own_it_says_where_the_logs_are(home):
    with pytest.raises(StartError, match="logs of its components are in"):
        start(home, {}, lambda: ["somewhere else"], timeout_s=0)


def test_a_component_that_stops_is_named_with_the_end_of_its_log(home):
    stops = python("raise SystemExit('no database')")

    with pytest.raises(
        StartError, match=r"The scheduler stopped .*scheduler\.log.*\n  no database"
    ):
        start(home, {"api-server": SLEEPER, "scheduler": stops}, lambda: ["scheduler"])


def test_a_failed_start_leaves_nothing_running(home):
    sessions = []

    def lose_patience():
        sessions.extend(background.load(home / RECORD))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(home, {"api-server": SLEEPER}, lose_patience)

    assert [session.members() for session in sessions] == [[]]
    assert not (home / RECORD).exists()


def test_what_runs_once_has_ended_when_the_next_is_started(home):
    made = home / "made"

    with starting(home, os.environ) as startup:
        startup.run("init", python(f"import time; time.sleep(0.2); open({str(made)!r}, 'w')"), {})
        assert made.exists()
        startup.wait(list)


def test_what_runs_once_and_fails_is_named_with_the_end_of_its_log(home):
    startup = Startup(home, os.environ)

    with pytest.raises(StartError, match=r"init failed.*init\.log.*\n  no such role"):
        startup.run("init", python("raise SystemExit('no such role')"), {})


def test_what_runs_once_and_hangs_is_given_up(home):
    startup = Startup(home, os.environ)

    with pytest.raises(StartError, match="init failed, or took too long"):
        startup.run("init", SLEEPER, {}, timeout_s=0.2)

    assert stop_recorded(home) == 1


def test_a_component_knows_its_settings_and_its_name(home):
    names = ["SHARED", "OWN", "PUSH_COMPONENT"]
    code = f"import os; print(*(os.environ[name] for name in {names}))"

    with starting(home, {**os.environ, "SHARED": "1"}) as startup:
        startup.run("worker-1", python(code), {"OWN": "2"})

    assert startup.log("worker-1").read_text() == "1 2 worker-1\n"


def test_what_airflow_stores_in_is_stopped_last(home):
    says_when = """
import signal, sys, time
def end(*_):
    print(time.time(), flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""
    components = dict.fromkeys(("postgres", "worker-1", "redis"), python(says_when))
    logs = [home / "components" / f"{name}.log" for name in components]
    startup = start(home, components, lambda: [log.stem for log in logs if not log.read_text()])

    stopped = stop_recorded(home)

    ended = {n: float(startup.log(n).read_text().split()[1]) for n in startup.sessions}
    assert stopped == 3
    assert ended["worker-1"] < min(ended["postgres"], ended["redis"])
    assert not (home / RECORD).exists()


def test_a_second_start_from_one_folder_is_refused(home):
    start(home, {"api-server": SLEEPER})

    with pytest.raises(StartError, match=r"up already.*make down"):
        refuse_running(home, command="make down")


def test_nothing_is_refused_where_nothing_runs(tmp_path):
    refuse_running(tmp_path, command="make down")
