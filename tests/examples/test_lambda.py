import base64
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from push_model import handler_predict
from push_model.testing import make_model
from tests.events import KNOWN

FILE = Path(__file__).parents[2] / "examples" / "lambda" / "handler.py"
USERS = json.dumps({"u_17": KNOWN})
COLD_START = """
import json, sys
from handler import handler
answer = handler(json.load(sys.stdin), None)
third_party = {"numpy", "pandas", "fastapi"} & sys.modules.keys()
print(json.dumps([answer, sorted(third_party)]))
"""


@pytest.fixture
def handler(tmp_path, monkeypatch):
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    make_model(tmp_path)
    spec = importlib.util.spec_from_file_location("lambda_handler", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler


def refusal_of(answer) -> tuple[int, str]:
    return answer["statusCode"], json.loads(answer["body"])["error"]["message"]


def test_a_proxy_event_gets_the_answer_of_the_contract(handler):
    answer = handler({"body": USERS, "queryStringParameters": None}, None)

    assert answer == {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": handler_predict({"users": USERS})["body"],
    }


def test_options_come_from_the_query(handler):
    query = {"threshold": "0.05", "explain": "true", "details": "false"}
    query["model"] = "push_2026_01_05"

    body = json.loads(handler({"body": USERS, "queryStringParameters": query}, None)["body"])

    assert body["prediction"] == {"u_17": 1}
    assert body.keys() == {"prediction", "reasons"}


def test_a_body_in_base64_is_read(handler):
    encoded = base64.b64encode(USERS.encode()).decode()

    answer = handler({"body": encoded, "isBase64Encoded": True}, None)

    assert answer == handler({"body": USERS, "isBase64Encoded": False}, None)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"queryStringParameters": {"thresholds": "0.05"}}, "Did you mean 'threshold'?"),
        ({"queryStringParameters": {"threshold": "high"}}, "must be a number from 0 to 1"),
        ({"queryStringParameters": {"threshold": "NaN"}}, "must be a number from 0 to 1"),
        ({"queryStringParameters": {"threshold": "[" * 10**5}}, "must be a number from 0 to 1"),
        ({"queryStringParameters": {"explain": "1"}}, "must be true or false"),
        ({"queryStringParameters": {"explain": "true,false"}}, "must be true or false"),
        ({"queryStringParameters": {"model": "../../etc"}}, "never a path"),
        ({"body": ""}, "users is empty"),
        ({"body": None}, "users is empty"),
        ({"body": "{"}, "users must be JSON text"),
        ({"body": "/w==", "isBase64Encoded": True}, "users must be JSON text"),
        ({"body": "no base64", "isBase64Encoded": True}, "users must be JSON text"),
        ({"body": '{"u": {}, "u": {}}'}, "users must name each user once"),
    ],
)
def test_a_request_that_breaks_the_contract_is_refused(handler, event, message):
    code, text = refusal_of(handler({"body": USERS} | event, None))

    assert code == 400
    assert message in text


def test_a_cold_start_finds_the_model_in_the_package_and_imports_no_third_party_module(tmp_path):
    make_model(tmp_path / "models")
    environment = {k: v for k, v in os.environ.items() if k != "PUSH_MODELS_DIR"}

    cold = subprocess.run(
        [sys.executable, "-c", COLD_START],
        input=json.dumps({"body": USERS}),
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(FILE.parent)},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )

    answer, third_party = json.loads(cold.stdout)
    assert json.loads(answer["body"])["prediction"] == {"u_17": 0.15446526508353467}
    assert third_party == []
