"""Changes of a store, killed or refused space at any call that changes the disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.serving.live_model import LiveModels
from push_model.store.folder import read_model, require_whole, write_model_folder
from push_model.store.history import history
from push_model.store.inventory import model_names, prune
from push_model.store.promotion import champion, model_path, promote, rollback
from tests.forks import in_fork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Everything of `os` that changes a disk, and that anything under test calls.
CHANGES = ("open", "write", "fsync", "rename", "replace", "unlink", "mkdir", "rmdir")
OTHER_CHANGES = ("remove", "link", "symlink", "truncate", "ftruncate", "pwrite", "writev", "utime")
LONG_AFTER = 4e9  # seconds since 1970: whatever a crash left behind is old by then
FACTS = {"promoted_at": "2026-02-02", "by": "test"}


class Operation(NamedTuple):
    """One change of a store, and which champions may serve before, within and after it."""

    act: Callable[[Path], Any]
    prepare: Callable[[Path], Any] = lambda _: None
    old: str | None = "c"
    new: str | None = "c"
    again: str | None = None  # who may serve besides `new` once it came through twice


def save(store):
    files = dict.fromkeys(("model.joblib", "golden.json", "card.html", "card.md"), b"\x80" * 5000)
    files["model.json"] = (store / "a" / "model.json").read_bytes()
    return write_model_folder(store, "d", files, {"trained_on": "2026-02-02"})


def move(store, to, *, forced=False):
    serving = None if forced == "damaged" else champion(store)
    expected = serving.model_name if serving else None
    return promote(
        store, to, expected=expected, verdict={}, reason="why", forced=bool(forced), **FACTS
    )


def go_back(store, to=None):
    return rollback(store, to=to, reason="why", **FACTS)


def forget(store):
    (store / "champion.json").unlink()
    (store / "promotions.jsonl").unlink()


def write_as_an_older_release(store):
    """Its pointer named a line of the log, and its log the line before each."""
    log = store / "promotions.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        line["after"] = line.pop("line") - 1 or None
    log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    pointer = champion(store)._asdict()
    kept = {key: pointer[key] for key in ("model_name", "promoted_at", "by", "line")}
    (store / "champion.json").write_text(json.dumps(kept))


def leave_half_a_line(store):
    with (store / "promotions.jsonl").open("ab") as log:
        log.write(b'{"from": "c", "t')


def damage_pointer(store):
    (store / "champion.json").write_bytes(b'{"model_')


def leave_asides(store):
    shutil.copytree(store / "z", store / ".x.4711-0badcafe.gone")
    shutil.copytree(store / "z", store / ".y.4711-0badcafe")
    (store / "c" / ".card.html.4711-0badcafe").touch()


OPERATIONS = {
    "save": Operation(save),
    "first promotion": Operation(lambda s: move(s, "a"), forget, old=None, new="a"),
    "promotion": Operation(lambda s: move(s, "a"), new="a"),
    "forced": Operation(lambda s: move(s, "a", forced=True), new="a"),
    "older store": Operation(lambda s: move(s, "a"), write_as_an_older_release, new="a"),
    "half a line": Operation(lambda s: move(s, "a"), leave_half_a_line, new="a"),
    "rollback": Operation(go_back, new="b", again="a"),
    "rollback to": Operation(lambda s: go_back(s, "a"), new="a"),
    "prune": Operation(lambda s: prune(s, keep=1, now=LONG_AFTER), leave_asides),
}


def copy_of(pattern: Path, operation: Operation, folder: Path) -> Path:
    store = folder / "models"
    shutil.rmtree(store, ignore_errors=True)
    shutil.copytree(pattern, store)
    operation.prepare(store)
    return store


class Disk:
    """Wraps what changes a disk, counts the calls, and strikes at one of them."""

    def __init__(
        self, strike_at: int = 0, how: str = "", strike: Callable[[], None] = lambda: None
    ):
        self.calls: list[str] = []
        self.strike_at, self.how, self.strike = strike_at, how, strike

    def wrap(self, replace: Callable[[str, object], None]) -> None:
        for name in (*CHANGES, *OTHER_CHANGES):
            replace(name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name, call):
        def counted(*arguments, **options):
            if name == "open" and not arguments[1] & os.O_CREAT:
                return call(*arguments, **options)
            self.calls.append(name)
            if len(self.calls) == self.strike_at and self.how != "after":
                if self.how == "half":
                    call(arguments[0], arguments[1][: len(arguments[1]) // 2])
                self.strike()
            try:
                done = call(*arguments, **options)
            except OSError:
                self.calls[-1] = "refused"
                raise
            if len(self.calls) == self.strike_at:
                self.strike()
            return done

        return counted


def killed_at(number: int, how: str, operation: Operation, store: Path) -> int:
    """Act in a forked process that is killed at a call; return its exit code."""

    def work() -> int:
        disk = Disk(number, how, lambda: os.kill(os.getpid(), signal.SIGKILL))
        disk.wrap(lambda name, function: setattr(os, name, function))
        operation.act(store)
        return 0

    return in_fork(work)


def changes_of(operation: Operation, store: Path, monkeypatch) -> list[tuple[int, str]]:
    """Return the number and the name of each call that changed the disk."""
    disk = Disk()
    with monkeypatch.context() as patch:
        disk.wrap(lambda name, function: patch.setattr(os, name, function))
        operation.act(store)
    assert not set(disk.calls) & set(OTHER_CHANGES)
    return [(n, call) for n, call in enumerate(disk.calls, start=1) if call != "refused"]


def done_again(operation: Operation, served: str | None) -> set[str | None]:
    """Return who may serve once the same was done again, after it was done or not."""
    return {operation.new, operation.again if served == operation.new else operation.new}


def points_of(operation: Operation, store: Path, monkeypatch) -> list[tuple[int, str]]:
    """Return where to strike: before each call that changes the disk, within writes, at the end.

    After a call the disk is as before the next one, and a killed process loses nothing unsynced.
    """
    calls = changes_of(operation, store, monkeypatch)
    before = [(number, "before") for number, name in calls if name != "fsync"]
    halves = [(number, "half") for number, name in calls if name == "write"]
    return [*before, *halves, (calls[-1][0], "after")]


def require_sound(store: Path, *may_serve: str | None) -> str | None:
    """Read the store as serving and operators do; return the champion's name."""
    serving = champion(store)
    name = serving.model_name if serving else None
    assert name in may_serve
    if name:
        assert read_model(model_path(store, name)).name == name
        assert LiveModels().get(str(store), None).loaded.name == name
    for model in model_names(store):
        require_whole(store / model)
    require_true_history(store, name)
    return name


def require_true_history(store: Path, serving: str | None) -> None:
    moves = history(store)
    names = [None, *(move.model_name for move in moves)]
    assert names[-1] == serving
    # Each of them replaced the one before it.
    assert [move.before for move in moves] == names[:-1]


def require_nothing_left(store: Path) -> None:
    prune(store, keep=9, now=LONG_AFTER)
    hidden = {path.name for path in store.rglob(".*")}
    assert hidden == {".promotion.lock"}
