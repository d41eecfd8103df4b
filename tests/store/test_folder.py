import json
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

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

FOREST = make_model_document(make_forest())
FILES = {"model.json": document_bytes(FOREST), "card.md": b"# A card\n"}


def names_in(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def save(store, name="push_2021_03_04", *, document=FOREST):
    return write_model_folder(store, name, FILES | {"model.json": document_bytes(document)}, {})


def replace_model(folder, content: bytes) -> None:
    """Replace model.json and make the manifest agree, as someone with the store could."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["model.json"]["sha256"] = sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "model.json").write_bytes(content)


def test_what_was_written_is_read(tmp_path):
    folder = save(tmp_path / "models")

    loaded = read_model(folder)

    assert (loaded.name, loaded.path) == ("push_2021_03_04", folder)
    assert loaded.model.propensity([0.0] * 3) == pytest.approx(0.3775406687981454)


def test_the_manifest_holds_the_facts_and_a_digest_of_each_file(tmp_path):
    folder = write_model_folder(tmp_path, "m", FILES, {"seed": 3})

    manifest = json.loads((folder / "manifest.json").read_text())

    assert manifest["seed"] == 3
    assert manifest["files"]["card.md"] == {
        "bytes": 9,
        "sha256": sha256(b"# A card\n").hexdigest(),
    }
    assert names_in(folder) == {"model.json", "card.md", "manifest.json"}


def test_other_users_may_read_a_model_folder(tmp_path):
    mask = os.umask(0o022)
    folder = save(tmp_path)
    os.umask(mask)

    assert folder.stat().st_mode & 0o777 == 0o755


def test_the_same_model_again_is_the_same_folder_untouched(tmp_path):
    folder = save(tmp_path)
    before = [(path.name, path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()]

    again = save(tmp_path)

    after = [(path.name, path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()]
    assert again == folder
    assert after == before
    assert names_in(tmp_path) == {"push_2021_03_04"}


@pytest.mark.parametrize("content", [b"{}", b"", b"\xff", None])
def test_a_folder_whose_manifest_is_damaged_does_not_hold_the_model(tmp_path, content):
    damaged = save(tmp_path)
    manifest = damaged / "manifest.json"
    manifest.unlink() if content is None else manifest.write_bytes(content)

    again = save(tmp_path)

    assert again.name == "push_2021_03_04_2"
    assert read_model(again).model.model_id == FOREST["model_id"]
    assert not manifest.exists() if content is None else manifest.read_bytes() == content


def test_a_folder_whose_manifest_vouches_for_another_model_does_not_hold_it(tmp_path):
    folder = save(tmp_path)
    replace_model(folder, b"{}")
    (folder / "model.json").write_bytes(FILES["model.json"])

    assert save(tmp_path).name == "push_2021_03_04_2"


def test_a_folder_whose_model_changed_does_not_hold_it_though_its_manifest_says_so(tmp_path):
    (save(tmp_path) / "model.json").write_bytes(b"{}")

    assert save(tmp_path).name == "push_2021_03_04_2"


def test_another_model_under_the_same_name_gets_the_next_name(tmp_path):
    other, third = (make_model_document(make_line(intercept=i)) for i in (1.0, 2.0))

    names = [save(tmp_path, document=document).name for document in (FOREST, other, third, other)]

    assert names == [
        "push_2021_03_04",
        "push_2021_03_04_2",
        "push_2021_03_04_3",
        "push_2021_03_04_2",
    ]


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


def test_facts_that_are_no_json_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ModelFormatError, match="manifest cannot be written as JSON"):
        write_model_folder(tmp_path, "m", FILES, {"ap": float("nan")})

    assert names_in(tmp_path) == set()


def test_a_document_that_is_no_json_is_refused():
    with pytest.raises(ModelFormatError, match="cannot be written as JSON"):
        document_bytes({"bias": float("inf")})


def test_the_id_is_of_the_content_not_of_the_order_of_its_keys():
    turned = dict(reversed(FOREST.items()))

    assert model_id_of(turned) == model_id_of(FOREST) == FOREST["model_id"]
    assert model_id_of(FOREST | {"trained_on": "2021-03-05"}) != FOREST["model_id"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, len(FILES["model.json"]) * 8 - 1))
def test_one_flipped_bit_anywhere_in_the_model_is_refused(tmp_path, place):
    folder = save(tmp_path)
    flipped = bytearray(FILES["model.json"])
    flipped[place // 8] ^= 1 << (place % 8)
    (folder / "model.json").write_bytes(flipped)

    with pytest.raises(ModelIntegrityError, match="does not match its manifest: SHA-256 is"):
        read_model(folder)
    (folder / "model.json").write_bytes(FILES["model.json"])


def test_the_message_says_what_changed_and_what_to_do(tmp_path):
    folder = save(tmp_path)
    (folder / "model.json").write_bytes(b"{}")

    with pytest.raises(ModelIntegrityError) as caught:
        read_model(folder)

    expected = sha256(FILES["model.json"]).hexdigest()[:16]
    assert str(caught.value) == (
        "push_2021_03_04/model.json does not match its manifest: SHA-256 is 44136fa355b3678a..., "
        f"expected {expected}.... It changed after it was saved; restore it or retrain."
    )


class Payload:
    def __reduce__(self):
        return os.mkdir, (os.environ["PAYLOAD_PROOF"],)


@pytest.mark.parametrize("name", ["model.joblib", "model.json", "manifest.json"])
def test_a_pickle_in_the_folder_is_never_run(tmp_path, monkeypatch, name):
    proof = tmp_path / "proof"
    monkeypatch.setenv("PAYLOAD_PROOF", str(proof))
    folder = save(tmp_path / "models")
    payload = pickle.dumps(Payload())
    if name == "model.json":
        replace_model(folder, payload)
    else:
        (folder / name).write_bytes(payload)

    if name == "model.joblib":
        assert read_model(folder).model.model_id == FOREST["model_id"]
    else:
        with pytest.raises((ModelIntegrityError, ModelFormatError)):
            read_model(folder)

    assert not proof.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not json", "must be strict JSON"),
        (b"\xff\xfe\x00", "must be strict JSON"),
        (b"[" * 100_000, "must be strict JSON"),
        (FILES["model.json"].replace(b'"bias":-1.0', b'"bias":NaN'), "must be strict JSON"),
        (FILES["model.json"].replace(b'"bias":-1.0', b'"bias":1e999'), "must be finite"),
        (FILES["model.json"].replace(b'"format":1', b'"format":7'), "of format 1, got 7. Upgrade"),
    ],
)
def test_a_model_that_matches_its_manifest_is_still_checked(tmp_path, content, message):
    folder = save(tmp_path)
    replace_model(folder, content)

    with pytest.raises(ModelFormatError, match=rf"push_2021_03_04/model.json: .*{message}"):
        read_model(folder)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"files": {"model.json": 1}}', b"[" * 9999]
)
def test_a_manifest_without_a_digest_is_refused(tmp_path, content):
    folder = save(tmp_path)
    (folder / "manifest.json").write_bytes(content)

    with pytest.raises(ModelIntegrityError, match=r"gives no SHA-256 of model\.json"):
        read_model(folder)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_a_manifest_that_is_not_an_object_is_refused_and_a_fault(trained, content):
    (trained / "manifest.json").write_bytes(content)

    with pytest.raises(ModelIntegrityError, match=r"push_a/manifest\.json is not a JSON object"):
        read_manifest(trained)
    (fault,) = check_folder(trained).faults
    assert "push_a/manifest.json is not a JSON object" in fault


@pytest.mark.parametrize("name", ["model.json", "manifest.json"])
def test_a_folder_that_lost_a_file_is_damaged(tmp_path, name):
    folder = save(tmp_path)
    (folder / name).unlink()

    with pytest.raises(ModelIntegrityError, match=rf"{name} cannot be read \(No such file"):
        read_model(folder)


def test_a_folder_that_is_not_there_is_not_found(tmp_path):
    for read in (read_model, check_folder):
        with pytest.raises(ModelNotFoundError, match=r"There is no model folder m in the store\."):
            read(tmp_path / "m")


@pytest.fixture
def trained(tmp_path):
    """A model folder as training saves it."""
    files = {"model.json": FILES["model.json"], "model.joblib": b"joblib", "card.md": b"card"}
    return write_model_folder(tmp_path, "push_a", files, {})


def change_manifest(trained, change):
    manifest = json.loads((trained / "manifest.json").read_text())
    change(manifest)
    (trained / "manifest.json").write_text(json.dumps(manifest))


def test_what_was_saved_is_whole(trained):
    check = check_folder(trained)

    assert check.faults == ()
    assert check.checked == 2
    require_whole(trained)


@pytest.mark.parametrize("name", ["model.json", "model.joblib"])
@pytest.mark.parametrize("content", [b"", b"other"])
def test_an_altered_file_is_named(trained, name, content):
    (trained / name).write_bytes(content)

    (fault,) = check_folder(trained).faults

    assert f"push_a/{name} does not match its manifest: SHA-256 is" in fault
    with pytest.raises(ModelIntegrityError, match="does not match"):
        require_whole(trained)


@pytest.mark.parametrize("name", ["model.json", "model.joblib"])
def test_a_file_that_is_gone_is_named(trained, name):
    (trained / name).unlink()

    (fault,) = check_folder(trained).faults

    assert f"push_a/{name} cannot be read (No such file" in fault


def test_every_damaged_file_is_named_and_not_only_the_first(trained):
    (trained / "model.json").write_bytes(b"{}")
    (trained / "model.joblib").unlink()

    assert len(check_folder(trained).faults) == 2


def test_a_card_may_be_written_again_or_removed(trained):
    (trained / "card.html").write_text("a new page")
    (trained / "card.md").write_text("another")
    (trained / ".card.md.4711-0badcafe").touch()

    check = check_folder(trained)
    (trained / "card.md").unlink()

    assert check.faults == check_folder(trained).faults == ()
    assert check.unlisted == ("card.html", "card.md")


def test_a_file_without_a_digest_is_reported_and_is_not_a_fault(trained):
    (trained / "notes.txt").write_text("mine")

    assert check_folder(trained).unlisted == ("card.md", "notes.txt")
    assert check_folder(trained).faults == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.pop("files"),
        lambda m: m["files"].pop("model.json"),
        lambda m: m["files"].update({"../../etc/passwd": {"sha256": ""}}),
        lambda m: m["files"].update({"": {"sha256": ""}}),
        lambda m: m["files"].update({"..": {"sha256": ""}}),
        lambda m: m.update(files=[]),
    ],
)
def test_a_manifest_without_the_files_is_a_fault(trained, change):
    change_manifest(trained, change)

    (fault,) = check_folder(trained).faults

    assert "push_a/manifest.json does not give the SHA-256 of each file" in fault


def test_a_manifest_that_is_gone_is_a_fault_and_the_rest_is_reported(trained):
    (trained / "manifest.json").unlink()

    check = check_folder(trained)

    assert "push_a/manifest.json cannot be read" in check.faults[0]
    assert check.unlisted == ("card.md", "model.joblib", "model.json")


def test_a_model_of_another_format_is_a_fault(trained):
    files = {"model.json": b'{"format": 999}'}
    other = write_model_folder(trained.parent, "push_b", files, {})

    (fault,) = check_folder(other).faults

    assert fault.startswith("push_b/model.json: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_in_place_of_a_file_is_a_fault_at_once(trained):
    (trained / "model.joblib").unlink()
    os.mkfifo(trained / "model.joblib")

    (fault,) = check_folder(trained).faults

    assert "push_a/model.joblib cannot be read (not a regular file)" in fault
