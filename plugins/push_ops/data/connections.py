"""Fetch a table of PostgreSQL or an object of S3 by the Airflow connection that a dataset names.

Address and password leave the connection for a login only, and no error repeats them.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store
from psycopg import sql

from push_model.errors import DatasetError, DatasetMissingError
from push_model.training.data.dataset import refuse_missing_columns

_DAY = "order_date"

# Numbers of PostgreSQL's own types; they never change.
_BOOLEAN, _DATE, _TIMESTAMP, _TIMESTAMP_TZ = 16, 1082, 1114, 1184
# A CSV of a feature frame has 0 and 1, and moments in UTC.
_CASTS = {_BOOLEAN: "{}::int", _TIMESTAMP_TZ: "{} AT TIME ZONE 'UTC'"}
_DAYS = {_DATE, _TIMESTAMP, _TIMESTAMP_TZ}

# What the extras of an Amazon connection are to the store.
_EXTRAS = {
    "region_name": "region",
    "endpoint_url": "endpoint",
    "aws_session_token": "session_token",
}


def fetch_table(
    uri: str, connection_id: str, table: str, path: Path, *, columns: Sequence[str], until: date
) -> None:
    """Fetch a table or view of a PostgreSQL database into a CSV file.

    COPY is the fastest way out of PostgreSQL and needs no memory at either end. All rows are of
    one moment, because it is one statement.
    """
    _find_connection(connection_id, uri, of_type="postgres")
    try:
        with _connect(connection_id) as database, database.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            name = sql.Identifier(*table.split("."))
            cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(name))
            types = {of.name: of.type_code for of in cursor.description or ()}
            refuse_missing_columns(types, {_DAY}, source=uri)
            there = {column: types[column] for column in columns if column in types}
            query = _copy_query(name, there | {_DAY: types[_DAY]}, until)
            with path.open("wb") as file, cursor.copy(query) as rows:
                for row in rows:
                    file.write(row)
    except psycopg.OperationalError as error:
        # Its text names hosts and users in quotes.
        said = re.sub(r'"[^"]*"', "...", str(error).partition("\n")[0])
        raise ConnectionError(
            f"Cannot connect to the database of connection {connection_id!r}: {said}"
        ) from None
    except psycopg.Error as error:
        raise DatasetError(f"{uri} {_explain(error)}") from None


def fetch_object(uri: str, connection_id: str, bucket: str, key: str, path: Path) -> None:
    """Fetch an object into a file. A store shows an object once it is whole."""
    connection = _find_connection(connection_id, uri)
    try:
        store = S3Store(bucket, **_settings(connection))
        with path.open("wb") as file:
            for chunk in store.get(key):
                file.write(chunk)
    except FileNotFoundError:
        raise DatasetMissingError(
            f"{uri} does not exist. If it is late, clear this task once it is there. If its name "
            "is wrong, start a new run."
        ) from None
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


def _find_connection(connection_id: str, uri: str, *, of_type: str | None = None) -> Connection:
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


def _connect(connection_id: str) -> psycopg.Connection[Any]:
    # Airflow's own hook: it knows a connection's certificates and tokens.
    connect: Callable[[], Any] = PostgresHook(postgres_conn_id=connection_id).get_conn
    opened: psycopg.Connection[Any] = connect()
    return opened


def _copy_query(name: sql.Identifier, types: dict[str, int], until: date) -> sql.Composed:
    fetched = [
        sql.SQL(_CASTS.get(of, "{}") + " AS {}").format(
            sql.Identifier(column), sql.Identifier(column)
        )
        for column, of in types.items()
    ]
    day = sql.SQL(_CASTS.get(types[_DAY], "{}")).format(sql.Identifier(_DAY))
    known: sql.Composable = sql.SQL("TRUE")
    if types[_DAY] in _DAYS:
        # A row without a day is fetched, so that it is refused.
        known = sql.SQL("({day} < {next_day} OR {day} IS NULL)").format(
            day=day, next_day=sql.Literal(until + timedelta(days=1))
        )
    return sql.SQL(
        "COPY (SELECT {fetched} FROM {name} WHERE {known}) "
        "TO STDOUT (FORMAT csv, HEADER true, ENCODING 'UTF8')"
    ).format(fetched=sql.SQL(", ").join(fetched), name=name, known=known)


def _explain(error: psycopg.Error) -> str:
    # PostgreSQL's own text may quote a value of the data.
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return "is not a table or view of this database. Check its name and its schema."
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "may not be read by the connection's user. GRANT SELECT on it."
    return f"could not be read: {type(error).__name__}."


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
