"""Read Parquet files: exactly those listed, each by its own types."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from pathlib import PurePath
from typing import NamedTuple
from urllib.parse import unquote

import duckdb

from push_model.errors import DatasetError, MissingColumnsError
from push_model.training.data.casts import quote
from push_model.training.data.files import File, Snapshot, to_pattern
from push_model.training.data.frames import connect
from push_model.training.data.sources import Rows

# Parts of the same layout have the same columns of the same types.
_LAYOUTS = """
    WITH layouts AS (
        SELECT file_name, string_agg(
            concat_ws(' ', name, type, converted_type, logical_type, scale, precision,
                      num_children), ', '
        ) AS layout, list(name) AS names
        FROM parquet_schema(?) GROUP BY file_name)
    SELECT list(file_name ORDER BY file_name), any_value(names) FROM layouts GROUP BY layout
"""
# What Hive writes where a partition's value is missing.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


# A column of ours: the file of each row. Not a name that a frame would have.
_FILE = "push_model file"


class Layout(NamedTuple):
    """Parts that have the same columns of the same types."""

    files: tuple[File, ...]
    columns: tuple[str, ...]


def list_layouts(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> list[Layout]:
    """Sort the parts of a dataset by their columns and types.

    Read together, they would all be read by the types of the first: 2.5 as 2 where its discounts
    are whole numbers.
    """
    if not sum(_count_rows(connection, snapshot.files)):
        raise DatasetError(f"{snapshot.uri} has columns but no rows. Export it again.")
    found = connection.execute(_LAYOUTS, [_patterns(snapshot.files)]).fetchall()
    layout_of = {path: number for number, (paths, _) in enumerate(found) for path in paths}
    sorted_files = dict[int, list[File]]()
    for file in snapshot.files:
        sorted_files.setdefault(layout_of[str(file.path)], []).append(file)
    layouts = []
    for number, files in sorted_files.items():
        columns = tuple(_scan(connection, files[:1]).columns)
        _refuse_repeated(snapshot, files[0], columns, names=found[number][1])
        layouts.append(Layout(tuple(files), columns))
    return layouts


def read_parquet(
    connection: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    layouts: Sequence[Layout],
    columns: Sequence[str],
) -> list[Rows]:
    """Open some columns of the parts of a dataset, a relation for each layout.

    A column that the files lack is read from folders named ``column=value``.
    """
    read = []
    for layout in layouts:
        selected = ", ".join(
            quote(name)
            if name in layout.columns
            else f"{_of_folder(snapshot, name)} AS {quote(name)}"
            for name in columns
        )
        is_plain = set(columns) <= set(layout.columns)
        rows = _scan(connection, layout.files, names_files=not is_plain).select(selected)
        read.append(Rows(rows, rows, partial(_read_share, connection)))
    return read


def list_parquet_columns(snapshot: Snapshot, layouts: Sequence[Layout]) -> list[str]:
    """Return the columns that all parts have, in their files or in the names of their folders."""
    columns = dict.fromkeys(name for layout in layouts for name in layout.columns)
    shared = [name for name in columns if all(name in layout.columns for layout in layouts)]
    keys = [set(_partition(snapshot, file)) for file in snapshot.files]
    # The files' own values count: a folder may be named after another day than its rows.
    return shared + sorted(set.intersection(*keys) - set(columns))


def refuse_uneven_parts(
    snapshot: Snapshot, layouts: Sequence[Layout], columns: Sequence[str]
) -> None:
    """Refuse parts of which some have a column and others lack it."""
    for name in columns:
        has = [name in layout.columns for layout in layouts]
        if any(has) and not all(has):
            part = snapshot.name(layouts[has.index(False)].files[0])
            raise MissingColumnsError(
                f"{snapshot.uri}: the part {part} lacks {name!r}, which other parts have. "
                "Write all parts with the same columns."
            )


def name_rows(snapshot: Snapshot, numbers: Sequence[int]) -> list[str]:
    """Return where rows stand, from their numbers among the rows of all parts: part:row."""
    connection = connect()
    layouts = list_layouts(connection, snapshot)
    files = [file for layout in layouts for file in layout.files]
    ends = [*accumulate(_count_rows(connection, files))]
    named = []
    for number in numbers:
        place = bisect_left(ends, number)
        before = ends[place - 1] if place else 0
        named.append(f"{snapshot.name(files[place])}:{number - before}")
    return named


def find_fault_of_parts(snapshot: Snapshot) -> str | None:
    """Return the first part of which not every value can be read, or None."""
    connection = connect()
    for file in snapshot.files:
        try:
            rows = _scan(connection, [file])
            values = ", ".join(f"bit_xor(hash({quote(name)}))" for name in rows.columns)
            rows.aggregate(values).fetchall()
        except duckdb.Error:
            part = "" if file.path == snapshot.root else f"holds {snapshot.name(file)}, which "
            return f"{part}is damaged: not all of its values can be read. Write it again."
    return None


def _refuse_repeated(
    snapshot: Snapshot, file: File, columns: Sequence[str], *, names: Sequence[str]
) -> None:
    # To DuckDB a name in capitals is the same name. It numbers the second of two.
    if numbered := sorted(set(columns) - set(names)):
        repeated = [name.rpartition("_")[0] for name in numbered]
        part = "" if file.path == snapshot.root else f" in the part {snapshot.name(file)}"
        raise DatasetError(
            f"{snapshot.uri} names column(s) {repeated} twice{part}, capital letters aside. "
            "Rename or drop one."
        )


def _scan(
    connection: duckdb.DuckDBPyConnection, files: Sequence[File], *, names_files: bool = False
) -> duckdb.DuckDBPyRelation:
    # A folder named column=value is a column to DuckDB, unless it is told otherwise.
    options = "hive_partitioning = false, union_by_name = false"
    if names_files:
        options += f", filename = '{_FILE}'"
    query = f"SELECT * FROM read_parquet(?, {options})"
    return connection.sql(query, params=[_patterns(files)])


def _count_rows(connection: duckdb.DuckDBPyConnection, files: Sequence[File]) -> list[int]:
    query = "SELECT file_name, num_rows FROM parquet_file_metadata(?)"
    found = connection.execute(query, [_patterns(files)]).fetchall()
    rows = dict[str, int](found)
    return [rows[str(file.path)] for file in files]


def _read_share(connection: duckdb.DuckDBPyConnection) -> float | None:
    percent = connection.query_progress()
    return percent / 100 if percent >= 0 else None


def _patterns(files: Sequence[File]) -> list[str]:
    return [to_pattern(file.path) for file in files]


def _partition(snapshot: Snapshot, file: File) -> dict[str, str]:
    folders = PurePath(snapshot.name(file)).parts[:-1]
    return {key: unquote(value) for key, is_, value in (n.partition("=") for n in folders) if is_}


def _of_folder(snapshot: Snapshot, name: str) -> str:
    """Return, as SQL, the value that the name of a file's folder gives to a column."""
    below = f'substr("{_FILE}", {len(str(snapshot.root)) + 1})'
    value = f"url_decode(regexp_extract({below}, '/{name}=([^/]*)/', 1))"
    return f"nullif({value}, '{_NO_VALUE}')"
