"""Which Airflow connection is meant? Its address and password never leave it but for a login."""

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from push_model.errors import DatasetError


def find_connection(connection_id: str, uri: str, *, of_type: str | None = None) -> Connection:
    """Find a connection that Airflow keeps."""
    try:
        connection: Connection = Connection.get(connection_id)
    except AirflowNotFoundException:
        raise DatasetError(
            f"{uri} names an Airflow connection that is not there: {connection_id!r}. Add it "
            "under Admin, Connections, or by `airflow connections add`."
        ) from None
    if of_type and connection.conn_type != of_type:
        raise DatasetError(
            f"{uri} needs a connection of type {of_type!r}; {connection_id!r} is of type "
            f"{connection.conn_type!r}."
        )
    return connection
