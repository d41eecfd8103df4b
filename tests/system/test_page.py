"""The page "Push models" in a browser, on the Airflow of `make up`, once for all of these."""

import json
import re
from contextlib import contextmanager
from urllib.parse import unquote

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from push_model.store.promotion import champion, rollback
from tests.standalone.test_make_up import (
    CHROMIUM,
    DAG,
    OWN,
    PAGE_TIMEOUT_MS,
    QUIET,
    Checkout,
    api,  # noqa: F401 - a fixture
    password,  # noqa: F401 - a fixture
    trigger,
    wait_for_end,
)
from tests.status import installed
from tests.stores import FACTS, move
from tests.waiting import wait_until

ROLES = {"admin": "admin", "ben": "op", "vera": "viewer"}
SECRET = "of-a-test"  # pragma: allowlist secret
SETTINGS = {
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(map(":".join, ROLES.items())),
    # Tokens for the shell end at once here, so that one can be seen to have ended.
    "AIRFLOW__API_AUTH__JWT_CLI_EXPIRATION_TIME": "1",
    "AIRFLOW__API_AUTH__JWT_LEEWAY": "0",
}
PAGES = ("", "runs", "compare", "drift", "models", "history", "act", "act/done", "nothing")
FORMS = ("act/promote", "act/rollback", "act/retrain", "act/prune", "act/message")
STATES = {
    "kept three days": installed.kept_three_days,
    "damaged": installed.damaged,
    "failed": lambda place: (installed.drifted(place), place.fail(10, "train")),
    "nothing yet": lambda _: None,
}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, request):
    assert CHROMIUM, "The system tests need a Chromium."
    databases = request.config.cache.mkdir("airflow")
    checkout = Checkout(tmp_path_factory.mktemp("checkout"), databases)
    logins = checkout.folder / ".airflow" / "passwords.json"
    logins.parent.mkdir(mode=0o700, exist_ok=True)
    logins.write_text(json.dumps(dict.fromkeys(ROLES, SECRET)))
    with checkout.run(**SETTINGS):
        yield checkout


@pytest.fixture(scope="module")
def store(airflow, api):  # noqa: F811 - the fixture
    """The folder of models after two runs; no verdict still holds, for the champion came back."""
    first = trigger(api, model="boosted_trees_fast", model_parametrisation=OWN)
    other = {"model": "logistic_regression"}
    second = trigger(api, promotion="never", model_parametrisation=other)
    for run_id in (first, second):
        assert wait_for_end(api, run_id)["state"] == "success"
    models = airflow.folder / "models"
    move(models, name_two(models)[1])
    rollback(models, **FACTS)
    return models


def name_two(models):
    """The champion, and the other model."""
    serving = champion(models).model_name
    (other,) = {path.parent.name for path in models.glob("*/model.json")} - {serving}
    return serving, other


@pytest.fixture
def two(store):
    return name_two(store)


@pytest.fixture(scope="module")
def browser():
    expect.set_options(timeout=PAGE_TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def signed_in(browser, airflow, user, **options):
    """A page of a browser in which a person signed in by Airflow's own form."""
    with browser.new_context(
        base_url=airflow.address, viewport={"width": 1280, "height": 1500}, **options
    ) as context:
        page = context.new_page()
        page.set_default_timeout(PAGE_TIMEOUT_MS)
        page.goto("/")
        page.locator("input[name=username]").fill(user)
        page.locator("input[type=password]").fill(SECRET)
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="Push", exact=True)).to_be_visible()
        yield page


@pytest.fixture
def page(browser, airflow, store):  # noqa: ARG001 - the page shows it
    with signed_in(browser, airflow, "admin") as page:
        yield page


def look(page, action, **chosen):
    """Open the form of an action, and fill it in."""
    page.goto(f"/push-models/act/{action}")
    for label, value in chosen.items():
        page.get_by_label(label, exact=True).select_option(value)
    if chosen:
        page.get_by_role("button", name="Show what will happen").click()
    page.get_by_label("Reason, for the log").fill("It sells more.")
    page.get_by_role("checkbox").check()


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def cookie(address, token):
    return {"name": "_token", "value": token, "url": address}


def test_a_person_goes_from_airflow_to_the_page_and_compares_two_models(page, two):
    page.goto("/")
    page.get_by_role("link", name="Push", exact=True).click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text(f"{two[0]} serves since")).to_be_visible()
    expect(page).to_have_url(re.compile("/plugin/push-models"))

    frame.get_by_role("link", name="Compare", exact=True).click()
    frame.get_by_label("First model").select_option(two[0])
    frame.get_by_label("Second model").select_option(two[1])
    frame.get_by_role("button", name="Compare").click()

    # A comparison is a process: its page comes back by itself once that has ended.
    expect(frame.get_by_role("link", name="Compare others")).to_be_visible()
    for name in two:
        expect(frame.get_by_text(name).first).to_be_visible()


def test_the_tab_of_a_run_shows_its_verdict(page, api):  # noqa: F811 - the fixture
    (run, *_) = api.get(f"/{DAG}/dagRuns").raise_for_status().json()["dag_runs"]

    page.goto(f"/dags/{DAG}/runs/{run['dag_run_id']}")
    page.get_by_role("link", name="Verdict").click()

    heading = page.frame_locator("iframe").get_by_role("heading", name="Run of", level=1)
    expect(heading).to_be_visible()


def test_a_model_is_promoted_by_force_within_airflow_and_rolled_back(page, store, two, airflow):
    page.goto("/plugin/push-models")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Act", exact=True).click()
    frame.get_by_role("link", name="Promote a model").click()
    frame.get_by_label("Model", exact=True).select_option(two[1])
    frame.get_by_role("button", name="Show what will happen").click()
    expect(frame.get_by_text("So this promotion is forced")).to_be_visible()
    press(frame, "Promote without a verdict")
    assert champion(store).model_name == two[0]  # the browser itself asks for a reason
    frame.get_by_label("Reason, for the log").fill("It sells more.")
    frame.get_by_role("checkbox").check()
    press(frame, "Promote without a verdict")
    expect(frame.get_by_text(f"{two[1]} serves now in place of {two[0]}.")).to_be_visible()
    expect(frame.get_by_text("The asset push_champion was updated")).to_be_visible()
    forced = champion(store)
    assert (forced.model_name, forced.kind, forced.by) == (
        two[1],
        "forced",
        "admin, on Airflow's page",
    )

    look(page, "rollback")
    press(page, "Roll back")

    expect(page.get_by_text(f"{two[0]} serves now in place of {two[1]}.")).to_be_visible()
    assert (champion(store).model_name, champion(store).kind) == (two[0], "rollback")
    events = httpx.get(
        f"{airflow.address}/api/v2/assets/events",
        params={"order_by": "-timestamp"},
        cookies={"_token": token_of(airflow, "admin")},
        timeout=300,
    ).json()["asset_events"]
    assert [event["extra"].get("kind") for event in events[:2]] == ["rollback", "forced"]


def test_a_run_that_the_page_starts_waits_in_airflow_for_its_turn(page, api):  # noqa: F811 - the fixture
    api.patch(f"/{DAG}", json={"is_paused": True}).raise_for_status()
    try:
        look(page, "retrain")
        press(page, "Start the run")
        link = page.locator(f"main a[href*='/dags/{DAG}/runs/']").get_attribute("href")
        run_id = unquote(link.rpartition("/")[2])
        run = api.get(f"/{DAG}/dagRuns/{run_id}").raise_for_status().json()
        assert (run["state"], run["triggering_user_name"]) == ("queued", "admin")
        assert run["note"] == "It sells more."
        api.delete(f"/{DAG}/dagRuns/{run_id}").raise_for_status()
    finally:
        api.patch(f"/{DAG}", json={"is_paused": False}).raise_for_status()


def test_of_two_people_the_second_is_told(browser, airflow, page, store, two):
    with signed_in(browser, airflow, "ben") as late:
        for each in (page, late):
            look(each, "promote", Model=two[1])
        press(page, "Promote without a verdict")
        expect(page.get_by_text(f"{two[1]} serves now")).to_be_visible()

        press(late, "Promote without a verdict")

        expect(late.get_by_text("Nothing was done")).to_contain_text("admin, on Airflow's page")
        assert champion(store).by == "admin, on Airflow's page"
    look(page, "rollback")
    press(page, "Roll back")
    expect(page.get_by_text(f"{two[0]} serves now in place of {two[1]}.")).to_be_visible()


def test_a_viewer_reads_everything_and_changes_nothing(browser, airflow, store, two):
    with signed_in(browser, airflow, "vera") as page:
        for address in PAGES[:-2]:
            assert page.goto(f"/push-models/{address}").status == 200
        for address in FORMS:
            answer = page.goto(f"/push-models/{address}")
            assert answer.status == 403
            expect(page.get_by_text("your account may not")).to_be_visible()
        posted = page.request.post(
            "/push-models/act/rollback",
            form={"reason": "mine", "confirmed": "yes"},
            headers={"origin": airflow.address},
        )
    assert posted.status == 403
    assert champion(store).model_name == two[0]


def token_of(airflow, user):
    return airflow.log_in(SECRET, user).raise_for_status().json()["access_token"]


def test_without_a_sound_token_the_page_says_to_sign_in(browser, airflow, store):  # noqa: ARG001
    asked = {"username": "admin", "password": SECRET}
    ended = httpx.post(f"{airflow.address}/auth/token/cli", json=asked, timeout=300)
    ended = ended.raise_for_status().json()["access_token"]
    status = f"{airflow.address}/push-models/status"

    def has_ended():
        return httpx.get(status, cookies={"_token": ended}, timeout=300).status_code == 401

    wait_until(has_ended, "the token ended")
    for token, code in ((None, 401), ("x.y.z", 403), (ended, 401)):
        for address in ("", "act/rollback"):
            with browser.new_context(base_url=airflow.address) as context:
                if token:
                    context.add_cookies([cookie(airflow.address, token)])
                page = context.new_page()
                assert page.goto(f"/push-models/{address}").status == code
                expect(page.get_by_text("Sign in to Airflow")).to_be_visible()


@pytest.mark.parametrize(
    ("site", "codes"),
    # Soon after the sign-in the browser lends the cookie even to the first; the second is always
    # the same site to it.
    [("http://evil.invalid", {401, 403}), ("http://127.0.0.1:9", {403})],
)
def test_a_form_on_another_site_is_refused_even_with_a_stolen_ticket(page, store, two, site, codes):
    look(page, "promote", Model=two[1])
    ticket = page.locator("input[name=ticket]").get_attribute("value")
    fields = {"ticket": ticket, "reason": "evil", "confirmed": "yes"}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    address = page.url.partition("?")[0]
    body = f'<form method="post" action="{address}">{inputs}<button>win</button></form>'
    page.route(f"{site}/**", lambda route: route.fulfill(body=body, content_type="text/html"))

    page.goto(f"{site}/")
    with page.expect_response("**/act/promote") as answer:
        page.get_by_role("button").click()

    assert answer.value.status in codes
    assert champion(store).model_name == two[0]


@pytest.fixture
def place(airflow, store, tmp_path):
    """A store and runs in place of those of the two runs, for as long as a test lasts."""
    own = [store, airflow.folder / "runs"]
    for path in own:
        path.rename(tmp_path / path.name)
    yield installed.Installation(airflow.folder)
    for path in own:
        path.rename(tmp_path / f"made {path.name}") if path.exists() else None
        (tmp_path / path.name).rename(path)


def faults_of(browser, airflow, addresses):
    """What axe finds on these pages, in Airflow's light and dark."""
    found = []
    for scheme in ("light", "dark"):
        # For the policy of the page lets no script in, axe's neither.
        with signed_in(browser, airflow, "admin", color_scheme=scheme, bypass_csp=True) as page:
            for address in addresses:
                page.goto(f"/push-models/{address}")
                for fault in Axe().run(page).response["violations"]:
                    nodes = [node["html"][:200] for node in fault["nodes"][:3]]
                    found.append((scheme, address, fault["impact"], fault["id"], nodes))
    return found


def test_axe_finds_nothing_on_the_pages_of_real_runs(browser, airflow, store, two):  # noqa: ARG001
    status = httpx.get(
        f"{airflow.address}/push-models/status",
        cookies={"_token": token_of(airflow, "admin")},
        timeout=300,
    ).json()
    own = [f"runs/{run['folder']}" for run in status["runs"][:2]]
    own += [f"models/{two[0]}/card", f"act/promote?model={two[1]}"]

    assert faults_of(browser, airflow, [*PAGES, *FORMS, *own]) == []


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_in_any_state(browser, airflow, place, state):
    STATES[state](place)

    runs = [f"runs/{run.folder}" for run in place.read().runs[:2]]
    assert faults_of(browser, airflow, [*PAGES[:6], "act/rollback", *runs]) == []
