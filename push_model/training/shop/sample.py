"""Where does somebody without the data get a feature frame? A frame like a real one, of nobody."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from operator import index
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from push_model.columns import FRAME
from push_model.errors import InvalidEventError
from push_model.training.shop.candidates import count_rows, iterate_candidates
from push_model.training.shop.record import record_orders
from push_model.training.shop.shop import simulate_shop

FEWEST_ORDERS = 10
# A small frame is a sample of a shop of the published size, so that its popularities and
# average gaps are as fine as the real ones.
PUBLISHED_ORDERS = 3_446
# 32,768 rows are about 6 MB of text: small beside the libraries, large enough to be fast.
BLOCK_ROWS = 32_768
FRAME_FILE = "frame.csv"


def write_sample(
    path: str | Path,
    *,
    orders: int = 350,
    seed: int = 0,
    report_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write a synthetic feature frame in the published schema, as CSV.

    Notes
    -----
    A shop is simulated first and kept as a few bytes an item sold; the rows follow block
    by block, so that ten times the orders take the same memory.
    """
    place = _check_place(Path(path))
    _check_whole("orders", orders, at_least=FEWEST_ORDERS)
    _check_whole("seed", seed, at_least=0)
    rng = np.random.default_rng(seed)
    shop = simulate_shop(rng, min_repeat_orders=max(orders, PUBLISHED_ORDERS))
    record = record_orders(rng, shop, orders=orders)
    total, written = count_rows(shop, record), 0
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".sample_") as folder:
        blocks = iterate_candidates(shop, record, block_rows=BLOCK_ROWS)
        for rows in _write_blocks(blocks, Path(folder)):
            written += rows
            if report_progress is not None:
                report_progress(written, total)
        Path(folder, FRAME_FILE).replace(place)
    return written


def _write_blocks(blocks: Iterator[pd.DataFrame], folder: Path) -> Iterator[int]:
    """Write the blocks to one CSV file, and yield each one's rows once it is written."""
    block_file = folder / "block.csv"
    # One thread: a block is too small to share, and a second one costs 50 MB.
    with (
        (folder / FRAME_FILE).open("wb") as frame,
        duckdb.connect(config={"threads": 1}) as connection,
    ):
        frame.write(f"{','.join(FRAME)}\n".encode())
        for block in blocks:
            # DuckDB writes CSV five times as fast as pandas, but cannot append.
            connection.register("block", block)
            connection.execute("COPY block TO ? (FORMAT csv, HEADER false)", [str(block_file)])
            with block_file.open("rb") as text:
                shutil.copyfileobj(text, frame)
            yield len(block)


def _check_whole(name: str, value: int, *, at_least: int) -> None:
    try:
        sound = not isinstance(value, bool) and index(value) >= at_least
    except TypeError:
        sound = False
    if not sound:
        raise InvalidEventError(
            f"{name} must be a whole number of at least {at_least}, got {value!r}."
        )


def _check_place(path: Path) -> Path:
    if path.is_dir():
        raise InvalidEventError(f"{path} is a folder. Name a file to write, such as frame.csv.")
    if not path.parent.is_dir():
        raise InvalidEventError(f"The folder {path.parent} does not exist. Create it first.")
    return path
