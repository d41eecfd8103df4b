"""Airflow's database: prepared as docker-compose.yaml does it, copied and made anew by the book."""

import os
import threading
import time
from pathlib import Path

import psutil
import psycopg2
import pytest
from werkzeug.security import check_password_hash

from push_ops.local.cluster.plan import plan_cluster, surroundings
from push_ops.local.cluster.stores import list_unready_stores, prepare_postgres
from push_ops.local.network import HOST
from push_ops.local.startup import starting, stop_recorded
from tests.project.containers import commands_in, run_here, section

pytestmark = [
    # `start` leaves its process running: that is what it is for.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

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

    def __init__(self, home: Path):
        self.home = home
        self.plan = plan_cluster(home, port=8080, settings={})
        self.password = self.plan.secrets["POSTGRES_PASSWORD"]
        self.arguments: set[str] = set()

    def start(self):
        prepare_postgres(self.home / "postgres", self.password)
        with starting(self.home, surroundings()) as startup:
            startup.start("postgres", self.plan.stores["postgres"])
            startup.wait(self._list_unready)
        self.startup = startup
        watched = threading.Event()
        watch = threading.Thread(target=self._watch_arguments, args=(watched,))
        watch.start()
        try:
            self.prepare()
        finally:
            watched.set()
            watch.join()

    def prepare(self):
        preparation = self.plan.preparation
        self.startup.run("init", preparation.command, preparation.environment)

    def ask(self, statement):
        connection = psycopg2.connect(
            host=HOST,
            port=self.plan.ports.postgres,
            user="airflow",
            dbname="airflow",
            password=self.password,
        )
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def run(self, command):
        """Run what a command would run in the container of PostgreSQL."""
        (server,) = [word for word in self.plan.stores["postgres"] if word.endswith("bin/postgres")]
        env = {
            "PATH": f"{Path(server).parent}:{os.environ['PATH']}",
            "PGHOST": HOST,
            "PGPORT": str(self.plan.ports.postgres),
            "PGPASSWORD": self.password,
        }
        done = run_here(command, folder=self.home, env=env)
        assert done.returncode == 0, done.stderr

    def _list_unready(self):
        ports = self.plan.ports
        unready = list_unready_stores(ports.postgres, ports.redis, "nobody asks it")
        return [name for name in unready if name == "postgres"]

    def _watch_arguments(self, watched):
        while not watched.is_set():
            for process in psutil.process_iter(["cmdline"]):
                self.arguments.add(" ".join(process.info["cmdline"] or []))
            time.sleep(0.02)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    made = Database(tmp_path_factory.mktemp("database"))
    try:
        made.start()
        (made.home / "backup").mkdir()
        yield made
    finally:
        stop_recorded(made.home, clean_stop_s=2)


def test_the_first_user_has_the_password_that_was_drawn(database):
    ((written,),) = database.ask("SELECT password FROM ab_user WHERE username = 'admin'")

    assert check_password_hash(written, database.plan.secrets["AIRFLOW_ADMIN_PASSWORD"])
    assert not check_password_hash(written, "a guess")


def test_no_process_of_the_preparation_was_given_a_password_to_show(database):
    secrets = database.plan.secrets.values()

    assert any("users create" in arguments for arguments in database.arguments)
    assert not [words for words in database.arguments if any(s in words for s in secrets)]


def test_a_second_preparation_changes_nothing(database):
    before = database.ask("SELECT username, password FROM ab_user")

    database.prepare()

    assert database.ask("SELECT username, password FROM ab_user") == before


def test_a_database_is_made_anew_from_its_copy_and_nothing_newer_stays(database):
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
