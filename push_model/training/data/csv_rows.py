"""Read CSV files strictly (RFC 4180): each row has as many values as the header.

The dialect is fixed, because guessing it from the first rows can guess wrong. Lines may end in
any way.
"""

import csv
import gzip
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from push_model.columns import BY_NAME
from push_model.errors import DatasetError
from push_model.training.data.files import Snapshot
from push_model.training.data.frames import refuse_repeated
from push_model.training.data.sources import Rows

# A block is held in memory; no row may be longer than one.
_BLOCK_BYTES = 1 << 18
_NUMBERS = ("feature", "history", "outcome")
_NOT_UTF8 = "is not in UTF-8. Export it again, in UTF-8."
# Within a value, where it may be right; where quotes begin and end, it has a comma beside it.
_LOOSE_QUOTE = re.compile(rb'[^,\r\n"]"[^,\r\n"]')
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def list_csv_columns(snapshot: Snapshot) -> list[str]:
    """Return the column names of a CSV file."""
    try:
        with _refusing_bytes(snapshot.uri), _open_text(snapshot.root) as file:
            lines = filter(None, csv.reader(file))  # Arrow, too, skips empty lines
            header, has_rows = next(lines, []), any(lines)
    except csv.Error:
        raise DatasetError(
            f"{snapshot.uri} has a value of more than 128 kB. Close its quotes."
        ) from None
    if not header:
        raise DatasetError(f"{snapshot.uri} is empty. Export it again.")
    _refuse_header(header, snapshot.uri)
    if not has_rows:
        raise DatasetError(f"{snapshot.uri} has a header but no rows. Export it again.")
    return header


def read_csv(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, columns: Sequence[str]
) -> Rows:
    """Open some columns of a CSV file."""
    import pyarrow as pa  # noqa: PLC0415 - 40 MB that readers of Parquet do without

    # Users are text until they are cast: 007 is not 7. What is not of these types, such as a key
    # that pandas wrote as 12.0, is read again from the text.
    arrow_types = {
        "key": pa.int64(),
        "time": pa.timestamp("us"),
        **dict.fromkeys(_NUMBERS, pa.float64()),
    }
    types = {
        name: arrow_types.get(BY_NAME[name].role, pa.string()) if name in BY_NAME else pa.string()
        for name in columns
    } | ({"user_id": pa.string()} if "user_id" in columns else {})
    typed = _CsvRows(snapshot, types)
    original = _CsvRows(snapshot, dict.fromkeys(columns, pa.string()))
    return Rows(
        connection.from_arrow(typed),
        connection.from_arrow(original),
        lambda: typed.read_share() if original.file is None else original.read_share(),
    )


def find_fault_of_rows(snapshot: Snapshot) -> str | None:
    """Return the first line that is not as the header says, or None.

    It is slow, and so for a file that could not be read.
    """
    try:
        with _refusing_bytes(snapshot.uri), _open_text(snapshot.root) as file:
            rows, line = csv.reader(file, strict=True), 1
            expected = len(next(filter(None, rows), []))
            line += rows.line_num
            for row in rows:
                if row and len(row) != expected:
                    return (
                        f"has {len(row)} values in line {line} where its header names "
                        f"{expected}. Fix it."
                    )
                line = rows.line_num + 1
    except csv.Error:
        return f"has quotes in line {line} that are not closed, or not doubled. Fix it."
    except DatasetError as error:
        return str(error).removeprefix(snapshot.uri).strip()
    return None


class _CsvRows:
    """Rows of a CSV file: a stream that begins afresh whenever it is read."""

    def __init__(self, snapshot: Snapshot, types: Mapping[str, Any]) -> None:
        self._snapshot, self._types = snapshot, types
        self.file: Any = None  # the one that was opened last

    def __arrow_c_schema__(self) -> Any:
        """Return the columns without opening the file, so that its faults come from reading it."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        return pa.schema(list(self._types.items())).__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        """Open the file as a stream of Arrow batches (Arrow's PyCapsule interface)."""
        import pyarrow as pa  # noqa: PLC0415 - as above
        from pyarrow import csv as arrow_csv  # noqa: PLC0415 - as above

        path = self._snapshot.root
        self.file = pa.OSFile(str(path))
        content = pa.CompressedInputStream(self.file, "gzip") if _is_gzip(path) else self.file
        watched = _WatchedQuotes(content)
        reader = arrow_csv.open_csv(
            pa.PythonFile(watched, mode="r"),
            arrow_csv.ReadOptions(block_size=_BLOCK_BYTES),
            arrow_csv.ParseOptions(newlines_in_values=True),
            arrow_csv.ConvertOptions(
                column_types=self._types,
                include_columns=list(self._types),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
        batches = self._iterate(reader, watched)
        stream = pa.RecordBatchReader.from_batches(reader.schema, batches)
        return stream.__arrow_c_stream__(requested_schema)

    def _iterate(self, reader: Iterable[Any], watched: "_WatchedQuotes") -> Iterator[Any]:
        """Yield batches; fail where Arrow took several rows for one."""
        yield from reader
        # Arrow reads on to the next quote where one is not closed, and past one that ends no value.
        # Only a strict reader can tell these from line ends and quotes of a value. It is slow.
        if watched.may_be_wrong and find_fault_of_rows(self._snapshot):
            raise ValueError("CSV parse error")

    def read_share(self) -> float | None:
        """Return how much of the file was read so far, from 0 to 1."""
        return None if self.file is None else self.file.tell() / self.file.size()


class _WatchedQuotes:
    """A file that looks at the quotes which are read from it."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file = file
        self._rest = b""  # of the last line, as far as it may matter
        self.may_be_wrong = False

    def read(self, size: int = -1) -> bytes:
        """Read, and note a line end between quotes, or a quote within a value."""
        read: bytes = self._file.read(size)
        seen = self._rest + read
        if b'"' not in seen or self.may_be_wrong:
            self._rest = seen[-2:]
            return read
        lines = seen.splitlines(keepends=True)
        is_whole = not read or seen.endswith((b"\n", b"\r"))
        self._rest = b"" if is_whole else lines.pop()
        is_within = any(line.count(b'"') % 2 for line in lines)
        self.may_be_wrong = is_within or bool(_LOOSE_QUOTE.search(seen))
        return read


def _refuse_header(header: list[str], uri: str) -> None:
    if "\0" in "".join(header):
        raise DatasetError(f"{uri} {_NOT_UTF8}")
    if header[0].lower().startswith("sep="):
        raise DatasetError(
            f"{uri} begins with a line 'sep=', which only Excel reads. Begin with the header."
        )
    if len(header) == 1:
        name = header[0]
        for separator, words in _OTHER_SEPARATORS.items():
            if separator in name:
                raise DatasetError(
                    f"{uri} separates its columns with {words}. Write commas between them, and "
                    "decimal points in numbers."
                )
    # Its first line may be a row, and values stand in no message.
    if not BY_NAME.keys() & {name.strip().lower() for name in header}:
        raise DatasetError(
            f"{uri} names no column of a feature frame in its first line. Begin with the header."
        )
    refuse_repeated(header, uri)


@contextmanager
def _refusing_bytes(uri: str) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise DatasetError(f"{uri} {_NOT_UTF8}") from None
    except (OSError, EOFError) as error:
        raise DatasetError(f"{uri} is cut short or was never gzip. Export it again.") from error


def _open_text(path: Path) -> Any:
    opened = gzip.open if _is_gzip(path) else open
    return opened(path, "rt", encoding="utf-8-sig", newline="")


def _is_gzip(path: Path) -> bool:
    return path.name.lower().endswith(".gz")
