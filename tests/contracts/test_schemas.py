"""Compare the JSON Schemas of docs/schemas with what is accepted and answered."""

import copy
import json
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from push_model import FEATURES, handler_predict, health, predict
from push_model.columns import BY_NAME
from push_model.errors import PushModelError
from push_model.serving import answer
from push_model.serving.settings import settings_of_process
from push_model.testing import make_model
from tests.events import UNKNOWN as USER
from tests.events import WRONG_EVENTS, json_values

ROOT = Path(__file__).parents[2]
NAMES = ("request", "answer", "health", "check")
SCHEMAS = {
    name: json.loads((ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    for name in NAMES
}


def errors_of(name, instance, part=""):
    schema = SCHEMAS[name]
    if part:  # the part alone: the root's own rules are the whole document's
        schema = {"$defs": SCHEMAS[name]["$defs"], "$ref": f"#/$defs/{part}"}
    return [error.message for error in Draft202012Validator(schema).iter_errors(instance)]


def schema_accepts(event):
    """Validate an event and, as `contentSchema` says, what its text holds."""
    if errors_of("request", event):
        return False
    if isinstance(event["users"], dict):
        return True
    try:
        users = json.loads(event["users"])
    except ValueError:
        return False
    return not errors_of("request", users, "users")


def predict_accepts(event, store):
    try:
        return "errors" not in predict(**event, models_dir=store)
    except (PushModelError, TypeError):
        return False


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    make_model(folder)
    return folder


@pytest.fixture
def serve(store, monkeypatch):
    monkeypatch.setenv("PUSH_MODELS_DIR", str(store))

    def answer_to(event):
        said = handler_predict(event)
        return said["statusCode"], json.loads(said["body"])

    return answer_to


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_a_schema(name):
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_the_features_are_those_of_the_columns():
    features = SCHEMAS["request"]["$defs"]["features"]

    assert features["required"] == list(FEATURES)
    assert list(features["properties"]) == list(FEATURES)
    assert features["properties"] == {name: schema_of(BY_NAME[name]) for name in FEATURES}


def schema_of(column):
    return {
        "description": f"{column.meaning}; null: {column.missing}",
        "type": ["number" if column.type == "number" else "integer", "null"],
        "minimum": column.minimum,
        "maximum": column.maximum,
    }


@pytest.mark.parametrize(
    ("name", "place", "typed"),
    [
        ("answer", ("$defs", "answer"), answer.Answer),
        ("answer", ("$defs", "reasons"), answer.ReasonsOfCandidate),
        ("answer", ("$defs", "details"), answer.Details),
        ("health", (), answer.Health),
        ("health", ("$defs", "last_error"), answer.LastError),
        ("health", ("$defs", "skew"), answer.Skew),
        ("health", ("$defs", "feature_skew"), answer.FeatureSkew),
    ],
)
def test_a_schema_names_the_keys_of_the_type(name, place, typed):
    schema = SCHEMAS[name]
    for key in place:
        schema = schema[key]

    assert set(schema["properties"]) == set(get_type_hints(typed))


OPTIONS = {"threshold": 0, "explain": False, "model": None, "details": False}
RIGHT = {
    "every value unknown": {"users": {"u": USER}},
    "several products": {"users": {"u": [USER, USER], "v": USER}},
    "no product": {"users": {"u": []}},
    "an empty user id": {"users": {"": USER}},
    "every option": {
        "users": {"u": USER},
        "threshold": 0.05,
        "explain": True,
        "model": "push_2026_01_05",
        "details": True,
    },
    "every option null": {"users": {"u": USER}} | dict.fromkeys(OPTIONS),
    "every option false or 0": {"users": {"u": USER}, **OPTIONS},
    "a threshold of 1": {"users": {"u": USER}, "threshold": 1},
    "text in space": {"users": f" \n{json.dumps({'u': USER})}\t"},
    "other features": {"users": {"u": USER | {"colour": "red", "sizes": [{"eu": [43]}]}}},
    "a whole number with a point": {"users": {"u": USER | {"user_order_seq": 6.0}}},
    "a flag with a point": {"users": {"u": USER | {"ordered_before": 1.0}}},
}
WRONG = {name: event for name, (event, _) in WRONG_EVENTS.items()} | {
    "a user that is null": {"users": {"u": None}},
    "a user that is text": {"users": {"u": "17"}},
    "products in products": {"users": {"u": [[USER]]}},
    "a wrong product among right ones": {"users": {"u": [USER, {}]}},
    "a wrong user among right ones": {"users": {"u": USER, "v": {}}},
    "a flag of 0.5": {"users": {"u": USER | {"ordered_before": 0.5}}},
    "half an order": {"users": {"u": USER | {"user_order_seq": 1.5}}},
}


@pytest.mark.parametrize("case", [*RIGHT, *WRONG])
def test_the_request_schema_accepts_what_predict_accepts(case, store):
    event, is_right = (RIGHT | WRONG)[case], case in RIGHT

    assert predict_accepts(event, store) is is_right
    assert schema_accepts(event) is is_right
    if isinstance(event, dict) and isinstance(event.get("users"), dict):
        as_text = event | {"users": json.dumps(event["users"])}
        assert predict_accepts(as_text, store) is is_right
        assert schema_accepts(as_text) is is_right


ANY_JSON = json_values(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-1, 60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-2.0, 40_000.0)
    | st.text(max_size=3)
)


@given(name=st.sampled_from(FEATURES), value=ANY_JSON)
def test_both_judge_any_value_of_any_feature_alike(name, value, store):
    users = {"u": USER | {name: value}}

    for event in ({"users": users}, {"users": json.dumps(users)}):
        assert predict_accepts(event, store) is schema_accepts(event)


@pytest.mark.parametrize(
    ("threshold", "explain", "details"), list(product((None, 0.05), (None, True), (None, True)))
)
def test_every_answer_is_as_the_schema_says(serve, threshold, explain, details):
    users = json.loads((ROOT / "examples" / "users.json").read_text("utf-8"))
    event = {"threshold": threshold, "explain": explain, "details": details}

    several = ({}, {"none": []}, {"wrong": {}}, {"known": USER | {"colour": "red"}})
    for sent in (*(users | extra for extra in several), {"u": {}, "v": [USER, 3]}):
        status, body = serve({"users": sent, **event})

        assert status == "200"
        assert errors_of("answer", body) == errors_of("answer", body, "answer") == []


@pytest.mark.parametrize(
    ("status", "kind", "event"),
    [
        ("400", "InvalidEventError", {}),
        ("400", "ModelNotFoundError", {"users": {"u": USER}, "model": "no_such"}),
        ("413", "RequestTooLargeError", {"users": '{"u":' + "[" * 40 + "]" * 40 + "}"}),
        ("500", "InvalidSettingError", {"users": {"u": USER}}),
    ],
)
def test_a_refusal_is_as_the_schema_says(serve, monkeypatch, status, kind, event):
    if kind == "InvalidSettingError":
        monkeypatch.setenv("PUSH_MAX_CANDIDATES", "many")
        settings_of_process.cache_clear()

    status_given, body = serve(event)

    assert (status_given, body["error"]["type"]) == (status, kind)
    assert errors_of("answer", body) == errors_of("answer", body, "error") == []


@pytest.mark.parametrize(
    ("status", "kind", "content"),
    [
        ("503", "ModelNotFoundError", None),
        ("500", "ModelIntegrityError", b"{}"),
        ("500", "ModelFormatError", "of format 99"),
    ],
)
def test_what_the_operator_must_fix_is_as_the_schema_says(
    status, kind, content, tmp_path, monkeypatch
):
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    if content is not None:
        spoil(make_model(tmp_path), content)

    said = handler_predict({"users": {"u": USER}})

    body = json.loads(said["body"])
    assert (said["statusCode"], body["error"]["type"]) == (status, kind)
    assert errors_of("answer", body) == errors_of("answer", body, "error") == []
    assert errors_of("health", health()) == []
    assert health()["status"] == "unavailable"


def spoil(folder, content):
    """Damage a model, or make it whole but of another format."""
    if isinstance(content, bytes):
        (folder / "model.json").write_bytes(content)
        return
    text = (folder / "model.json").read_text("utf-8").replace('"format":1', '"format":99')
    manifest = folder / "manifest.json"
    old = sha256((folder / "model.json").read_bytes()).hexdigest()
    new = sha256(text.encode()).hexdigest()
    (folder / "model.json").write_text(text, "utf-8")
    manifest.write_text(manifest.read_text("utf-8").replace(old, new), "utf-8")


@pytest.mark.parametrize("sketch", ["on", "off"])
@pytest.mark.parametrize("details", [True, False])
def test_health_is_as_the_schema_says(serve, monkeypatch, sketch, details):
    monkeypatch.setenv("PUSH_SKEW_SKETCH", sketch)
    settings_of_process.cache_clear()
    serve({"users": {f"u_{i}": USER | {"colour": i} for i in range(200)}})
    serve({})

    found = health(details=details)

    assert errors_of("health", found) == []
    assert (found["status"], "skew" in found) == ("ok", details)
    if details:
        assert (found["skew"] is None) is (sketch == "off")


def test_degraded_health_is_as_the_schema_says(tmp_path):
    make_model(tmp_path, "a")
    health(models_dir=tmp_path)
    spoil(make_model(tmp_path, "b", base_log_odds=-3.0), b"{}")

    found = health(details=True, models_dir=tmp_path)

    assert found["status"] == "degraded"
    assert errors_of("health", found) == []


REASONS = {
    "base_value": -4.0,
    "log_odds": -3.0,
    "contributions": {"ordered_before": 1.0},
    "others": 0.0,
    "words": {"ordered_before": "bought before"},
}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"prediction": {"u": 0.5}, "error": {"type": "InvalidEventError", "message": "m"}},
        {"prediction": {"u": 1.5}},
        {"prediction": {"u": None}},
        {"prediction": {"u": "0.5"}},
        {"prediction": {"u": True}},
        {"prediction": {"u": [[0.5]]}},
        {"prediction": {"u": 0.5}, "errors": {}},
        {"prediction": {"u": 0.5}, "errors": {"v": None}},
        {"prediction": {"u": 0.5}, "warnings": {}},
        {"prediction": {"u": 0.5}, "details": {"model_name": "a"}},
        {"prediction": {"u": 0.5}, "reasons": {"u": {**REASONS, "log_odds": None}}},
        {"prediction": {"u": 0.5}, "reasons": {"u": {**REASONS, "words": {"a": 1}}}},
        {"prediction": {"u": 0.5}, "reasons": {"u": {**REASONS, "contributions": {}}}},
        {"error": {"type": "KeyError", "message": "m"}},
        {"error": {"type": "InvalidEventError"}},
        {"error": "m"},
    ],
    ids=str,
)
def test_a_wrong_body_is_refused(body):
    assert errors_of("answer", {"prediction": {"u": 0.5}, "reasons": {"u": REASONS}}) == []
    assert errors_of("answer", body)


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "fine"},
        {"status": "degraded"},  # without its last error
        {"status": "unavailable"},  # with a model
        {"model_name": None},
        {"trained_on": "5 January"},
        {"loaded_at": "2026-01-05 06:00"},
        {"age_days": 1.5},
        {"requests": -1},
        {"last_error": "it broke"},
        {"unknown_feature_names": ["a"] * 2},
        {"unknown_feature_names": [f"f_{i}" for i in range(21)]},
        {"skew": {}},
        {"uptime": 1},
    ],
    ids=str,
)
def test_a_wrong_health_is_refused(store, wrong):
    found = health(models_dir=store)

    assert errors_of("health", found) == []
    assert errors_of("health", {**copy.deepcopy(found), **wrong})


@pytest.mark.parametrize("key", sorted(set(get_type_hints(answer.Health)) - {"skew"}))
def test_health_without_one_of_its_keys_is_refused(store, key):
    found = dict(health(models_dir=store))
    del found[key]

    assert errors_of("health", found)
