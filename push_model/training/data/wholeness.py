"""Check that listed files are whole, from their ends and before any row is read."""

import csv
import gzip
import os
import re
import time
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from push_model.errors import DatasetError, DatasetNotReadyError
from push_model.serving.settings import user_name
from push_model.training.data.files import PARQUET, Snapshot, is_named, take_snapshot

# No upload pauses for longer: what is not whole by then will not become so.
_UPLOAD_PAUSE_S = 300
_NS = 1_000_000_000
# No row is longer (csv_rows.py); of a CSV no more than this is kept of either end.
_END_BYTES = 1 << 18
_CHUNK_BYTES = 1 << 20
# Shorter than any header. Text has no zero byte.
_NAME_BYTES = 16
_MAGIC, _ENCRYPTED = b"PAR1", b"PARE"
# The magic at both ends, and the length of the footer before the second.
_LEAST_PARQUET_BYTES = 12
_END = ["end"]
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$")


def find_fault(snapshot: Snapshot) -> str | None:
    """Return why listed files cannot be whole, or None.

    Of CSV and Parquet only the ends are read; gzip is unpacked whole, for its check sum. Memory
    stays flat. A CSV that was cut exactly at the end of a line looks whole.
    """
    if snapshot.unfinished:
        return f"is still being written: it holds {snapshot.unfinished}"
    for file in snapshot.files:
        place = "" if file.path == snapshot.root else f"holds {snapshot.name(file)}, which "
        try:
            if snapshot.is_parquet and (kind := _other_kind(file.path)):
                # The rest of it would change nothing.
                raise DatasetError(f"{snapshot.uri} {place}{kind}")
            fault = _fault_of_file(file.path)
        except PermissionError:
            raise DatasetError(
                f"{file.path} cannot be read by {user_name()}. Give this user the right."
            ) from None
        if fault:
            return place + fault
    return None


def age_of(snapshot: Snapshot) -> float:
    """Return for how many seconds a dataset was not written to."""
    written = [file.modified_ns for file in snapshot.files]
    if snapshot.unfinished:  # the parts that were listed may be those of yesterday
        written += [status.st_mtime_ns for status in _statuses_below(snapshot.root)]
    return (time.time_ns() - max(written)) / _NS


def may_become_whole(snapshot: Snapshot) -> bool:
    """Check whether the rest of a dataset that is not whole may still arrive."""
    return age_of(snapshot) < _UPLOAD_PAUSE_S


@contextmanager
def refusing_change(snapshot: Snapshot) -> Iterator[None]:
    """Fail where listed files are replaced or written to while they are read."""
    try:
        yield
    except (DatasetError, OSError):
        if _is_unchanged(snapshot):
            raise
    else:
        if _is_unchanged(snapshot):
            return
    raise DatasetNotReadyError(
        f"{snapshot.uri} was written to or replaced while it was read; another try reads it as it "
        "is then. Deliver under another name and rename, so that no reader sees half a file."
    )


def _is_unchanged(snapshot: Snapshot) -> bool:
    try:
        return replace(take_snapshot(str(snapshot.root)), uri=snapshot.uri) == snapshot
    except DatasetError:
        return False


def _statuses_below(folder: Path) -> Iterator[os.stat_result]:
    for path in folder.rglob("*"):
        with suppress(OSError):  # a writer removes what it has moved
            yield path.stat()


def _fault_of_file(path: Path) -> str | None:
    if path.stat().st_size == 0:
        return "is empty"
    if is_named(path.name, PARQUET):
        return _fault_of_parquet(path)
    if not is_named(path.name, (".gz",)):
        return _fault_of_csv(*_ends_of_file(path))
    try:
        return _fault_of_csv(*_ends_of_gzip(path))
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return "is cut short, or was never gzip"


def _other_kind(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    if _MAGIC.startswith(head):
        return None
    encrypted = "is encrypted. Write it without encryption."
    return encrypted if head == _ENCRYPTED else "is not Parquet. Export it again."


def _fault_of_parquet(path: Path) -> str | None:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - len(_MAGIC) * 2, 0))
        length, magic = file.read(len(_MAGIC)), file.read()
    footer = int.from_bytes(length, "little") + _LEAST_PARQUET_BYTES
    if magic == _MAGIC and footer <= size:
        return None
    return "has no Parquet footer: it is cut short"


def _ends_of_file(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        head = file.read(_END_BYTES)
        file.seek(max(file.seek(0, 2) - _END_BYTES, 0))
        return head, file.read()


def _ends_of_gzip(path: Path) -> tuple[bytes, bytes]:
    with gzip.open(path, "rb") as file:
        head = file.read(_CHUNK_BYTES)
        last = deque([head], maxlen=2)
        while chunk := file.read(_CHUNK_BYTES):
            last.append(chunk)
    return head[:_END_BYTES], b"".join(last)[-_END_BYTES:]


def _fault_of_csv(head: bytes, tail: bytes) -> str | None:
    if b"\0" in head[:_NAME_BYTES]:
        return None  # UTF-16, gzip or Parquet: reading it says so
    if not tail.endswith((b"\n", b"\r")):
        return "has no line end after its last line: it may be cut short. End every line with one"
    header = next(csv.reader(_lines(head, "utf-8-sig")), [])
    lines = _lines(tail, "utf-8")
    if tail == head:
        row = _last_record(lines)
    else:  # the first may be the end of a line, and the second may lie inside quotes
        row = _last_record(lines[1:]) or _last_record(['"', *lines[1:]])
    if row is None:
        return "ends inside quotes: it is cut short"
    # One with more is not cut: reading it says in which line.
    if len(row) < len(header):
        return (
            f"has {len(row)} values in its last line where its header names {len(header)}: "
            "it is cut short"
        )
    return None


def _last_record(lines: list[str]) -> list[str] | None:
    """Return the last row, or None where it ends inside quotes."""
    try:
        rows = deque(filter(None, csv.reader([*lines, *_END])), maxlen=2)
    except csv.Error:  # a value of more than 128 kB
        return None
    # Inside quotes, the line after it is part of the row.
    return rows[0] if rows[-1] == _END else None


def _lines(text: bytes, encoding: str) -> list[str]:
    # Not `splitlines`: it would also split at separators that a value may hold.
    return _LINE.findall(text.decode(encoding, errors="replace"))
