"""Compare loading and filtering a feature frame with pandas and Polars.

    python benchmarks/load_and_filter.py data/feature_frame_20220314.csv --repeats 5 --tenfold

Ours is CSV to Parquet, then the large orders of that to Parquet; with every check it is what
the DAG does. pandas reads the CSV and keeps the rows in memory, spared the writing. Each way
imports only what it needs, in processes of its own. A `.parquet` file is first exported to
CSV, in the published file order. `--tenfold` repeats ours on ten times the rows, with other
order ids, made for the purpose (10x the file's size on disk, deleted afterwards).
"""

import argparse
import datetime as dt
import sys
import tempfile
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

from measure import measure, print_costs

UNTIL = dt.date(9999, 12, 31)
LOADED, LARGE = "loaded.parquet", "large_orders.parquet"
PEER = "pandas.read_csv, groupby"


def ours(path: Path, folder: Path) -> None:
    """Load into Parquet, then keep the large orders of that."""
    from push_model.training.data.dataset import load_dataset
    from push_model.training.data.frames import write_parquet

    write_parquet(load_dataset(str(path), until=UNTIL), folder / LOADED, facts={})
    keep_large(folder)


def ours_checked(path: Path, folder: Path) -> None:
    """Do the same with every check, as the DAG's first two tasks do."""
    from push_model.training.data.delivery import bring_in

    bring_in(str(path), folder / LOADED, until=UNTIL)
    keep_large(folder)


def keep_large(folder: Path) -> None:
    """Filter what was loaded."""
    from push_model.training.data.dataset import load_dataset
    from push_model.training.data.frames import write_parquet
    from push_model.training.data.orders import keep_large_orders

    loaded = load_dataset(str(folder / LOADED), until=UNTIL)
    write_parquet(keep_large_orders(loaded), folder / LARGE, facts={})


def with_pandas(path: Path, _: Path) -> None:
    """Load and filter the usual way."""
    import pandas as pd

    frame = pd.read_csv(path)
    items_bought = frame.groupby("order_id")["outcome"].transform("sum")
    frame = frame[items_bought >= 5]  # noqa: PLR2004 - what the usual notebook says


def with_polars(path: Path, folder: Path) -> None:
    """Load and filter in Polars' stream, the same columns and file kind as ours."""
    import polars as pl

    from push_model.columns import BY_NAME, FRAME, TRAINING

    types = {"integer": pl.Int64, "text": pl.String, "day": pl.Datetime}
    schema = {name: types.get(BY_NAME[name].type, pl.Float64) for name in FRAME}
    pl.scan_csv(path, schema=schema).select(TRAINING).sink_parquet(folder / LOADED)
    frame = pl.scan_parquet(folder / LOADED)
    items = frame.group_by("order_id").agg(pl.col("outcome").sum())
    large = items.filter(pl.col("outcome") >= 5)  # noqa: PLR2004 - as above
    frame.join(large, on="order_id", how="semi").sink_parquet(folder / LARGE)


WAYS = {
    "ours (DuckDB)": ours,
    "ours, with every check": ours_checked,
    "Polars streaming": with_polars,
    PEER: with_pandas,
}


def export_csv(path: Path, target: Path) -> None:
    """Write a Parquet frame as the CSV it would be published as."""
    import duckdb

    frame = duckdb.connect(config={"preserve_insertion_order": True}).read_parquet(str(path))
    days = ", ".join(
        f"strftime({name}, '%Y-%m-%d %H:%M:%S') AS {name}" for name in ("created_at", "order_date")
    )
    frame.order("variant_id, order_id").select(f"* REPLACE ({days})").write_csv(str(target))


def repeat_rows(path: Path, target: Path) -> None:
    """Write a CSV ten times over, each time with order ids of its own."""
    import duckdb

    connection = duckdb.connect(config={"preserve_insertion_order": False, "memory_limit": "2GB"})
    copies = connection.sql("FROM range(10)").set_alias("copies")
    rows = copies.join(connection.read_csv(str(path), all_varchar=True), condition="true")
    other_ids = "* EXCLUDE (range) REPLACE (CAST(order_id AS BIGINT) + range AS order_id)"
    rows.select(other_ids).write_csv(str(target))


def main() -> None:
    """Measure every way in turns, and ours on ten times the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tenfold", action="store_true")
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        WAYS[given.child](given.path, given.into)
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(given.path, Path(folder), repeats=given.repeats, is_tenfold=given.tenfold)


def compare(path: Path, folder: Path, *, repeats: int, is_tenfold: bool) -> None:
    """Print both tables."""
    if path.suffix == ".parquet":
        path = _in_a_process(export_csv, path, folder / f"{path.stem}.csv")
    costs = measure({name: _command(name, path, folder) for name in WAYS}, repeats=repeats)
    print(f"{path.name}, {path.stat().st_size / 2**20:.0f} MB, median of {repeats}\n")
    print_costs(costs, peer=PEER)
    if is_tenfold:
        once = {f"{name}, 1x": costs[name] for name in list(WAYS)[:2]}
        many = _in_a_process(repeat_rows, path, folder / "repeated.csv")
        tenfold = measure(
            {f"{name}, 10x": _command(name, many, folder) for name in list(WAYS)[:2]}, repeats=1
        )
        print("\nTen times the rows\n")
        print_costs(once | tenfold, peer=next(iter(once)))


def _in_a_process(make: Callable[[Path, Path], None], path: Path, target: Path) -> Path:
    """Make a file without growing this process, for `measure` to stay true."""
    process = get_context("spawn").Process(target=make, args=(path, target))
    process.start()
    process.join()
    return target


def _command(name: str, path: Path, folder: Path) -> list[str]:
    return [sys.executable, __file__, str(path), "--child", name, "--into", str(folder)]


if __name__ == "__main__":
    main()
