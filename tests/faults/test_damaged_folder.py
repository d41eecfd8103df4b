"""Serving from a damaged model folder: the same bits, or a refusal."""

import json
import os
import random
import threading
from pathlib import Path

import pytest

from push_model import FEATURES, errors, handler_predict
from push_model.serving.live_model import LIVE_MODELS
from push_model.testing import make_model
from push_model.training.fit import handler_fit
from tests.effort import EFFORT
from tests.faults.changes import flip_or_cut
from tests.frames import make_frame

pytestmark = pytest.mark.no_cover

TIMES = 200 * EFFORT
UNOPENED = ("model.joblib", "validated.json", "golden.json", "card.html", "card.md")  # by serving
FILES = ("manifest.json", "model.json", *UNOPENED)
NAME = "push_2022_03_04"
USERS = json.dumps({
    "new": dict.fromkeys(FEATURES),
    "old": dict.fromkeys(FEATURES) | {"ordered_before": 1, "avg_days_to_buy_variant_id": 20},
    "two": [dict.fromkeys(FEATURES), dict.fromkeys(FEATURES) | {"global_popularity": 0.3}],
})
REFUSALS = {"ModelIntegrityError", "ModelFormatError"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The files of a model that was really trained, by name."""
    folder = tmp_path_factory.mktemp("trained")
    make_frame(orders=60, seed=0).to_csv(folder / "frame.csv", index=False)
    handler_fit(
        {
            "model_parametrisation": {"model": "boosted_trees", "iterations": 20, "depth": 3},
            "dataset": str(folder / "frame.csv"),
            "models_dir": str(folder / "models"),
            "training_date": "2022-03-04",
        },
        None,
    )
    files = {path.name: path.read_bytes() for path in (folder / "models" / NAME).iterdir()}
    return files | {"card.html": b"<p>A card", "card.md": b"# A card"}


@pytest.fixture
def folder(tmp_path, monkeypatch, trained):
    """That model, whole, in a store of its own."""
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    path = tmp_path / NAME
    path.mkdir()
    for name, content in trained.items():
        (path / name).write_bytes(content)
    return path


def answer() -> tuple[str, str]:
    found = handler_predict({"users": USERS, "model": NAME, "details": True})
    return found["statusCode"], found["body"]


def answer_of_a_new_process() -> tuple[str, str]:
    LIVE_MODELS.__init__(check_every_s=0.0)
    return answer()


def refusal(found: tuple[str, str]) -> str:
    status, body = found
    assert status == "500", "neither the same bits nor a refusal"
    error = json.loads(body)["error"]
    assert error["type"] in REFUSALS
    return error["message"]


def test_a_trained_folder_holds_exactly_the_files_that_are_damaged_here(trained):
    assert sorted(trained) == sorted(FILES)


@pytest.mark.parametrize("name", ["manifest.json", "model.json"])
def test_flipped_bits_and_lost_ends_change_no_answer_in_silence(folder, trained, name):
    whole = answer()
    draw = random.Random(20_220_304)
    refused = 0

    for _ in range(TIMES):
        (folder / name).write_bytes(flip_or_cut(trained[name], draw))
        found = answer_of_a_new_process()
        if found != whole:
            refusal(found)
            refused += 1

    assert whole[0] == "200"
    if name == "model.json":
        assert refused == TIMES


@pytest.mark.parametrize("name", ["manifest.json", "model.json"])
def test_a_process_that_has_the_model_goes_on_with_it_or_refuses(folder, trained, name):
    whole = answer()
    draw = random.Random(1)

    for _ in range(20 * EFFORT):
        (folder / name).write_bytes(flip_or_cut(trained[name], draw))
        found = answer()
        assert found == whole or refusal(found)
        (folder / name).write_bytes(trained[name])
        assert answer() == whole


def test_a_champion_damaged_while_it_serves_goes_on_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    folder = make_model(tmp_path)
    users = {"u": dict.fromkeys(FEATURES)}
    whole = handler_predict({"users": users, "details": True})
    draw = random.Random(2)

    for name in ("manifest.json", "model.json", "../champion.json"):
        content = (folder / name).read_bytes()
        for _ in range(20 * EFFORT):
            (folder / name).write_bytes(flip_or_cut(content, draw))
            assert handler_predict({"users": users, "details": True}) == whole
        (folder / name).write_bytes(content)


def test_no_fact_of_the_manifest_reaches_an_answer_but_the_digest(folder, trained):
    # So a flip there that goes unnoticed changes what people and `push-model` read, and no answer:
    # the name, the id and the training date of `details` stand in model.json, under the digest.
    whole = answer()
    manifest = json.loads(trained["manifest.json"])
    for fact in manifest.keys() - {"files"}:
        manifest[fact] = "changed"
    for file in manifest["files"].keys() - {"model.json"}:
        manifest["files"][file] = "changed"
    manifest["files"]["model.json"] = {"sha256": manifest["files"]["model.json"]["sha256"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))

    assert answer_of_a_new_process() == whole


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to(path: Path, target: Path | str) -> None:
    path.unlink()
    path.symlink_to(target)


MISHAPS = {
    "lost": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "a folder": make_folder,
    "a link to nothing": lambda path: link_to(path, path.with_name("nothing")),
    "a link to itself": lambda path: link_to(path, path.name),
    "a link to another file": lambda path: link_to(path, "/etc/passwd"),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "nested without end": lambda path: path.write_bytes(b'{"files":' * 100_000),
    "a terabyte": lambda path: os.truncate(path, 1 << 40),
}
each_mishap = pytest.mark.parametrize("mishap", MISHAPS.values(), ids=MISHAPS)


@pytest.mark.parametrize("name", ["manifest.json", "model.json"])
def test_a_file_in_another_encoding_is_refused_or_answers_the_same(folder, name):
    whole = answer()
    (folder / name).write_bytes((folder / name).read_text("utf-8").encode("utf-16"))

    found = answer()
    assert found == whole or refusal(found)


@each_mishap
@pytest.mark.parametrize("name", ["manifest.json", "model.json"])
def test_a_file_that_is_no_longer_what_it_was_is_refused(folder, name, mishap):
    mishap(folder / name)

    assert "estore it or retrain." in refusal(answer())


@each_mishap
@pytest.mark.parametrize("name", UNOPENED)
def test_a_file_that_serving_never_opens_may_become_anything(folder, name, mishap):
    whole = answer()
    mishap(folder / name)

    assert answer() == whole


@each_mishap
def test_a_pointer_that_is_no_longer_what_it_was_is_refused(tmp_path, monkeypatch, mishap):
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    make_model(tmp_path)
    mishap(tmp_path / "champion.json")

    found = handler_predict({"users": USERS})

    kind = json.loads(found["body"])["error"]["type"]
    expected = ("503", "ModelNotFoundError"), ("500", "ModelIntegrityError")
    assert (found["statusCode"], kind) in expected


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="only where there are pipes in folders")
@pytest.mark.parametrize("name", [f"{NAME}/manifest.json", f"{NAME}/model.json", "champion.json"])
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(folder, name):
    make_model(folder.parent)
    pipe = folder.parent / name
    pipe.unlink()
    os.mkfifo(pipe)
    found: list[dict[str, str]] = []
    event = {"users": USERS, "model": None if name == "champion.json" else NAME}
    asking = threading.Thread(target=lambda: found.append(handler_predict(event)), daemon=True)

    asking.start()
    asking.join(30)
    if asking.is_alive():  # let go of the thread before the test fails
        os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))
        with pipe.open("wb"):
            pass
        asking.join(10)
        pytest.fail("it waited for a writer of the pipe")

    assert found[0]["statusCode"] == "500"


@pytest.mark.parametrize("put", ["a link out", "a link to itself", "a file", "nothing"])
@pytest.mark.parametrize("named", [True, False])
def test_a_folder_that_is_none_of_the_store_is_refused(tmp_path, monkeypatch, put, named):
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path / "store"))
    folder = make_model(tmp_path / "store")
    folder.rename(tmp_path / "elsewhere")
    if put.startswith("a link"):
        folder.symlink_to(tmp_path / "elsewhere" if put == "a link out" else folder.name)
    elif put == "a file":
        folder.write_bytes(b"{}")

    found = handler_predict({"users": USERS, "model": folder.name if named else None})

    assert found["statusCode"] == ("400" if named else "500")
    kind = json.loads(found["body"])["error"]["type"]
    assert issubclass(getattr(errors, kind), errors.PushModelError)


@pytest.mark.parametrize("name", ["model.json", "manifest.json"])
def test_a_link_to_a_file_within_the_store_serves_and_one_out_of_it_is_refused(
    folder, tmp_path_factory, name
):
    # As volumes do that are mounted whole and swapped by one link.
    whole = answer()
    (folder.parent / "data").mkdir()
    inside = (folder / name).rename(folder.parent / "data" / name)
    (folder / name).symlink_to(inside)
    assert answer_of_a_new_process() == whole

    outside = inside.rename(tmp_path_factory.mktemp("elsewhere") / name)
    link_to(folder / name, outside)
    assert f"{name} is a link that leads out of the store." in refusal(answer_of_a_new_process())
