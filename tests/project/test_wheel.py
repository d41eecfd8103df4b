"""Is the wheel the serving side alone, and does it serve where nothing else is installed?"""

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from push_model import FEATURES
from push_model.model import scoring
from push_model.testing import make_model

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = CONFIG["project"]

SERVE = """
import json, sys
before = set(sys.modules)
from push_model import handler_predict, health
import push_model
user, n_many = json.load(sys.stdin)

def third_party():
    loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
    return sorted(loaded - sys.stdlib_module_names - {{"push_model"}})

one = handler_predict({{"users": json.dumps({{"u": user}}), "explain": True}})
after_one = third_party()
many = handler_predict({{"users": {{str(n): user for n in range(n_many)}}}})
print(json.dumps([push_model.__file__, one, after_one, many["statusCode"],
                  len(set(json.loads(many["body"])["prediction"].values())), third_party(),
                  health()["status"]]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return _build(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_serving_side_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if "dist-info" not in name}

    assert names == {
        path.relative_to(ROOT).as_posix()
        for place in CONFIG["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
        for path in ([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*.py"))
    }


def test_the_wheel_depends_on_numpy_alone_and_carries_its_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        info = f"push_model-{PROJECT['version']}.dist-info"
        metadata = archive.read(f"{info}/METADATA").decode()
        licence = archive.read(f"{info}/licenses/LICENSE").decode()

    assert re.findall(r"^Requires-Dist: (\w+)", metadata, re.MULTILINE) == ["numpy"]
    assert licence.split()[:2] == ["Apache", "License"]


def test_the_same_commit_gives_the_same_wheel(wheel, tmp_path):
    assert _build(tmp_path).read_bytes() == wheel.read_bytes()


def test_in_an_empty_environment_it_serves_a_user_and_a_batch(wheel, tmp_path):
    python = _install(wheel, tmp_path / "environment")
    make_model(tmp_path / "models")
    user = dict.fromkeys(FEATURES) | {"ordered_before": 1}

    done = subprocess.run(
        [python, "-I", "-c", SERVE.format()],
        input=json.dumps([user, scoring.WORTH_IMPORTING_NUMPY]),
        env={"PUSH_MODELS_DIR": str(tmp_path / "models")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    home, one, after_one, status_of_many, different, after_many, health = json.loads(done.stdout)
    assert Path(home).is_relative_to(tmp_path / "environment")
    assert one["statusCode"] == status_of_many == "200"
    assert after_one == []
    assert after_many == ["numpy"]
    assert different == 1  # the same user a thousand times
    assert health == "ok"


def test_in_an_empty_environment_training_says_what_it_lacks(wheel, tmp_path):
    python = _install(wheel, tmp_path / "environment")

    done = subprocess.run(
        [python, "-I", "-c", "from push_model import handler_fit"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "which the serving-only install leaves out" in done.stderr


def _install(wheel, folder):
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    # The locked numpy, which is in the installer's cache already.
    install = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--python", str(python)]
    done = subprocess.run(
        [*install, "--constraints", str(ROOT / "requirements.txt"), str(wheel)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return python


def _build(folder):
    # Without isolation the build backend is the locked one, and no network is needed.
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run(
        build,
        cwd=ROOT,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1614816000"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))
