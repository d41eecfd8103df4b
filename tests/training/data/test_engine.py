import subprocess
import sys

import duckdb
import pytest

from push_model.errors import DatasetError
from push_model.training.data.engine import connect, reading
from tests.frames import make_frame


def test_a_mistake_of_ours_is_not_blamed_on_the_dataset():
    with pytest.raises(duckdb.BinderException, match="nothing"), reading("frame.csv"):
        connect().sql("SELECT nothing")


def test_an_unforeseen_error_is_told_without_what_it_quotes():
    with (
        pytest.raises(DatasetError, match=r"^frame\.csv could not be read to its end: .*\.\.\."),
        reading("frame.csv"),
    ):
        raise duckdb.DataError("Out of Range: 'secret' is too large")


def test_nothing_is_fetched_from_the_network():
    settings = connect().sql(
        "SELECT current_setting('autoinstall_known_extensions'), "
        "current_setting('autoload_known_extensions')"
    )

    assert settings.fetchall() == [(False, False)]


def test_a_disk_that_takes_no_more_is_no_fault_of_the_data():
    with (
        pytest.raises(OSError, match=r"frame\.csv was read, but its rows cannot be written"),
        reading("frame.csv"),
    ):
        raise duckdb.IOException("IO Error: Async write failed: No space left on device")


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    script = (
        "import datetime as dt, resource, sys\n"
        "from pathlib import Path\n"
        "from push_model.training.data.dataset import load_dataset, write_parquet\n"
        "frame = load_dataset(sys.argv[1], until=dt.date(2100, 1, 1))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))\n"
        "try:\n"
        "    write_parquet(frame, Path(sys.argv[1]).with_name('out.parquet'), facts={})\n"
        "except OSError as error:\n"
        "    print(error)\n"
    )
    make_frame(orders=500).to_csv(tmp_path / "frame.csv", index=False)

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "frame.csv")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "cannot be written: disk trouble" in done.stdout, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["frame.csv"]
