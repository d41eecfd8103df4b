import json
import os
import threading

import pytest

from push_model.errors import (
    InvalidEventError,
    ModelIntegrityError,
    ModelNotFoundError,
    PromotionConflictError,
)
from push_model.store import durable, inventory
from push_model.store.durable import locked
from push_model.store.folder import write_model_folder
from push_model.store.inventory import model_names, plan_pruning, prune, summarise
from push_model.store.promotion import champion
from push_model.testing import make_model
from tests.stores import move, names_in

FACTS = {
    "trained_on": "2026-01-05",
    "parametrisation": {"model": "boosted_trees"},
    "metrics": {"holdout": {"model": {"average_precision": 0.25}}},
}


@pytest.fixture
def folder(tmp_path):
    """A model folder as training saves it."""
    document = make_model(tmp_path / "other", promoted=False) / "model.json"
    files = {"model.json": document.read_bytes(), "model.joblib": b"joblib", "card.md": b"card"}
    return write_model_folder(tmp_path / "models", "push_a", files, FACTS)


def change_manifest(folder, change):
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_the_models_of_a_store_are_its_plain_folders(folder):
    store = folder.parent
    (store / ".push_b.4711-0badcafe").mkdir()
    (store / "latest").symlink_to("push_a")
    (store / "lost").mkdir()
    (store / "champion.json").touch()

    assert model_names(store) == ("lost", "push_a")


@pytest.mark.parametrize("name", ["absent", "file"])
def test_a_store_that_is_none_is_named(tmp_path, name):
    (tmp_path / "file").touch()

    with pytest.raises(ModelNotFoundError, match=f"There is no model store .*{name}"):
        model_names(tmp_path / name)
    with pytest.raises(ModelNotFoundError, match=r"There is no model store .*absent"):
        prune(tmp_path / "absent", now=NOW)


def test_a_summary_says_what_the_manifest_does(folder):
    (found,) = summarise(folder.parent)

    assert found == ("push_a", "2026-01-05", "boosted_trees", 0.25, ())


@pytest.mark.parametrize(
    "change",
    [
        lambda m: [m.pop(key) for key in FACTS],
        lambda m: m.update(dict.fromkeys(FACTS)),
        lambda m: m.update({key: [] for key in FACTS}),
        lambda m: m.update(trained_on=1, parametrisation={"model": 2}, metrics={"holdout": "x"}),
    ],
)
def test_what_a_manifest_does_not_say_is_none(folder, change):
    change_manifest(folder, change)

    (found,) = summarise(folder.parent)

    assert found == ("push_a", None, None, None, ())


def test_a_model_without_a_manifest_is_listed_as_damaged(folder):
    (folder / "manifest.json").unlink()

    (found,) = summarise(folder.parent)

    assert found[:4] == ("push_a", None, None, None)
    assert len(found.faults) == 1


NOW = 2_000_000_000.0
DAY_S = 24 * 3600.0


@pytest.fixture
def models(tmp_path):
    """A store of nine models, a the oldest and i the newest, none promoted."""
    for number, name in enumerate("abcdefghi"):
        add(tmp_path, name, age_days=100 - number)
    return tmp_path


def add(models, name, *, age_days):
    folder = make_model(models, name, base_log_odds=-age_days / 9, promoted=False)
    touch(folder / "manifest.json", age_days=age_days)


def touch(path, *, age_days):
    os.utime(path, (NOW - age_days * DAY_S,) * 2)


def test_the_newest_stay_and_the_older_go_the_oldest_first(models):
    done = prune(models, keep=3, now=NOW)

    assert done.removed == tuple("abcdef")
    assert names_in(models) == {"g", "h", "i", ".promotion.lock"}
    assert inventory.KEPT_BY_DEFAULT == 10


def test_the_champion_and_two_to_go_back_to_stay_however_old(models):
    for name in "dcba":
        move(models, name)

    done = prune(models, keep=1, now=NOW)

    assert model_names(models) == ("a", "b", "c", "i")
    assert dict(done.kept) == {
        "a": "the champion",
        "b": "an earlier champion to go back to",
        "c": "an earlier champion to go back to",
        "i": "one of the newest 1",
    }


def test_a_damaged_earlier_champion_makes_way_for_one_to_go_back_to(models):
    for name in "dcba":
        move(models, name)
    (models / "b" / "model.json").write_bytes(b"{}")

    prune(models, keep=1, now=NOW)

    assert model_names(models) == ("a", "c", "d", "i")


def test_a_champion_that_is_a_link_keeps_the_folder_it_leads_to(models):
    (models / "latest").symlink_to("a")
    move(models, "latest")

    prune(models, keep=1, now=NOW)

    assert model_names(models) == ("a", "i")


def test_a_model_just_trained_is_new_and_a_folder_without_a_manifest_left_alone(models):
    touch(models / "a" / "manifest.json", age_days=0)
    (models / "mine").mkdir()

    done = prune(models, keep=1, now=NOW)

    assert model_names(models) == ("a", "mine")
    assert dict(done.kept)["mine"] == "has no manifest: not known to be a model"


def test_a_dry_run_says_the_same_and_changes_nothing(models):
    (models / ".x.4711-0badcafe.gone").mkdir()
    before = names_in(models)

    plan = plan_pruning(models, keep=2, now=NOW)

    assert names_in(models) == before
    assert plan == prune(models, keep=2, now=NOW)


def test_only_the_models_that_were_shown_are_removed(models):
    with pytest.raises(PromotionConflictError, match="Nothing was removed: the store changed"):
        prune(models, keep=3, now=NOW, expected=tuple("abcde"))

    assert len(model_names(models)) == 9
    assert prune(models, keep=3, now=NOW, expected=tuple("abcdef")).removed == tuple("abcdef")


def test_a_damaged_pointer_lets_nothing_be_removed(models):
    (models / "champion.json").write_bytes(b"{")

    with pytest.raises(ModelIntegrityError, match="does not name a champion"):
        prune(models, keep=1, now=NOW)

    assert len(model_names(models)) == 9


@pytest.mark.parametrize("keep", [0, -1])
def test_the_newest_model_cannot_be_pruned_for_a_run_may_be_judging_it(models, keep):
    with pytest.raises(InvalidEventError, match=f"keep must be at least 1, got {keep}"):
        prune(models, keep=keep, now=NOW)


@pytest.mark.parametrize(
    ("name", "age_days", "is_swept"),
    [
        (".x.4711-0badcafe", 2.0, True),  # a save that crashed
        (".x.4711-0badcafe", 0.9, False),  # a save that may go on
        ("a/.card.md.4711-0badcafe", 2.0, True),
        ("a/.card.md.4711-0badcafe", 0.9, False),
        (".x.4711-0badcafe.gone", 0.0, True),  # a removal that crashed
        (".cache", 1000.0, False),
    ],
)
def test_what_a_crash_left_is_swept_once_nothing_can_still_write_it(
    models, name, age_days, is_swept
):
    aside = models / name
    aside.mkdir()
    (aside / "model.json").touch()
    touch(aside, age_days=age_days)

    done = prune(models, keep=9, now=NOW)

    assert done.swept == ((name,) if is_swept else ())
    assert aside.exists() is not is_swept


def test_a_link_left_aside_is_removed_and_not_followed(models, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "precious").touch()
    (models / ".x.4711-0badcafe.gone").symlink_to(elsewhere)

    prune(models, keep=9, now=NOW)

    assert (elsewhere / "precious").exists()
    assert not (models / ".x.4711-0badcafe.gone").is_symlink()


def test_nothing_is_removed_while_another_holds_the_lock(models, monkeypatch):
    monkeypatch.setattr(durable, "LOCK_WAIT_S", 0.05)
    with locked(models), pytest.raises(TimeoutError, match=r"has held .*lock for 0\.05 s"):
        prune(models, keep=1, now=NOW)

    assert len(model_names(models)) == 9


def test_a_model_that_is_pruned_before_its_promotion_has_the_lock_is_not_promoted(models):
    failures = []

    def promote_late():
        try:
            move(models, "a")
        except ModelNotFoundError as error:
            failures.append(str(error))

    with locked(models):
        thread = threading.Thread(target=promote_late)
        thread.start()
        inventory.remove_folder(models / "a")
    thread.join()

    assert failures == ["There is no model folder a in the store."]
    assert champion(models) is None


def test_a_save_that_finished_meanwhile_left_nothing_to_sweep(models, monkeypatch):
    monkeypatch.setattr(inventory, "is_aside", lambda name, *, gone=False: name == "x" and not gone)
    (models / "x").symlink_to("nowhere")
    lstat = type(models).lstat

    def finish_first(path):
        path.unlink(missing_ok=True)
        return lstat(path)

    monkeypatch.setattr(type(models), "lstat", finish_first)

    assert prune(models, keep=9, now=NOW).swept == ()
