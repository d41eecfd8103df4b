import datetime as dt

import pytest

from push_model.errors import DatasetError, DatasetNotReadyError
from push_model.training.data import delivery
from push_model.training.data.delivery import bring_in
from tests.frames import make_frame

UNTIL = dt.date(2100, 1, 1)


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "frame.csv"
    make_frame(orders=3).to_csv(path, index=False)
    return path


def test_a_dataset_that_changes_while_it_is_read_leaves_no_copy(dataset, monkeypatch):
    write_checked = delivery.write_checked

    def change_after(*arguments, **facts):
        rows = write_checked(*arguments, **facts)
        dataset.write_text("another\n")
        return rows

    monkeypatch.setattr(delivery, "write_checked", change_after)

    with pytest.raises(DatasetNotReadyError, match="while it was read"):
        bring_in(str(dataset), dataset.with_name("copy.parquet"), until=UNTIL)

    assert [path.name for path in dataset.parent.iterdir()] == ["frame.csv"]


def test_a_dataset_of_later_days_alone_leaves_no_copy(dataset):
    with pytest.raises(DatasetError, match="No orders on or before"):
        bring_in(str(dataset), dataset.with_name("copy.parquet"), until=dt.date(2000, 1, 1))

    assert [path.name for path in dataset.parent.iterdir()] == ["frame.csv"]
