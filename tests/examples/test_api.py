import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from push_model import FEATURES, predict
from push_model.testing import make_model
from tests.events import KNOWN, UNKNOWN
from tests.project.pages import Page

API = Path(__file__).parents[2] / "examples" / "api"
USERS = json.dumps({"u": KNOWN})
BROKEN_CONTRACT = (400, "InvalidEventError")
DEEP = '{"u": ' + "[" * 1_000 + "]" * 1_000 + "}"
SECRET = {**KNOWN, "user_order_seq": 31_337, "secret_feature": 1, "discount_pct": "secret value"}
BROKEN = """
import asyncio, sys
from app import Watch
async def broken(scope, receive, send):
    raise KeyError(sys.argv[1])
async def send(message):
    print(message)
asyncio.run(Watch(broken)({"type": "http", "method": "POST", "path": "/predict"}, None, send))
"""
FUZZ_CONFIG = """
seed = 1
[generation]
max-examples = 15
[parameters]
"query.model" = "push_2026_01_05"  # another name is a 400, which no schema can say
[checks.negative_data_rejection]
expected-statuses = [200, 400, 405, 413]  # one bad user does not sink the others; see the hook
[phases.fuzzing.generation]
mode = "positive"  # it cannot draw bodies that break a map of two shapes; coverage lists some
"""


def ask(server, users, **options):
    body = users if isinstance(users, bytes | str) else json.dumps(users)
    return server.client.post("/predict", content=body, params=options)


def refusal_of(response) -> tuple[int, str, str]:
    error = response.json()["error"]
    assert response.json().keys() == {"error"}
    assert response.headers["content-type"] == "application/json"
    return response.status_code, error["type"], error["message"]


def metrics_of(server) -> Counter:
    text = server.client.get("/metrics").text
    return Counter({
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    })


def wait_until(condition):
    """Wait for what the contract says happens within a second, without timing it."""
    give_up_at = time.monotonic() + 300.0
    while not (found := condition()):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    return found


def test_an_answer_is_that_of_predict(server):
    users = {"\ud800": KNOWN, "two": [UNKNOWN, KNOWN], "": {**KNOWN, "discount_pct": "20 %"}}
    options = {"threshold": 0.05, "explain": True, "details": True, "model": "push_2026_01_05"}

    response = ask(server, users, **options)

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == predict(users, models_dir=server.store, **options)
    assert response.json()["prediction"] == {"\ud800": 1, "two": [0, 1]}
    assert response.json()["errors"].keys() == {""}


def test_a_large_body_gets_the_answers_of_small_ones(server):
    users = {f"u_{i}": {**KNOWN, "user_order_seq": i + 1} for i in range(200)}
    assert len(json.dumps(users)) > 16 * 1024  # beyond what the event loop answers itself

    together = ask(server, users).json()["prediction"]

    assert together == predict(users, models_dir=server.store)["prediction"]


@pytest.mark.parametrize(
    ("query", "body", "refusal", "message"),
    [
        ("", "", BROKEN_CONTRACT, "users is empty"),
        ("", "[]", BROKEN_CONTRACT, "users must be an object"),
        ("", "{", BROKEN_CONTRACT, "users must be JSON text"),
        ("", b"\xff", BROKEN_CONTRACT, "The body must be JSON text in UTF-8"),
        ("", '{"u": {}, "u": {}}', BROKEN_CONTRACT, "users must name each user once"),
        ("", DEEP, (413, "RequestTooLargeError"), "nests too deeply"),
        ("thresholds=0.5", USERS, BROKEN_CONTRACT, "Did you mean 'threshold'?"),
        ("threshold=1.5", USERS, BROKEN_CONTRACT, "'threshold': Input should be less"),
        ("threshold=nan", USERS, BROKEN_CONTRACT, "'threshold': Input should be"),
        ("threshold=secret", USERS, BROKEN_CONTRACT, "should be a valid number"),
        ("explain=perhaps", USERS, BROKEN_CONTRACT, "should be a valid boolean"),
        ("model=../../etc", USERS, BROKEN_CONTRACT, "String should match pattern"),
        ("explain=1&explain=0", USERS, BROKEN_CONTRACT, "must name each option once."),
        ("model=push_1999_01_01", USERS, (400, "ModelNotFoundError"), "no model folder"),
    ],
)
def test_a_request_that_breaks_the_contract_is_refused_and_never_with_422(
    server, query, body, refusal, message
):
    found = refusal_of(server.client.post(f"/predict?{query}", content=body))

    assert found[:2] == refusal
    assert message in found[2]
    assert "secret" not in found[2]


@pytest.mark.parametrize(
    ("method", "path", "code"), [("GET", "/predict", 405), ("GET", "/nowhere", 404)]
)
def test_an_unknown_path_or_method_has_the_shape_of_any_error(server, method, path, code):
    assert refusal_of(server.client.request(method, path))[:2] == (code, "HTTPException")


def read_answer(server, head: bytes, body: bytes = b"") -> bytes:
    """Send what no client library would, and read until the server hangs up."""
    url = server.client.base_url
    with socket.create_connection((url.host, url.port), timeout=300.0) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: api\r\n" + head + b"\r\n" + body)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(server):
    answer = read_answer(server, b"Content-Length: 200001\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"larger than the 200,000 bytes" in answer


def test_a_body_of_no_stated_length_is_refused_where_it_grows_too_large(server):
    chunk = b"30D41\r\n" + b" " * 200_001 + b"\r\n"  # and no last chunk: more might come

    answer = read_answer(server, b"Transfer-Encoding: chunked\r\n", chunk)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_client_that_leaves_early_harms_no_other(server):
    url = server.client.base_url
    left = ("push_request_seconds_count", "499")
    before = metrics_of(server)[left]

    with socket.create_connection((url.host, url.port), timeout=300.0) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: api\r\nContent-Length: 9\r\n\r\n{")

    wait_until(lambda: metrics_of(server)[left] == before + 1)
    assert ask(server, {"u": KNOWN}).status_code == 200
    assert "Traceback" not in server.log.read_text("utf-8")


def test_metrics_count_what_was_asked(server):
    before = metrics_of(server)
    ask(server, {"good": {**KNOWN, "shoe_size": 43}, "bad": {}})
    ask(server, "[]")

    after = metrics_of(server)

    def added(*key):
        return after[key] - before[key]

    assert added("push_users_total") == 2
    assert added("push_errors_total") == 1
    assert added("push_unknown_features_total") == 1
    assert after["push_model_age_days",] == server.client.get("/status").json()["age_days"]
    assert [key[2:] for key in after if key[0] == "push_model_info"] == [
        ("push_2026_01_05", "2026-01-05", "0.1.0")
    ]
    assert {key[1]: on for key, on in after.items() if key[0] == "push_status"} == {
        "ok": 1,
        "degraded": 0,
        "unavailable": 0,
    }


@pytest.mark.parametrize(
    ("method", "query", "body", "code"),
    [
        ("POST", "", USERS, 200),
        ("POST", "", "[]", 400),
        ("POST", "?threshold=high", USERS, 400),
        ("POST", "?thresholds=0", USERS, 400),
        ("POST", "?explain=1&explain=0", USERS, 400),
        ("POST", "", b"\xff", 400),
        ("POST", "", " " * 200_001, 413),
        ("GET", "", "", 405),
    ],
)
def test_each_request_counts_once_in_the_counter_and_in_the_histogram(
    server, method, query, body, code
):
    before = metrics_of(server)
    answer = server.client.request(method, f"/predict{query}", content=body)

    added = metrics_of(server) - before

    assert answer.status_code == code
    assert added["push_requests_total",] == 1
    assert added["push_failed_requests_total",] == (code != 200)
    assert added["push_request_seconds_count", str(code)] == 1


@pytest.mark.parametrize(
    "path", ["/status", "/metrics", "/docs", "/openapi.json", "/predict", "/x"]
)
def test_head_has_the_head_of_get_and_no_body(server, path):
    got = server.client.get(path)

    head = server.client.head(path)

    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


def test_the_page_of_the_api_names_every_feature_and_loads_nothing(server):
    text = server.client.get("/docs").text
    page = Page(text)
    links = {link["href"] for link in page.all("a")}

    assert set(FEATURES) <= set(page.text)
    assert links - {f"#{name}" for name in page.ids} == {"openapi.json"}
    assert [
        found for found in ("src=", "url(", "<script", "<link", "@import") if found in text
    ] == []
    assert server.client.get("/redoc").status_code == 404


def test_status_is_that_of_health_and_survives_odd_names(server):
    ask(server, {"u": {**KNOWN, "\ud800": 1}})

    plain = server.client.get("/status")
    detailed = server.client.get("/status", params={"details": True})

    assert plain.status_code == detailed.status_code == 200
    assert (plain.json()["status"], plain.json()["model_name"]) == ("ok", "push_2026_01_05")
    assert "skew" not in plain.json()
    assert detailed.json()["skew"]["one_row_in"] == 8
    assert server.client.get("/status?details=perhaps").status_code == 400


def test_no_log_holds_what_users_did(server):
    assert ask(server, {"secret_user": SECRET}).json()["errors"].keys() == {"secret_user"}
    ask(server, '{"secret_user": ')
    server.client.post("/predict?secret_user=1", content="{}")

    log = wait_until(lambda: server.log.read_text("utf-8"))

    assert "POST /predict HTTP" in log
    assert not [word for word in ("secret", "31337", "?") if word in log]


def test_an_unexpected_error_is_500_and_its_message_is_nowhere():
    answered = subprocess.run(
        [sys.executable, "-c", BROKEN, "secret"],
        env={**os.environ, "PYTHONPATH": str(API)},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )

    assert "'status': 500" in answered.stdout
    assert "InternalError" in answered.stdout
    assert "KeyError while answering a request" in answered.stderr
    assert "secret" not in answered.stdout + answered.stderr


def test_a_store_may_be_empty_fill_change_and_break_while_the_api_runs(serve, tmp_path):
    with serve(tmp_path) as server:

        def status() -> str:
            return server.client.get("/status").json()["status"]

        assert refusal_of(ask(server, {"u": KNOWN}))[:2] == (503, "ModelNotFoundError")
        assert (server.client.get("/status").status_code, status()) == (503, "unavailable")
        assert metrics_of(server)["push_status", "unavailable"] == 1

        (make_model(tmp_path, "push_2026_01_04") / "model.json").write_bytes(b"{}")
        wait_until(lambda: ask(server, {"u": KNOWN}).status_code == 500)
        assert refusal_of(ask(server, {"u": KNOWN}))[1] == "ModelIntegrityError"
        found = server.client.get("/status").json()
        assert (found["model_name"], found["last_error"]["model_name"]) == (None, "push_2026_01_04")

        make_model(tmp_path)
        wait_until(lambda: status() == "ok")
        first = ask(server, {"u": KNOWN}).json()["prediction"]["u"]
        assert server.client.get("/status").status_code == 200

        make_model(tmp_path, "push_2026_01_06", base_log_odds=-9.0)
        wait_until(lambda: ask(server, {"u": KNOWN}).json()["prediction"]["u"] < first)

        folder = make_model(tmp_path, "push_2026_01_07")
        (folder / "model.json").write_bytes(b"{}")
        wait_until(lambda: status() == "degraded")
        assert server.client.get("/status").json()["last_error"]["model_name"] == folder.name
        assert ask(server, {"u": KNOWN}).json()["prediction"]["u"] < first


def test_no_request_drawn_from_the_openapi_page_breaks_the_contract(server, tmp_path):
    (tmp_path / "schemathesis.toml").write_text(FUZZ_CONFIG, "utf-8")
    hooks = shutil.copy(Path(__file__).with_name("fuzz_checks.py"), tmp_path)
    program = Path(sys.executable).with_name("schemathesis")

    fuzzing = subprocess.run(
        [program, "run", f"{server.client.base_url}/openapi.json", "--continue-on-failure"],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(hooks)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )

    assert fuzzing.returncode == 0, fuzzing.stdout + fuzzing.stderr
    assert "3 selected / 3 total" in fuzzing.stdout


def test_the_openapi_page_declares_our_errors_and_no_422(server):
    document = server.client.get("/openapi.json").json()

    declared = document["paths"]["/predict"]["post"]
    assert declared["responses"].keys() == {"200", "400", "413", "500", "503"}
    assert declared["requestBody"]["content"].keys() == {"application/json"}
    assert set(document["components"]["schemas"]["Features"]["required"]) == set(FEATURES)
    assert "ValidationError" not in json.dumps(document)
