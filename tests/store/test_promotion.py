import json

import pytest

from push_model.errors import (
    InvalidEventError,
    ModelIntegrityError,
    ModelNotFoundError,
    PromotionConflictError,
)
from push_model.store.promotion import champion
from tests.stores import make_store, move, names_in


@pytest.fixture
def models(tmp_path):
    """A store of three models, none promoted."""
    return make_store(tmp_path, "abc")


def log_of(models) -> list[dict]:
    return [json.loads(line) for line in (models / "promotions.jsonl").read_bytes().splitlines()]


def test_the_promoted_model_serves_and_the_log_says_why(models):
    assert champion(models) is None
    move(models, "a", promoted_at="2026-01-05", verdict={"ap": 0.2})
    moved = move(models, "b", promoted_at="2026-01-06", reason="newer")

    assert champion(models) == moved
    assert moved[:4] == ("b", "2026-01-06", "test", 2)
    first, second = log_of(models)
    assert (first["from"], first["to"], first["verdict"]) == (None, "a", {"ap": 0.2})
    assert (second["from"], second["to"], second["reason"]) == ("a", "b", "newer")
    assert {first["kind"], second["kind"]} == {"verdict"}
    left = {"champion.json", "promotions.jsonl", ".promotion.lock"}
    assert names_in(models) == {"a", "b", "c"} | left


@pytest.mark.parametrize("reason", ["", " \n"])
def test_a_forced_promotion_without_a_reason_is_refused(models, reason):
    with pytest.raises(InvalidEventError, match="A forced promotion needs a reason"):
        move(models, "a", reason=reason, forced=True)

    assert names_in(models) == {"a", "b", "c"}


def test_a_forced_promotion_is_logged_as_forced_and_compares_the_champion_too(models):
    move(models, "a", reason="b is wrong", by="ada", forced=True)

    (line,) = log_of(models)
    assert (line["kind"], line["by"], line["reason"]) == ("forced", "ada", "b is wrong")
    with pytest.raises(PromotionConflictError, match="it was 'c', now it is 'a'"):
        move(models, "b", expected="c", forced=True)


def test_only_a_forced_promotion_replaces_a_damaged_pointer(models):
    move(models, "a")
    (models / "champion.json").write_bytes(b"{")

    with pytest.raises(ModelIntegrityError, match="does not name a champion"):
        move(models, "b", expected="a")
    move(models, "b", expected=None, forced=True)

    assert champion(models).model_name == "b"
    assert log_of(models)[-1]["from"] is None


def test_a_store_that_is_absent_is_named(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"There is no model store .*absent"):
        move(tmp_path / "absent", "a")


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
        move(models, "b")
    with pytest.raises(ModelNotFoundError, match="no model folder zzz"):
        move(models, "zzz")

    assert champion(models).model_name == "a"
