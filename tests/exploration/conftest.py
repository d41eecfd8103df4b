import fcntl
import shutil
from datetime import date
from pathlib import Path

import pytest

from push_model.exploration import run
from tests.frames import make_frame
from tests.undrawn import undrawn

UNTIL = date(2021, 3, 4)


@pytest.fixture(scope="session")
def frame():
    """Large orders and small ones of 60 days, sorted as training reads them."""
    return make_frame(orders=120, seed=3).sort_values(
        ["order_date", "order_id", "variant_id"], ignore_index=True
    )


@pytest.fixture(scope="session")
def dataset(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "frame.csv"
    frame.to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="session")
def explored(dataset, tmp_path_factory, worker_id):
    """Return a small finished exploration, made once for all workers; copy it to change it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "explored"
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "standings.json").exists():
            for slug in run.plan(folder, dataset, size="small", until=UNTIL):
                run.run_entry(folder, slug)
            with undrawn():
                run.finish(folder)
    return folder


@pytest.fixture
def copied(explored, tmp_path):
    return shutil.copytree(explored, tmp_path / "copied")


@pytest.fixture
def started(dataset, tmp_path):
    """Return a small exploration without a fit."""
    run.plan(tmp_path / "started", dataset, size="small", until=UNTIL)
    return tmp_path / "started"
