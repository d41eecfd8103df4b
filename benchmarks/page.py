"""Measure the page "Push models" after a year of runs, beside Airflow's own grid of them.

    PYTHONPATH=.:plugins python benchmarks/page.py

Runs `make up` on a store of 60 models and 365 runs, and asks it by Chromium. A page is there when
its answer can be read; the grid, once its button is there. Cold is the first time since Airflow
started, with the browser's cache empty; warm is the median of the next ones. The grid has none of
the runs, which is the best case for it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Page, sync_playwright

from push_model.columns import FEATURES
from push_model.store.promotion import promote
from push_model.testing import make_model
from push_model.training.gate.verdict import FeatureDrift
from tests.past_runs import write_run
from tests.standalone.test_make_up import CHROMIUM, DAG, QUIET, USER, Checkout
from tests.waiting import wait_until

# One of 30 challengers wins. The newest 48 models and the 12 older champions are kept.
DAYS, NEWEST, EVERY = 365, 48, 30
PASSWORD = "of-a-benchmark"  # noqa: S105 - of an Airflow that this machine alone reaches
GRID = "Airflow's grid of the DAG"
# Where each page is, and what a person reads on it; in a frame or not.
PAGES = {
    "Now": ("/push-models/", ".answer", False),
    "Runs": ("/push-models/runs", "figure svg", False),
    "Now, within Airflow": ("/plugin/push-models", ".answer", True),
    GRID: (f"/dags/{DAG}", "[data-testid=trigger-dag-button]", False),
}
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
SINCE = "performance.now()"
SIZES = "performance.getEntries().reduce((sum, one) => sum + (one.transferSize || 0), 0)"
IMPORT = """
import sys, time
from airflow import plugins_manager
before, start = set(sys.modules), time.perf_counter()
import push_models
print(time.perf_counter() - start, len(set(sys.modules) - before))
"""


class Visit(NamedTuple):
    """What one visit took: milliseconds until the first paint and the answer, and kB sent."""

    paint_ms: float
    answer_ms: float
    kb: float


def main() -> None:
    """Print what a visit of each page takes, and what the plugin costs every other process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    print_import(repeats)
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout(Path(folder), Path(folder))
        fill(checkout.folder)
        with checkout.run(), signed_in(checkout.address) as page:
            cold = {name: visit(page, name) for name in PAGES}
            warm: dict[str, list[Visit]] = {name: [] for name in PAGES}
            for _ in range(repeats):
                for name, visits in warm.items():
                    visits.append(visit(page, name))
    print_visits("cold", cold)
    medians = {
        name: Visit(*map(statistics.median, zip(*visits, strict=True)))
        for name, visits in warm.items()
    }
    print_visits(f"warm, median of {repeats}", medians)


def fill(folder: Path) -> None:
    """Make the models and the runs of a year, a promotion a month among them."""
    logins = folder / ".airflow" / "passwords.json"
    logins.parent.mkdir(mode=0o700, exist_ok=True)
    logins.write_text(json.dumps({USER: PASSWORD}))
    models, runs, serving = folder / "models", folder / "runs", None
    drift = tuple(_still(feature) for feature in FEATURES)
    today = datetime.now(UTC).date()
    for age in reversed(range(DAYS)):
        day, wins = today - timedelta(days=age), age % EVERY == 0
        name = f"push_{day:%Y_%m_%d}"
        facts: dict[str, Any] = {"champion": 0.29 + age % 7 / 99 if serving else None}
        facts |= {"decision": "promote" if wins else "keep", "precision": 0.3 + age % 11 / 99}
        write_run(runs, f"scheduled__{day}", str(day), names=(name, serving), drift=drift, **facts)
        if wins or age < NEWEST:
            make_model(models, name, trained_on=str(day), promoted=False)
        if wins:
            by = {"by": f"scheduled, run scheduled__{day}", "promoted_at": f"{day}T05:10:00+00:00"}
            promote(
                models, name, expected=serving, verdict={"decision": "promote"}, reason="", **by
            )
            serving = name


def _still(feature: str) -> FeatureDrift:
    return FeatureDrift(feature, 0.1, 0.0, 0.0, 0.0, 1.0, 1.0, changed=False, says="")


@contextmanager
def signed_in(address: str) -> Iterator[Page]:
    """Open a browser, and sign in to Airflow."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 900})
        token = page.request.post(
            "/auth/token", data={"username": USER, "password": PASSWORD}, fail_on_status_code=True
        ).json()["access_token"]
        page.context.add_cookies([{"name": "_token", "value": token, "url": address}])
        wait_until(lambda: page.request.get(f"/api/v2/dags/{DAG}").ok, "the DAG was read")
        yield page
        browser.close()


def visit(page: Page, name: str) -> Visit:
    """Open a page, wait until its answer can be read, and return what that took."""
    address, answer, is_framed = PAGES[name]
    page.goto("about:blank")
    page.goto(address, wait_until="commit")
    place = page.frame_locator("iframe") if is_framed else page
    place.locator(answer).first.wait_for(timeout=60_000)
    answered = page.evaluate(SINCE)
    page.wait_for_load_state("networkidle")
    sizes = sum(frame.evaluate(SIZES) for frame in page.frames)
    return Visit(page.evaluate(PAINT) or answered, answered, sizes / 1000)


def print_visits(title: str, visits: dict[str, Visit]) -> None:
    """Print the visits, and their answers as shares of that of the grid."""
    print(f"\n{title:<28}{'paint ms':>10}{'answer ms':>11}{'x grid':>8}{'kB':>8}")
    for name, each in visits.items():
        share = each.answer_ms / visits[GRID].answer_ms
        print(f"{name:<28}{each.paint_ms:10.0f}{each.answer_ms:11.0f}{share:8.2f}{each.kb:8.0f}")


def print_import(repeats: int) -> None:
    """Print what every process of Airflow pays for the plugin."""
    command = [sys.executable, "-c", IMPORT]
    done = [
        subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        for _ in range(repeats)
    ]
    seconds = statistics.median(float(words[-2]) for words in done)
    print(f"plugins/push_models.py: {1000 * seconds:.1f} ms and {done[0][-1]} modules to import")


if __name__ == "__main__":
    main()
