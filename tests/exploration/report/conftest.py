import pytest

from push_model.exploration.report.pages import write_pages
from push_model.exploration.report.reading import read_found
from tests.exploration.report.results import write_exploration


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return write_exploration(tmp_path_factory.mktemp("exploration"))


@pytest.fixture(scope="session")
def found(folder):
    return read_found(folder)


@pytest.fixture(scope="session")
def files(found):
    return write_pages(found)


@pytest.fixture(scope="session")
def page(files):
    return files["report.html"].decode()


@pytest.fixture(scope="session")
def text(files):
    return files["report.md"].decode()
