"""Find the files of a dataset, and describe them by their digest."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from push_model.errors import DatasetError

#: A Parquet file made from a dataset names the dataset's facts with this prefix.
PREFIX = "push_model."


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
    return Path(unquote(urlsplit(uri).path) if uri.lower().startswith("file://") else uri)


def find_path(uri: str) -> Path:
    """Return the path of a dataset that is there."""
    path = to_path(uri)
    if not path.exists():
        raise DatasetError(f"{uri} does not exist. Check the path.")
    return path


def parquet_parts(folder: Path) -> list[Path]:
    """List the Parquet parts of a folder, by name."""
    if parts := sorted(folder.rglob("*.parquet")):
        return parts
    raise DatasetError(f"{folder} holds no .parquet file. Check the path.")


def describe_dataset(uri: str) -> DatasetFacts:
    """Return a dataset's digest, or that of the dataset which a Parquet file was made from."""
    if not is_file_uri(uri):
        return DatasetFacts(uri, None, None)
    path = find_path(uri)
    if path.is_dir():
        return _describe_folder(uri, path)
    facts = _read_facts(path)
    if "uri" in facts:
        size = facts.get("bytes")
        return DatasetFacts(facts["uri"], facts.get("sha256"), int(size) if size else None)
    return DatasetFacts(uri, _digest(path), path.stat().st_size)


def _read_facts(path: Path) -> Mapping[str, str]:
    """Read the facts that `write_parquet` wrote into a file."""
    if path.suffix != ".parquet":
        return {}
    import duckdb  # noqa: PLC0415 - Airflow parses DAGs that look at paths alone

    try:
        with duckdb.connect() as connection:
            pairs = connection.execute(
                "SELECT key, value FROM parquet_kv_metadata(?)", [str(path)]
            ).fetchall()
    except duckdb.Error:
        return {}
    named = {bytes(key).decode(): bytes(value).decode() for key, value in pairs}
    return {name.removeprefix(PREFIX): named[name] for name in named if name.startswith(PREFIX)}


def _describe_folder(uri: str, folder: Path) -> DatasetFacts:
    digest, size = hashlib.sha256(), 0
    for part in parquet_parts(folder):
        digest.update(f"{part.relative_to(folder).as_posix()} {_digest(part)}\n".encode())
        size += part.stat().st_size
    return DatasetFacts(uri, digest.hexdigest(), size)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
