import shutil

import pytest

from push_model.exploration import run
from tests.exploration.explored import UNTIL, finished, make_rows


@pytest.fixture(scope="session")
def frame():
    return make_rows()


@pytest.fixture(scope="session")
def explored(tmp_path_factory, worker_id):
    return finished(tmp_path_factory, worker_id)


@pytest.fixture(scope="session")
def dataset(explored):
    return f"{explored}.csv"


@pytest.fixture
def copied(explored, tmp_path):
    return shutil.copytree(explored, tmp_path / "copied")


@pytest.fixture
def started(dataset, tmp_path):
    """Return a small exploration without a fit."""
    run.plan(tmp_path / "started", dataset, size="small", until=UNTIL)
    return tmp_path / "started"
