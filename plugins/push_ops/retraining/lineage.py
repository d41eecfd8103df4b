"""What came in, and what went out? Told to Airflow's lineage, and so to OpenLineage where it is on.

Where nobody gathers lineage, Airflow forgets it. Only files are told: OpenLineage knows no names
of what lies behind an Airflow connection.
"""

from pathlib import Path

from airflow.sdk import ObjectStoragePath
from airflow.sdk.lineage import get_hook_lineage_collector

from push_model.training.data.files import is_file_uri, to_path


def tell_read(uri: str, *, sha256: str | None) -> None:
    """Tell which dataset a task has read."""
    if is_file_uri(uri):
        where = _uri(to_path(uri))
        get_hook_lineage_collector().add_input_asset(
            ObjectStoragePath(where), uri=where, asset_extra={"sha256": sha256}
        )


def tell_written(path: str) -> None:
    """Tell which file or folder a task has written."""
    where = _uri(Path(path))
    get_hook_lineage_collector().add_output_asset(ObjectStoragePath(where), uri=where)


def _uri(path: Path) -> str:
    return path.absolute().as_uri()
