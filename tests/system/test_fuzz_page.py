"""Every address of the page "Push models" under schemathesis, its forms with tickets that hold."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from push_model.store.history import history
from tests.dags.conftest import database  # noqa: F401 - a fixture
from tests.frames import make_frame
from tests.push_ops.test_page_actions import sign_in, tables  # noqa: F401 - fixtures
from tests.status import installed
from tests.stores import NOT_NAMES
from tests.waiting import free_port, wait_until

ACTIONS = ("promote", "rollback", "retrain", "prune", "message")
IDS = r"\b(?:2_?8|3_?0)0000\d{8}\b"
CONFIG = """
seed = 1
[generation]
max-examples = 40
"""
# Of the forms, whose addresses take any question.
ASKED = {
    "model": ["push_a", "push_b"],
    "to": ["push_a"],
    "run_date": ["2026-01-05", ""],
    "promotion": ["never"],
    "keep": ["1", "10"],
}


@pytest.fixture
def place(tmp_path, tables, monkeypatch):  # noqa: ARG001, F811 - the fixture: actions write to them
    place = installed.Installation(tmp_path)
    installed.healthy(place)
    for name in ("push_c", "push_d"):
        place.serve(name)
    for run in place.runs.iterdir():
        make_frame(orders=60).to_parquet(run / "large_orders.parquet")
    (tmp_path / "card.html").write_text("outside the store")
    monkeypatch.setenv("PUSH_MODELS_DIR", str(place.models))
    monkeypatch.setenv("PUSH_RUNS_DIR", str(place.runs))
    return place


@pytest.fixture
def served(place):  # noqa: ARG001 - it is read from the environment
    """The page, as Airflow mounts it, for somebody who may do everything."""
    app, port = FastAPI(), free_port()
    app.mount("/push-models", sign_in("ana").app)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started, "the page was served")
    yield f"http://127.0.0.1:{port}/push-models"
    server.should_exit = True
    thread.join()


def describe(place):
    """The page's OpenAPI, in which half of the names are of things that are there."""
    document = sign_in("ana").app.openapi()
    models = sorted(path.name for path in place.models.glob("push_*"))
    runs = [path.name for path in place.runs.iterdir()]
    known = {"a": models, "b": models, "folder": runs, "name": [*models, *ACTIONS]}
    form = document["paths"]["/act/{name}"]
    for operation in form.values():
        for name in ASKED:
            operation["parameters"].append({"name": name, "in": "query", "schema": {}})
    names = [name for name in NOT_NAMES if name.isprintable()][:20]
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if values := (known | ASKED).get(parameter["name"]):
                    any_of = [{"enum": values}, {"enum": names}, {"type": "string"}]
                    parameter["schema"] = {"anyOf": any_of}
    fields = document["components"]["schemas"]["Body_act_act__name__post"]["properties"]
    fields["ticket"] = {"enum": ["", "forged"]}
    return document


def test_no_address_fails_or_says_what_it_must_not(place, served, tmp_path):
    folder = tmp_path / "fuzz"
    folder.mkdir()
    (folder / "openapi.json").write_text(json.dumps(describe(place)))
    (folder / "schemathesis.toml").write_text(CONFIG)
    hooks = shutil.copy(Path(__file__).with_name("page_checks.py"), folder)
    program = Path(sys.executable).with_name("schemathesis")
    moves = len(history(place.models))
    forbidden = f"{tmp_path}|{Path.cwd()}|Traceback|outside the store|{IDS}"

    checks = "not_a_server_error,the_page_says_nothing_of_the_server"
    fuzzing = subprocess.run(
        [program, "run", "openapi.json", "--url", served, "--continue-on-failure", "-c", checks],
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(hooks), "PAGE_FORBIDDEN": forbidden},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )

    assert fuzzing.returncode == 0, fuzzing.stdout + fuzzing.stderr
    assert len(history(place.models)) > moves  # some tickets held
    assert "15 selected / 15 total" in fuzzing.stdout
