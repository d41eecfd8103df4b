import re
import shutil
import warnings
from datetime import date
from html import unescape
from urllib.parse import quote

import pytest
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.security import get_user
from airflow.models import DagModel, DagRun, Log
from airflow.models.asset import AssetEvent
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from sqlalchemy import select

from push_model.store.inventory import model_names
from push_model.store.promotion import champion, history, rollback
from push_ops.page import app as page
from push_ops.page import database, forms
from push_ops.retraining.run_folder import find_run_folder
from push_ops.schedule import find_run_date
from tests.push_ops.judged import judged_run
from tests.stores import FACTS, NOT_NAMES, make_store, move

BASE = "http://airflow.invalid"
OWN = {"origin": BASE}
FILLED = {"reason": "It sells more.", "confirmed": "yes"}


@pytest.fixture(scope="module")
def tables(database):  # noqa: ARG001 - they lie in it
    """Airflow's tables, as after the first parse of the DAGs."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: PLC0415 - it reads settings
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db  # noqa: PLC0415 - the same

    from tests.dags.conftest import ROOT  # noqa: PLC0415 - the same

    with warnings.catch_warnings(action="ignore"):  # Airflow's own, about its plugins
        DagBundlesManager().sync_bundles_to_db()
        sync_bag_to_db(DagBag(dag_folder=str(ROOT / "dags")), "dags-folder", None)


@pytest.fixture
def here(tmp_path, tables, monkeypatch):  # noqa: ARG001 - actions write to them
    """A store whose models a and b were promoted in turn, and a run in which push_new won."""
    models, runs = tmp_path / "models", tmp_path / "runs"
    make_store(models, ["a", "b", "c", "push_new"], promoted="ab")
    monkeypatch.setenv("PUSH_MODELS_DIR", str(models))
    monkeypatch.setenv("PUSH_RUNS_DIR", str(runs))
    run = judged_run(champion="b", line=champion(models).line)
    run.write(find_run_folder(runs, "one").verdict)
    return models


@pytest.fixture
def ana(here):  # noqa: ARG001 - her page shows it
    return sign_in("ana")


def sign_in(name):
    made = page.make_app()
    for check in (page.may_read, forms.may_change):
        made.dependency_overrides[check] = lambda: None
    user = SimpleAuthManagerUser(username=name, role="op")
    made.dependency_overrides[get_user] = lambda: user
    return TestClient(made, base_url=BASE, follow_redirects=False)


def see(client, action, **chosen):
    """Return what the form says, and its ticket."""
    text = client.get(f"/act/{action}", params=chosen).text
    found = re.search(r'name="ticket" value="([^"]+)"', text)
    return read(text), found and found[1]


def send(client, action, ticket, *, headers=None, **fields):
    return client.post(
        f"/act/{action}", data={"ticket": ticket, **FILLED, **fields}, headers=headers or OWN
    )


def act(client, action, **chosen):
    """Fill in a form as a person does, and return what the page says after it."""
    answer = send(client, action, see(client, action, **chosen)[1])
    assert answer.status_code == 303, read(answer.text)
    return read(client.get(f"/act/{answer.headers['location']}").text)


def read(text):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def events():
    with create_session() as session:
        return [event.extra for event in session.scalars(select(AssetEvent))]


def test_a_winner_is_promoted_by_its_verdict_and_what_waits_for_it_hears_of_it(here, ana):
    says, _ = see(ana, "promote", model="push_new")
    assert "Now b serves" in says
    assert "The gate promotes it: it won in the run of 2021-06-01" in says

    assert "push_new serves now in place of b." in act(ana, "promote", model="push_new")

    last = history(here)[-1]
    assert (last.model_name, last.kind, last.by) == (
        "push_new",
        "verdict",
        "ana, on Airflow's page, run one",
    )
    assert last.reason.startswith("It sells more. ")
    event = events()[-1]
    assert (event["model_name"], event["champion_before"], event["kind"], event["run_id"]) == (
        "push_new",
        "b",
        "verdict",
        "one",
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda models: move(models, "c"), "it won against b, and another model serves now"),
        (lambda models: [move(models, "c"), rollback(models, **FACTS)], "replaced since and came"),
        (lambda models: (models / "champion.json").write_text("{"), "champion.json is damaged"),
    ],
)
def test_a_verdict_that_no_longer_holds_promotes_by_force_alone(here, ana, change, why):
    change(here)

    says, _ = see(ana, "promote", model="push_new")

    assert why in says
    assert "this promotion is forced" in says
    act(ana, "promote", model="push_new")
    assert (history(here)[-1].kind, history(here)[-1].reason) == ("forced", "It sells more.")


def test_a_model_that_no_run_has_judged_is_forced_and_the_next_run_may_replace_it(here, ana):
    schedule(is_paused=False)

    says, _ = see(ana, "promote", model="c")

    assert "The gate does not promote c: no run has judged it." in says
    assert "compares its challenger with c and replaces it if the challenger wins." in says
    act(ana, "promote", model="c")
    assert events()[-1] == {
        "model_name": "c",
        "model_path": str(here / "c"),
        "champion_before": "b",
        "kind": "forced",
        "by": "ana, on Airflow's page",
        "reason": "It sells more.",
    }


def test_a_run_that_goes_on_is_named(here, ana, monkeypatch):  # noqa: ARG001 - her page shows it
    going_on = database.Schedule(None, is_paused=True, is_running=True)
    monkeypatch.setattr(database, "read_schedule", lambda: going_on)

    for action in ("promote", "rollback"):
        assert "A run goes on." in see(ana, action, model="c")[0]


def test_a_paused_dag_replaces_nothing(here, ana):  # noqa: ARG001 - her page shows it
    schedule(is_paused=True)

    assert "is paused or not scheduled, so no scheduled run" in see(ana, "promote", model="c")[0]


def test_a_rollback_goes_where_the_form_said(here, ana):
    says, _ = see(ana, "rollback")
    assert "a will serve again. Now b serves" in says

    assert "a serves now in place of b." in act(ana, "rollback")

    last = history(here)[-1]
    assert (last.model_name, last.kind, last.by) == ("a", "rollback", "ana, on Airflow's page")
    assert events()[-1]["kind"] == "rollback"


def test_a_rollback_repairs_a_damaged_pointer(here, ana):
    (here / "champion.json").write_text("{")

    act(ana, "rollback", to="a")

    assert champion(here).model_name == "a"


@pytest.mark.parametrize("day", ["", "2026-03-04"])
def test_a_run_starts_once_for_a_form_and_names_who_wanted_it(here, ana, day):  # noqa: ARG001 - her page shows it
    _, ticket = see(ana, "retrain", run_date=day, promotion="never")

    first, second = (send(ana, "retrain", ticket) for _ in range(2))

    assert (first.status_code, second.status_code) == (303, 409)
    assert "Airflow started no run" in read(second.text)
    page = ana.get(f"/act/{first.headers['location']}").text
    link, run_id = re.search(r'href="([^"]+)">The run (\S+) in Airflow', page).groups()
    assert link.startswith("http://airflow.invalid/dags/push_retraining/runs/manual__")
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.run_id == run_id))
        assert (run.triggering_user_name, run.conf) == ("ana", {"promotion": "never"})
        assert find_run_date(run) == (date.fromisoformat(day) if day else run.run_after.date())
        assert run.note == "It sells more."


def test_only_the_models_that_were_shown_are_removed(here, ana):
    says, ticket = see(ana, "prune", keep="1")
    assert "1 model would go for good" in says
    make_store(here, ["d"])

    assert send(ana, "prune", ticket).status_code == 409
    assert "c" in model_names(here)

    assert "Removed: c, push_new. 3 stay." in act(ana, "prune", keep="1")
    assert model_names(here) == ("a", "b", "d")


def test_a_test_message_says_what_came_of_it_channel_by_channel(here, ana, monkeypatch):  # noqa: ARG001 - her page shows it
    monkeypatch.delenv("PUSH_MAIL_TO", raising=False)

    said = act(ana, "message")

    assert "chat" in said.lower()
    assert "mail" in said.lower()


def test_what_was_done_is_in_the_audit_log(here, ana):  # noqa: ARG001 - her page shows it
    act(ana, "prune", keep="1")

    with create_session() as session:
        last = session.scalars(select(Log).order_by(Log.id.desc())).first()
        assert (last.event, last.owner, last.dag_id) == (
            "push_models.prune",
            "ana",
            "push_retraining",
        )
        assert "It sells more." in last.extra


@pytest.mark.parametrize(("action", "chosen"), [("promote", {"model": "c"}), ("rollback", {})])
def test_of_two_people_at_once_the_second_is_told_who_changed_it_to_what(here, ana, action, chosen):
    ben = sign_in("ben")
    seen = see(ben, action, **chosen)[1]
    act(ana, "promote", model="push_new")

    answer = send(ben, action, seen)

    assert answer.status_code == 409
    assert "push_new serves now. ana, on Airflow's page, run one made it so" in read(answer.text)
    assert champion(here).model_name == "push_new"


@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_a_change_between_look_and_move_is_a_conflict(here, ana, monkeypatch, action):
    """The store itself compares: what the page has read may be old by then."""
    _, ticket = see(ana, action, **({"model": "push_new"} if action == "promote" else {}))
    chosen = forms.ACTIONS[action]

    def late(*given):
        move(here, "c")
        return chosen.act(*given)

    monkeypatch.setitem(forms.ACTIONS, action, chosen._replace(act=late))

    answer = send(ana, action, ticket)

    assert answer.status_code == 409
    assert "c serves now. test made it so" in read(answer.text)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"reason": " \n "}, "Say in a sentence why"),
        ({"reason": "x" * 501}, "at most 500 letters"),
        ({"confirmed": ""}, "Tick the box"),
    ],
)
def test_nothing_happens_without_a_reason_and_a_confirmation(here, ana, fields, says):
    answer = send(ana, "rollback", see(ana, "rollback")[1], **fields)

    assert answer.status_code == 422
    assert says in read(answer.text)
    assert "a will serve again" in read(answer.text)
    assert champion(here).model_name == "b"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.invalid"},
        {"origin": "null"},
        {"origin": "http://airflow.invalid.evil.invalid"},
        {"referer": "https://evil.invalid/http://airflow.invalid"},
        {"origin": "https://evil.invalid", "referer": f"{BASE}/act/rollback"},
        {"x": "neither"},
    ],
)
def test_a_form_that_another_site_sends_is_refused(here, ana, headers):
    answer = send(ana, "rollback", see(ana, "rollback")[1], headers=headers)

    assert answer.status_code == 403
    assert "another site sent this form" in read(answer.text)
    assert champion(here).model_name == "b"


def test_a_form_is_for_one_person_one_action_and_one_hour(here, ana, monkeypatch):
    _, ticket = see(ana, "rollback")

    for client, action, taken, says in (
        (sign_in("ben"), "rollback", ticket, "for another person"),
        (ana, "promote", ticket, "for another person"),
        (ana, "rollback", f"{ticket}x", "not of this page"),
        (ana, "rollback", "", "not of this page"),
    ):
        answer = send(client, action, taken)
        assert (answer.status_code, says in read(answer.text)) == (403, True)

    monkeypatch.setattr(forms, "_TICKET_MAX_AGE_S", -1)
    answer = send(ana, "rollback", ticket)
    assert (answer.status_code, "older than an hour" in read(answer.text)) == (403, True)
    assert champion(here).model_name == "b"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        *((f"promote?model={quote(name)}", 422) for name in NOT_NAMES[1:6]),
        ("rollback?to=c", 422),
        ("retrain?run_date=yesterday", 422),
        ("retrain?run_date=9999-12-31", 422),
        ("retrain?promotion=always", 422),
        ("prune?keep=0", 422),
        ("prune?keep=x", 422),
        ("nothing", 404),
        ("done", 404),
        ("done?said=forged", 404),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_sentence(here, ana, address, code):
    answer = ana.get(f"/act/{address}")

    assert answer.status_code == code
    assert str(here.parent) not in answer.text


def test_what_cannot_be_done_has_no_form(here, ana):
    (here / "c" / "model.json").write_text("{}")

    for chosen, says in (
        ({}, "Choose a model."),
        ({"model": "b"}, "b is the champion already."),
        ({"model": "c"}, "c is damaged"),
    ):
        text, ticket = see(ana, "promote", **chosen)
        assert (says in text, ticket) == (True, None)


def test_an_asset_that_is_not_updated_is_said_and_undoes_nothing(here, ana, monkeypatch):
    def fail(**_):
        raise OSError(5, "database is locked")

    monkeypatch.setattr(database.asset_manager, "register_asset_change", fail)

    said = act(ana, "rollback")

    assert "a serves now" in said
    assert "The asset push_champion was not updated (OSError)" in said
    assert champion(here).model_name == "a"


def test_a_disk_that_refuses_is_a_sentence(here, ana, monkeypatch):
    _, ticket = see(ana, "rollback")

    def fail(*_, **__):
        raise OSError(28, "No space left on device", str(here))

    monkeypatch.setattr("push_model.store.promotion.write_champion", fail)
    answer = send(ana, "rollback", ticket)

    assert answer.status_code == 503
    assert "refused: No space left on device." in read(answer.text)
    assert str(here) not in answer.text


def test_every_action_is_listed_and_shows_its_form(here, ana):  # noqa: ARG001 - her page shows it
    text = ana.get("/act").text

    for name, action in forms.ACTIONS.items():
        assert f'href="./act/{name}">{action.title}' in text
        assert ana.get(f"/act/{name}").status_code == 200


@pytest.mark.parametrize("action", ["promote", "rollback", "prune"])
def test_an_empty_installation_has_nothing_to_change(here, ana, action):
    shutil.rmtree(here)

    answer = ana.get(f"/act/{action}")

    assert (answer.status_code, 'name="ticket"' in answer.text) == (200, False)


def schedule(*, is_paused):
    with create_session() as session:
        session.get(DagModel, "push_retraining").is_paused = is_paused
