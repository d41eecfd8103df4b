"""What `make` passes on, with stand-ins for the programs that it runs."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")

# Writes down how it was called; fails where a file named after it says so.
STAND_IN = f"""#!{sys.executable}
import json, os, pathlib, sys
name = pathlib.Path(sys.argv[0]).name
settings = {{k: v for k, v in os.environ.items() if k.startswith(("PUSH_", "AIRFLOW"))}}
with open("calls.jsonl", "a") as calls:
    calls.write(json.dumps([[name, *sys.argv[1:]], settings]) + "\\n")
sys.exit(pathlib.Path("fails").exists() and name == "airflow")
"""


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose .venv and database are ready and whose programs only write down calls."""
    for name in ("Makefile", "airflow.env", "requirements.txt", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("airflow", "push-model"):
        (programs / name).write_text(STAND_IN)
        (programs / name).chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    (tmp_path / ".airflow" / "retrain").mkdir(parents=True)
    (tmp_path / ".venv" / ".installed").touch()
    (tmp_path / ".airflow" / "retrain" / ".migrated").touch()
    return tmp_path


@pytest.mark.parametrize(
    "dataset",
    ["frame.csv", 'it\'s a "good" frame.csv', "s3://shop/frame=1/part.parquet", "a$HOME b$$c.csv"],
)
def test_any_path_reaches_the_dag_unchanged(checkout, dataset):
    _make(checkout, "retrain", f"DATASET={dataset}", "RUN_DATE=2021-03-04")

    called, settings = _calls(checkout)[0]
    assert called[:4] == ["airflow", "dags", "test", "push_retraining"]
    assert re.fullmatch(r"2021-03-04T\d\d:\d\d:\d\dZ", called[4])
    assert json.loads(called[called.index("--conf") + 1]) == {"dataset": dataset}
    assert settings["PUSH_DATASET"] == dataset


def test_a_retrain_shares_models_and_runs_with_make_up_and_its_database_not(checkout):
    _make(checkout, "retrain", "DATASET=frame.csv")

    (_, retrain), (_, outside) = _calls(checkout)
    shared = ("PUSH_MODELS_DIR", "PUSH_RUNS_DIR", "AIRFLOW__CORE__DAGS_FOLDER")
    own = ("AIRFLOW_HOME", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
    assert all(retrain[name] == outside[name] for name in shared)
    assert all(retrain[name] != outside[name] for name in own)


@pytest.mark.parametrize("has_champion", [True, False])
def test_a_retrain_ends_with_its_verdict_and_what_the_champion_predicts(checkout, has_champion):
    if has_champion:
        (checkout / "models").mkdir()
        (checkout / "models" / "champion.json").touch()

    _make(checkout, "retrain", "DATASET=frame.csv")

    predicted = [["push-model", "predict", "examples/users.json"]] * has_champion
    assert [called for called, _ in _calls(checkout)[1:]] == [["push-model", "verdict"], *predicted]


def test_a_dag_that_fails_makes_make_fail_and_nothing_is_predicted(checkout):
    (checkout / "fails").touch()

    done = _make(checkout, "retrain", "DATASET=frame.csv", succeeds=False)

    assert done.returncode != 0
    assert [called[0] for called, _ in _calls(checkout)] == ["airflow"]


def test_without_a_dataset_the_sample_is_made_first(checkout):
    _make(checkout, "retrain")

    called = [called for called, _ in _calls(checkout)]
    sample = "data/feature_frame_sample.csv"
    assert called[0] == ["push-model", "sample", "--orders", "350", "--seed", "0", sample]
    assert json.loads(called[1][called[1].index("--conf") + 1]) == {"dataset": sample}


def test_a_python_that_is_too_old_is_refused_in_words(checkout):
    (checkout / ".venv" / ".installed").unlink()
    old = checkout / "python3.9"
    # Runs this Python, which says that it is an older one.
    old.write_text(
        f"#!{sys.executable}\nimport sys\nsys.version_info = (3, 9)\n"
        "sys.version = '3.9.1 (main)'\nexec(sys.argv[2])\n"
    )
    old.chmod(0o755)

    done = _make(checkout, "test", f"PYTHON={old}", succeeds=False)

    assert done.returncode != 0
    assert "push-model needs Python 3.11 or newer" in done.stderr
    assert "is 3.9.1. Say which to use: make PYTHON=" in done.stderr


def test_make_alone_lists_every_target():
    listed = re.findall(r"^  make (\S+)  ", _make(ROOT).stdout, flags=re.MULTILINE)
    targets = re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, flags=re.MULTILINE)

    assert listed == targets
    assert {"retrain", "test", "check", "up", "wheel", "lock"} <= set(listed)


def _make(folder, *arguments, succeeds=True):
    # Under `make test` these would tell this make of that one's targets and variables.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "PUSH_"))}
    done = subprocess.run(
        ["make", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or not succeeds, done.stdout + done.stderr
    return done


def _calls(folder):
    return [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
