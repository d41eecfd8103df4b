import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_model.errors import ModelIntegrityError
from push_model.store import history as past
from push_model.store import log as promotion_log
from push_model.store.history import history
from push_model.store.log import Move, append_move, former_champions, read_moves, tell_effects
from push_model.store.pointer import Champion
from push_model.store.promotion import champion, promote
from push_model.testing import make_model

FACTS = {"verdict": None, "reason": "", "promoted_at": "", "by": ""}


def logged(before, to, after, kind="verdict", *, mends=False) -> Move:
    return Move(kind, before, to, "", "", "", None, after, mends)


def served_by(name, line) -> Champion:
    return Champion(name, "", "", line)


def effects(moves, serving, *, is_damaged=False) -> list:
    return [line.took_effect for line in tell_effects(moves, serving, is_damaged=is_damaged)]


@pytest.fixture
def models(tmp_path):
    """A store of which a and b were promoted."""
    for number, name in enumerate("abc"):
        make_model(tmp_path, name, base_log_odds=float(number), promoted=False)
    promote(tmp_path, "a", expected=None, **FACTS)
    promote(tmp_path, "b", expected="a", **FACTS)
    return tmp_path


def test_a_new_store_has_no_history(tmp_path):
    assert history(tmp_path) == ()


def test_promotions_that_came_true_are_told_so(models):
    assert [(line.number, line.took_effect) for line in history(models)] == [(1, True), (2, True)]


def test_an_intent_that_a_crash_cut_short_did_not_take_effect(models):
    append_move(models, logged("b", "c", after=2))
    cut_short = [line.took_effect for line in history(models)]

    promote(models, "c", expected="b", **FACTS)

    assert cut_short == [True, True, False]
    assert [line.took_effect for line in history(models)] == [True, True, False, True]


def test_two_lines_of_the_same_words_are_told_apart(models):
    promoted_twice = logged("b", "c", after=2)
    append_move(models, promoted_twice)
    number = append_move(models, promoted_twice)
    pointer = served_by("c", number)._asdict()
    (models / "champion.json").write_text(json.dumps(pointer))

    assert [line.took_effect for line in history(models)] == [True, True, False, True]


def test_a_first_promotion_cut_short_did_not_take_effect():
    assert effects([logged(None, "a", None), logged(None, "b", None)], None) == [False, False]


def test_half_a_line_never_took_effect(models):
    with (models / "promotions.jsonl").open("ab") as log:
        log.write(b'{"from": "b", "t')
    promote(models, "c", expected="b", **FACTS)

    lines = history(models)

    assert [line.took_effect for line in lines] == [True, True, False, True]
    assert lines[2].move is None


def test_a_pointer_written_by_hand_leaves_the_last_line_in_doubt_and_no_other(models):
    pointer = {"model_name": "c", "promoted_at": "", "by": "me"}
    (models / "champion.json").write_text(json.dumps(pointer))
    in_doubt = [line.took_effect for line in history(models)]

    promote(models, "a", expected="c", **FACTS)

    assert in_doubt == [True, None]
    assert [line.took_effect for line in history(models)] == [True, None, True]


def test_a_pointer_to_another_models_line_is_not_believed():
    moves = [logged(None, "a", None), logged("a", "b", 1)]

    assert effects(moves, served_by("x", 2)) == [True, None]
    assert effects(moves, served_by("b", 3)) == [True, None]


def test_a_pointer_that_was_removed_leaves_in_doubt_what_came_before():
    moves = [logged(None, "a", None), logged("a", "b", 1), logged(None, "c", None)]

    assert effects(moves, served_by("c", 3)) == [None, None, True]


def test_a_line_that_names_a_later_one_does_not_lead_astray():
    moves = [logged(None, "a", None), logged("b", "a", 2)]

    assert effects(moves, served_by("a", 2)) == [None, True]


def test_a_mended_pointer_leaves_the_line_before_it_in_doubt():
    moves = [logged(None, "a", None), logged("a", "b", 1), logged(None, "c", None, mends=True)]

    assert effects(moves, served_by("c", 3)) == [True, None, True]
    assert effects(moves, None, is_damaged=True) == [True, None, None]


NAMES = st.sampled_from("abc")


@given(st.lists(st.tuples(NAMES, st.sampled_from(["done", "cut short", "half a line"]))))
def test_whatever_crashes_the_lines_told_to_be_in_effect_are_those_that_were(attempts):
    moves, truth = [], []
    serving = None
    for name, end in attempts:
        before, after = (serving.model_name, serving.line) if serving else (None, None)
        moves.append(None if end == "half a line" else logged(before, name, after))
        truth.append(end == "done")
        if end == "done":
            serving = served_by(name, len(moves))

    assert effects(moves, serving) == truth


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.builds(
                logged,
                st.one_of(st.none(), NAMES),
                NAMES,
                st.one_of(st.none(), st.integers(1, 9)),
                mends=st.booleans(),
            ),
        )
    ),
    st.one_of(st.none(), st.builds(served_by, NAMES, st.one_of(st.none(), st.integers(1, 9)))),
)
def test_whatever_a_log_says_a_history_has_an_answer_for_each_line(moves, serving):
    lines = tell_effects(moves, serving)

    assert [line.number for line in lines] == list(range(1, len(moves) + 1))
    assert former_champions(lines, gone_back_over=True) is not None


REST = b'"promoted_at": "", "by": "", "reason": "", "verdict": null'
LINES = [
    b"",
    b"[]",
    b"1",
    b"{}",
    b"\xff",
    b"[" * 100_000,
    b'{"from": null, "to": 1, %b}' % REST,
    b'{"from": [], "to": "a", %b}' % REST,
    b'{"from": "a", "to": "a", "after": true, %b}' % REST,
    b'{"from": "a", "to": "a", "after": 0, %b}' % REST,
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_is_no_promotion_is_none_and_spoils_no_other(models, line):
    with (models / "promotions.jsonl").open("ab") as log:
        log.write(line + b"\n")

    promote(models, "c", expected="b", **FACTS)

    assert [move and move.to for move in read_moves(models)] == ["a", "b", None, "c"]
    assert champion(models).line == 4


def test_a_log_that_cannot_be_read_is_named(models, monkeypatch):
    monkeypatch.setattr(promotion_log, "MOST_LOG_BYTES", 3)

    with pytest.raises(ModelIntegrityError, match=r"promotions\.jsonl cannot be read \(larger"):
        history(models)


def test_a_promotion_that_comes_meanwhile_does_not_seem_to_be_cut_short(models, monkeypatch):
    def read_early(folder):
        monkeypatch.setattr(past, "read_moves", read_moves)
        moves = read_moves(folder)
        promote(models, "c", expected="b", **FACTS)
        return moves

    monkeypatch.setattr(past, "read_moves", read_early)

    assert [line.took_effect for line in history(models)] == [True, True, True]
