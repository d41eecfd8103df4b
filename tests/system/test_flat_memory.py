"""Memory stays flat while rows grow; seen from outside, in processes of its own."""

import subprocess
import sys

import duckdb
import pytest

from tests.frames import make_frame

LOAD_AND_FILTER = """
import datetime, pathlib, re, sys
from push_model.training.data.dataset import load_dataset, open_dataset
from push_model.training.data.frames import write_parquet
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.schema import write_checked

source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
until = datetime.date(2021, 3, 3)
loaded, large = folder / "loaded.parquet", folder / "large.parquet"
write_checked(open_dataset(source, until=until), loaded, facts={})
write_parquet(keep_large_orders(load_dataset(str(loaded), until=until)), large, facts={})
# Not getrusage: to Linux a child's peak is at least its parent's at the fork.
status = pathlib.Path("/proc/self/status").read_text()
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) / 1024)
"""
PANDAS_PEAK_MB = 2250  # of reading the 3 M rows of a published frame; the budget is 0.3 of it


def write_rows(path, *, copies: int) -> str:
    """Write the same 10,000 rows again and again, with order ids of their own."""
    connection = duckdb.connect()
    once = connection.from_df(make_frame(orders=100, seed=0, products=100)).set_alias("once")
    rows = connection.sql(f"FROM range({copies})").join(once, condition="true")
    rows.select("* EXCLUDE (range) REPLACE (order_id + 1000 * range AS order_id)").write_csv(
        str(path)
    )
    return str(path)


def peak_mb(source: str, folder) -> float:
    command = [sys.executable, "-c", LOAD_AND_FILTER, source, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from Linux's /proc")
def test_five_times_the_rows_take_the_same_memory(tmp_path):
    once = peak_mb(write_rows(tmp_path / "once.csv", copies=100), tmp_path)

    many = peak_mb(write_rows(tmp_path / "many.csv", copies=500), tmp_path)

    sys.stdout.write(f"peak memory: {once:.0f} MB for 1 M rows, {many:.0f} MB for 5 M\n")
    assert many <= 1.3 * once
    assert many <= 0.3 * PANDAS_PEAK_MB
