import json

import pytest

from push_model.errors import InvalidEventError, RequestTooLargeError
from push_model.serving.settings import Limits
from push_model.serving.users import read_users

GOOD = {"days": 3.5, "orders": 2}
DEFAULT = Limits()


@pytest.mark.parametrize(
    ("users", "message"),
    [
        ("", "users is empty: send at least one user id with its features"),
        (" \n", "users is empty: send at least one"),
        ("{}", "users is empty: send at least one"),
        ({}, "users is empty: send at least one"),
        ("x", "users must be JSON text: Expecting value: line 1"),
        ("{", "users must be JSON text: Expecting property name"),
        ('{"u": {}} x', "users must be JSON text: it ends at character 9, and more"),
        ("[]", "got a list"),
        ("null", "got null"),
        ('"u"', "got text"),
        (None, "got null"),
        (b"{}", "got a bytes"),
        ([], "got a list"),
        (3, "got a number"),
        ('{"u": {}, "u": {}}', "must name each user once; an id is there twice"),
        ({17: GOOD, "17": GOOD}, "17 and '17' are one id in JSON"),
        ({1.5: GOOD}, "texts or 64-bit integers for user ids"),
        ({True: GOOD}, "texts or 64-bit integers for user ids"),
        ({None: GOOD}, "texts or 64-bit integers for user ids"),
    ],
)
def test_what_is_not_an_object_of_users_is_refused_as_a_whole(users, message):
    with pytest.raises(InvalidEventError, match=message):
        read_users(users, DEFAULT)


def test_colons_in_an_id_hide_no_repeated_key():
    text = json.dumps({"shop:17": GOOD, "shop:18": [GOOD]})

    assert list(read_users(text, DEFAULT)) == ["shop:17", "shop:18"]
    with pytest.raises(InvalidEventError, match="an id is there twice"):
        read_users(text.replace("18", "17"), DEFAULT)


def test_ids_may_be_any_text_or_whole_numbers():
    users = {"": GOOD, 17: GOOD, "\ud800": GOOD, "ключ": GOOD, "u" * 100_000: GOOD}

    assert read_users(users, DEFAULT) == users
    assert list(read_users(json.dumps(users), DEFAULT)) == [
        "",
        "17",
        "\ud800",
        "ключ",
        "u" * 100_000,
    ]


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
def test_candidates_are_users_times_products(form):
    users = form({"u": GOOD, "v": [GOOD, GOOD]})

    assert len(read_users(users, Limits(candidates=3))) == 2
    with pytest.raises(RequestTooLargeError, match=r"has 3 candidates, .* at most 2 "):
        read_users(users, Limits(candidates=2))


def test_users_with_empty_lists_are_not_free():
    with pytest.raises(RequestTooLargeError, match=r"has 3 candidates, .* at most 2 "):
        read_users('{"a": [], "b": [], "c": []}', Limits(candidates=2))


def test_lists_of_products_hide_no_nesting():
    products = ", ".join(["{}"] * 100)  # as many objects as the deep one beside them opens

    with pytest.raises(RequestTooLargeError, match="nests too deeply"):
        read_users(f'{{"a": [{products}], "b": ' + "[" * 40 + "]" * 40 + "}", DEFAULT)
