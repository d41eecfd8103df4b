"""An Airflow of the tests' own. It must be named before Airflow is first imported."""

import os
import shutil
import sqlite3
import sys
import tempfile
import warnings
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="airflow-of-tests-"))

if "airflow" in sys.modules:
    raise RuntimeError("Airflow was imported before tests/dags could name its folder.")
os.environ |= {
    "AIRFLOW_HOME": str(AIRFLOW_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    "AIRFLOW__API__BASE_URL": "http://airflow.invalid",
    "AIRFLOW__API_AUTH__JWT_SECRET": 8 * "of tests",  # a shorter one is warned of
}


@pytest.fixture
def dagbag():
    """Parsed afresh for each test: `dag.test()` leaves its form's values in the DAG."""
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - reads the settings above

    return DagBag(dag_folder=str(ROOT / "dags"))


@pytest.fixture
def dag(dagbag):
    return dagbag.dags["push_retraining"]


@pytest.fixture(scope="session")
def database(request):
    """The tables that `dag.test()` keeps its runs in."""
    _migrate(request.config.cache.mkdir("airflow"))


@cache  # two folders of tests have the fixture, and a file in use must not be written over
def _migrate(folder):
    """Migrate the worker's database, or copy one that was migrated by this version of Airflow."""
    from airflow import __version__  # noqa: PLC0415 - reads the settings above
    from airflow.utils.db import initdb  # noqa: PLC0415 - the same

    migrated = folder / f"{__version__}.db"
    here = AIRFLOW_HOME / "airflow.db"
    if migrated.exists():
        shutil.copy(migrated, here)
        return
    with warnings.catch_warnings(action="ignore"):  # Airflow's own, about its migrations
        initdb()
    aside = migrated.with_suffix(f".{os.getpid()}")  # another worker may be doing the same
    with closing(sqlite3.connect(here)) as connection:
        connection.execute("VACUUM INTO ?", [str(aside)])
    aside.replace(migrated)


@pytest.fixture
def installation(tmp_path, database):  # noqa: ARG001 - runs need the tables
    from tests.dags.installation import Installation  # noqa: PLC0415 - the same

    return Installation(tmp_path)
