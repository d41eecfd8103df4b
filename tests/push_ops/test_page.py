import json
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from time import monotonic

import pytest
from fastapi.testclient import TestClient

from push_model.errors import DatasetError
from push_ops.page import app, comparing
from tests.frames import make_frame
from tests.past_runs import write_run
from tests.status import installed
from tests.stores import NOT_NAMES
from tests.undrawn import undrawn

TABS = ("", "runs", "compare", "drift", "models", "history")
STATES = {
    "healthy": installed.healthy,
    "kept three days": installed.kept_three_days,
    "damaged": installed.damaged,
    "drifted": installed.drifted,
    "rolled back": installed.rolled_back,
    "pointer damaged": installed.pointer_damaged,
    "forced": installed.forced,
    "failed": lambda place: (installed.healthy(place), place.fail(10, "train")),
    "nothing yet": lambda _: None,
}
# What the first page says, state by state; the status has tests of its own.
SAYS = {
    "healthy": ("push_b serves since 2026-01-09", ">promoted<", "No: all 1 features"),
    "kept three days": ("push_a serves since", "3 days in a row", ">kept<"),
    "damaged": (">damaged<", "push_b/model.json does not match its manifest", ">failing<"),
    "drifted": ("Yes: 1 of 2 features have changed since its training: discount_pct", ">kept<"),
    "rolled back": ("Rolled back, by ada: complaints",),
    "pointer damaged": ("does not name a champion",),
    "forced": ("Forced without a verdict, by ada: the rule is wrong",),
    "failed": (">failed<", "Failed step: train. frame.csv breaks 1 rule.", "Fix the dataset"),
    "nothing yet": ("no model was promoted yet", "No run has started yet."),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    place = installed.Installation(tmp_path)
    monkeypatch.setenv("PUSH_MODELS_DIR", str(place.models))
    monkeypatch.setenv("PUSH_RUNS_DIR", str(place.runs))
    monkeypatch.setenv("PUSH_MAX_AGE_DAYS", "36500")  # the models are of long ago
    return place


@pytest.fixture(scope="module")
def page():
    """The page, for somebody who may read it; tests/dags has those who may not."""
    made = app.make_app()
    made.dependency_overrides[app.may_read] = lambda: None
    return TestClient(made, raise_server_exceptions=False)


@pytest.fixture
def quick():
    with undrawn():
        yield


def read(place):
    """The status as the page reads it now."""
    return place.read(now=datetime.now(UTC), max_age_days=36500)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("state", STATES)
def test_the_first_page_answers_without_a_click(place, page, state):
    STATES[state](place)

    text = page.get("/").text

    for words in (f"What to do: {read(place).next_step}", *SAYS[state]):
        assert words.replace("'", "&#39;") in text


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("state", STATES)
def test_every_page_has_its_landmarks_its_policy_and_no_path_of_the_server(place, page, state):
    STATES[state](place)
    runs = [f"runs/{run.folder}" for run in place.read().runs]

    for address in (*TABS, *runs):
        answer = page.get(f"/{address}")
        assert answer.status_code == 200
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert len(re.findall(r"<h1|<main|aria-current", answer.text)) == 3
        assert str(place.models.parent) not in answer.text


def test_the_json_is_the_status(place, page):
    installed.healthy(place)

    found = page.get("/status").json()

    expected = json.loads(json.dumps(read(place).document()))
    assert {**found, "at": ""} == {**expected, "at": ""}


@pytest.mark.parametrize("name", [name for name in NOT_NAMES if name not in {"", ".", ".."}])
def test_a_name_in_an_address_never_becomes_a_path(place, page, name):
    installed.healthy(place)
    (place.models.parent / "card.html").write_text("outside")
    quoted = "".join(f"%{byte:02x}" for byte in name.encode("utf-8", "replace")[:2000])

    for address in (f"/runs/{quoted}", f"/models/{quoted}/card", f"/compare?a={quoted}&b=push_b"):
        answer = page.get(address)
        assert answer.status_code == 404
        assert "outside" not in answer.text


def test_the_card_of_a_model_is_served_as_it_lies_in_the_store_with_a_way_back(place, page):
    installed.healthy(place)
    (place.models / "push_b" / "card.html").write_text('<p class="kind">Model card</p>')

    answer = page.get("/models/push_b/card")

    assert '<a href="../../models">' in answer.text
    assert answer.text.endswith('<p class="kind">Model card</p>')
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert page.get("/models/push_a/card").status_code == 404


def test_a_card_that_leads_out_of_the_store_or_is_no_text_is_not_shown(place, page):
    installed.healthy(place)
    outside = place.models.parent / "outside.html"
    outside.write_text("outside")
    (place.models / "push_a" / "card.html").symlink_to(outside)
    (place.models / "push_b" / "card.html").write_bytes(b"\xff")

    for name in ("push_a", "push_b"):
        assert page.get(f"/models/{name}/card").status_code == 404


def test_the_tab_of_a_run_leads_to_its_verdict(place, page):
    installed.healthy(place)
    run = place.read().newest

    found = page.get("/run", params={"dag_id": "push_retraining", "run_id": run.run_id})

    assert found.url.path == f"/runs/{run.folder}"
    assert found.status_code == 200
    for dag_id, run_id in (("push_retraining", "later"), ("other", run.run_id)):
        answer = page.get("/run", params={"dag_id": dag_id, "run_id": run_id})
        assert answer.status_code == 404
        assert "verdict" in answer.text


def test_a_year_of_runs_is_one_light_page_whose_points_lead_to_verdicts(place, page):
    first = date(2025, 1, 1)
    for number in range(365):
        run_date = str(first + timedelta(days=number))
        names = (f"push_{run_date.replace('-', '_')}", "push_a")
        write_run(place.runs, f"scheduled__{run_date}", run_date, names=names, champion=0.29)

    text = page.get("/runs").text

    assert len(set(re.findall('<a href="(runs/[^"]+)" tabindex', text))) == 365
    assert len(text.encode()) < 300_000
    assert "Runs 1 to 30 of 365" in text
    older = page.get("/runs?page=13").text
    assert "scheduled__2025-01-01" in older
    assert "Older runs" not in older


def test_two_models_are_compared_in_a_process_of_its_own_and_what_it_refuses_is_said(place, page):
    installed.healthy(place)
    place.fail(10, "train")
    frame = make_frame(orders=20)
    newest = place.runs / installed.id_of(10)
    frame.to_parquet(newest / "large_orders.parquet")

    first = page.get("/compare?a=push_a&b=push_b")
    app._COMPARISONS._work.process.wait()
    text = page.get("/compare?a=push_a&b=push_b").text

    assert first.headers["Refresh"] == "3"
    assert "<strong>push_a holds no evaluated model" in text
    assert "two different" in page.get("/compare?a=push_a&b=push_a").text


def test_a_comparison_that_hangs_is_stopped_and_lets_the_next_one_begin(tmp_path, monkeypatch):
    frame, hangs = (
        tmp_path / "frame.parquet",
        [sys.executable, "-c", "import time; time.sleep(999)"],
    )
    frame.touch()
    started = []

    def start(page, *_):
        started.append(page)
        process = subprocess.Popen(hangs)
        return comparing._Work(page, monotonic(), process, (tmp_path / "said").open("w+"))

    monkeypatch.setattr(comparing, "_start", start)
    monkeypatch.setattr(comparing, "_MOST_S", 0.0)
    found = comparing.Comparisons()

    assert found.find(frame, ("a", "b"), models_dir=tmp_path) is None
    with pytest.raises(DatasetError, match=r"It was stopped\."):
        found.find(frame, ("a", "b"), models_dir=tmp_path)
    assert found.find(frame, ("b", "a"), models_dir=tmp_path) is None
    found._work.process.kill()
    found._work.process.wait()
    found._work.said.close()
    found._folder.cleanup()
    assert len({*started}) == 2


def test_models_are_compared_on_the_orders_of_the_newest_run_and_of_no_backfill(place):
    installed.healthy(place)
    for day, run in ((11, "backfill__2026-01-01"), (9, installed.id_of(9))):
        names = ("push_b", "push_a")
        folder = write_run(place.runs, run, "2026-01-01", decision="keep", names=names)
        (folder / "large_orders.parquet").touch()
        for trace in folder.iterdir():
            installed.at(trace, day)

    found = comparing.find_frame(place.read(), place.runs)

    assert found.parent.name == installed.id_of(9)


def test_of_the_comparisons_the_newest_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(comparing, "_MOST_KEPT", 2)
    for age, name in enumerate(("new.html", "older.html", "oldest.html")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age,) * 2)

    comparing.Comparisons._forget_the_oldest(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["new.html"]


def test_an_installation_without_settings_is_told_which_one(page, monkeypatch):
    monkeypatch.delenv("PUSH_MODELS_DIR", raising=False)

    answer = page.get("/")

    assert answer.status_code == 503
    assert "PUSH_MODELS_DIR is not set." in answer.text
