"""Write the secrets of docker-compose.yaml; run by `make compose-secrets`.

Needs the standard library alone: a machine that only runs the containers has no .venv.
"""

import argparse
import base64
import os
import secrets
import sys
from pathlib import Path

NAMES = (
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "AIRFLOW_SECRET_KEY",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_ADMIN_PASSWORD",
)
_SECRET_BYTES = 32
_OWNER_ALONE = 0o600


def write_secrets(path: Path) -> None:
    """Write new secrets that only the file's owner can read."""
    # A Fernet key is 32 bytes in padded base64. The others go into URLs and command lines: digits
    # need no quoting, and do not look like an option as one in 64 of token_urlsafe would ("-x").
    fernet_key = base64.urlsafe_b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    lines = [f"{name}={secrets.token_hex(_SECRET_BYTES)}" for name in NAMES]
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ALONE)
    except FileExistsError:
        path.chmod(_OWNER_ALONE)  # a copy, or an editor, may have opened it to all
        raise
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join([*lines, f"AIRFLOW_FERNET_KEY={fernet_key}", ""]))


def main() -> None:
    """Write the file named on the command line; exit with an error where it exists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="the new file")
    path: Path = parser.parse_args().path
    try:
        write_secrets(path)
    except FileExistsError:
        sys.exit(
            f"{path} exists, and its secrets unlock the database in use. "
            "To start from nothing, remove the containers' volumes and this file first."
        )
    sys.stdout.write(f"Wrote {path}. The first user is admin; its password is in that file.\n")


if __name__ == "__main__":
    main()
