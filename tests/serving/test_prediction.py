import json

import pytest

from push_model import handler_predict, predict
from push_model.errors import InvalidEventError, ModelIntegrityError, ModelNotFoundError
from push_model.store.folder import document_bytes, write_model_folder
from push_model.testing import make_model
from tests.events import KNOWN, UNKNOWN, WRONG_EVENTS, WRONG_OBJECTS
from tests.forests import make_line, make_model_document


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


@pytest.mark.usefixtures("models")
def test_the_answer_has_exactly_the_shape_of_the_contract():
    answer = handler_predict({"users": json.dumps({"u_17": KNOWN})}, None)

    assert answer == {
        "statusCode": "200",
        "body": '{"prediction": {"u_17": 0.15446526508353467}}',
    }


@pytest.mark.usefixtures("models")
def test_a_list_of_products_gets_a_list_of_propensities_in_order():
    found = ask({"u": [UNKNOWN, KNOWN], 17: [KNOWN], "none": []})["prediction"]

    alone = ask({"unknown": UNKNOWN, "known": KNOWN})["prediction"]
    assert found == {"u": [alone["unknown"], alone["known"]], "17": [alone["known"]], "none": []}


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
@pytest.mark.parametrize(
    ("event", "message"), [*WRONG_EVENTS.values(), *WRONG_OBJECTS.values()], ids=str
)
def test_an_event_that_breaks_the_contract_is_refused(event, message):
    answer = handler_predict(event)
    error = json.loads(answer["body"], parse_constant=pytest.fail)["error"]

    assert error.keys() == {"type", "message"}
    assert (answer["statusCode"], error["type"]) == ("400", "InvalidEventError")
    assert message in error["message"]


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

    users = {"near": near, "far": far, "list": [near, both]}
    found = predict(users, model="m", models_dir=tmp_path, explain=explain)

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
