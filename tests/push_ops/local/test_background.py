import os
import signal
import sys
import time

import psutil
import pytest

from push_ops.local import background

# `start` leaves its process running: that is what it is for.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

SLEEPER = "import time; print('started', flush=True); time.sleep(60)"
PARENT_OF_A_SLEEPER = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {SLEEPER!r}])
time.sleep(60)
"""
OF_A_LEADER = PARENT_OF_A_SLEEPER.replace("])", "], start_new_session=True)")
DEAF_PARENT_OF_A_LEADER = (
    f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN){OF_A_LEADER}"
)
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


@pytest.fixture
def start(tmp_path):
    sessions = []

    def start_python(code):
        log = tmp_path / f"{len(sessions)}.log"
        command = [sys.executable, "-c", code]
        process = background.launch(command, log=log, environment=os.environ)
        session = background.describe("python", process)
        sessions.append(session)
        _wait_until(lambda: "started" in log.read_text())
        return session

    yield start_python
    background.stop(sessions, clean_stop_s=0.1)


def test_what_is_started_runs_and_writes_into_its_log(start, tmp_path):
    session = start(SLEEPER)

    assert [process.pid for process in session.members()] == [session.id]
    assert (tmp_path / "0.log").read_text() == "started\n"


def test_stopping_ends_a_command_and_what_it_forked(start):
    session = start(PARENT_OF_A_SLEEPER)
    members = session.members()

    stopped = background.stop([session])

    assert len(members) == stopped == 2
    assert session.members() == []


@pytest.mark.parametrize("leader", [OF_A_LEADER, DEAF_PARENT_OF_A_LEADER])
def test_a_child_that_leads_a_session_of_its_own_is_stopped_too(start, leader):
    session = start(leader)
    members = session.members()

    stopped = background.stop([session], clean_stop_s=0.5)

    assert len(members) == stopped == 2
    _, alive = psutil.wait_procs(members, timeout=10)
    assert alive == []


def test_a_child_whose_parent_was_killed_is_stopped_all_the_same(start):
    session = start(PARENT_OF_A_SLEEPER)
    os.kill(session.id, signal.SIGKILL)
    os.waitpid(session.id, 0)
    orphans = session.members()

    stopped = background.stop([session])

    assert [orphan.pid for orphan in orphans] != [session.id]
    assert len(orphans) == stopped == 1
    assert session.members() == []


def test_a_command_that_does_not_listen_is_killed(start):
    session = start(DEAF)

    background.stop([session], clean_stop_s=0.2)

    assert session.members() == []


def test_what_was_saved_is_found_again(start, tmp_path):
    session = start(SLEEPER)

    background.save([session], tmp_path / "record.json")

    assert background.load(tmp_path / "record.json") == [session]


def test_without_a_record_nothing_was_started(tmp_path):
    assert background.load(tmp_path / "record.json") == []


def test_a_later_process_with_the_same_id_is_left_alone(start):
    later = start(SLEEPER)
    before_it = background.Session("python", later.id, later.started - 10**6)

    stopped = background.stop([before_it], clean_stop_s=0.1)

    assert stopped == 0
    assert before_it.members() == []
    assert [process.pid for process in later.members()] == [later.id]


@pytest.mark.parametrize("session_id", [0, os.getsid(0)], ids=["outside", "own"])
def test_our_own_session_is_never_one_that_we_started(session_id):
    """In a container 0 is the id of every session whose leader is outside: stop kills them all."""
    ours = background.Session("python", session_id, psutil.Process().create_time())

    assert ours.members() == []


def _wait_until(is_true, timeout_s=20.0):
    end = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < end, "the process did not start in time"
        time.sleep(0.02)
