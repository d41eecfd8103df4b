import json
import os

import pytest

from push_model.errors import ModelIntegrityError, ModelNotFoundError
from push_model.store.folder import write_model_folder
from push_model.store.inventory import check_folder, model_names, require_whole, summarise
from push_model.testing import make_model

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


def test_what_was_saved_is_whole(folder):
    check = check_folder(folder)

    assert check.faults == ()
    assert check.checked == 2
    require_whole(folder)


@pytest.mark.parametrize("name", ["model.json", "model.joblib"])
@pytest.mark.parametrize("content", [b"", b"other"])
def test_an_altered_file_is_named(folder, name, content):
    (folder / name).write_bytes(content)

    (fault,) = check_folder(folder).faults

    assert f"push_a/{name} does not match its manifest: SHA-256 is" in fault
    with pytest.raises(ModelIntegrityError, match="does not match"):
        require_whole(folder)


@pytest.mark.parametrize("name", ["model.json", "model.joblib"])
def test_a_file_that_is_gone_is_named(folder, name):
    (folder / name).unlink()

    (fault,) = check_folder(folder).faults

    assert f"push_a/{name} cannot be read (No such file" in fault


def test_every_damaged_file_is_named_and_not_only_the_first(folder):
    (folder / "model.json").write_bytes(b"{}")
    (folder / "model.joblib").unlink()

    assert len(check_folder(folder).faults) == 2


def test_a_card_may_be_written_again_or_removed(folder):
    (folder / "card.html").write_text("a new page")
    (folder / "card.md").write_text("another")
    (folder / ".card.md.4711-0badcafe").touch()

    check = check_folder(folder)
    (folder / "card.md").unlink()

    assert check.faults == check_folder(folder).faults == ()
    assert check.unlisted == ("card.html", "card.md")


def test_a_file_nobody_vouches_for_is_reported_and_no_fault(folder):
    (folder / "notes.txt").write_text("mine")

    assert check_folder(folder).unlisted == ("card.md", "notes.txt")
    assert check_folder(folder).faults == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.pop("files"),
        lambda m: m["files"].pop("model.json"),
        lambda m: m["files"].update({"model.json": None}),
        lambda m: m["files"].update({"model.json": {"sha256": 1}}),
        lambda m: m["files"].update({"../../etc/passwd": {"sha256": ""}}),
        lambda m: m["files"].update({"": {"sha256": ""}}),
        lambda m: m["files"].update({"..": {"sha256": ""}}),
        lambda m: m.update(files=[]),
    ],
)
def test_a_manifest_that_vouches_for_nothing_is_a_fault(folder, change):
    change_manifest(folder, change)

    (fault,) = check_folder(folder).faults

    assert "push_a/manifest.json does not give the SHA-256 of each file" in fault


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"\xff"])
def test_a_manifest_that_is_no_json_is_a_fault(folder, content):
    (folder / "manifest.json").write_bytes(content)

    (fault,) = check_folder(folder).faults

    assert "push_a/manifest.json is not JSON" in fault


def test_a_manifest_that_is_gone_is_a_fault_and_the_rest_is_reported(folder):
    (folder / "manifest.json").unlink()

    check = check_folder(folder)

    assert "push_a/manifest.json cannot be read" in check.faults[0]
    assert check.unlisted == ("card.md", "model.joblib", "model.json")


def test_a_model_of_another_format_is_a_fault(folder):
    files = {"model.json": b'{"format": 999}'}
    other = write_model_folder(folder.parent, "push_b", files, {})

    (fault,) = check_folder(other).faults

    assert fault.startswith("push_b/model.json: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_in_place_of_a_file_is_a_fault_at_once(folder):
    (folder / "model.joblib").unlink()
    os.mkfifo(folder / "model.joblib")

    (fault,) = check_folder(folder).faults

    assert "push_a/model.joblib is no regular file" in fault


def test_a_folder_that_is_absent_is_said_to_be(tmp_path):
    with pytest.raises(ModelNotFoundError, match="There is no model folder absent"):
        check_folder(tmp_path / "absent")


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
