import json

import numpy as np
import pandas as pd
import pytest

from push_model.errors import InvalidEventError, RequestTooLargeError
from push_model.serving.settings import Limits
from push_model.serving.users import read_users

GOOD = {"days": 3.5, "orders": 2}
DEFAULT = Limits()


def test_colons_in_an_id_hide_no_repeated_key():
    text = json.dumps({"shop:17": GOOD, "shop:18": [GOOD]})

    assert list(read_users(text, DEFAULT)) == ["shop:17", "shop:18"]
    with pytest.raises(InvalidEventError, match="an id is there twice"):
        read_users(text.replace("18", "17"), DEFAULT)


def test_ids_may_be_any_text_or_whole_numbers():
    texts = ["", "17", "\ud800", "ключ", "u" * 100_000]
    users = dict.fromkeys([17, -(2**63), 2**63 - 1, *texts[2:]], GOOD)

    assert read_users(users, DEFAULT) == users
    assert list(read_users(json.dumps(dict.fromkeys(texts, GOOD)), DEFAULT)) == texts


def test_ids_may_be_integers_of_any_library():
    ids = [np.int64(17), np.uint8(18), *pd.array([19, 20], dtype="Int64"), np.str_("u")]

    users = read_users(dict.fromkeys(ids, GOOD), DEFAULT)

    assert [(type(user_id) is int, user_id) for user_id in users] == [
        *((True, number) for number in (17, 18, 19, 20)),
        (False, "u"),
    ]


@pytest.mark.parametrize(
    "user_id", [True, np.True_, 1.0, np.float64(1), np.uint64(2**63), 2**63, None, pd.NA, b"u"]
)
def test_other_ids_are_refused_with_what_an_id_must_be(user_id):
    with pytest.raises(InvalidEventError, match="must have texts or 64-bit integers for user ids"):
        read_users({user_id: GOOD}, DEFAULT)


def test_one_id_as_text_and_as_a_librarys_integer_is_refused():
    with pytest.raises(InvalidEventError, match="must name each user once"):
        read_users({"17": GOOD, np.int64(17): GOOD}, DEFAULT)


def nested(levels: int) -> str:
    """Return a valid user with an unknown feature in which objects and lists nest so deep."""
    inside = levels - 2
    return '{"u": {"days": 1, "extra": ' + "[" * inside + "]" * inside + "}}"


@pytest.mark.parametrize("nesting", [3, 32, 500])
def test_a_request_may_nest_as_deep_as_the_limit_and_no_deeper(nesting):
    limits = Limits(nesting=nesting)

    assert list(read_users(nested(nesting), limits)) == ["u"]
    with pytest.raises(RequestTooLargeError, match=rf"at most {nesting} objects .*NESTING"):
        read_users(nested(nesting + 1), limits)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"u":' * 100_000, "[" * 40 + "]" * 40])
def test_json_that_only_nests_is_too_large(text):
    with pytest.raises(RequestTooLargeError, match="nests too deeply"):
        read_users(text, DEFAULT)


def test_a_text_may_be_as_long_as_the_limit_and_no_longer():
    text = json.dumps({"u": GOOD})

    assert read_users(text, Limits(characters=len(text))) == {"u": GOOD}
    with pytest.raises(
        RequestTooLargeError, match=f"has {len(text)} characters, and .* Send fewer"
    ):
        read_users(text, Limits(characters=len(text) - 1))


@pytest.mark.parametrize("form", [json.dumps, dict])
@pytest.mark.parametrize("users", [{"u": GOOD, "v": [GOOD] * 2}, {"a": [], "b": [], "c": []}])
def test_candidates_are_products_and_users_without_one(form, users):
    users = form(users)

    assert read_users(users, Limits(candidates=3))
    with pytest.raises(RequestTooLargeError, match=r"has 3 candidates, .* at most 2 "):
        read_users(users, Limits(candidates=2))


def test_lists_of_products_hide_no_nesting():
    products = ", ".join(["{}"] * 100)  # as many objects as the deep one beside them opens

    with pytest.raises(RequestTooLargeError, match="nests too deeply"):
        read_users(f'{{"a": [{products}], "b": ' + "[" * 40 + "]" * 40 + "}", DEFAULT)
