"""Compare two models for the page by `push-model compare`, in a process of its own.

A frame of millions of rows takes a minute and gigabytes, which a server of pages does not have.
"""

import os
import re
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import IO, NamedTuple

from push_model.errors import DatasetError
from push_model.status.read import BACKFILL
from push_model.status.status import Status
from push_ops.retraining.run_folder import RunFolder

# Twenty times what two million rows take.
_MOST_S = 1800.0
_MOST_KEPT = 64
# The command writes the kind of an error before its sentence.
_KIND = re.compile(r"^\w+Error:? ")


class _Work(NamedTuple):
    """A comparison that runs."""

    page: Path
    started_at: float
    process: "subprocess.Popen[str]"
    said: IO[str]  # what it writes to standard error


class Comparisons:
    """Pages of comparisons: one is made at a time, and each is kept while the server runs."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._work: _Work | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # goes with the server

    def find(self, frame: Path, names: tuple[str, str], *, models_dir: Path) -> str | None:
        """Return the page; None while it, or another one, is being made."""
        with self._lock:
            page = self._place_of(frame, names)
            self._finish(page)
            if page.exists() and not (self._work and self._work.page == page):
                return page.read_text("utf-8")
            if self._work is None:
                self._forget_the_oldest(page.parent)
                self._work = _start(page, frame, names, models_dir)
            return None

    def _place_of(self, frame: Path, names: tuple[str, str]) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="push-comparisons-")
        asked = repr((*names, str(frame), frame.stat().st_mtime_ns))
        return Path(self._folder.name) / f"{sha256(asked.encode()).hexdigest()}.html"

    @staticmethod
    def _forget_the_oldest(folder: Path) -> None:
        pages = sorted(folder.iterdir(), key=lambda made: made.stat().st_mtime_ns, reverse=True)
        for old in pages[_MOST_KEPT - 1 :]:
            old.unlink()

    def _finish(self, page: Path) -> None:
        """Look how the running comparison ended, and raise what it said if it was this one."""
        if self._work is None:
            return
        code = self._work.process.poll()
        if code is None and monotonic() - self._work.started_at > _MOST_S:
            self._work.process.kill()
            code = self._work.process.wait()
        if code is None:
            return
        done, self._work = self._work, None
        done.said.seek(0)
        lines = done.said.read().split("\n")
        done.said.close()
        if code and done.page == page:
            last = next((line for line in reversed(lines) if line.strip()), "It was stopped.")
            raise DatasetError(_KIND.sub("", last))


def find_frame(status: Status, runs_dir: Path) -> Path | None:
    """Return the orders of the newest run that has them, backfills apart; None where none has."""
    runs = [run for run in status.runs if run.kind != BACKFILL]
    frames = (RunFolder(runs_dir / run.folder).large_orders for run in runs)
    return next((frame for frame in frames if frame.exists()), None)


def _start(page: Path, frame: Path, names: tuple[str, str], models_dir: Path) -> _Work:
    said = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - `_finish` closes it
    command = [sys.executable, "-m", "push_model", "compare", *names, "--dataset", str(frame)]
    options = ["--html", str(page), "--models-dir", str(models_dir)]
    process = subprocess.Popen(  # noqa: S603 - names of the store, and paths of our own
        [*command, *options],
        stdout=subprocess.DEVNULL,
        stderr=said,
        text=True,
        # So that an error is one line.
        env=os.environ | {"COLUMNS": "10000", "NO_COLOR": "1"},
    )
    return _Work(page, monotonic(), process, said)
