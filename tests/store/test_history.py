import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_model.errors import ModelIntegrityError
from push_model.store import history as past
from push_model.store import promotion
from push_model.store.durable import append_line
from push_model.store.history import _read_log, former_champions, history
from push_model.store.pointer import write_champion
from push_model.store.promotion import Champion, champion, rollback
from tests.stores import FACTS, make_store, move


@pytest.fixture
def models(tmp_path):
    """A store of which a and b were promoted."""
    return make_store(tmp_path, "abc", promoted="ab")


def names_of(moves) -> list[str]:
    return [move.model_name for move in moves]


def log(models, *fields) -> None:
    for each in fields:
        append_line(models / "promotions.jsonl", json.dumps(each).encode())


def point(models, **fields) -> None:
    (models / "champion.json").write_text(json.dumps(FACTS | fields))


def test_the_history_is_every_champion_with_who_when_why_and_in_place_of_which(models):
    move(models, "c", verdict={"decision": "promote"}, reason="better")
    rollback(models, **FACTS)

    moves = history(models)
    verdict = {"decision": "promote"}
    assert names_of(moves) == ["a", "b", "c", "b"]
    assert moves[2] == ("c", "2026-01-05", "test", 3, "verdict", "b", "better", verdict)
    assert moves[3] == ("b", "2026-01-05", "test", 4, "rollback", "c", "why", None)
    assert _read_log(models)[-1] == champion(models) == moves[-1]


def test_a_move_that_a_crash_kept_from_the_log_is_shown_and_copied_by_the_next(models, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(promotion, "append_to_log", lambda *_: None)
        move(models, "c")
    shown = history(models)

    move(models, "a")

    assert names_of(shown) == ["a", "b", "c"]
    assert names_of(_read_log(models)) == names_of(history(models)) == ["a", "b", "c", "a"]
    assert history(models)[:3] == shown


def test_a_lost_log_leaves_the_champion_and_is_begun_again(models):
    (models / "promotions.jsonl").unlink()
    assert names_of(history(models)) == ["b"]

    move(models, "c")

    assert names_of(history(models)) == ["b", "c"]
    assert [move.line for move in history(models)] == [2, 3]


def test_a_pointer_written_by_hand_is_shown_and_logged_once(models):
    point(models, model_name="c", by="me")
    shown = history(models)[-1]

    for name in ("c", "a"):
        move(models, name)

    assert (shown.model_name, shown.by, shown.kind, shown.line) == ("c", "me", "unknown", None)
    assert names_of(history(models)) == names_of(_read_log(models)) == ["a", "b", "c", "a"]


def test_a_damaged_pointer_leaves_the_log(models):
    (models / "champion.json").write_bytes(b"{")

    assert names_of(history(models)) == ["a", "b"]


OLD = {"kind": "verdict", "reason": "", "verdict": None, "mends": False, **FACTS}


def test_a_store_of_an_older_release_is_read_and_goes_on(models):
    """It logged a promotion before it made it: the second line here was cut short by a crash."""
    (models / "promotions.jsonl").unlink()
    log(
        models,
        {"from": None, "to": "a", "after": None} | OLD,
        {"from": "a", "to": "b", "after": 1} | OLD,
        {"from": "a", "to": "c", "after": 1} | OLD,
        {"from": "c", "to": "b", "after": 3} | OLD,
    )
    point(models, model_name="c", line=3)  # so that the last line was cut short, too
    before = history(models)

    move(models, "a", expected="c", expected_line=3)

    assert names_of(before) == ["a", "c"]
    assert [move.line for move in before] == [1, 3]
    assert names_of(history(models)) == ["a", "c", "a"]
    assert champion(models).line == 5


def test_a_log_from_before_kinds_holds_verdicts(models):
    log(models, {"from": "b", "to": "c", "reason": "", "verdict": None, **FACTS})
    point(models, model_name="c", line=3)

    assert history(models)[-1].kind == "verdict"


NAMES = st.sampled_from("abc")
ENDS = st.sampled_from(["done", "not logged", "half a line", "nothing"])


@given(st.lists(st.tuples(NAMES, ENDS), max_size=12))
def test_whatever_crashes_the_history_is_the_champions_that_were(tmp_path_factory, attempts):
    store = tmp_path_factory.mktemp("store")
    truth = []
    assert history(store) == ()
    for name, end in attempts:
        serving = champion(store)
        before = serving.model_name if serving else None
        if name == before:
            continue
        number = past.copy_to_log(store, serving)
        if end == "nothing":
            continue
        write_champion(store, Champion(name, "", "", number, "verdict", before))
        truth.append(name)
        if end == "done":
            past.append_to_log(store, champion(store))
        elif end == "half a line":
            with (store / "promotions.jsonl").open("ab") as file:
                file.write(past._write(champion(store))[: len(truth) ** 2])

        assert past.find_log_faults(store) == ()
        assert names_of(history(store)) == truth
        assert history(store)[-1] == champion(store)


@given(st.lists(st.tuples(NAMES, st.booleans())))
def test_whatever_crashed_in_an_older_release_its_champions_are_read(tmp_path_factory, attempts):
    store = tmp_path_factory.mktemp("store")
    (store / "promotions.jsonl").touch()
    truth, line = ["a"], 1
    log(store, {"from": None, "to": "a", "after": None} | OLD)
    for number, (name, is_done) in enumerate(attempts, start=2):
        to = "d" if name == truth[-1] else name
        log(store, {"from": truth[-1], "to": to, "after": line} | OLD)
        if is_done:
            truth.append(to)
            line = number
    point(store, model_name=truth[-1], line=line)

    assert past.find_log_faults(store) == ()
    assert names_of(history(store)) == truth


REST = b'"promoted_at": "", "by": "", "reason": "", "verdict": null'
LINES = [
    b"",
    b"[]",
    b"1",
    b"{}",
    b"\xff",
    b"[" * 100_000,
    b'{"from": "b", "t',
    b'{"from": null, "to": 1, %b}' % REST,
    b'{"from": null, "to": "../a", %b}' % REST,
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_is_not_a_move_is_left_out_and_spoils_no_other(models, line):
    with (models / "promotions.jsonl").open("ab") as file:
        file.write(line + b"\n")

    move(models, "c")

    assert names_of(history(models)) == ["a", "b", "c"]
    assert champion(models).line == 4


def test_a_log_that_cannot_be_read_is_named(models, monkeypatch):
    monkeypatch.setattr(past, "MOST_LOG_BYTES", 3)

    with pytest.raises(ModelIntegrityError, match=r"promotions\.jsonl cannot be read \(larger"):
        history(models)


def test_a_promotion_that_comes_while_the_history_is_read_does_no_harm(models, monkeypatch):
    find = past.find_champion

    def look_early(folder):
        monkeypatch.setattr(past, "find_champion", find)
        found = find(folder)
        move(models, "c")
        move(models, "a")
        return found

    monkeypatch.setattr(past, "find_champion", look_early)

    assert names_of(history(models)) == ["a", "b"]


@given(st.lists(st.tuples(NAMES, st.sampled_from(["verdict", "forced", "rollback"]))))
def test_former_champions_are_each_named_once_with_the_last_in_front(steps):
    moves = [Champion(name, "", "", kind=kind) for name, kind in steps]

    names = former_champions(moves)

    assert len(set(names)) == len(names)
    assert names[:1] == tuple(names_of(moves)[-1:])
    assert set(former_champions(moves, rolled_back_over=True)) == set(names_of(moves))
