from datetime import UTC, datetime, timedelta

import pytest

import push_model
from push_model import FEATURES, handler_predict, health
from push_model.health_report import _age_days
from push_model.testing import make_model

USER = dict.fromkeys(FEATURES)


def test_before_any_champion_nothing_can_be_served(tmp_path):
    found = health(models_dir=tmp_path)

    assert found["status"] == "unavailable"
    assert found["model_name"] is found["age_days"] is found["loaded_at"] is None
    assert found["last_error"]["type"] == "ModelNotFoundError"
    assert found["last_error"]["message"].startswith("There is no champion in the store yet")
    assert found["requests"] == 0  # asking for health is no request


def test_the_champion_is_loaded_and_described(tmp_path):
    make_model(tmp_path)

    found = health(models_dir=tmp_path)

    assert found["status"] == "ok"
    assert (found["model_name"], found["trained_on"]) == ("push_2026_01_05", "2026-01-05")
    assert len(found["model_id"]) == 16
    assert found["last_error"] is None
    assert found["version"] == push_model.__version__
    moment = datetime.fromisoformat(found["loaded_at"])
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=5)


@pytest.mark.mltest("Mon 4")
def test_age_is_counted_in_days_from_the_training_date():
    today = datetime.now(UTC).date()

    assert _age_days((today - timedelta(days=3)).isoformat()) == 3
    assert _age_days("2026-06-31") is None


def test_a_damaged_new_champion_is_a_degraded_service(tmp_path):
    make_model(tmp_path, "a")
    health(models_dir=tmp_path)
    (make_model(tmp_path, "b", base_log_odds=-3.0) / "model.json").write_bytes(b"{}")

    found = health(models_dir=tmp_path)

    assert (found["status"], found["model_name"]) == ("degraded", "a")
    assert "b/model.json does not match its manifest" in found["last_error"]["message"]


def test_a_mended_champion_is_ok_again_and_the_last_error_still_told(tmp_path):
    make_model(tmp_path, "a")
    health(models_dir=tmp_path)
    folder = make_model(tmp_path, "b", base_log_odds=-3.0)
    whole = (folder / "model.json").read_bytes()
    (folder / "model.json").write_bytes(b"{}")
    health(models_dir=tmp_path)
    (folder / "model.json").write_bytes(whole)

    found = health(models_dir=tmp_path)

    assert (found["status"], found["model_name"]) == ("ok", "b")
    assert found["last_error"]["type"] == "ModelIntegrityError"


def test_requests_users_errors_and_unknown_features_are_counted(tmp_path, monkeypatch):
    make_model(tmp_path)
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    misspelt = {**USER, "colour": 1, "shoe_size": 43}

    handler_predict({"users": {"u": USER, "v": misspelt, "w": {"colour": 1}}})
    handler_predict({"users": "{"})
    handler_predict({"user": {}})

    found = health()
    assert (found["requests"], found["failed_requests"]) == (3, 2)
    assert (found["users"], found["errors"]) == (3, 1)
    assert found["unknown_features"] == 3  # one of a user that could not be scored
    assert found["unknown_feature_names"] == ["colour", "shoe_size"]


@pytest.mark.parametrize("variable", ["PUSH_SKEW_SKETCH", "PUSH_MAX_NESTING"])
def test_a_setting_that_makes_every_request_fail_is_unavailability(tmp_path, monkeypatch, variable):
    make_model(tmp_path)
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv(variable, "perhaps")

    answer = handler_predict({"users": {"u": USER}})
    found = health(details=True)

    assert answer["statusCode"] == "500"
    assert (found["requests"], found["failed_requests"]) == (1, 1)
    assert (found["status"], found["model_name"], found["skew"]) == ("unavailable", None, None)
    assert found["last_error"]["type"] == "InvalidSettingError"
    assert variable in found["last_error"]["message"]
