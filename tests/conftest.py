import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from push_model.serving.live_model import LIVE_MODELS
from push_model.serving.process import TALLY
from push_model.serving.settings import settings_of_process
from tests.effort import EFFORT
from tests.tiers import CPU, SYSTEM, budget_lines, folder_of, tier_of
from tests.undrawn import undrawn

# How fast things are is measured in benchmarks/, never by a test.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

CLUSTER = "tests/system/cluster/"

# What tests, their workers and all processes they start leave in the folder of temporary files
# lies in one folder, which goes with the run. A worker may be killed before it could tidy up.
# pytest's own tmp_path stays where it was, for a look after a failure.
LITTER = None
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    LITTER = tempfile.mkdtemp(prefix="push-")
    Path(LITTER).chmod(0o711)  # where root runs the tests, PostgreSQL runs as another user
    os.environ["TMPDIR"] = tempfile.tempdir = LITTER


def pytest_unconfigure():
    if LITTER:
        shutil.rmtree(LITTER, ignore_errors=True)


class WholeFiles(LoadScopeScheduling):
    """Give a file's tests to one worker, and all tests of the cluster to one worker."""

    def _split_scope(self, nodeid):
        return CLUSTER if nodeid.startswith(CLUSTER) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config, log):
    return WholeFiles(config, log)


def pytest_collection_modifyitems(items):
    """Mark each test with the tier of its folder, and start the most expensive folders first.

    `make test-system` also runs each file that counts its rounds by EFFORT, with more of them.
    """
    for item in items:
        item.add_marker(tier_of(item.nodeid))
        if EFFORT > 1 and hasattr(getattr(item, "module", None), "EFFORT"):
            item.add_marker(SYSTEM)
    items.sort(key=lambda item: -CPU.get(folder_of(item.nodeid), 0))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    before = sum(os.times()[:4])
    outcome = yield
    spent = item.config.stash.setdefault(SPENT, {})
    folder = folder_of(item.nodeid)
    spent[folder] = spent.get(folder, 0.0) + sum(os.times()[:4]) - before
    return outcome


SPENT = pytest.StashKey[dict]()


def pytest_sessionfinish(session):
    """Hand a worker's CPU seconds to the process that prints them."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["cpu"] = session.config.stash.get(SPENT, {})
        session.config.workeroutput["cpu_all"] = sum(os.times()[:4])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Add up what the workers spent."""
    given = getattr(node, "workeroutput", {})
    spent = node.config.stash.setdefault(SPENT, {})
    for folder, seconds in given.get("cpu", {}).items():
        spent[folder] = spent.get(folder, 0.0) + seconds
    rest = given.get("cpu_all", 0.0) - sum(given.get("cpu", {}).values())
    spent["imports, collection"] = spent.get("imports, collection", 0.0) + rest


def pytest_terminal_summary(terminalreporter, config):
    """Print CPU seconds by folder, what tests measured, and where they left logs."""
    for line in budget_lines(config.stash.get(SPENT, {})):
        terminalreporter.write_line(line)
    reports = [report for found in terminalreporter.stats.values() for report in found]
    # The reports of a test's phases repeat its properties.
    noted = {pair: None for report in reports for pair in getattr(report, "user_properties", ())}
    for what, line in noted:
        if what == "measured":
            terminalreporter.write_line(line)
    for folder in sorted({Path(value) for what, value in noted if what == "folder"}):
        if folder.exists():
            terminalreporter.write_line(f"logs and all else are kept in {folder}")


@pytest.fixture(autouse=True)
def _new_process():
    """Start each test as a process starts: nothing loaded, nothing counted, nothing cached."""
    LIVE_MODELS.__init__(check_every_s=0.0)
    TALLY.start()
    settings_of_process.cache_clear()


@pytest.fixture(scope="module")
def undrawn_pictures():
    with undrawn():
        yield
