"""Do the public types say to a type checker what the API team may rely on?"""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STRICT = {
    "typeCheckingMode": "strict",
    # Each checker honours its own ignores only, and refuses one that is not needed.
    "enableTypeIgnoreComments": False,
    "reportUnnecessaryTypeIgnoreComment": "error",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Make what the API team has: an environment that holds the wheel, far from the repository."""
    folder = tmp_path_factory.mktemp("installed")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder], ROOT)
    venv.create(folder / "venv", with_pip=False)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    shutil.copy(Path(__file__).with_name("public_types.py"), folder)
    (folder / "pyrightconfig.json").write_text(json.dumps(STRICT), "utf-8")
    return folder


def test_mypy_agrees_with_every_public_type(installed):
    # An empty configuration: the repository's own must not count.
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", os.devnull]

    done = run([*mypy, "--python-executable", "venv/bin/python", "public_types.py"], installed)

    assert done.stdout == "Success: no issues found in 1 source file\n"


def test_pyright_agrees_with_every_public_type(installed):
    pyright = [sys.executable, "-m", "basedpyright", "--project", "pyrightconfig.json"]

    done = run([*pyright, "--pythonpath", "venv/bin/python"], installed)

    assert done.stdout == "0 errors, 0 warnings, 0 notes\n"


def test_without_its_marker_the_package_would_have_no_types(installed, tmp_path):
    shutil.copytree(installed, tmp_path / "unmarked", symlinks=True)
    (marker,) = (tmp_path / "unmarked").glob("venv/lib/python*/site-packages/push_model/py.typed")
    marker.unlink()
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", os.devnull]

    done = run(
        [*mypy, "--python-executable", "venv/bin/python", "public_types.py"],
        tmp_path / "unmarked",
        expected=1,
    )

    assert "missing library stubs or py.typed marker" in done.stdout


def run(command, folder, *, expected=0):
    # No PYTHONPATH: what the checkers see of the package is what is installed.
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return done
