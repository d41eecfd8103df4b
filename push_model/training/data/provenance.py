"""Which bytes is a dataset? Its digest, remembered by whatever is made from it."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from push_model.errors import DatasetError
from push_model.training.data.paths import is_file_uri, parquet_parts, to_path

#: What a Parquet file made from a dataset calls the dataset's facts.
PREFIX = "push_model."

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class DatasetFacts:
    """Which dataset a model was trained on.

    Attributes
    ----------
    uri : str
        Where it was read from.
    sha256 : str or None
        SHA-256 of its bytes, in hex; None where a source has no bytes of its own (a query).
        Of a folder, that of its parts' names and digests, sorted by name.
    bytes : int or None
        How many bytes those are.
    """

    uri: str
    sha256: str | None
    bytes: int | None

    def document(self) -> dict[str, Any]:
        """Give the facts as they stand in a manifest."""
        return asdict(self)

    def metadata(self) -> dict[str, str]:
        """Give the facts as `write_parquet` takes them.

        Examples
        --------
        >>> DatasetFacts("frame.csv", "9f2c", 12).metadata()
        {'uri': 'frame.csv', 'sha256': '9f2c', 'bytes': '12'}
        """
        return {name: str(fact) for name, fact in asdict(self).items() if fact is not None}


def describe_dataset(uri: str) -> DatasetFacts:
    """Say which bytes a dataset is."""
    if not is_file_uri(uri):
        return DatasetFacts(uri, None, None)
    path = to_path(uri)
    if not path.exists():
        raise DatasetError(f"{uri} does not exist. Check the path.")
    if path.is_dir():
        return _describe_folder(uri, path)
    facts = read_facts(path)
    if "uri" in facts:
        size = facts.get("bytes")
        return DatasetFacts(facts["uri"], facts.get("sha256"), int(size) if size else None)
    return DatasetFacts(uri, _digest(path), path.stat().st_size)


def read_facts(path: Path) -> Mapping[str, str]:
    """Read what `write_parquet` noted in a file."""
    if path.suffix != ".parquet":
        return {}
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
