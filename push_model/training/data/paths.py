"""Which files is a dataset? For those who look at them without reading any data."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from push_model.errors import DatasetError


def is_file_uri(uri: str) -> bool:
    """Tell whether a dataset is a file or a folder, and not of another scheme.

    Examples
    --------
    >>> is_file_uri("data/frame.csv"), is_file_uri("s4://bucket/frame.csv")
    (True, False)
    """
    return "://" not in uri or uri.lower().startswith("file://")


def to_path(uri: str) -> Path:
    """Turn a path or a ``file://`` URI into a path.

    Examples
    --------
    >>> to_path("file:///data/my%20frame.csv").name
    'my frame.csv'
    """
    return Path(unquote(urlsplit(uri).path) if uri.lower().startswith("file://") else uri)


def parquet_parts(folder: Path) -> list[Path]:
    """List the Parquet parts of a folder, by name."""
    if parts := sorted(folder.rglob("*.parquet")):
        return parts
    raise DatasetError(f"{folder} holds no .parquet file. Check the path.")
