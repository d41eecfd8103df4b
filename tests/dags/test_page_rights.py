"""Who may read the page, and who may act: on Airflow's own server, with its own tokens."""

import re
import warnings

import pytest

from push_model.store.promotion import champion
from tests.dags.people import client_of
from tests.stores import make_store

PAGE = "/push-models"
OWN = {"origin": "http://testserver"}
FILLED = {"reason": "It sells less.", "confirmed": "yes"}


@pytest.fixture
def models(tmp_path, database, monkeypatch):  # noqa: ARG001 - Airflow asks it about rights
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("PUSH_RUNS_DIR", str(tmp_path / "runs"))
    return make_store(tmp_path / "models", "ab", promoted="ab")


@pytest.fixture
def sign_in(models):  # noqa: ARG001 - the page shows it
    def _sign_in(name, role, **changes):
        with warnings.catch_warnings(action="ignore"):  # Airflow's own, about its plugins
            return client_of(name, role, **changes)

    return _sign_in


def roll_back(client, headers=OWN):
    form = client.get(f"{PAGE}/act/rollback")
    found = re.search(r'name="ticket" value="([^"]+)"', form.text)
    fields = FILLED | {"ticket": found[1] if found else "none"}
    return client.post(f"{PAGE}/act/rollback", data=fields, headers=headers, follow_redirects=False)


def test_who_may_edit_the_dag_may_act_and_the_log_names_the_user(models, sign_in):
    assert roll_back(sign_in("olga", "op")).status_code == 303

    assert (champion(models).model_name, champion(models).by) == ("a", "olga, on Airflow's page")


def test_who_may_only_read_the_dag_reads_and_changes_nothing(models, sign_in):
    viewer = sign_in("vera", "viewer")

    assert viewer.get(f"{PAGE}/").status_code == 200
    assert viewer.get(f"{PAGE}/act").status_code == 200
    refused = roll_back(viewer)
    assert refused.status_code == 403
    assert "not edit it, as an action needs" in refused.text
    assert champion(models).model_name == "b"


@pytest.mark.parametrize(
    ("token", "code"), [(None, 401), ("forged", 403), ({"expiration_time_in_seconds": -60}, 401)]
)
def test_without_a_token_that_holds_nothing_is_shown_or_changed(models, sign_in, token, code):
    client = sign_in("olga", "op", **(token if isinstance(token, dict) else {}))
    if token is None:
        del client.headers["Authorization"]
    elif token == "forged":
        client.headers["Authorization"] = "Bearer forged"

    for path in ("/", "/status", "/act", "/act/done", "/act/rollback"):
        assert client.get(f"{PAGE}{path}").status_code == code
    assert roll_back(client).status_code == code
    assert champion(models).model_name == "b"


def test_a_form_that_another_site_sends_with_the_cookie_changes_nothing(models, sign_in):
    client = sign_in("olga", "op")
    client.cookies.set("_token", client.headers.pop("Authorization").removeprefix("Bearer "))

    assert roll_back(client, {"origin": "https://evil.invalid"}).status_code == 403
    assert roll_back(client, {}).status_code == 403

    assert champion(models).model_name == "b"
    assert roll_back(client).status_code == 303


def test_no_address_but_the_style_sheet_answers_a_stranger(sign_in):
    stranger = sign_in("eve", "viewer")
    del stranger.headers["Authorization"]
    (page,) = (route.app for route in stranger.app.routes if route.path == PAGE)
    asked = [
        (method, re.sub("{.+?}", "x", route.path))
        for route in page.routes
        for method in route.methods
    ]

    open_to_all = {
        path for method, path in asked if stranger.request(method, PAGE + path).is_success
    }

    assert len(asked) > 12
    assert open_to_all == {"/page.css"}
