import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.compose_secrets import NAMES, write_secrets

SCRIPT = Path(__file__).parents[2] / "scripts" / "compose_secrets.py"


def test_every_secret_is_long_and_needs_no_quoting_in_an_address_or_a_command(tmp_path):
    write_secrets(tmp_path / ".env")

    drawn = _read(tmp_path / ".env")
    assert set(drawn) == {*NAMES, "AIRFLOW_FERNET_KEY"}
    for name in NAMES:
        assert len(drawn[name]) >= 40
        assert drawn[name].isalnum()
    assert len(base64.urlsafe_b64decode(drawn["AIRFLOW_FERNET_KEY"])) == 32
    assert len(set(drawn.values())) == len(drawn)


def test_only_the_owner_can_read_them(tmp_path):
    write_secrets(tmp_path / ".env")

    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_secrets_in_use_are_not_replaced_and_their_file_is_closed_to_others(tmp_path):
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=in use\n")
    (tmp_path / ".env").chmod(0o644)

    with pytest.raises(FileExistsError, match=r"\.env"):
        write_secrets(tmp_path / ".env")

    assert (tmp_path / ".env").read_text() == "POSTGRES_PASSWORD=in use\n"
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_it_runs_without_the_projects_packages_and_refuses_a_second_time(tmp_path):
    # -I -S: the standard library and nothing else, as on a machine that only runs containers.
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(tmp_path / ".env")]

    first = subprocess.run(command, capture_output=True, text=True, check=False)
    second = subprocess.run(command, capture_output=True, text=True, check=False)

    assert first.returncode == 0
    assert "The first user is admin" in first.stdout
    assert second.returncode == 1
    assert "exists, and its secrets unlock the database in use" in second.stderr


def _read(path):
    return dict(line.split("=", 1) for line in path.read_text().splitlines())
