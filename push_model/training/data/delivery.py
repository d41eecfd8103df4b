"""Bring a dataset in: listed once, whole, unchanged while it is read, and checked.

Every training and evaluation reads the copy that this makes.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Any, NamedTuple

from push_model.columns import DELIVERED, HISTORY
from push_model.errors import DatasetError, DatasetNotReadyError
from push_model.store.durable import replacing
from push_model.training.data.csv_rows import find_fault_of_rows
from push_model.training.data.dataset import Dataset, load_dataset, open_dataset, open_files
from push_model.training.data.files import (
    DatasetFacts,
    Snapshot,
    describe,
    is_file_uri,
    take_snapshot,
)
from push_model.training.data.frames import UnreadableError
from push_model.training.data.parquet_rows import find_fault_of_parts
from push_model.training.data.schema import write_checked
from push_model.training.data.wholeness import (
    find_fault,
    may_become_whole,
    refusing_change,
)

#: What a checked copy is called.
COPY = "frame.parquet"

_REPORT_EVERY_S = 0.2
# What is read where it is there; only a loader of one's own may leave out users.
_OPTIONAL = ("user_id", *HISTORY)

logger = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """A dataset that was checked and copied."""

    path: Path  # a Parquet file of the columns read, in their own types
    rows: int
    facts: DatasetFacts
    files: Snapshot | None  # None where rows come from elsewhere


def bring_in(
    uri: str,
    path: Path,
    *,
    until: date,
    columns: Sequence[str] = DELIVERED,
    load: Callable[..., Any] = load_dataset,
    facts: DatasetFacts | None = None,
    report: Callable[[float], object] | None = None,
) -> Delivery:
    """Check a dataset up to a day and copy it into a Parquet file, whole or not at all.

    `columns` are what a `load` of one's own must have. `facts` name the dataset where `uri` is a
    file that it was fetched into. A `DatasetNotReadyError` says that a later try may succeed.
    `report` is called every so often with the share of the rows that was read.
    """
    start = perf_counter()
    name = facts.uri if facts else uri
    logger.info("Reading %s until %s.", name, until)
    # Refused at any moment, it leaves the copy of an earlier try.
    with replacing(path) as aside:
        if load is load_dataset and is_file_uri(uri):
            snapshot = replace(take_snapshot(uri), uri=name)
            with refusing_change(snapshot):
                _refuse_part(snapshot, may_come=facts is None)
                facts = facts or describe(snapshot)
                dataset = open_files(snapshot, columns=columns, optional=_OPTIONAL, until=until)
                rows = _write(dataset, aside, facts, report)
        else:
            if load is load_dataset:
                dataset = open_dataset(uri, columns=columns, optional=_OPTIONAL, until=until)
            else:
                dataset = _from_loader(uri, load, columns, until)
            # Only a loader itself knows what another source holds.
            facts = DatasetFacts(name, None, None)
            rows = _write(dataset, aside, facts, report)
        if not rows:
            raise DatasetError(
                f"No orders on or before {until} in {name}. Check the file or use a later date."
            )
    logger.info("Checked %d rows in %.1f s.", rows, perf_counter() - start)
    return Delivery(path, rows, facts, dataset.snapshot)


def _refuse_part(snapshot: Snapshot, *, may_come: bool) -> None:
    """Refuse files that are not whole; of those that were fetched, no more may come."""
    if fault := find_fault(snapshot):
        kind = DatasetNotReadyError if may_come and may_become_whole(snapshot) else DatasetError
        raise kind(f"{snapshot.uri} {fault}. Deliver it again.")


def _write(
    dataset: Dataset,
    path: Path,
    facts: DatasetFacts,
    report: Callable[[float], object] | None,
) -> int:
    try:
        with _reporting(dataset, report):
            return write_checked(dataset, path, facts=facts.metadata())
    except UnreadableError:
        # Slow, but it can name the line, or the part.
        if (files := dataset.snapshot) is None:
            raise
        find = find_fault_of_parts if files.is_parquet else find_fault_of_rows
        if fault := find(files):
            raise DatasetError(f"{files.uri} {fault}") from None
        raise


@contextmanager
def _reporting(dataset: Dataset, report: Callable[[float], object] | None) -> Iterator[None]:
    """Report how much of a dataset was read, from a thread beside the one that reads."""
    if report is None:
        yield
        return
    ended = Event()

    def watch() -> None:
        while not ended.wait(_REPORT_EVERY_S):
            if (share := dataset.read_share()) is not None:
                report(share)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    report(1.0)


def _from_loader(
    uri: str,
    load: Callable[..., Any],
    columns: Sequence[str],
    until: date,
) -> Dataset:
    loaded = load(uri, columns=columns, until=until)
    try:
        return Dataset.from_frame(
            loaded, name=uri, columns=columns, optional=_OPTIONAL, until=until
        )
    except TypeError as error:
        raise DatasetError(
            "load must return a frame of pandas, Polars or DuckDB, "
            f"got {type(loaded).__name__}. Fix the loader."
        ) from error
