from datetime import UTC, datetime, timedelta

import pytest

import push_model
from push_model import FEATURES, handler_predict, health
from push_model.testing import make_model

USER = dict.fromkeys(FEATURES)


def test_before_any_champion_nothing_can_be_served(tmp_path):
    found = health(models_dir=tmp_path)

    assert found["status"] == "unavailable"
    assert found["model_name"] is found["age_days"] is found["loaded_at"] is None
    assert found["last_error"]["type"] == "ModelNotFoundError"
    assert found["last_error"]["message"].startswith("There is no champion in the store yet")
    assert found["requests"] == 0  # a call of health is not a request


def test_the_champion_is_loaded_and_described(tmp_path):
    make_model(tmp_path)

    found = health(models_dir=tmp_path)

    assert found["status"] == "ok"
    assert (found["model_name"], found["trained_on"]) == ("push_2026_01_05", "2026-01-05")
    assert len(found["model_id"]) == 16
    assert found["features"] == list(FEATURES)
    assert found["last_error"] is None
    assert found["version"] == push_model.__version__
    moment = datetime.fromisoformat(found["loaded_at"])
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=5)


@pytest.mark.mltest("Mon 4")
@pytest.mark.parametrize(("age", "is_stale"), [(0, False), (20, False), (21, True), (-1, False)])
def test_a_model_older_than_the_setting_allows_is_stale(tmp_path, monkeypatch, age, is_stale):
    monkeypatch.setenv("PUSH_MAX_AGE_DAYS", "20")
    trained_on = datetime.now(UTC).date() - timedelta(days=age)
    make_model(tmp_path, trained_on=str(trained_on))

    found = health(models_dir=tmp_path)

    assert (found["age_days"], found["max_age_days"]) == (age, 20)
    assert found["is_stale"] is is_stale
    assert found["status"] == "ok"  # it serves: an old champion is better than none


def test_an_age_limit_that_cannot_be_read_is_reported_and_stops_no_answer(tmp_path, monkeypatch):
    make_model(tmp_path)
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("PUSH_MAX_AGE_DAYS", "a month")

    found = health()

    assert handler_predict({"users": {"u": USER}})["statusCode"] == "200"
    assert (found["status"], found["max_age_days"], found["is_stale"]) == ("ok", None, None)
    assert "PUSH_MAX_AGE_DAYS must be a whole number" in found["last_error"]["message"]


def test_a_model_without_a_valid_date_has_no_age(tmp_path):
    make_model(tmp_path, trained_on="2026-06-31")

    found = health(models_dir=tmp_path)

    assert (found["age_days"], found["is_stale"]) == (None, None)


def test_a_damaged_new_champion_degrades_the_service_until_it_is_repaired(tmp_path):
    make_model(tmp_path, "a")
    health(models_dir=tmp_path)
    folder = make_model(tmp_path, "b", base_log_odds=-3.0)
    whole = (folder / "model.json").read_bytes()
    (folder / "model.json").write_bytes(b"{}")
    degraded = health(models_dir=tmp_path)
    (folder / "model.json").write_bytes(whole)

    found = health(models_dir=tmp_path)

    assert (degraded["status"], degraded["model_name"]) == ("degraded", "a")
    assert "b/model.json does not match its manifest" in degraded["last_error"]["message"]
    assert degraded["last_error"]["model_name"] == "b"
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


@pytest.mark.parametrize("variable", ["PUSH_SKEW_SKETCH", "PUSH_MAX_NESTING", "PUSH_MODELS_DIR"])
def test_a_setting_that_makes_every_request_fail_is_unavailability(tmp_path, monkeypatch, variable):
    make_model(tmp_path)
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv(variable, "~perhaps")

    answer = handler_predict({"users": {"u": USER}})
    found = health(details=True)

    assert answer["statusCode"] == "500"
    assert (found["requests"], found["failed_requests"]) == (1, 1)
    assert (found["status"], found["model_name"], found["skew"]) == ("unavailable", None, None)
    assert found["last_error"]["type"] == "InvalidSettingError"
    assert variable in found["last_error"]["message"]
