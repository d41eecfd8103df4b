"""The backups of docs/operations.md, with the commands that stand there."""

import os
import shutil
import subprocess
import threading
from itertools import cycle

import pytest

from push_model.store.durable import locked
from push_model.store.folder import check_folder
from push_model.store.history import _read_log, history
from push_model.store.inventory import model_names
from push_model.store.promotion import champion, rollback
from push_model.testing import make_model
from tests.effort import EFFORT
from tests.project.containers import ROOT, commands_in, run_here, section
from tests.stores import FACTS, make_store, move

COMMANDS = commands_in(section("Backups"))
(COPY,) = [command for command in COMMANDS if "tar --create" in command]
(UNPACK,) = [command for command in COMMANDS if "tar --extract" in command]
NAMES = ("push_a", "push_b", "push_c")


@pytest.fixture
def home(tmp_path):
    """A folder with a store of two former champions and a present one, and room for a backup."""
    (tmp_path / "backup").mkdir()
    make_store(tmp_path / "models", NAMES, promoted=NAMES)
    return tmp_path


def run(command, home):
    done = run_here(command, folder=home)
    assert done.returncode == 0, done.stderr


def unpack_elsewhere(home, folder):
    shutil.copytree(home / "backup", folder / "backup")
    (folder / "models").mkdir()
    run(UNPACK, folder)
    return folder / "models"


def require_sound(models):
    """Each model is whole, and the champion is the one whose promotion was logged last."""
    assert not any(check_folder(models / name).faults for name in model_names(models))
    assert history(models) == _read_log(models)
    assert champion(models).model_name in model_names(models)


def test_a_store_is_restored_from_its_copy(home, tmp_path):
    run(COPY, home)

    models = unpack_elsewhere(home, tmp_path / "elsewhere")

    require_sound(models)
    assert champion(models) == champion(home / "models")
    assert history(models) == history(home / "models")
    assert model_names(models) == model_names(home / "models")
    # The copy leaves the ways back as they were.
    assert rollback(models, **FACTS).model_name == "push_b"


def test_a_damaged_store_is_restored_and_keeps_what_was_trained_since(home):
    models = home / "models"
    run(COPY, home)
    make_model(models, "push_d", promoted=False)
    move(models, "push_d")
    shutil.rmtree(models / "push_b")
    (models / "push_c" / "model.json").write_text("{}")
    (models / "champion.json").write_text("half a po")

    run(UNPACK, home)

    require_sound(models)
    assert champion(models).model_name == "push_c"
    assert "push_d" in model_names(models)


def test_what_is_still_being_written_is_not_copied(home, tmp_path):
    aside = home / "models" / ".push_d.4711-0badcafe"
    aside.mkdir()
    (aside / "model.json").write_text("half a mo")

    run(COPY, home)

    models = unpack_elsewhere(home, tmp_path / "elsewhere")
    assert {path.name for path in models.iterdir()} >= {"push_a", "champion.json"}
    assert not (models / aside.name).exists()


def test_the_pointer_is_unpacked_last_and_the_log_before_it(home):
    run(COPY, home)

    listed = subprocess.run(
        ["tar", "--list", "--gzip", "--file", home / "backup" / "models.tar.gz"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert listed[0].startswith("push_a/")
    assert listed[-2:] == ["promotions.jsonl", "champion.json"]


def test_a_copy_waits_for_a_promotion_under_way(home):
    copying = threading.Thread(target=run, args=(COPY, home))

    with locked(home / "models"):
        copying.start()
        copying.join(0.5)
        is_waiting = copying.is_alive()

    copying.join(30)
    assert is_waiting
    assert (home / "backup" / "models.tar.gz").stat().st_size > 0


def test_git_ignores_backups():
    asked = ["git", "check-ignore", "--quiet", "backup/airflow.dump"]

    assert subprocess.run(asked, cwd=ROOT, check=False).returncode == 0


def test_copies_are_sound_while_the_champion_changes_all_the_time(home, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)
    is_over = threading.Event()
    changes = []

    def change():
        for name in cycle(NAMES):
            if is_over.is_set():
                return
            move(home / "models", name)
            changes.append(name)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        for number in range(4 * EFFORT):
            run(COPY, home)
            require_sound(unpack_elsewhere(home, tmp_path / f"copy_{number}"))
    finally:
        is_over.set()
        changing.join()

    assert changes
