from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from push_model.serving import age, prediction, process
from push_model.serving import health as health_report
from push_model.serving import settings as limits
from push_model.serving.live_model import LiveModels
from tests.undrawn import undrawn

# A busy machine is no failing law; how fast things are is measured in benchmarks/.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

CLUSTER = "tests/cluster/"


class WholeFiles(LoadScopeScheduling):
    """Give a file's tests to one worker, and to one worker all that share the cluster."""

    def _split_scope(self, nodeid):
        return CLUSTER if nodeid.startswith(CLUSTER) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config, log):
    return WholeFiles(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begin with the longest, so that no worker ends with one alone: the cluster, slow files."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda i: (not i.nodeid.startswith(CLUSTER), i.path not in slow))


def pytest_terminal_summary(terminalreporter):
    """Print what tests measured, and where they left something to look at."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    # The reports of a test's phases repeat them.
    told = {pair: None for report in reports for pair in getattr(report, "user_properties", ())}
    for what, line in told:
        if what == "measured":
            terminalreporter.write_line(line)
    for folder in sorted({Path(value) for what, value in told if what == "folder"}):
        if folder.exists():
            terminalreporter.write_line(f"logs and all else are kept in {folder}")


@pytest.fixture(autouse=True)
def _new_process(monkeypatch):
    """Start each test as a process starts: nothing loaded, nothing counted, nothing waited for."""
    live = LiveModels(check_every_s=0.0)
    for module in (process, prediction, health_report):
        monkeypatch.setattr(module, "LIVE_MODELS", live)
    process.TALLY.start()
    limits.limits_of_process.cache_clear()
    age.max_age_days_of_process.cache_clear()
    process.sketches_skew.cache_clear()


@pytest.fixture(scope="module")
def undrawn_pictures():
    with undrawn():
        yield
