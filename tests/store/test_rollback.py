import pytest

from push_model.errors import (
    InvalidEventError,
    ModelIntegrityError,
    ModelNotFoundError,
    PromotionConflictError,
)
from push_model.store import promotion as store
from push_model.store.history import history
from push_model.store.promotion import champion, rollback
from tests.stores import FACTS, make_store, move


@pytest.fixture
def models(tmp_path):
    """A store of four models; a, b and c were promoted in turn."""
    return make_store(tmp_path, "abcd", promoted="abc")


def go_back(models, to=None, **changes):
    return rollback(models, to=to, **FACTS | changes).model_name


def damage(models, name, file="model.json"):
    (models / name / file).write_bytes(b"{}")


def test_a_rollback_goes_to_the_champion_before_and_is_logged(models):
    assert go_back(models, by="ada") == champion(models).model_name == "b"

    last = history(models)[-1]
    assert (last.kind, last.before, last.model_name) == ("rollback", "c", "b")
    assert (last.by, last.reason) == ("ada", "why")


def test_rolling_back_again_goes_further_back_and_never_forward(models):
    assert [go_back(models), go_back(models)] == ["b", "a"]

    with pytest.raises(ModelNotFoundError, match="No former champion is intact"):
        go_back(models)
    assert champion(models).model_name == "a"


def test_a_rollback_from_a_champion_that_was_replaced_meanwhile_changes_nothing(models):
    seen = champion(models).line
    move(models, "d")

    with pytest.raises(PromotionConflictError, match="changed while this rollback waited"):
        go_back(models, expected_line=seen)

    assert champion(models).model_name == "d"
    assert go_back(models, expected_line=champion(models).line) == "c"


def test_a_champion_promoted_after_a_rollback_is_gone_back_from_to_what_it_replaced(models):
    go_back(models)
    move(models, "d")

    assert go_back(models) == "b"


def test_a_verdict_from_before_a_rollback_promotes_nothing_though_the_name_is_the_same(models):
    seen = champion(models)  # what the gate compared with
    move(models, "d", expected_line=seen.line)
    go_back(models)

    with pytest.raises(PromotionConflictError, match="'c' was replaced and came back"):
        move(models, "d", expected_line=seen.line)

    assert champion(models).model_name == "c"


def test_a_champion_promoted_twice_is_one_to_go_back_to_once(models):
    move(models, "b")

    assert [go_back(models), go_back(models)] == ["c", "a"]


@pytest.mark.parametrize("file", ["model.json", "manifest.json"])
def test_a_rollback_goes_past_a_champion_that_is_damaged(models, file):
    damage(models, "b", file)

    assert go_back(models) == "a"


def test_a_promotion_cut_short_is_nothing_to_go_back_to(models, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("push_model.store.promotion.write_champion", fail)
        with pytest.raises(OSError, match="No space left"):
            move(models, "d")

    with pytest.raises(InvalidEventError, match="'d' never was champion"):
        go_back(models, "d")
    assert go_back(models) == "b"


def test_a_named_target_is_checked_before_the_pointer_moves(models):
    damage(models, "a")

    with pytest.raises(ModelIntegrityError, match=r"a/model\.json does not match its manifest"):
        go_back(models, "a")
    with pytest.raises(InvalidEventError, match=r"'d' never was champion.*push-model promote d"):
        go_back(models, "d")
    assert go_back(models, "c") == "c"

    assert len(history(models)) == 3


def test_a_champion_that_was_rolled_back_over_can_be_named(models):
    go_back(models, "a")

    assert go_back(models, "c") == "c"


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_rollback_without_a_reason_is_refused(models, reason):
    with pytest.raises(InvalidEventError, match="A rollback needs a reason"):
        go_back(models, reason=reason)


def test_a_rollback_from_a_damaged_pointer_restores_the_last_champion(models):
    (models / "champion.json").write_bytes(b"")

    assert go_back(models) == "c"
    assert [move.model_name for move in history(models)] == ["a", "b", "c", "c"]


def test_of_two_rollbacks_at_once_the_second_is_refused(models, monkeypatch):
    lock = store.locked

    def let_another_go_first(folder):
        monkeypatch.setattr(store, "locked", lock)
        go_back(models)
        return lock(folder)

    monkeypatch.setattr(store, "locked", let_another_go_first)

    with pytest.raises(PromotionConflictError, match="changed while this rollback waited"):
        go_back(models)
    assert champion(models).model_name == "b"
