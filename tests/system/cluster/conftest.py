"""One real cluster for all tests of this folder; it ends with them."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.system.cluster.processes import members_of
from tests.system.cluster.rig import Cluster


@pytest.fixture(scope="package")
def whole_cluster(request):
    # Its logs outlive a run that failed.
    kept = os.environ["PYTEST_DEBUG_TEMPROOT"]
    folder = Path(tempfile.mkdtemp(prefix="push-cluster-", dir=kept))
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
        started = [process.pid for process in cluster.processes.running.values()]
    finally:
        cluster.close()
    assert not [process for session in started for process in members_of(session)]
    if not request.session.testsfailed:
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
