import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from push_model.errors import (
    InvalidEventError,
    ModelIntegrityError,
    ModelNotFoundError,
    PromotionConflictError,
)
from push_model.store import promotion as store
from push_model.store.promotion import champion, model_path, promote
from push_model.testing import make_model


def names_in(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def models(tmp_path):
    """A store of three models, none promoted."""
    for number, name in enumerate("abc"):
        make_model(tmp_path, name, base_log_odds=float(number), promoted=False)
    return tmp_path


def move(models, name, *, expected=None, **changes):
    facts = {"verdict": "promote", "reason": "better", "promoted_at": "2026-01-05", "by": "test"}
    return promote(models, name, expected=expected, **facts | changes)


def log_of(models) -> list[dict]:
    return [json.loads(line) for line in (models / "promotions.jsonl").read_bytes().splitlines()]


def test_a_new_store_has_no_champion(models):
    assert champion(models) is None


def test_the_promoted_model_serves_and_the_log_says_why(models):
    move(models, "a", promoted_at="2026-01-05", verdict={"ap": 0.2})
    moved = move(models, "b", expected="a", promoted_at="2026-01-06", reason="newer")

    assert champion(models) == moved == ("b", "2026-01-06", "test", 2)
    first, second = log_of(models)
    assert (first["from"], first["to"], first["verdict"]) == (None, "a", {"ap": 0.2})
    assert (second["from"], second["to"], second["reason"]) == ("a", "b", "newer")
    assert {first["kind"], second["kind"]} == {"verdict"}


@pytest.mark.parametrize("reason", ["", " \n"])
def test_a_forced_promotion_without_a_reason_is_refused(models, reason):
    with pytest.raises(InvalidEventError, match="A forced promotion needs a reason"):
        move(models, "a", reason=reason, forced=True)

    assert names_in(models) == {"a", "b", "c"}


def test_a_forced_promotion_is_logged_as_forced_and_by_whom(models):
    move(models, "a", verdict=None, reason="b is wrong", by="ada", forced=True)

    (line,) = log_of(models)
    assert (line["kind"], line["by"], line["reason"]) == ("forced", "ada", "b is wrong")


def test_a_forced_promotion_compares_the_champion_too(models):
    move(models, "a")

    with pytest.raises(PromotionConflictError, match="it was 'c', now it is 'a'"):
        move(models, "b", expected="c", forced=True)


def test_only_a_forced_promotion_mends_a_damaged_pointer(models):
    move(models, "a")
    (models / "champion.json").write_bytes(b"{")

    with pytest.raises(ModelIntegrityError, match="does not name a champion"):
        move(models, "b", expected="a")
    move(models, "b", forced=True)

    assert champion(models).model_name == "b"
    assert log_of(models)[-1]["mends"] is True


def test_a_store_that_is_absent_is_named(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"There is no model store .*absent"):
        move(tmp_path / "absent", "a")


@pytest.mark.parametrize("line", [0, -1, True, 1.5, "1", None, []])
def test_a_pointer_serves_whatever_it_says_of_the_log(models, line):
    pointer = {"model_name": "a", "promoted_at": "", "by": "", "line": line}
    (models / "champion.json").write_text(json.dumps(pointer))

    assert champion(models) == ("a", "", "", None)


def test_promoting_the_champion_again_changes_nothing(models):
    first = move(models, "a")

    again = move(models, "a", expected="c", promoted_at="2027-01-01")

    assert again == first
    assert len(log_of(models)) == 1


def test_a_champion_that_changed_since_validation_is_not_replaced(models):
    move(models, "a")

    with pytest.raises(PromotionConflictError, match=r"was None, now it is 'a'\. Validate 'b'"):
        move(models, "b", expected=None)

    assert champion(models).model_name == "a"
    assert len(log_of(models)) == 1


def test_a_model_that_does_not_load_is_not_promoted(models):
    move(models, "a")
    (models / "b" / "model.json").write_bytes(b"{}")

    with pytest.raises(ModelIntegrityError, match=r"b/model\.json does not match"):
        move(models, "b", expected="a")
    with pytest.raises(ModelNotFoundError, match="no model folder zzz"):
        move(models, "zzz", expected="a")

    assert champion(models).model_name == "a"


def test_of_many_at_once_one_wins_and_the_others_are_told(models):
    def attempt(name):
        try:
            return move(models, name).model_name
        except PromotionConflictError:
            return None

    with ThreadPoolExecutor(3) as threads:
        winners = [name for name in threads.map(attempt, "abc") if name]

    assert winners == [champion(models).model_name]
    assert [entry["to"] for entry in log_of(models)] == winners


def test_half_a_line_left_by_a_crash_does_not_spoil_the_next(models):
    move(models, "a")
    with (models / "promotions.jsonl").open("ab") as log:
        log.write(b'{"from": "a", "t')

    move(models, "b", expected="a")

    lines = (models / "promotions.jsonl").read_bytes().splitlines()
    assert len(lines) == 3
    assert json.loads(lines[2])["to"] == "b"


def test_promotion_leaves_no_temporary_file(models):
    move(models, "a")

    names = {"a", "b", "c", "champion.json", "promotions.jsonl", ".promotion.lock"}
    assert names_in(models) == names


POINTERS = [
    b"",
    b"{}",
    b"[]",
    b"\xff",
    b'"a"',
    b"[" * 100_000,
    b'{"model_name": 1, "promoted_at": "", "by": ""}',
    b'{"model_name": "../a", "promoted_at": "", "by": ""}',
    b'{"model_name": "champion.json", "promoted_at": "", "by": ""}',
]


@pytest.mark.parametrize("content", POINTERS)
def test_a_damaged_pointer_is_said_to_be_damaged(models, content):
    (models / "champion.json").write_bytes(content)

    with pytest.raises(ModelIntegrityError, match=r"^The store's champion\.json does not name"):
        champion(models)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "../b",
        "a/b",
        "/etc",
        "a\\b",
        "a\0",
        "a\n",
        "a b",
        "å",
        "\N{DIVISION SLASH}a",
        "\ud800",
        "-a",
        "a.b",
        "champion.json",
        "promotions.jsonl",
        "manifest.json",
        "a" * 101,
        None,
        1,
        b"a",
        ["a"],
    ],
)
def test_a_name_that_is_no_plain_name_is_refused(tmp_path, name):
    with pytest.raises(InvalidEventError, match=r"letters, digits, '_' or '-', .* never a path"):
        model_path(tmp_path, name)


@settings(deadline=None)
@given(st.text(max_size=8))
def test_no_text_leads_out_of_the_store(tmp_path_factory, name):
    models = tmp_path_factory.getbasetemp()
    try:
        path = model_path(models, name)
    except InvalidEventError:
        return

    assert os.path.normpath(path) == str(models / name)


def test_a_link_inside_the_store_is_followed_and_one_out_of_it_refused(tmp_path):
    models = tmp_path / "models"
    make_model(models, "a", promoted=False)
    (models / "latest").symlink_to("a")
    (models / "out").symlink_to(tmp_path)

    assert model_path(models, "latest").name == "latest"
    with pytest.raises(InvalidEventError, match="'out' is a link that leads out of the store"):
        model_path(models, "out")


def test_every_name_the_trainer_gives_is_a_legal_one():
    assert store.model_path("models", "push_2026_11_23_2").name == "push_2026_11_23_2"


@pytest.mark.parametrize("name", [store.CHAMPION_FILE, store.LOG_FILE, store.LOCK_FILE])
def test_no_model_can_take_the_place_of_a_file_of_the_store(tmp_path, name):
    with pytest.raises(InvalidEventError, match="It names a folder of the store"):
        model_path(tmp_path, name)
