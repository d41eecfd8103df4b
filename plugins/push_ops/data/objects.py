"""Fetch an object from S3, or from a store with the same API, as a stream."""

from pathlib import Path
from typing import Any

from airflow.sdk import Connection
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from push_model.errors import DatasetError
from push_ops.data.connections import find_connection

# What the extras of an Amazon connection are to the store.
_EXTRAS = {
    "region_name": "region",
    "endpoint_url": "endpoint",
    "aws_session_token": "session_token",
}


def fetch_object(uri: str, connection_id: str, bucket: str, key: str, path: Path) -> None:
    """Fetch an object into a file. A store shows an object once it is whole."""
    connection = find_connection(connection_id, uri)
    try:
        store = S3Store(bucket, **_settings(connection))
        with path.open("wb") as file:
            for chunk in store.get(key):
                file.write(chunk)
    except FileNotFoundError:
        raise DatasetError(f"{uri} does not exist. Check its name; did it arrive?") from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise DatasetError(
            f"The key of connection {connection_id!r} may not read {uri}. Check the key and the "
            "bucket's permissions."
        ) from None
    except BaseError as error:
        # Not its text: it quotes the request.
        raise ConnectionError(
            f"Cannot read from the store of connection {connection_id!r}: {type(error).__name__}."
        ) from None


def _settings(connection: Connection) -> dict[str, Any]:
    extras = connection.extra_dejson
    settings = {ours: extras[theirs] for theirs, ours in _EXTRAS.items() if extras.get(theirs)}
    if connection.login:
        settings |= {
            "access_key_id": connection.login,
            "secret_access_key": connection.password,
        }
    # Only where the connection itself says so in its address.
    if str(settings.get("endpoint", "")).startswith("http://"):
        settings["client_options"] = {"allow_http": True}
    return settings
