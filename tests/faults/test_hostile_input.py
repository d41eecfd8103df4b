"""Hostile requests and files: refused or treated as text; nothing is opened, run or revealed."""

import base64
import json
import pickle
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from push_model import handler_predict, health
from push_model.errors import did_you_mean
from push_model.testing import make_model
from tests.events import KNOWN
from tests.faults.changes import places
from tests.stores import NOT_NAMES

WORDS = [
    "{0.__class__.__mro__}",
    "{users}",
    "%(users)s %s %n",
    "${jndi:ldap://localhost/a}",
    "{{7*7}}",
    "$(touch hacked)",
    "'; DROP TABLE users; --",
    "<script>alert(1)</script>",
    "__import__('os').system('touch hacked')",
]
ATTRIBUTES = ["__proto__", "__class__", "__init__", "__dict__", "constructor", "__getitem__"]


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "unpickled")


@pytest.fixture
def hacked(tmp_path):
    """Where a payload would leave its mark."""
    return tmp_path / "hacked"


@pytest.fixture
def payload(hacked):
    return pickle.dumps(Payload(hacked))


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    make_model(tmp_path / "store")
    return tmp_path / "store"


def ask(event) -> tuple[str, dict]:
    answer = handler_predict(event)
    return answer["statusCode"], json.loads(answer["body"], parse_constant=pytest.fail)


_opened: list[str] = []
_is_watching = False


def _watch(name, arguments) -> None:
    if _is_watching and name in {"open", "os.listdir", "os.scandir", "subprocess.Popen", "exec"}:
        _opened.append(f"{name} {str(arguments[0])[:300]}")


@pytest.fixture(scope="session", autouse=True)
def _hook():
    sys.addaudithook(_watch)  # there is no way to take one away; it looks away instead


@pytest.fixture
def opened():
    """What the interpreter opened or ran while the test went on."""
    global _is_watching  # noqa: PLW0603 - an audit hook takes no argument
    did_you_mean("warm", ["warn"])  # imports what is imported late, which opens files
    _opened.clear()
    _is_watching = True
    yield _opened
    _is_watching = False


def test_the_watch_sees_what_is_opened(store, opened):
    ask({"users": {"u": KNOWN}})

    assert f"open {store}/push_2026_01_05/model.json" in opened
    assert f"open {store}/champion.json" in opened


def test_the_payload_of_these_tests_does_its_harm_when_unpickled(payload, hacked):
    pickle.loads(payload)

    assert hacked.read_text() == "unpickled"


@pytest.mark.parametrize("name", NOT_NAMES)
def test_a_model_name_that_is_no_plain_name_is_refused_and_nothing_is_opened(store, opened, name):
    (store.parent / "x").mkdir()
    opened.clear()

    status, body = ask({"users": {"u": KNOWN}, "model": name})

    assert (status, body["error"]["type"]) == ("400", "InvalidEventError")
    assert not [entry for entry in opened if entry.startswith("open ")]


@pytest.mark.parametrize("field", ["model_name", "promoted_at", "by"])
@pytest.mark.parametrize("name", NOT_NAMES)
def test_a_pointer_that_names_a_path_opens_nothing_but_the_store(store, opened, field, name):
    pointer = json.loads((store / "champion.json").read_text()) | {field: name}
    del pointer["sha256"]
    (store / "champion.json").write_text(json.dumps(pointer))
    opened.clear()

    status, body = ask({"users": {"u": KNOWN}})

    if field == "model_name":
        assert (status, body["error"]["type"]) == ("500", "ModelIntegrityError")
    else:
        assert status == "200"  # who promoted, and when, is not looked at
    assert all(entry.startswith(f"open {store}/") for entry in opened)


@pytest.mark.parametrize("key", ["users", "threshold", "explain", "details", "model", "pickle"])
def test_a_pickle_in_any_field_of_an_event_is_never_unpickled(store, payload, hacked, key):
    texts = [payload.decode("latin-1"), base64.b64encode(payload).decode()]
    harmful = [payload, bytearray(payload), memoryview(payload), *texts, Payload(hacked)]

    statuses = [ask({"users": {"u": KNOWN}, key: value})[0] for value in harmful]

    assert set(statuses) == {"400"}
    assert store.exists()
    assert not hacked.exists()


@pytest.mark.usefixtures("store")
def test_a_pickle_as_a_users_features_or_value_is_that_users_error(payload, hacked):
    text = payload.decode("latin-1")
    users = {
        f"{kind}_{place}": value if place == "user" else {**KNOWN, "count_pets": value}
        for place in ("user", "value")
        for kind, value in (("bytes", payload), ("text", text), ("object", Payload(hacked)))
    }

    status, body = ask({"users": users})

    assert status == "200"
    assert body["errors"].keys() == users.keys()
    assert "write_text" not in json.dumps(body)
    assert not hacked.exists()


def vouch_for(folder, content: bytes) -> None:
    (folder / "model.json").write_bytes(content)
    manifest = {"files": {"model.json": {"sha256": sha256(content).hexdigest()}}}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("put", "kind"),
    [
        (lambda f, it: (f / "manifest.json").write_bytes(it), "ModelIntegrityError"),
        (lambda f, it: (f / "model.json").write_bytes(it), "ModelIntegrityError"),
        (lambda f, it: (f.parent / "champion.json").write_bytes(it), "ModelIntegrityError"),
        (vouch_for, "ModelFormatError"),
    ],
)
def test_a_pickle_in_place_of_a_file_is_refused(store, payload, hacked, put, kind):
    put(store / "push_2026_01_05", payload)

    status, body = ask({"users": {"u": KNOWN}})

    assert (status, body["error"]["type"]) == ("500", kind)
    assert health()["status"] == "unavailable"
    assert not hacked.exists()


def test_a_pickle_in_the_file_for_people_is_not_even_opened(store, payload, hacked, opened):
    (store / "push_2026_01_05" / "model.joblib").write_bytes(payload)
    opened.clear()

    status, _ = ask({"users": {"u": KNOWN}})

    assert status == "200"
    assert not [entry for entry in opened if "joblib" in entry]
    assert not hacked.exists()


@pytest.mark.parametrize("word", ["../x", "{0.__class__.__mro__}", "__class__", "c\nos\nsystem\n."])
def test_a_hostile_word_anywhere_in_a_vouched_document_opens_runs_and_says_nothing(
    store, opened, hacked, word
):
    folder = store / "push_2026_01_05"
    whole = (folder / "model.json").read_text()
    users = {"users": {"u": KNOWN}, "explain": True, "model": folder.name}

    for place in range(len([*places(json.loads(whole))])):
        document = json.loads(whole)
        holder, key = [*places(document)][place]
        holder[key] = word
        vouch_for(folder, json.dumps(document).encode())
        opened.clear()
        status, body = ask(users)
        assert status == "200" or body["error"]["type"] == "ModelFormatError"
        assert "<class" not in json.dumps(body)
        assert all(entry.startswith(f"open {store}/") for entry in opened)

    assert not hacked.exists()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("word", [*WORDS, *NOT_NAMES[:8], *ATTRIBUTES])
def test_a_hostile_word_is_a_user_id_like_any_other_and_no_value(word, hacked):
    status, body = ask({"users": {word: KNOWN, "u": {**KNOWN, "count_pets": word}}})

    assert status == "200"
    assert body["prediction"].keys() == {word}
    assert body["errors"].keys() == {"u"}
    assert body["errors"]["u"].endswith("or null, got text.")
    assert len(word) < 3 or word not in body["errors"]["u"]
    assert not hacked.exists()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_the_name_of_an_attribute_is_an_unknown_feature_and_changes_nothing(name):
    plain = ask({"users": {"u": KNOWN}})[1]
    hostile = {name: {"count_pets": 3}}

    assert ask({"users": {"u": KNOWN | hostile}})[1] == plain
    assert ask({"users": json.dumps({"u": KNOWN | hostile})})[1] == plain
    assert ask({"users": {"u": hostile}})[1]["prediction"] == {}
    assert ask({"users": {"u": KNOWN}, name: {"models_dir": "/"}})[0] == "400"


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("key", ["users", "threshold", "explain", "details", "model"])
def test_a_hostile_word_as_an_option_is_refused_and_not_repeated(word, key, hacked):
    status, body = ask({"users": {"u": KNOWN}, key: word})

    assert status == "400"
    assert word not in body["error"]["message"]
    assert not hacked.exists()
