"""One real cluster for all tests of this folder; it ends with pytest, however that ends."""

import shutil
import tempfile
from pathlib import Path

import psutil
import pytest

from push_ops.guard import start_guard
from tests.cluster.running import Cluster

HERE = Path(__file__).parent
FAILED = []
FOLDERS = []
MEASURED = []


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Leave these tests for the end: until then no cluster takes anyone's memory."""
    items.sort(key=lambda item: HERE in item.path.parents)


def pytest_runtest_logreport(report):
    if report.failed and report.nodeid.startswith("tests/cluster/"):
        FAILED.append(report.nodeid)


def pytest_terminal_summary(terminalreporter):
    for line in MEASURED:
        terminalreporter.write_line(f"real cluster: {line}")
    for folder in FOLDERS:
        if folder.exists():
            terminalreporter.write_line(f"real cluster: logs and all else are kept in {folder}")


def _is_alive(process):
    # One that ended stays in the table until its new parent, the system's first process, looks.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="session")
def whole_cluster():
    folder = Path(tempfile.mkdtemp(prefix="push-cluster-"))
    FOLDERS.append(folder)
    cluster = Cluster(folder)
    guard = start_guard(cluster.home)
    try:
        MEASURED.append(f"ready after {cluster.start():.0f} s")
        yield cluster
    finally:
        processes = cluster.processes()
        cluster.close()
        guard.communicate()
    assert guard.returncode == 0
    assert not [process for process in processes if _is_alive(process)]
    if not FAILED:
        shutil.rmtree(folder)


@pytest.fixture
def cluster(whole_cluster):
    """The cluster, both of its workers well and nothing in its store."""
    whole_cluster.wait_for_workers()
    for folder in (whole_cluster.models, whole_cluster.runs):
        shutil.rmtree(folder, ignore_errors=True)
    return whole_cluster


@pytest.fixture
def measured():
    """Take a line for the end of pytest's output."""
    return MEASURED.append
