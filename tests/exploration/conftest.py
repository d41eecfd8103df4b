from datetime import date

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
def explored(dataset, tmp_path_factory):
    """Give a small exploration, finished; a test that changes it copies it first."""
    folder = tmp_path_factory.mktemp("explored")
    for slug in run.plan(folder, dataset, size="small", until=UNTIL):
        run.run_entry(folder, slug)
    with undrawn():
        run.finish(folder)
    return folder


@pytest.fixture
def started(dataset, tmp_path):
    """Give a small exploration in which nothing has been fitted."""
    run.plan(tmp_path / "started", dataset, size="small", until=UNTIL)
    return tmp_path / "started"
