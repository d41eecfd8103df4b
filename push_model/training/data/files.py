"""List the files of a dataset once: these are checked, digested and read, and no others."""

import glob
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from push_model.errors import DatasetError, DatasetNotReadyError
from push_model.serving.settings import expand_home

#: A Parquet file made from a dataset names the dataset's facts with this prefix.
PREFIX = "push_model."
#: What a dataset's file may be called, in any case.
CSV, PARQUET = (".csv", ".csv.gz"), (".parquet", ".pq")

# What writers call a file or folder before it is part of anything: Spark, Hive, Hadoop, Flink,
# and programs that upload, such as rsync with its `.part-1.parquet.Ab12Cd`.
_UNFINISHED = re.compile(
    r"^[._].*(staging|temporary|tmp)|\.(inprogress|tmp)(\.|$)|^(tmp|temp|staging)$"
    r"|\.(_copying_|part|partial|filepart|crdownload)$|_\.gstmp$"
    r"|^[._].*\.(parquet|pq|csv)\.(?!gz$|.*crc$)",
    re.IGNORECASE,
)
# Databricks leaves the one when it begins to write, and the other at the end.
_STARTED, _COMMITTED = "_started_", "_committed_"
# What may lie beside the parts of a folder, because it holds no rows.
_NO_ROWS = re.compile(r"^(readme|manifest)[\w-]*(\.(txt|json|md))?$|\.(crc|md)$", re.IGNORECASE)
# Where tables keep their own list of which of their files count.
_TABLES = {"_delta_log": "a Delta", ".hoodie": "a Hudi", "metadata/*.metadata.json": "an Iceberg"}
_WHOLE = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a dataset; any difference means that it was written to or replaced."""

    path: Path
    size: int
    modified_ns: int
    changed_ns: int  # unlike the time before, no program can set it
    inode: int
    device: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files that a dataset consisted of when they were listed."""

    uri: str
    root: Path  # the file, or the folder of parts; absolute, and without links on the way
    files: tuple[File, ...]
    unfinished: str | None = None  # a file or folder that is not part of it yet

    def name(self, file: File) -> str:
        """Return what messages call a file: the dataset, or the part of it."""
        if file.path == self.root:
            return self.uri
        return file.path.relative_to(self.root).as_posix()

    @property
    def is_parquet(self) -> bool:
        """Whether the files are Parquet, and not CSV."""
        return is_named(self.files[0].path.name, PARQUET)


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """Which dataset a model was trained on, as its manifest names it."""

    uri: str
    # Hexadecimal; of a folder, of its parts' names and digests. None where a source has no bytes.
    sha256: str | None
    bytes: int | None

    def document(self) -> dict[str, Any]:
        """Return the facts as they stand in a manifest."""
        return asdict(self)

    def metadata(self) -> dict[str, str]:
        """Return the facts as `write_parquet` writes them.

        Examples
        --------
        >>> DatasetFacts("frame.csv", "9f2c", 12).metadata()
        {'uri': 'frame.csv', 'sha256': '9f2c', 'bytes': '12'}
        """
        return {name: str(fact) for name, fact in asdict(self).items() if fact is not None}


def is_file_uri(uri: str) -> bool:
    """Check whether a dataset is a file or a folder, and not of another scheme.

    Examples
    --------
    >>> is_file_uri("data/frame.csv"), is_file_uri("s4://bucket/frame.csv")
    (True, False)
    """
    return "://" not in uri or uri.lower().startswith("file://")


def to_path(uri: str) -> Path:
    """Return the path of a ``file://`` URI, or of a path.

    Examples
    --------
    >>> to_path("file:///data/my%20frame.csv").name
    'my frame.csv'
    """
    is_uri = uri.lower().startswith("file://")
    refuse_other_bytes(unquote(uri) if is_uri else uri)
    if not is_uri:
        return Path(expand_home(uri, "The dataset", error=DatasetError))
    # `urlsplit` would drop line ends and fail at some brackets.
    host, slash, path = uri[len("file://") :].partition("/")
    if host not in {"", "localhost"} or not slash or {"?", "#"} & {*path}:
        raise DatasetError(
            f"{uri} is not the URI of a file here. Write file:///path, with %23 for # and %3F "
            "for ? in a name."
        )
    return Path("/" + unquote(path))


def is_named(name: str, suffixes: tuple[str, ...]) -> bool:
    """Check whether a file's name ends in one of some suffixes, in any case."""
    return name.lower().endswith(suffixes)


def take_snapshot(uri: str) -> Snapshot:
    """List the files that a dataset consists of now."""
    path = to_path(uri)
    try:
        mode = path.stat().st_mode
        root = _follow_links(path)
        _refuse_table(uri, root, *root.parents)
        if stat.S_ISDIR(mode):
            return _list_folder(uri, root)
        if not stat.S_ISREG(mode):
            raise DatasetError(f"{uri} is neither a file nor a folder. Check the path.")
        _refuse_other_names(uri, root)
        return Snapshot(uri, root, (_note(root),))
    except (FileNotFoundError, NotADirectoryError):
        raise DatasetError(f"{uri} does not exist. Check the path.") from None
    except OSError as error:
        raise DatasetError(
            f"{uri} cannot be read: {error.strerror}. Check its permissions and its folder's."
        ) from None


def describe_dataset(uri: str) -> DatasetFacts:
    """Return a dataset's digest, or that of the dataset which a Parquet file was made from."""
    return describe(take_snapshot(uri)) if is_file_uri(uri) else DatasetFacts(uri, None, None)


def describe(snapshot: Snapshot) -> DatasetFacts:
    """Return the digest of listed files, or of the dataset which a Parquet file was made from."""
    facts = _read_facts(snapshot.root) if snapshot.root.is_file() else {}
    size = facts.get("bytes")
    if "uri" in facts and (size is None or _WHOLE.fullmatch(size)):
        return DatasetFacts(facts["uri"], facts.get("sha256"), int(size) if size else None)
    return describe_bytes(snapshot)


def describe_bytes(snapshot: Snapshot) -> DatasetFacts:
    """Return the digest of listed files, whatever they say that they were made from."""
    size = sum(file.size for file in snapshot.files)
    first = snapshot.files[0]
    if first.path == snapshot.root:
        return DatasetFacts(snapshot.uri, _digest(first.path), size)
    digest = hashlib.sha256()
    for file in snapshot.files:
        digest.update(f"{snapshot.name(file)} {_digest(file.path)}\n".encode())
    return DatasetFacts(snapshot.uri, digest.hexdigest(), size)


def _list_folder(uri: str, folder: Path) -> Snapshot:
    """List the parts of a folder; what begins with ``.`` or ``_`` is not data."""
    visible, unfinished = list[Path](), None
    for parent, folders, names in _walk(uri, folder):
        refuse_other_bytes(*folders, *names)
        _refuse_table(uri, parent)
        left = _list_unfinished(folders + names)
        unfinished = unfinished or min(left, default=None)
        folders[:] = sorted(name for name in folders if name[0] not in "._" and name not in left)
        visible += [parent / name for name in names if name[0] not in "._" and name not in left]
    parts = sorted(path for path in visible if is_named(path.name, PARQUET))
    if unfinished and not parts:
        raise DatasetNotReadyError(
            f"{uri} is still being written: it holds {unfinished}. Deliver it again."
        )
    _refuse_other_files(uri, folder, parts, visible)
    return Snapshot(uri, folder, tuple(map(_note, parts)), unfinished)


def _walk(uri: str, folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    def fail(error: OSError) -> None:
        raise error

    seen = set()
    # A partition may be a link to a folder elsewhere: without it, rows would be lost in silence.
    for parent, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            raise DatasetError(f"{uri} holds a folder twice, by a link. Remove the link.")
        seen.add(real)
        yield Path(parent), folders, names


def _list_unfinished(names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if _UNFINISHED.search(name)
        or (name.startswith(_STARTED) and name.replace(_STARTED, _COMMITTED, 1) not in names)
    ]


def _refuse_table(uri: str, *folders: Path) -> None:
    """Refuse a table whose folder also holds files of rows that were deleted or replaced."""
    for folder in folders:
        for pattern, kind in _TABLES.items():
            if any(folder.glob(pattern)):
                raise DatasetError(
                    f"{uri} is {kind} table, or lies in one: its folder also holds rows that were "
                    "deleted. Export its current rows to a new folder."
                )


def _refuse_other_files(uri: str, folder: Path, parts: list[Path], visible: list[Path]) -> None:
    """Refuse a folder whose rows are not all in Parquet parts."""
    for path in visible:
        if not path.is_file():
            raise DatasetError(
                f"{uri} holds {path.relative_to(folder)}, which is not a file, or a link to "
                "nothing. Remove it or deliver it again."
            )
        if is_named(path.name, CSV):
            raise DatasetError(
                f"{uri} holds {path.relative_to(folder)}. A folder must hold Parquet parts alone. "
                "Write Parquet, or deliver one CSV file."
            )
        if not is_named(path.name, PARQUET) and not _NO_ROWS.search(path.name):
            raise DatasetError(
                f"{uri} holds {path.relative_to(folder)}, which is not a Parquet part by its name. "
                "Write it as Parquet under a name that ends in .parquet, or remove it."
            )
    if not parts:
        raise DatasetError(f"{uri} holds no .parquet file. Check the path.")


def _refuse_other_names(uri: str, path: Path) -> None:
    if not is_named(path.name, CSV + PARQUET):
        raise DatasetError(
            f"{uri} cannot be read. Give a .csv, .csv.gz, .parquet or .pq file, "
            "or a folder of Parquet parts."
        )


def refuse_other_bytes(*names: str) -> None:
    """Refuse a name that no file, table or log can have."""
    for name in names:
        if "\0" in name:
            raise DatasetError(f"The name {name!a} holds a NUL character. Remove it.")
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DatasetError(f"The name {name!a} is not in UTF-8. Rename it.") from None


def _follow_links(path: Path) -> Path:
    """Follow links once: one that is changed while its file is read does not matter."""
    real = path.resolve()
    # A store of files may call them by their digests: then only the link names the kind.
    is_named_by_link = real.is_file() and not is_named(real.name, CSV + PARQUET)
    return path.parent.resolve() / path.name if is_named_by_link else real


def _note(path: Path) -> File:
    status = path.stat()
    return File(
        path,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        status.st_dev,
    )


def to_pattern(path: Path) -> str:
    """Return the pattern that stands for a path alone; DuckDB takes each path for a pattern."""
    pattern = glob.escape(str(path))
    # In a pattern, it separates folders.
    if pattern != str(path) and "\\" in pattern:
        raise DatasetError(
            f"{path} has a backslash and one of * ? [ in its path. A path of Parquet must not have "
            "both. Rename the file or folder."
        )
    return pattern


def _read_facts(path: Path) -> Mapping[str, str]:
    """Read the facts that `write_parquet` wrote into a file."""
    if not is_named(path.name, PARQUET):
        return {}
    import duckdb  # noqa: PLC0415 - Airflow parses DAGs that look at paths alone

    # Others copy the metadata of what they read to files of other rows. DuckDB does not.
    query = """
        SELECT key, value FROM parquet_kv_metadata($1)
        WHERE (SELECT bool_and(created_by LIKE 'DuckDB %') FROM parquet_file_metadata($1))
    """
    try:
        with duckdb.connect() as connection:
            pairs = connection.execute(query, [to_pattern(path)]).fetchall()
    except duckdb.Error:
        return {}
    # What others note may be any bytes.
    ours = {
        bytes(key): bytes(value) for key, value in pairs if bytes(key).startswith(PREFIX.encode())
    }
    return {
        key.decode(errors="replace").removeprefix(PREFIX): value.decode(errors="replace")
        for key, value in ours.items()
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
