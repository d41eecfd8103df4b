import json
import math

import pytest

from push_model import FEATURES, handler_predict, predict
from push_model.errors import InvalidEventError, ModelIntegrityError, ModelNotFoundError
from push_model.store.folder import document_bytes, write_model_folder
from push_model.testing import make_model
from tests.forests import make_line, make_model_document

KNOWN = dict.fromkeys(FEATURES) | {"ordered_before": 1, "global_popularity": 0.06}
UNKNOWN = dict.fromkeys(FEATURES)


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A store whose champion is the small model of `push_model.testing`."""
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    make_model(tmp_path)
    return tmp_path


def ask(users, **options) -> dict:
    """Send a request that must succeed and return its body."""
    answer = handler_predict({"users": users, **options})
    assert answer["statusCode"] == "200", answer["body"]
    return json.loads(answer["body"], parse_constant=pytest.fail)


def refusal_of(event) -> tuple[str, str, str]:
    answer = handler_predict(event)
    error = json.loads(answer["body"], parse_constant=pytest.fail)["error"]
    assert error.keys() == {"type", "message"}
    return answer["statusCode"], error["type"], error["message"]


@pytest.mark.usefixtures("models")
def test_the_answer_has_exactly_the_shape_of_the_contract():
    answer = handler_predict({"users": json.dumps({"u_17": KNOWN})}, None)

    assert answer == {
        "statusCode": "200",
        "body": '{"prediction": {"u_17": 0.15446526508353467}}',
    }


@pytest.mark.usefixtures("models")
def test_a_dict_and_its_json_text_get_the_same_answer():
    users = {"u_17": KNOWN, "u_18": UNKNOWN}

    assert ask(users) == ask(json.dumps(users))


@pytest.mark.usefixtures("models")
def test_a_list_of_products_gets_a_list_of_propensities_in_order():
    found = ask({"u": [UNKNOWN, KNOWN], "one": [KNOWN], "none": []})["prediction"]

    alone = ask({"unknown": UNKNOWN, "known": KNOWN})["prediction"]
    assert found == {"u": [alone["unknown"], alone["known"]], "one": [alone["known"]], "none": []}


@pytest.mark.usefixtures("models")
def test_an_option_that_is_null_counts_as_left_out():
    options = dict.fromkeys(["threshold", "explain", "model", "details"])

    assert ask({"u": KNOWN}, **options) == ask({"u": KNOWN})


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("avg_days", [10.0, 25.0, 80.0])
def test_ordered_before_not_known_scores_as_not_ordered_at_the_number_for_never(avg_days):
    never = {"days_since_purchase_variant_id": 33.0, "days_since_purchase_product_type": 30.0}
    features = UNKNOWN | never | {"avg_days_to_buy_variant_id": avg_days}

    found = ask({"null": features, "0": features | {"ordered_before": 0}})["prediction"]

    assert found["null"] == found["0"]


@pytest.mark.usefixtures("models")
def test_a_threshold_gives_1_above_it_and_0_elsewhere():
    propensity = ask({"u": KNOWN})["prediction"]["u"]
    users = {"u": KNOWN, "v": [UNKNOWN, KNOWN]}

    assert ask(users, threshold=0.05)["prediction"] == {"u": 1, "v": [0, 1]}
    assert ask({"u": KNOWN}, threshold=propensity)["prediction"] == {"u": 0}


@pytest.mark.mltest("Infra 5")
@pytest.mark.usefixtures("models")
def test_reasons_add_up_to_the_log_odds_of_the_propensity():
    found = ask({"u": KNOWN, "v": [UNKNOWN, KNOWN]}, explain=True)

    reasons = found["reasons"]["u"]
    total = math.fsum([
        reasons["base_value"],
        *reasons["contributions"].values(),
        reasons["others"],
    ])
    assert total == pytest.approx(reasons["log_odds"], abs=1e-9)
    assert 1 / (1 + math.exp(-total)) == pytest.approx(found["prediction"]["u"], abs=1e-12)
    assert next(iter(reasons["contributions"])) == "ordered_before"
    assert len(reasons["contributions"]) == 5
    assert found["reasons"]["v"][1] == reasons


@pytest.mark.usefixtures("models")
def test_details_say_which_model_answered_and_what_it_ignored():
    found = ask({"u": KNOWN | {"shoe_size": 43}}, details=True)

    details = found["details"]
    assert details.pop("model_id").isalnum()
    assert details == {
        "model_name": "push_2026_01_05",
        "trained_on": "2026-01-05",
        "ignored_features": 1,
    }


def test_a_named_model_answers_in_place_of_the_champion(models):
    make_model(models, "shy", base_log_odds=-9.0, promoted=False)

    shy = ask({"u": KNOWN}, model="shy")["prediction"]["u"]

    assert shy < 0.01 < ask({"u": KNOWN}, model=None)["prediction"]["u"]


@pytest.mark.usefixtures("models")
def test_ids_of_any_text_come_back_as_they_went():
    text = '{"": %s, "\\ud800": %s, "\\u0000": %s}' % ((json.dumps(KNOWN),) * 3)

    assert ask(text)["prediction"].keys() == {"", "\ud800", "\0"}
    assert ask({17: KNOWN})["prediction"].keys() == {"17"}


BAD_EVENTS = [
    (None, "event must be a dict, got NoneType"),
    ([], "event must be a dict, got list"),
    ({}, "event lacks 'users'"),
    ({"users": {}, "thresholds": 0.1}, "unknown key 'thresholds'. Did you mean 'threshold'?"),
    ({"users": {}, 3: 1}, "must have texts for keys, got a number"),
    ({"users": {}, "models_dir": "/etc"}, "unknown key 'models_dir'. Did you mean 'model'?"),
    ({"users": "{"}, "users must be JSON text"),
    ({"users": "[]"}, "users must be an object of user ids"),
    ({"users": None}, "users must be an object of user ids"),
    ({"users": '{"u": {}, "u": {}}'}, "users must name each user once"),
    ({"users": {}, "threshold": 1.1}, "threshold must be a number from 0 to 1"),
    ({"users": {}, "threshold": -1}, "threshold must be"),
    ({"users": {}, "threshold": math.nan}, "threshold must be"),
    ({"users": {}, "threshold": 10**400}, "threshold must be"),
    ({"users": {}, "threshold": True}, "threshold must be"),
    ({"users": {}, "threshold": "0.1"}, "threshold must be"),
    ({"users": {}, "explain": 1}, "explain and details must be true or false"),
    ({"users": {}, "explain": 0}, "explain and details must be true or false"),
    ({"users": {}, "details": "yes"}, "explain and details must be true or false"),
    ({"users": {}, "model": 3}, "model must be the name of a model"),
    ({"users": {}, "model": ["a"]}, "model must be the name of a model"),
    ({"users": {"u": {}}, "model": ""}, "names a folder of the store, never a path"),
    ({"users": {"u": {}}, "model": "../../etc"}, "names a folder of the store, never a path"),
]


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(("event", "message"), BAD_EVENTS)
def test_an_event_that_breaks_the_contract_is_refused(event, message):
    status, kind, text = refusal_of(event)

    assert (status, kind) == ("400", "InvalidEventError")
    assert message in text


def test_the_store_is_models_where_nothing_says_otherwise(tmp_path, monkeypatch):
    monkeypatch.delenv("PUSH_MODELS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    make_model(tmp_path / "models")

    assert ask({"u": KNOWN})["prediction"]


@pytest.mark.parametrize("explain", [True, False])
def test_values_the_model_cannot_add_up_are_that_users_error(tmp_path, explain):
    document = make_model_document(make_line(weights=[1e308, 1.0, -1e308]))
    write_model_folder(tmp_path, "m", {"model.json": document_bytes(document)}, {})
    near, far = ({"a": value, "b": 0.0, "c": 0.0} for value in (1.0, 1e9))
    both = {"a": 1e9, "b": 0.0, "c": 1e9}

    found = predict(
        {"near": near, "far": far, "list": [near, both]},
        model="m",
        models_dir=tmp_path,
        explain=explain,
    )

    assert found["prediction"].keys() == {"near"}
    assert found["errors"].keys() == {"far", "list"}
    assert "too far from any real ones" in found["errors"]["far"]


def test_predict_raises_what_the_handler_answers(models, tmp_path_factory):
    with pytest.raises(InvalidEventError, match="users must be JSON text"):
        predict("{")
    with pytest.raises(ModelNotFoundError, match="There is no champion"):
        predict({"u": KNOWN}, models_dir=tmp_path_factory.mktemp("empty"))
    (make_model(models, "other", base_log_odds=0.0) / "manifest.json").unlink()
    with pytest.raises(ModelIntegrityError, match=r"manifest\.json cannot be read"):
        predict({"u": KNOWN}, model="other")


def test_the_event_is_left_as_it_was(models):
    event = {"users": {"u": dict(KNOWN)}, "threshold": 0.5, "explain": True, "details": True}
    before = json.dumps(event)

    handler_predict(event)

    assert json.dumps(event) == before
    assert models.exists()
