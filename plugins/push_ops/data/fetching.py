"""Bring a run's dataset to a file that can be read: check it, or fetch it from a connection.

Airflow keeps addresses and passwords. The dataset is named by its connection alone, and only that
name gets into logs, XComs and manifests. What was fetched is deleted after reading.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from push_model.columns import DELIVERED, HISTORY
from push_model.errors import DatasetError
from push_model.training.data.files import (
    CSV,
    PARQUET,
    DatasetFacts,
    describe_bytes,
    is_file_uri,
    is_named,
    refuse_other_bytes,
    take_snapshot,
)
from push_model.training.data.wholeness import age_of, refusing_change

_SCHEME = "conn://"
_KINDS = (*CSV, *PARQUET)
_NAME = ".fetched."


class Fetched(NamedTuple):
    """A dataset that can be read."""

    path: str  # what `bring_in` reads
    facts: DatasetFacts | None  # None where `path` is the dataset itself


def require_settled(uri: str, *, settle_s: float) -> None:
    """Check that the files of a dataset were not written to for `settle_s` seconds.

    It sleeps where they are younger than that.
    """
    if not is_file_uri(uri):
        return
    snapshot = take_snapshot(uri)
    rest_s = settle_s - age_of(snapshot)
    if rest_s > 0:
        with refusing_change(snapshot):
            time.sleep(min(settle_s, rest_s))  # the file's clock may be ahead


@contextmanager
def at_hand(uri: str, folder: Path, *, until: date) -> Iterator[Fetched]:
    """Yield a dataset as a file, fetched into a folder where it is behind a connection."""
    if not uri.lower().startswith(_SCHEME):
        yield Fetched(uri, None)
        return
    address = _read_address(uri)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_NAME}*"):  # by a try that was killed
        left.unlink(missing_ok=True)
    kind = next(kind for kind in _KINDS if is_named(address.key or ".csv", (kind,)))
    path = folder / f"{_NAME}{uuid.uuid4().hex}{kind}"
    try:
        yield Fetched(str(path), _fetch(uri, address, path, until))
    finally:
        path.unlink(missing_ok=True)


class _Address(NamedTuple):
    """A ``conn://`` URI: a table of a database, or an object in a bucket."""

    connection: str  # its id
    table: str | None  # with its schema, if given
    bucket: str | None
    key: str | None


def _read_address(uri: str) -> _Address:
    """Read a ``conn://`` URI.

    Examples
    --------
    >>> _read_address("conn://orders_db?table=shop.feature_frame").table
    'shop.feature_frame'
    >>> _read_address("conn://shop_s3/exports/2021/frame.csv.gz").key
    '2021/frame.csv.gz'
    """
    refuse_other_bytes(unquote(uri))
    with suppress(ValueError):  # of an odd bracket
        parts = urlsplit(uri)
        query = parse_qs(parts.query, keep_blank_values=True)
        bucket, _, key = unquote(parts.path).strip("/").partition("/")
        if parts.netloc and not bucket and list(query) == ["table"] and query["table"] != [""]:
            return _Address(parts.netloc, query["table"][-1], None, None)
        if parts.netloc and is_named(key, _KINDS) and not parts.query:
            return _Address(parts.netloc, None, bucket, key)
    raise DatasetError(
        f"{uri} does not name a dataset. Write conn://CONNECTION?table=NAME for a table, or "
        f"conn://CONNECTION/BUCKET/KEY for an object that ends in one of {list(_KINDS)}."
    )


def _fetch(uri: str, address: _Address, path: Path, until: date) -> DatasetFacts:
    # Imported late: a dataset that is a file needs no client of a database.
    from push_ops.data import connections  # noqa: PLC0415

    if address.table is not None:
        columns = [*DELIVERED, *HISTORY]
        connections.fetch_table(
            uri, address.connection, address.table, path, columns=columns, until=until
        )
        # The same rows come in another order next time, so their digest would mean nothing.
        return DatasetFacts(uri, None, None)
    connections.fetch_object(uri, address.connection, str(address.bucket), str(address.key), path)
    return replace(describe_bytes(take_snapshot(str(path))), uri=uri)
