"""A store stays sound wherever the process that changes it is killed or runs out of disk."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from push_model.store.folder import read_model
from push_model.store.history import history
from push_model.store.inventory import model_names
from push_model.store.promotion import champion, model_path
from push_model.testing import make_model
from tests.faults.crashes import (
    OPERATIONS,
    Disk,
    Operation,
    changes_of,
    copy_of,
    damage_pointer,
    done_again,
    go_back,
    killed_at,
    move,
    points_of,
    require_nothing_left,
    require_sound,
)
from tests.forks import WITH_FORKS, in_fork

pytestmark = WITH_FORKS


@pytest.fixture(autouse=True)
def _fast_disk(monkeypatch):
    """Spare the waits: a killed process loses nothing that it wrote, synced or not."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    """A store of five models, of which a, b and c were promoted, z is old and y the newest."""
    store = tmp_path_factory.mktemp("pattern") / "models"
    for age, name in enumerate("yabcz"):
        folder = make_model(store, name, base_log_odds=float(age), promoted=False)
        os.utime(folder / "manifest.json", (10**9 - age, 10**9 - age))
    for name in "abc":
        move(store, name)
    for file in ("model.joblib", "golden.json", "card.html", "card.md"):
        (store / "z" / file).write_bytes(b"\x80")
    return store


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_store_is_sound_wherever_a_change_of_it_is_killed(name, pattern, tmp_path, monkeypatch):
    operation = OPERATIONS[name]
    points = points_of(operation, copy_of(pattern, operation, tmp_path), monkeypatch)
    served = set()

    assert len(points) >= 9
    for number, how in points:
        store = copy_of(pattern, operation, tmp_path)
        before = len(history(store))
        code = killed_at(number, how, operation, store)
        assert code == -signal.SIGKILL, (number, how)

        served_by = require_sound(store, operation.old, operation.new)
        served.add(served_by)
        if operation.new != operation.old:
            assert len(history(store)) - before == (served_by == operation.new)
        done = operation.act(store)
        require_sound(store, *done_again(operation, served_by))
        require_nothing_left(store)
        # A save that is done again has its own name, and no other model beside it.
        if name == "save":
            assert done == store / "d"
            assert model_names(store) == ("a", "b", "c", "d", "y", "z")

    assert served == {operation.old, operation.new}


@pytest.mark.parametrize("act", [go_back, lambda store: move(store, "a", forced="damaged")])
def test_a_damaged_pointer_is_replaced_or_stays_as_damaged_as_it_was(
    act, pattern, tmp_path, monkeypatch
):
    operation = Operation(act, damage_pointer)
    points = points_of(operation, copy_of(pattern, operation, tmp_path), monkeypatch)

    for number, how in points:
        store = copy_of(pattern, operation, tmp_path)
        killed_at(number, how, operation, store)
        act(store)

        serving = champion(store).model_name
        names = [move.model_name for move in history(store)]
        assert read_model(model_path(store, serving)).name == serving
        assert names[:3] == ["a", "b", "c"]
        assert names[-1] == serving
        require_nothing_left(store)


# What Python itself tells of, however it was called for; of writes it tells nothing.
AUDITED = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_change_of_the_disk_goes_round_the_calls_that_are_counted(name, pattern, tmp_path):
    store = copy_of(pattern, OPERATIONS[name], tmp_path)
    report = tmp_path / "report"

    def work() -> int:
        changes = []

        def audit(event, arguments):
            is_reading = event == "open" and not (arguments[2] or 0) & (os.O_CREAT | os.O_WRONLY)
            if event in AUDITED and not is_reading:
                changes.append(event)

        disk = Disk()
        disk.wrap(lambda name, function: setattr(os, name, function))
        sys.addaudithook(audit)
        OPERATIONS[name].act(store)
        counted = [call for call in disk.calls if call not in {"write", "fsync"}]
        report.write_text(json.dumps([list(changes), counted]))
        return 0

    assert in_fork(work) == 0
    audited, counted = json.loads(report.read_text())
    assert len(audited) == len(counted) > 0


ALLOCATING = {"open", "write", "fsync", "mkdir", "rename", "replace"}


def fail_for_want_of_space() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_store_is_sound_wherever_the_disk_is_full(name, pattern, tmp_path, monkeypatch):
    operation = OPERATIONS[name]
    calls = changes_of(operation, copy_of(pattern, operation, tmp_path), monkeypatch)
    allocating = [(n, "before") for n, call in calls if call in ALLOCATING]

    for number, how in allocating + [(n, "half") for n, call in calls if call == "write"]:
        store = copy_of(pattern, operation, tmp_path)
        disk = Disk(number, how, fail_for_want_of_space)
        with monkeypatch.context() as patch:
            disk.wrap(lambda name, function: patch.setattr(os, name, function))
            with pytest.raises(OSError, match="No space left"):
                operation.act(store)

        served = require_sound(store, operation.old, operation.new)
        operation.act(store)
        require_sound(store, *done_again(operation, served))
        require_nothing_left(store)


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 256 KiB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "push-model-test", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, check=False).returncode:
        pytest.skip("only where a file system may be mounted")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", ["save", "promotion", "rollback"])
def test_a_disk_that_is_really_full_harms_nothing(name, pattern, small_disk):
    operation = OPERATIONS[name]
    outcomes = set()

    for free_pages in range(16):
        store = copy_of(pattern, operation, small_disk)
        fill(small_disk, free_pages)
        try:
            operation.act(store)
            outcomes.add("done")
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - whether it is full is what is tried
            outcomes.add("full")

        served = require_sound(store, operation.old, operation.new)
        (small_disk / "filler").unlink()
        operation.act(store)
        require_sound(store, *done_again(operation, served))

    assert outcomes == {"done", "full"}


def fill(disk, free_pages):
    """Leave so many pages of 4 KiB; a file takes a page at least, an entry none."""
    found = os.statvfs(disk)
    with (disk / "filler").open("wb") as file:
        file.write(b"\0" * (found.f_bsize * max(found.f_bavail - free_pages, 0)))
