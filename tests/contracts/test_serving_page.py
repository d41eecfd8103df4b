"""Compare the page for the API team with the code, in both directions."""

import doctest
import json
import re
import shutil
from pathlib import Path
from typing import get_type_hints

import pytest

import push_model
from push_model import FEATURES, errors, handler_predict
from push_model.columns import BY_NAME, HISTORY
from push_model.serving.answer import Details, FeatureSkew, Health
from push_model.serving.prediction import _EVENT_KEYS
from push_model.serving.settings import (
    DEFAULT_MODELS_DIR,
    MAX_AGE_DAYS,
    Limits,
    settings_of_process,
)
from push_model.store.folder import document_bytes, write_model_folder
from push_model.testing import make_model
from tests.events import UNKNOWN as USER
from tests.events import WRONG_EVENTS
from tests.forests import TORN_MODEL, make_line, make_model_document

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text("utf-8")
DEEP = '{"u": ' + "[" * 40 + "]" * 40 + "}"


def test_every_example_of_the_page_is_true(tmp_path, monkeypatch):
    make_model(tmp_path)
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    monkeypatch.chdir(ROOT)

    page = str(ROOT / "docs" / "serving.md")
    outcome = doctest.testfile(page, module_relative=False, optionflags=doctest.ELLIPSIS)

    assert outcome.attempted > 25
    assert outcome.failed == 0


def test_every_python_example_is_one_that_runs():
    fences = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

    assert {language for language, _ in fences} == {"python", "sh", "sql"}
    assert all(text.startswith(">>> ") for language, text in fences if language == "python")


@pytest.mark.parametrize("name", [*FEATURES, *HISTORY])
def test_the_page_describes_each_feature_as_the_columns_do(name):
    column = BY_NAME[name]
    kind = "whole" if column.type == "integer" else "number"
    limits = f"{kind}, {column.minimum:,.0f} to {column.maximum:,.0f}"
    value = "0 or 1" if column.type == "flag" else limits

    assert f"| `{name}` | {value} | {column.meaning} | {column.missing} |\n" in PAGE


@pytest.mark.parametrize(
    "name",
    [
        *_EVENT_KEYS,
        *push_model.Answer.__annotations__,
        *get_type_hints(Details),
        *get_type_hints(Health),
        *get_type_hints(FeatureSkew),
    ],
)
def test_every_field_is_in_a_table(name):
    assert re.search(rf"^\|.*`{name}`.*\|$", PAGE, re.MULTILINE)


def test_every_setting_is_on_the_page_with_its_default():
    read = re.findall(r"PUSH_[A-Z_]+[A-Z]", "".join(p.read_text("utf-8") for p in serving_code()))
    documented = dict(re.findall(r"^\| `(PUSH_[A-Z_]+)` \| `(.+?)` \|", PAGE, re.MULTILINE))

    assert set(documented) == set(read)
    limits = [documented[f"PUSH_MAX_{name}"] for name in ("REQUEST_CHARACTERS", "CANDIDATES")]
    assert [*map(int, limits), int(documented["PUSH_MAX_NESTING"])] == list(Limits())
    assert int(documented["PUSH_MAX_AGE_DAYS"]) == MAX_AGE_DAYS
    assert documented["PUSH_MODELS_DIR"] == DEFAULT_MODELS_DIR


def test_every_public_name_of_serving_is_on_the_page():
    names = set(push_model.__all__) - {"handler_fit", "__version__"}

    assert {name for name in names if not re.search(rf"\b{name}\b", PAGE)} == set()


EVENTS = {name: event for name, (event, _) in WRONG_EVENTS.items()} | {
    "a key that is no text": {"users": {"u": USER}, 17: 1},
    "an id twice in a dict": {"users": {17: USER, "17": USER}},
    "an id that is neither": {"users": {1.5: USER}},
    "a link": {"users": {"u": USER}, "model": "out"},
    "no such model": {"users": {"u": USER}, "model": "no_such"},
    "nests": {"users": DEEP},
    "absent": {"users": {"u": {}}},
    "misspelt": {"users": {"u": {"orderd_before": 1}}},
    "text": {"users": {"u": USER | {"discount_pct": "0.2"}}},
    "out of range": {"users": {"u": USER | {"discount_pct": -2, "ordered_before": 3}}},
    "no object": {"users": {"u": 17}},
    "a feature twice": {"users": '{"u": {"count_pets": 1, "count_pets": 2}}'},
    "a product": {"users": {"u": [USER, {}]}},
    "overflow": {"users": {"u": {"a": 1e9, "b": 0.0, "c": 1e9}}, "model": "huge"},
    "overflow of reasons": {
        "users": {"u": {"a": 1.7e300, "b": 1.7e300, "c": 1.0}},
        "model": "torn",
        "explain": True,
    },
}
SETTINGS = {
    "PUSH_MAX_REQUEST_CHARACTERS": "10",
    "PUSH_MAX_CANDIDATES": "1",
    "PUSH_MAX_NESTING": "none",
    "PUSH_SKEW_SKETCH": "maybe",
}


def move_out(folder):
    elsewhere = folder.parents[1] / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)


def link_out(path):
    path.rename(path.parents[2] / path.name)
    path.symlink_to(path.parents[2] / path.name)


def change_pointer(path):
    path.write_text(path.read_text().replace("push_2026", "push_2025"))


def make_folder(path):
    path.unlink()
    path.mkdir()


def deny(*_):
    raise PermissionError(13, "Permission denied")


def write_again(folder, change):
    """Write a whole folder of another model, or of one that cannot be read."""
    shutil.rmtree(folder, ignore_errors=True)
    document = make_model_document(make_line(weights=[1e308, 1.0, -1e308])) | change
    files = {"model.json": document_bytes(document)}
    write_model_folder(folder.parent, folder.name, files, {})


DAMAGE = {
    "nothing promoted": lambda folder: (folder.parent / "champion.json").unlink(),
    "a pointer to nothing": lambda folder: (folder.parent / "champion.json").write_bytes(b"{}"),
    "another pointer": lambda folder: change_pointer(folder.parent / "champion.json"),
    "a folder that is gone": shutil.rmtree,
    "a file that is gone": lambda folder: (folder / "model.json").unlink(),
    "another model.json": lambda folder: (folder / "model.json").write_bytes(b"{}"),
    "another manifest": lambda folder: (folder / "manifest.json").write_bytes(b"{}"),
    "a link out of the store": move_out,
    "a file that is a link out": lambda folder: link_out(folder / "model.json"),
    "a pointer that is a folder": lambda folder: make_folder(folder.parent / "champion.json"),
    "a newer format": lambda folder: write_again(folder, {"format": 99}),
    "no such family": lambda folder: write_again(folder, {"family": "forest"}),
}


# Rights that tests run as root cannot lose.
TROUBLE = {"a closed store": "is_symlink", "a store that closes meanwhile": "is_dir"}


def provoke(case, store, monkeypatch):
    """Return the message of one case."""
    folder = make_model(store)
    (store / "out").symlink_to(store.parent)
    write_again(store / "huge", {})
    write_again(store / "torn", TORN_MODEL)
    monkeypatch.setenv("PUSH_MODELS_DIR", str(store))
    event = EVENTS.get(case, {"users": json.dumps({"u": USER, "v": USER})})
    if case in SETTINGS:
        monkeypatch.setenv(case, SETTINGS[case])
    if case in DAMAGE:
        DAMAGE[case](folder)
    if case in TROUBLE:
        monkeypatch.setattr(Path, TROUBLE[case], deny)
    settings_of_process.cache_clear()
    body = json.loads(handler_predict(event)["body"])
    return body["error"]["message"] if "error" in body else body["errors"]["u"]


def messages_of_the_page():
    """Return the patterns of the tables of messages; `...` varies."""
    failures = PAGE.split("## When one user cannot be scored")[1].split("\n## Limits")[0]
    rows = re.findall(r"^\| (?:`\w+Error` \| )?`([^`\"]+ [^`\"]+)` \|", failures, re.MULTILINE)
    return [".*".join(map(re.escape, row.split("..."))) for row in rows]


CASES = (*EVENTS, *SETTINGS, *DAMAGE, *TROUBLE)


def test_the_messages_are_those_of_the_page_and_hide_where_the_store_is(tmp_path):
    given = {}
    for place, case in enumerate(CASES):
        with pytest.MonkeyPatch.context() as patch:
            given[case] = provoke(case, tmp_path / str(place) / "secret_store", patch)

    patterns = messages_of_the_page()

    def patterns_of(message):
        return [pattern for pattern in patterns if re.fullmatch(pattern, message)]

    assert len(patterns) > 30
    assert {case: message for case, message in given.items() if not patterns_of(message)} == {}
    assert {pattern for message in given.values() for pattern in patterns_of(message)} == {
        *patterns
    }
    assert not [case for case, message in given.items() if "secret_store" in message]


@pytest.mark.parametrize(
    "kind",
    [
        errors.InvalidEventError,
        errors.RequestTooLargeError,
        errors.InvalidSettingError,
        errors.ModelNotFoundError,
        errors.ModelIntegrityError,
        errors.ModelFormatError,
    ],
)
def test_every_type_of_error_has_its_status_on_the_page(kind):
    assert re.search(rf'^\| `"[0-9]{{3}}"` \| `{kind.__name__}` \|', PAGE, re.MULTILINE)


def serving_code():
    rooms = ("model", "store", "serving")
    files = [path for room in rooms for path in (ROOT / "push_model" / room).glob("*.py")]
    assert len(files) > len(rooms)
    return files
