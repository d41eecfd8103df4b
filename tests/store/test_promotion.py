import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from push_model.errors import (
    InvalidEventError,
    ModelIntegrityError,
    ModelNotFoundError,
    PromotionConflictError,
)
from push_model.store.promotion import champion, promote
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

    assert champion(models) == moved
    assert moved[:4] == ("b", "2026-01-06", "test", 2)
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


def test_only_a_forced_promotion_replaces_a_damaged_pointer(models):
    move(models, "a")
    (models / "champion.json").write_bytes(b"{")

    with pytest.raises(ModelIntegrityError, match="does not name a champion"):
        move(models, "b", expected="a")
    move(models, "b", forced=True)

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
        move(models, "b", expected="a")
    with pytest.raises(ModelNotFoundError, match="no model folder zzz"):
        move(models, "zzz", expected="a")

    assert champion(models).model_name == "a"


def test_of_many_at_once_one_wins_and_the_others_are_refused(models):
    def attempt(name):
        try:
            return move(models, name).model_name
        except PromotionConflictError:
            return None

    with ThreadPoolExecutor(3) as threads:
        winners = [name for name in threads.map(attempt, "abc") if name]

    assert winners == [champion(models).model_name]
    assert [entry["to"] for entry in log_of(models)] == winners


def test_promotion_leaves_no_temporary_file(models):
    move(models, "a")

    names = {"a", "b", "c", "champion.json", "promotions.jsonl", ".promotion.lock"}
    assert names_in(models) == names
