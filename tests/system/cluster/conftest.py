"""One real cluster for all tests of this folder; it ends with them, however they end."""

import shutil
import tempfile
from pathlib import Path

import psutil
import pytest

from push_ops.local.cluster.guard import start_guard
from tests.system.cluster.running import Cluster

FAILED = []


def pytest_runtest_logreport(report):
    if report.failed and report.nodeid.startswith("tests/cluster/"):
        FAILED.append(report.nodeid)


def _is_alive(process):
    # One that ended stays in the table until its new parent, the system's first process, looks.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="package")
def whole_cluster():
    folder = Path(tempfile.mkdtemp(prefix="push-cluster-"))
    cluster = Cluster(folder)
    guard = start_guard(cluster.home)
    try:
        cluster.start()
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
def cluster(whole_cluster, record_property):
    """The cluster, all of it well and nothing in its store."""
    record_property("folder", str(whole_cluster.folder))
    whole_cluster.wait_until_well()
    for folder in (whole_cluster.models, whole_cluster.runs):
        shutil.rmtree(folder, ignore_errors=True)
    return whole_cluster


@pytest.fixture
def measured(record_property):
    """Take a line for the end of pytest's output."""
    return lambda line: record_property("measured", f"real cluster: {line}")
