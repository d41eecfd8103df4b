"""`make up` for real, once: its login, its page in a browser, a run by REST, and ctrl-C.

``PUSH_SCREENSHOTS=docs/images pytest tests/standalone`` takes the pictures of the docs.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import expect, sync_playwright

from tests.frames import make_frame
from tests.system.cluster.processes import members_of
from tests.waiting import LIMIT_S, free_port, wait_until

ROOT = Path(__file__).parents[2]
USER = "admin"
DAG = "push_retraining"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# Without these a browser asks the network for updates all the time.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGE_TIMEOUT_MS = 300_000
OWN = {"model": "boosted_trees", "iterations": 20}


class Checkout:
    """The project's files in another folder, where `make up` runs."""

    def __init__(self, folder, databases):
        self.folder = folder
        # A first run migrates an empty database, as for a newcomer; later runs save the seconds.
        for migrated in databases.glob(f"{version('apache-airflow')}.db"):
            (folder / ".airflow").mkdir(mode=0o700)
            shutil.copy(migrated, folder / ".airflow" / "airflow.db")
        for name in ("Makefile", "airflow.env", "requirements.txt", "pyproject.toml"):
            shutil.copy2(ROOT / name, folder)
        # No DAG file changes here: reading them again would be most of the work on a slow machine.
        settings = (folder / "airflow.env").read_text()
        (folder / "airflow.env").write_text(settings.replace("INTERVAL=15", "INTERVAL=3600"))
        for name in ("dags", "plugins", "scripts"):
            (folder / name).symlink_to(ROOT / name)
        (folder / ".venv").mkdir()
        for path in Path(sys.prefix).iterdir():
            if path.name != ".installed":
                (folder / ".venv" / path.name).symlink_to(path)
        (folder / ".venv" / ".installed").touch()
        make_frame(orders=400).to_csv(folder / "frame.csv", index=False)
        (folder / "policy.json").write_text('{"max_days_since_newest_order": 36500}')
        self.log, self.port = folder / "up.log", free_port()
        self.address = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def run(self, **environ):
        """Run it, and leave no process behind."""
        try:
            self._start(environ)
            yield self
            self._stop()
            assert self.processes() == []
        finally:
            for process in self.processes():
                process.kill()

    def _start(self, environ):
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AIRFLOW", "COV", "MAKE", "MFLAGS", "PUSH_"))
        }
        # Nothing runs but what a test asks for.
        kept |= {"AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False", "PUSH_POLICY": "policy.json"}
        kept |= environ
        # Where pytest itself runs in the background, ctrl-C would be ignored by all that it starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with self.log.open("wb") as output:
            self.make = subprocess.Popen(
                ["make", "up", f"PORT={self.port}", "DATASET=frame.csv"],
                cwd=self.folder,
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._is_ready, "Airflow was ready")

    def _is_ready(self):
        assert self.make.poll() is None, self.log.read_text()
        with suppress(httpx.HTTPError):
            health = httpx.get(f"{self.address}/api/v2/monitor/health", timeout=300).json()
            return all(part["status"] == "healthy" for part in health.values())
        return False

    def processes(self):
        return members_of(self.make.pid)

    def _stop(self):
        """Press ctrl-C, as a person at the terminal."""
        os.killpg(self.make.pid, signal.SIGINT)
        self.make.wait(timeout=LIMIT_S)

    def log_in(self, password, user=USER):
        asked = {"username": user, "password": password}
        return httpx.post(f"{self.address}/auth/token", json=asked, timeout=300)


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, request):
    databases = request.config.cache.mkdir("airflow")
    with Checkout(tmp_path_factory.mktemp("checkout"), databases).run() as checkout:
        yield checkout


@pytest.fixture(scope="module")
def password(airflow):
    return re.search(r"^ +password +(\S+)$", airflow.log.read_text(), flags=re.MULTILINE)[1]


@pytest.fixture(scope="module")
def api(airflow, password):
    token = airflow.log_in(password).raise_for_status().json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{airflow.address}/api/v2/dags", headers=headers) as client:
        client.timeout = 300
        wait_until(lambda: client.get(f"/{DAG}").is_success, "the DAG was read")
        client.patch(f"/{DAG}", json={"is_paused": False}).raise_for_status()
        yield client


def trigger(api, **form):
    asked = {"logical_date": None, "conf": form}
    return api.post(f"/{DAG}/dagRuns", json=asked).raise_for_status().json()["dag_run_id"]


def wait_for_end(api, run_id):
    def ended():
        run = api.get(f"/{DAG}/dagRuns/{run_id}").raise_for_status().json()
        return run if run["state"] in {"success", "failed"} else None

    return wait_until(ended, "the run ended")


def test_the_printed_login_lets_its_user_in_and_a_guess_does_not(airflow, password):
    assert airflow.log_in(password).is_success
    assert airflow.log_in("a guess").status_code == httpx.codes.UNAUTHORIZED
    assert f"address   {airflow.address}\n" in airflow.log.read_text()
    assert (airflow.folder / ".airflow" / "passwords.json").stat().st_mode & 0o077 == 0


def test_this_machine_alone_can_reach_it(airflow):
    listening = {
        found.laddr
        for process in airflow.processes()
        for found in process.net_connections()
        if found.status == psutil.CONN_LISTEN
    }

    assert listening == {("127.0.0.1", airflow.port)}


def test_a_run_started_by_rest_ends_with_a_champion(airflow, api):
    run_id = trigger(api, model="boosted_trees_fast", model_parametrisation=OWN)

    run = wait_for_end(api, run_id)

    assert run["state"] == "success"
    assert (airflow.folder / "models" / "champion.json").exists()


@pytest.fixture
def page(airflow, password, api):  # noqa: ARG001 - the DAG must have been read
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(base_url=airflow.address, viewport={"width": 1280, "height": 1500})
        page.set_default_timeout(PAGE_TIMEOUT_MS)
        expect.set_options(timeout=PAGE_TIMEOUT_MS)
        page.goto(f"/dags/{DAG}")
        page.locator("input[name=username]").fill(USER)
        page.locator("input[type=password]").fill(password)
        page.keyboard.press("Enter")
        yield page
        browser.close()


def picture(locator, name):
    if folder := os.environ.get("PUSH_SCREENSHOTS"):
        locator.screenshot(path=Path(folder) / f"push_retraining_{name}.png")


def submit(form):
    """Leave the editor, which hands on its text only then, and press the button until it takes.

    A press that lands while the form redraws is lost. While one is under way the button takes no
    other, so that no second run starts.
    """
    form.get_by_role("heading", name="Trigger Dag").click()

    def is_closed():
        with suppress(PlaywrightTimeoutError):
            form.get_by_test_id("trigger-dag-submit").click(timeout=10_000)
        with suppress(PlaywrightTimeoutError):
            form.wait_for(state="hidden", timeout=10_000)
        return not form.is_visible()

    wait_until(is_closed, "the form closed")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_what_is_typed_in_the_form_is_what_the_run_is_given(api, page):
    page.get_by_test_id("trigger-dag-button").click()
    form = page.get_by_role("dialog")
    form.locator("#element_model").click()
    page.get_by_text("Boosted trees, fast").click()
    picture(form, "form")
    form.get_by_role("button", name="Advanced (JSON)").click()
    expect(form.locator(".monaco-editor").first).to_be_visible()  # its script comes late
    form.locator(".monaco-editor").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(json.dumps(OWN))
    page.keyboard.press("Control+Shift+End")  # the editor closed brackets and quotes itself
    page.keyboard.press("Delete")

    submit(form)

    newest = {"order_by": "-id", "limit": 1}
    (run,) = api.get(f"/{DAG}/dagRuns", params=newest).raise_for_status().json()["dag_runs"]
    assert run["conf"]["model"] == "boosted_trees_fast"
    assert run["conf"]["model_parametrisation"] == OWN
    if "PUSH_SCREENSHOTS" in os.environ:
        picture_of_the_graph(page, wait_for_end(api, run["dag_run_id"]))


def picture_of_the_graph(page, run):
    # Sized first: a busy machine that is still drawing the graph may lose it to a new size.
    page.set_viewport_size({"width": 1280, "height": 600})
    page.goto(f"/dags/{DAG}/runs/{run['dag_run_id']}")
    page.get_by_label("Show Graph (Press g)").click()
    promote = page.locator(".react-flow__node").filter(has_text="promote")
    expect(promote).to_contain_text(re.compile("success|skipped"))
    picture(page.locator("body"), "graph")


def test_a_second_one_on_the_same_port_is_refused(airflow):
    done = subprocess.run(
        ["make", "up", f"PORT={airflow.port}", "DATASET=frame.csv"],
        cwd=airflow.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert f"make up PORT={airflow.port + 1}" in done.stderr
