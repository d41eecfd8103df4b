import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from push_model.testing import make_model

# Schemathesis, which takes a second to import, runs its checks as a process.
collect_ignore = ["fuzz_checks.py"]

API = Path(__file__).parents[2] / "examples" / "api"
# A server whose test run is killed sees the end of its input, and goes too.
SERVE = """
import os, sys, threading, uvicorn
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
uvicorn.run("app:app", app_dir=sys.argv[1], host="127.0.0.1", port=0)
"""
START_WITHIN_S = 300.0


class Server(NamedTuple):
    """A running API: a client of it, its model store and what it logged."""

    client: httpx.Client
    store: Path
    log: Path


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """Return a context in which the API runs in its own process, on its own port."""

    @contextmanager
    def serve_store(store, **settings):
        log = tmp_path_factory.mktemp("server") / "log"
        environment = {**os.environ, "PUSH_MODELS_DIR": str(store), **settings}
        with (
            log.open("w") as sink,
            subprocess.Popen(
                [sys.executable, "-c", SERVE, str(API)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=sink,
            ) as process,
        ):
            try:
                url = wait_for_url(process, log)
                with httpx.Client(base_url=url, timeout=300.0, trust_env=False) as client:
                    yield Server(client, store, log)
            finally:
                process.kill()

    return serve_store


def wait_for_url(process: subprocess.Popen, log: Path) -> str:
    give_up_at = time.monotonic() + START_WITHIN_S
    while time.monotonic() < give_up_at and process.poll() is None:
        if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", log.read_text("utf-8")):
            return found[1]
        time.sleep(0.02)
    raise AssertionError(f"The API did not start:\n{log.read_text('utf-8')}")


@pytest.fixture(scope="session")
def server(serve, tmp_path_factory):
    """The API over one small model that no test changes."""
    store = tmp_path_factory.mktemp("store")
    make_model(store)
    with serve(store, PUSH_API_MAX_BODY_BYTES="200000") as running:
        yield running
