import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from push_model.errors import ModelFormatError, ModelIntegrityError, ModelNotFoundError
from push_model.store.folder import (
    check_folder,
    document_bytes,
    model_id_of,
    read_manifest,
    read_model,
    require_whole,
    write_model_folder,
)
from tests.forests import make_forest, make_line, make_model_document
from tests.stores import names_in

FOREST = make_model_document(make_forest())
MODEL = document_bytes(FOREST)
FILES = {"model.json": MODEL, "model.joblib": b"joblib", "card.md": b"# A card\n"}


def save(store, name="push_a", *, document=FOREST):
    return write_model_folder(store, name, FILES | {"model.json": document_bytes(document)}, {})


@pytest.fixture
def folder(tmp_path):
    """A model folder as training saves it."""
    return save(tmp_path / "models")


def change_manifest(folder, change):
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def vouch_for(folder, content: bytes) -> None:
    """Make the manifest agree with another model.json, as someone with the store could."""
    digest = sha256(content).hexdigest()
    change_manifest(folder, lambda m: m["files"]["model.json"].update(sha256=digest))


def test_what_was_written_is_read_and_whole(folder):
    loaded = read_model(folder)

    assert (loaded.name, loaded.path) == ("push_a", folder)
    assert loaded.model.propensity([0.0] * 3) == pytest.approx(0.3775406687981454)
    assert check_folder(folder) == ((), 2, ("card.md",))
    require_whole(folder)


def test_the_manifest_holds_the_facts_and_a_digest_of_each_file(tmp_path):
    folder = write_model_folder(tmp_path, "m", FILES, {"seed": 3})

    manifest = read_manifest(folder)

    digest = sha256(b"# A card\n").hexdigest()
    assert manifest["seed"] == 3
    assert manifest["files"]["card.md"] == {"bytes": 9, "sha256": digest}
    assert names_in(folder) == {*FILES, "manifest.json"}


def test_other_users_may_read_a_model_folder(tmp_path):
    mask = os.umask(0o022)
    folder = save(tmp_path)
    os.umask(mask)

    assert folder.stat().st_mode & 0o777 == 0o755


def test_the_same_model_again_is_the_same_folder_untouched(folder):
    def states():
        return {(path.name, path.stat().st_ino, path.stat().st_mtime_ns) for path in files}

    files = [*folder.iterdir()]
    before = states()

    assert save(folder.parent) == folder
    assert states() == before
    assert names_in(folder.parent) == {"push_a"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "manifest.json").write_bytes(b"{}"),
        lambda folder: (folder / "manifest.json").write_bytes(b"\xff"),
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "model.json").write_bytes(b"{}"),
        lambda folder: vouch_for(folder, b"{}"),
    ],
)
def test_a_damaged_folder_does_not_hold_the_model_and_is_left_alone(folder, damage):
    damage(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}

    again = save(folder.parent)

    assert again.name == "push_a_2"
    assert read_model(again).model.model_id == FOREST["model_id"]
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_another_model_under_the_same_name_gets_the_next_name(tmp_path):
    other, third = (make_model_document(make_line(intercept=i)) for i in (1.0, 2.0))

    names = [save(tmp_path, document=document).name for document in (FOREST, other, third, other)]

    assert names == ["push_a", "push_a_2", "push_a_3", "push_a_2"]


def test_a_file_or_a_dangling_link_in_the_way_is_never_overwritten(tmp_path):
    (tmp_path / "m").write_text("mine")
    (tmp_path / "m_2").symlink_to(tmp_path / "nowhere")

    folder = save(tmp_path, "m")

    assert folder.name == "m_3"
    assert (tmp_path / "m").read_text() == "mine"


def test_many_writers_at_once_lose_no_model_and_leave_nothing_behind(tmp_path):
    documents = [make_model_document(make_line(intercept=float(i // 2))) for i in range(16)]

    with ThreadPoolExecutor(8) as threads:
        folders = list(threads.map(lambda document: save(tmp_path, document=document), documents))

    assert len(set(folders)) == 8
    assert {path.name for path in folders} == names_in(tmp_path)
    for folder, document in zip(folders, documents, strict=True):
        assert read_model(folder).model.model_id == document["model_id"]


def test_what_cannot_be_json_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ModelFormatError, match="manifest cannot be written as JSON"):
        write_model_folder(tmp_path, "m", FILES, {"ap": float("nan")})
    with pytest.raises(ModelFormatError, match="document cannot be written as JSON"):
        document_bytes({"bias": float("inf")})

    assert names_in(tmp_path) == set()


def test_the_id_is_of_the_content_not_of_the_order_of_its_keys():
    turned = dict(reversed(FOREST.items()))

    assert model_id_of(turned) == model_id_of(FOREST) == FOREST["model_id"]
    assert model_id_of(FOREST | {"trained_on": "2021-03-05"}) != FOREST["model_id"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, len(MODEL) * 8 - 1))
def test_one_flipped_bit_anywhere_in_the_model_is_refused(folder, place):
    flipped = bytearray(MODEL)
    flipped[place // 8] ^= 1 << (place % 8)
    (folder / "model.json").write_bytes(flipped)

    with pytest.raises(ModelIntegrityError, match="does not match its manifest: SHA-256 is"):
        read_model(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not json", "must be strict JSON"),
        (b"\xff\xfe\x00", "must be strict JSON"),
        (b"[" * 100_000, "must be strict JSON"),
        (MODEL.replace(b'"bias":-1.0', b'"bias":NaN'), "must be strict JSON"),
        (MODEL.replace(b'"bias":-1.0', b'"bias":1e999'), "must be finite"),
        (MODEL.replace(b'"format":1', b'"format":7'), "of format 1, got 7. Upgrade"),
    ],
)
def test_a_model_that_matches_its_manifest_is_still_checked(folder, content, message):
    vouch_for(folder, content)
    (folder / "model.json").write_bytes(content)

    with pytest.raises(ModelFormatError, match=rf"push_a/model.json: .*{message}"):
        read_model(folder)
    with pytest.raises(ModelIntegrityError, match=rf"push_a/model.json: .*{message}"):
        require_whole(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a JSON object"),
        (b"[]", "is not a JSON object"),
        (b"\xff", "is not a JSON object"),
        (b"[" * 100_000, "is not a JSON object"),
        (b"{}", "does not give the SHA-256 of each file"),
        (b'{"files": []}', "does not give the SHA-256 of each file"),
        (b'{"files": {"model.json": 1}}', "gives no SHA-256 of model.json"),
    ],
)
def test_a_manifest_without_a_digest_is_refused_and_a_fault(folder, content, message):
    (folder / "manifest.json").write_bytes(content)

    with pytest.raises(ModelIntegrityError, match=r"gives no SHA-256 of model\.json"):
        read_model(folder)
    (fault,) = check_folder(folder).faults
    assert f"push_a/manifest.json {message}" in fault


@pytest.mark.parametrize(
    ("method", "name"),
    [("iterdir", "push_a"), ("is_symlink", "push_a/manifest.json")],
)
def test_a_folder_without_read_permission_is_a_fault_of_the_permission(
    folder, monkeypatch, method, name
):
    def refuse(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, method, refuse)

    (fault,) = check_folder(folder).faults
    assert fault == f"{name} cannot be read by this process. Let its user read the store."


@pytest.mark.parametrize("name", ["../../etc/passwd", "", ".."])
def test_a_manifest_that_names_what_is_no_file_of_the_folder_is_a_fault(folder, name):
    change_manifest(folder, lambda m: m["files"].update({name: {"sha256": ""}}))

    (fault,) = check_folder(folder).faults

    assert "push_a/manifest.json does not give the SHA-256 of each file" in fault


@pytest.mark.parametrize("name", ["model.json", "model.joblib"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(b""), "does not match its manifest: SHA-256 is"),
        (lambda path: path.write_bytes(b"other"), "does not match its manifest: SHA-256 is"),
        (Path.unlink, "cannot be read (No such file"),
    ],
)
def test_a_damaged_file_is_named(folder, name, damage, message):
    damage(folder / name)

    (fault,) = check_folder(folder).faults

    assert f"push_a/{name} {message}" in fault
    with pytest.raises(ModelIntegrityError, match=f"push_a/{name}"):
        require_whole(folder)


def test_every_damaged_file_is_named_and_not_only_the_first(folder):
    (folder / "model.json").write_bytes(b"{}")
    (folder / "model.joblib").unlink()

    assert len(check_folder(folder).faults) == 2


def test_cards_and_files_without_a_digest_may_change_and_are_reported(folder):
    (folder / "card.html").write_text("a new page")
    (folder / "card.md").write_text("another")
    (folder / ".card.md.4711-0badcafe").touch()
    (folder / "notes.txt").write_text("mine")

    check = check_folder(folder)
    (folder / "card.md").unlink()

    assert check.faults == check_folder(folder).faults == ()
    assert check.unlisted == ("card.html", "card.md", "notes.txt")


def test_a_manifest_that_is_gone_is_a_fault_and_the_rest_is_reported(folder):
    (folder / "manifest.json").unlink()

    check = check_folder(folder)

    assert "push_a/manifest.json cannot be read (No such file" in check.faults[0]
    assert check.unlisted == ("card.md", "model.joblib", "model.json")


def test_a_folder_that_is_not_there_is_not_found(tmp_path):
    for read in (read_model, check_folder):
        with pytest.raises(ModelNotFoundError, match=r"There is no model folder m in the store\."):
            read(tmp_path / "m")
