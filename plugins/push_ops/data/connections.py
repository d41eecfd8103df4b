"""Read which Airflow connection a dataset names, and find that connection.

Its address and password leave it for a login only.
"""

from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from push_model.errors import DatasetError

SCHEME = "conn://"
KINDS = (".csv", ".csv.gz", ".parquet")


class Address(NamedTuple):
    """A ``conn://`` URI: a table of a database, or an object in a bucket."""

    connection: str  # its id
    table: str | None  # with its schema, if given
    bucket: str | None
    key: str | None


def read_address(uri: str) -> Address:
    """Read a ``conn://`` URI.

    Examples
    --------
    >>> read_address("conn://orders_db?table=shop.feature_frame").table
    'shop.feature_frame'
    >>> read_address("conn://shop_s3/exports/2021/frame.csv.gz").key
    '2021/frame.csv.gz'
    """
    parts = urlsplit(uri)
    query = parse_qs(parts.query, keep_blank_values=True)
    bucket, _, key = unquote(parts.path).strip("/").partition("/")
    if parts.netloc and not bucket and list(query) == ["table"] and query["table"] != [""]:
        return Address(parts.netloc, query["table"][-1], None, None)
    if parts.netloc and key.endswith(KINDS) and not parts.query:
        return Address(parts.netloc, None, bucket, key)
    raise DatasetError(
        f"{uri} does not name a dataset. Write conn://CONNECTION?table=NAME for a table, or "
        f"conn://CONNECTION/BUCKET/KEY for an object that ends in one of {list(KINDS)}."
    )


def find_connection(connection_id: str, uri: str, *, of_type: str | None = None) -> Connection:
    """Return a connection of Airflow's, checking that it exists and is of the type."""
    try:
        connection: Connection = Connection.get(connection_id)
    except AirflowNotFoundException:
        raise DatasetError(
            f"{uri} names an Airflow connection that does not exist: {connection_id!r}. Add it "
            "under Admin, Connections, or with `airflow connections add`."
        ) from None
    if of_type and connection.conn_type != of_type:
        raise DatasetError(
            f"{uri} needs a connection of type {of_type!r}; {connection_id!r} is of type "
            f"{connection.conn_type!r}."
        )
    return connection
