"""Check that the files of a dataset are whole, from their ends and before any row is read."""

import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from push_model.errors import DatasetError
from push_model.training.data.files import is_file_uri, parquet_parts, to_path

# A header or a row is far shorter; of a CSV no more than this is kept of either end.
_END_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 20
_MAGIC = b"PAR1"
# The magic at both ends, and the length of the footer before the second.
_LEAST_PARQUET_BYTES = 12
# Where Spark and its kin write parts that are not yet part of anything.
_IN_PROGRESS = "_temporary"


class Part(NamedTuple):
    """One file of a dataset; any difference means that it was written to or replaced."""

    path: Path
    size: int
    modified_ns: int
    inode: int


def take_snapshot(uri: str) -> tuple[Part, ...]:
    """Return the files that a dataset consists of now; none where it is not there."""
    if not is_file_uri(uri):
        return ()
    path = to_path(uri)
    try:
        parts = parquet_parts(path) if path.is_dir() else [path]
        return tuple(map(_note, parts))
    except (DatasetError, FileNotFoundError):
        return ()


def find_fault(uri: str) -> str | None:
    """Return why a dataset cannot be whole, or None.

    Of CSV and Parquet only the ends are read; gzip is unpacked whole, for its check sum. Memory
    stays flat. A CSV that was cut exactly at the end of a line looks whole.
    """
    path = to_path(uri)
    if not path.exists():
        return "is not there"
    if not path.is_dir():
        return _fault_of_file(path)
    if (path / _IN_PROGRESS).exists():
        return f"is still being written: it holds {_IN_PROGRESS}/"
    parts = sorted(path.rglob("*.parquet"))
    if not parts:
        return "holds no .parquet file"
    faults = ((part, _fault_of_file(part)) for part in parts)
    return next((f"holds {part.name}, which {fault}" for part, fault in faults if fault), None)


@contextmanager
def refusing_change(uri: str) -> Iterator[None]:
    """Fail where a dataset is replaced or written to while it is read."""
    before = take_snapshot(uri)
    try:
        yield
    except DatasetError:
        if take_snapshot(uri) == before:
            raise
    else:
        if take_snapshot(uri) == before:
            return
    raise OSError(
        f"{uri} was written to or replaced while it was read; another try reads it as it is then. "
        "Deliver under another name and rename, so that no reader sees half a file."
    )


def _note(path: Path) -> Part:
    status = path.stat()
    return Part(path, status.st_size, status.st_mtime_ns, status.st_ino)


def _fault_of_file(path: Path) -> str | None:
    if path.stat().st_size == 0:
        return "is empty"
    if path.suffix == ".parquet":
        return _fault_of_parquet(path)
    if path.name.endswith(".csv"):
        return _fault_of_csv(*_ends_of_file(path))
    if path.name.endswith(".csv.gz"):
        try:
            return _fault_of_csv(*_ends_of_gzip(path))
        except (EOFError, gzip.BadGzipFile, zlib.error):
            return "is cut short, or was never gzip"
    return None


def _fault_of_parquet(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
        size = file.seek(0, 2)
        file.seek(max(size - len(_MAGIC) * 2, 0))
        length, magic = file.read(len(_MAGIC)), file.read()
    footer = int.from_bytes(length, "little") + _LEAST_PARQUET_BYTES
    if head == magic == _MAGIC and footer <= size:
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
    if not tail.endswith(b"\n"):
        return "ends in the middle of a line: it is cut short, or lacks its last line end"
    header, row = _first_record(head), _last_record(tail)
    if row is None:
        return "ends inside quotes: it is cut short"
    if len(row) != len(header):
        return f"has {len(row)} values in its last line where its header names {len(header)}"
    return None


def _first_record(head: bytes) -> list[str]:
    return next(csv.reader(_lines(head, "utf-8-sig")), [])


def _last_record(tail: bytes) -> list[str] | None:
    """Read the last row; one whose quotes hold line ends is several lines."""
    taken: list[str] = []
    for line in reversed(_lines(tail, "utf-8")):
        taken.insert(0, line)
        if "".join(taken).count('"') % 2 == 0:
            return next(csv.reader(taken), [])
    return None


def _lines(text: bytes, encoding: str) -> list[str]:
    # Not `splitlines`: it would also split at separators that a value may hold.
    return list(io.StringIO(text.decode(encoding, errors="replace"), newline="\n"))
