"""A person triggers a run in a real browser on a real Airflow; its pictures are those of the docs.

``PUSH_SCREENSHOTS=docs/images pytest tests/dags/test_form_in_browser.py`` takes them anew.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import expect, sync_playwright

from push_ops.local import standalone
from push_ops.local.network import HOST
from tests.frames import make_frame

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# Without these a browser that nobody watches asks the network for updates all the time.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A busy machine is late with everything.
RUN_TIMEOUT_S = 600
PAGE_TIMEOUT_MS = 120_000
OWN = {"model": "boosted_trees", "iterations": 20}

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on the PATH"),
]


def run(*command):
    subprocess.run(list(map(str, command)), check=True, timeout=400)


@pytest.fixture
def airflow(tmp_path, monkeypatch):
    """An Airflow of its own: its address, and how to log in."""
    home = tmp_path / "airflow"
    home.mkdir()
    make_frame(orders=400).to_csv(tmp_path / "frame.csv", index=False)
    (tmp_path / "policy.json").write_text('{"max_days_since_newest_order": 36500}')
    for name, value in {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__PARALLELISM": 2,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PUSH_DATASET": tmp_path / "frame.csv",
        "PUSH_POLICY": tmp_path / "policy.json",
        "PUSH_RUNS_DIR": tmp_path / "runs",
        "PUSH_MODELS_DIR": tmp_path / "models",
    }.items():
        monkeypatch.setenv(name, str(value))
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    run(Path(sys.executable).with_name("airflow"), "db", "migrate")
    try:
        run(sys.executable, "-m", "push_ops.local.standalone", "up", "--port", port)
        password = json.loads((home / "passwords.json").read_text())[standalone.USER]
        yield f"http://{HOST}:{port}", password
    finally:
        run(sys.executable, "-m", "push_ops.local.standalone", "down")


@pytest.fixture
def page(airflow):
    address, password = airflow
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 1500})
        page.set_default_timeout(PAGE_TIMEOUT_MS)
        expect.set_options(timeout=PAGE_TIMEOUT_MS)
        page.goto("/dags/push_retraining")
        page.locator("input[name=username]").fill(standalone.USER)
        page.locator("input[type=password]").fill(password)
        page.keyboard.press("Enter")
        yield page
        browser.close()


def picture(locator, name):
    if folder := os.environ.get("PUSH_SCREENSHOTS"):
        locator.screenshot(path=Path(folder) / f"push_retraining_{name}.png")


def submit(form):
    """Leave the editor, which hands on its text only then, and press the button until it takes.

    A press that lands while the form still redraws is lost. While one is under way the button
    takes no other, so that no second run starts; the form may close late, and in the midst of
    the wait for the button.
    """
    form.get_by_role("heading", name="Trigger Dag").click()
    for _ in range(6):
        with suppress(PlaywrightTimeoutError):
            form.get_by_test_id("trigger-dag-submit").click(timeout=10_000)
        with suppress(PlaywrightTimeoutError):
            form.wait_for(state="hidden", timeout=10_000)
            return
    expect(form).to_be_hidden()


def wait_for_end(page):
    """Give the run that was triggered by hand, once it ended."""
    deadline = time.monotonic() + RUN_TIMEOUT_S
    while time.monotonic() < deadline:
        answer = page.request.get("/api/v2/dags/push_retraining/dagRuns?run_type=manual")
        (dag_run,) = answer.json()["dag_runs"]
        if dag_run["state"] in {"success", "failed"}:
            return dag_run
        time.sleep(2)
    raise AssertionError(f"The run did not end in {RUN_TIMEOUT_S} s.")


def test_a_run_triggered_in_the_form_ends_green_and_trains_what_was_typed_there(page, tmp_path):
    page.get_by_test_id("trigger-dag-button").click()
    form = page.get_by_role("dialog")
    form.locator("#element_model").click()
    page.get_by_text("Boosted trees, fast").click()
    expect(form.locator("#element_promotion")).to_contain_text("promote when the verdict says so")
    expect(form.locator(".monaco-editor").first).to_be_visible()  # its script comes late
    picture(form, "form")
    form.locator(".monaco-editor").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(json.dumps(OWN))
    page.keyboard.press("Control+Shift+End")  # the editor closed brackets and quotes itself
    page.keyboard.press("Delete")

    submit(form)
    dag_run = wait_for_end(page)

    assert dag_run["state"] == "success"
    assert dag_run["conf"]["model"] == "boosted_trees_fast"
    assert dag_run["conf"]["model_parametrisation"] == OWN
    asked = [json.loads(fit.read_text())["event"] for fit in (tmp_path / "runs").rglob("fit.json")]
    assert 20 in {event["model_parametrisation"]["iterations"] for event in asked}
    assert (tmp_path / "models" / "champion.json").exists()
    # Sized first: a busy machine that is still drawing the graph may lose it to a new size.
    page.set_viewport_size({"width": 1280, "height": 600})
    page.goto(f"/dags/push_retraining/runs/{dag_run['dag_run_id']}")
    page.get_by_label("Show Graph (Press g)").click()
    promote = page.locator(".react-flow__node").filter(has_text="promote")
    expect(promote).to_contain_text(re.compile("success|skipped"))
    picture(page.locator("body"), "graph")
