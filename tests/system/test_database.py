"""Airflow's database: prepared as docker-compose.yaml does it, copied and restored by the book."""

import os
import threading
import time

import psutil
import psycopg
import pytest
from werkzeug.security import check_password_hash

from tests.project.containers import commands_in, run_here, section
from tests.system.cluster.rig import Cluster

COMMANDS = commands_in(section("Backups"))
(DUMP,) = [command for command in COMMANDS if " pg_dump " in command]
RESTORE = [
    command
    for program in ("dropdb", "createdb", "pg_restore")
    for command in COMMANDS
    if f" {program} " in command
]
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


class Database:
    """PostgreSQL in a folder, with Airflow's tables and first user in it."""

    def __init__(self, folder):
        (folder / "backup").mkdir(parents=True)
        self.folder, self.cluster, self.arguments = folder, Cluster(folder), set()

    def prepare(self):
        """Run what the service init runs, and note the arguments of every process meanwhile."""
        ended = threading.Event()
        watch = threading.Thread(target=self._note_arguments, args=(ended,))
        watch.start()
        try:
            self.cluster.run_init()
        finally:
            ended.set()
            watch.join()

    def _note_arguments(self, ended):
        while not ended.is_set():
            for process in psutil.process_iter(["cmdline"]):
                self.arguments.add(" ".join(process.info["cmdline"] or []))
            time.sleep(0.1)

    def ask(self, statement):
        address = {"host": self.cluster.postgres.host, "user": "airflow", "dbname": "airflow"}
        with psycopg.connect(**address, autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else None

    def run(self, command):
        """Run what a command runs in the container of PostgreSQL."""
        env = {
            "PATH": f"{self.cluster.postgres.programs}:{os.environ['PATH']}",
            "PGHOST": self.cluster.postgres.host,
        }
        done = run_here(command, folder=self.folder, env=env)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    made = Database(tmp_path_factory.mktemp("database"))
    try:
        made.prepare()
        yield made
    finally:
        made.cluster.close()


def test_the_first_user_has_the_password_that_was_drawn(database):
    ((written,),) = database.ask("SELECT password FROM ab_user WHERE username = 'admin'")

    assert check_password_hash(written, database.cluster.secrets["AIRFLOW_ADMIN_PASSWORD"])
    assert not check_password_hash(written, "a guess")


def test_no_process_of_the_preparation_shows_a_password_in_its_arguments(database):
    secrets = database.cluster.secrets.values()

    assert any("users create" in arguments for arguments in database.arguments)
    assert not [words for words in database.arguments if any(s in words for s in secrets)]


def test_a_second_preparation_changes_nothing(database):
    before = database.ask("SELECT username, password FROM ab_user")

    database.prepare()

    assert database.ask("SELECT username, password FROM ab_user") == before


def test_a_restored_database_is_its_copy_and_nothing_newer_stays(database):
    database.ask("INSERT INTO variable (key, val, is_encrypted) VALUES ('kept', 'it', false)")
    tables = database.ask(TABLES)
    database.run(DUMP)
    database.ask("CREATE TABLE of_a_newer_release AS SELECT 1 AS one")
    database.ask("DROP TABLE variable")

    for command in RESTORE:
        database.run(command)

    assert len(RESTORE) == 3
    assert database.ask(TABLES) == tables
    assert database.ask("SELECT val FROM variable WHERE key = 'kept'") == [("it",)]
    assert database.ask("SELECT username FROM ab_user") == [("admin",)]
