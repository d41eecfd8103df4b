import os
import socket
import stat

import psycopg2
import pytest
import redis

from push_ops.local.cluster import stores as cluster_stores
from push_ops.local.cluster.stores import (
    list_unready_stores,
    postgres_command,
    prepare_postgres,
    prepare_valkey,
    valkey_command,
)
from push_ops.local.network import HOST, find_free_ports
from push_ops.local.startup import StartError, starting, stop_recorded

# `start` leaves its process running: that is what it is for.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

PASSWORD = "drawn-for-this-test"


class Stores:
    """PostgreSQL and Valkey in a folder, started and stopped as a cluster does it."""

    def __init__(self, home):
        self.home = home

    def start(self):
        self.postgres, self.redis = find_free_ports(2)
        prepare_postgres(self.home / "postgres", PASSWORD)
        prepare_valkey(self.home / "redis", self.redis, PASSWORD)
        with starting(self.home, os.environ) as startup:
            startup.start("postgres", postgres_command(self.home / "postgres", self.postgres))
            startup.start("redis", valkey_command(self.home / "redis"))
            startup.wait(lambda: list_unready_stores(self.postgres, self.redis, PASSWORD))
        return startup

    def connect(self, password=PASSWORD):
        return psycopg2.connect(
            host=HOST, port=self.postgres, user="airflow", dbname="airflow", password=password
        )

    def client(self, password=PASSWORD):
        return redis.Redis(HOST, self.redis, password=password)


@pytest.fixture
def stores(tmp_path):
    yield Stores(tmp_path)
    stop_recorded(tmp_path, clean_stop_s=2)


def ask(connection, statement):
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


def test_both_keep_what_was_stored_when_they_are_started_again(stores):
    stores.start()
    connection = stores.connect()
    ask(connection, "CREATE TABLE kept AS SELECT 42 AS value")
    connection.close()
    with stores.client() as client:
        client.set("kept", "too")
    stop_recorded(stores.home)

    stores.start()

    connection = stores.connect()
    assert ask(connection, "SELECT value FROM kept") == [(42,)]
    connection.close()
    with stores.client() as client:
        assert client.get("kept") == b"too"


def test_nobody_comes_in_without_the_password_or_from_another_machine(stores):
    startup = stores.start()

    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        stores.connect("a guess")
    with stores.client("a guess") as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    processes = [process for each in startup.sessions.values() for process in each.members()]
    listening = {c.laddr for p in processes for c in p.net_connections() if c.status == "LISTEN"}
    assert listening == {(HOST, stores.postgres), (HOST, stores.redis)}
    assert all(PASSWORD not in word for process in processes for word in process.cmdline())
    assert "root" not in {process.username() for process in startup.sessions["postgres"].members()}


def test_a_half_made_database_is_made_anew(stores):
    half = stores.home / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")

    stores.start()

    connection = stores.connect()
    assert ask(connection, "SELECT current_database()") == [("airflow",)]
    connection.close()
    assert not half.exists()


def test_postgres_says_why_it_cannot_be_prepared(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_stores, "DATABASE", 'a"b')

    with pytest.raises(StartError, match=r"PostgreSQL could not be prepared: .*"):
        prepare_postgres(tmp_path / "postgres", PASSWORD)

    assert not (tmp_path / "postgres").exists()


def test_what_does_not_listen_is_unready():
    with socket.socket() as silent:
        silent.bind((HOST, 0))
        port = silent.getsockname()[1]

        assert list_unready_stores(port, port, PASSWORD) == ["postgres", "redis"]


def test_what_listens_and_says_nothing_is_unready(monkeypatch):
    monkeypatch.setattr(cluster_stores, "ANSWER_TIMEOUT_S", 1)
    with socket.create_server((HOST, 0)) as mute:
        port = mute.getsockname()[1]

        assert list_unready_stores(port, port, PASSWORD) == ["postgres", "redis"]


def test_valkeys_password_is_for_its_owner_alone(tmp_path):
    prepare_valkey(tmp_path / "redis", 6379, PASSWORD)

    assert stat.S_IMODE((tmp_path / "redis" / "valkey.conf").stat().st_mode) == 0o600


def test_for_root_postgres_runs_as_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    command = postgres_command(tmp_path, 5432)

    assert command[0] == "setpriv"
    assert {"--clear-groups", "--ambient-caps=+dac_override"} <= set(command)


def test_for_a_user_postgres_runs_as_that_user(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert postgres_command(tmp_path, 5432)[0].endswith("/postgres")


def test_a_machine_where_root_cannot_step_down_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda *_: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StartError, match=r"setpriv is not on the PATH\. .*not as root"):
        prepare_postgres(tmp_path / "postgres", PASSWORD)
