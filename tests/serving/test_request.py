import json
import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_model.model.document import Feature
from push_model.serving import request
from push_model.serving.request import MOST_SUGGESTED, RequestReader
from push_model.serving.settings import Limits
from push_model.serving.users import read_users

FEATURES = (
    Feature("days", "number", 0.0, 36_500.0, "never bought"),
    Feature("orders", "integer", 1.0, None, "a typical number"),
    Feature("regular", "flag", None, None, "not known to be"),
    Feature("shift", "number", None, 5.0, "none"),
    Feature("free", "number", None, None, "none"),
)
GOOD = {"days": 3.5, "orders": 2, "regular": 1, "shift": -1, "free": 0.0}
READER = RequestReader(FEATURES)
SEND_NULL = "Send null for an unknown value."


def read(users):
    return READER.read(read_users(users, Limits()))


def error_of(features) -> str:
    """Return the one error of a lone bad user."""
    found = read({"u": features})
    assert not found.rows
    return found.errors["u"]


def test_a_user_becomes_a_row_in_the_order_of_the_features():
    found = read(json.dumps({"u": dict(reversed(GOOD.items()))}))

    assert found.rows == [[3.5, 2.0, 1.0, -1.0, 0.0]]
    assert (found.places, found.errors, found.ignored_features) == ([("u", None)], {}, 0)


def test_a_list_of_products_becomes_a_row_each():
    found = read({"u": [GOOD, GOOD | {"days": 1}], "v": GOOD, "w": []})

    assert [row[0] for row in found.rows] == [3.5, 1.0, 3.5]
    assert found.places == [("u", 2), ("v", None), ("w", 0)]


@pytest.mark.parametrize("value", [np.float64("nan"), np.float32("nan"), math.nan, None])
@pytest.mark.parametrize("form", [json.dumps, dict])
def test_null_and_nan_are_missing(value, form):
    sent = float(value) if form is json.dumps and value is not None else value

    (row,) = read(form({"u": GOOD | {"days": sent, "orders": sent}})).rows

    assert [math.isnan(value) for value in row] == [True, True, False, False, False]


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), Fraction(2), True + 1]
)
def test_any_kind_of_number_is_taken_from_a_dict(value):
    (row,) = read({"u": GOOD | {"orders": value, "free": value}}).rows

    assert (row[1], row[4]) == (2.0, 2.0)
    assert type(row[1]) is float


@pytest.mark.mltest("Mon 2")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"days": "3.5"}, "'days' must be a number (0 to 36,500) or null, got text."),
        ({"days": True}, "'days' must be a number (0 to 36,500) or null, got true or false."),
        ({"days": [1]}, "'days' must be a number (0 to 36,500) or null, got a list."),
        ({"days": {}}, "'days' must be a number (0 to 36,500) or null, got an object."),
        ({"days": b"1"}, "'days' must be a number (0 to 36,500) or null, got a bytes."),
        ({"days": -1}, "'days' is out of range: must be 0 to 36,500, or null."),
        ({"days": 10**400}, "'days' is out of range: must be 0 to 36,500, or null."),
        ({"orders": 2.5}, "'orders' must be a whole number (1 or more) or null, got a fraction."),
        ({"orders": 0}, "'orders' is out of range: must be 1 or more, or null."),
        ({"regular": 2}, "'regular' is out of range: must be 0 or 1, or null."),
        ({"regular": 0.5}, "'regular' must be 0, 1 or null, got a fraction."),
        ({"regular": "1"}, "'regular' must be 0, 1 or null, got text."),
        ({"shift": 6}, "'shift' is out of range: must be 5 or less, or null."),
        ({"free": "1"}, "'free' must be a number or null, got text."),
        ({"free": math.inf}, "'free' is out of range: must be finite, or null."),
        ({"free": -(10**400)}, "'free' is out of range: must be finite, or null."),
        ({"days": "1", "orders": None, "shift": ""}, "got text; 'shift' must be a number (5 or"),
    ],
)
def test_a_value_that_is_out_of_type_or_range_is_that_users_error(changes, message):
    assert message in error_of(GOOD | changes)


@pytest.mark.parametrize("number", ["1" * 5000, "-1e999", "Infinity", "-Infinity"])
def test_a_number_too_large_for_a_double_is_that_users_error(number):
    text = json.dumps({"u": GOOD, "v": GOOD | {"free": 12345}}).replace("12345", number)

    found = read(text)

    assert found.places == [("u", None)]
    assert found.errors == {"v": "'free' is out of range: must be finite, or null."}


@given(st.text(min_size=6, alphabet="xyz") | st.floats(1e6, 1e9))
def test_no_message_repeats_a_value(value):
    assert str(value) not in error_of(dict.fromkeys(GOOD, value))


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (
            {"day": 3.5, "orders": 2, "regular_": 1, "free": 0, 3: 4},
            f"'days', 'regular', 'shift' are missing; are 'day', 'regular_' typos? {SEND_NULL}",
        ),
        ({"zzz": 1, "days": 1}, f"'free', 'orders', 'regular', 'shift' are missing. {SEND_NULL}"),
        (None, "must be an object of features, got null."),
        (3, "must be an object of features, got a number."),
        ("text", "must be an object of features, got text."),
        (True, "must be an object of features, got true or false."),
        ([[GOOD]], "product 1 of 1: must be an object of features, got a list."),
    ],
)
def test_a_user_without_all_features_is_that_users_error(sent, message):
    assert error_of(sent) == message


def test_long_lists_are_cut_at_five():
    many = [Feature(f"f{i}", "number", None, None, "none") for i in range(9)]
    reader = RequestReader(many)

    missing = reader.read({"u": {}}).errors["u"]
    wrong = reader.read({"u": {f"f{i}": "text" for i in range(9)}}).errors["u"]

    assert missing.startswith("'f0', 'f1', 'f2', 'f3', 'f4' and 4 more are missing.")
    assert wrong.endswith("'f4' must be a number or null, got text and 4 more.")


def test_a_bad_product_is_named_by_its_place_in_the_list():
    found = read({"u": [GOOD, GOOD | {"shift": 9}, {}], "v": GOOD})

    assert found.errors["u"].startswith("product 2 of 3: 'shift' is out of range")
    assert found.places == [("v", None)]
    assert len(found.rows) == 1


def test_extra_features_are_ignored_and_counted():
    found = read({"u": GOOD | {"x": 1, "y": "?"}, "v": [GOOD, GOOD | {"x": 1}], "w": {"x": 1}})

    assert found.ignored_features == 3
    assert len(found.rows) == 3


def test_a_feature_sent_twice_is_that_users_error():
    text = json.dumps({"u": GOOD, "v": GOOD}).replace('"days"', '"days": 1, "days"', 1)

    found = read(text)

    assert found.errors == {"u": "must give each feature once; one is there twice."}
    assert found.places == [("v", None)]


ODDITIES = st.none() | st.floats() | st.booleans() | st.text(max_size=1) | st.integers(0, 3)
PLAIN = st.fixed_dictionaries(
    {
        "days": st.none() | st.floats(-1, 9),
        "orders": st.integers(1, 3).map(float) | st.just(math.nan),
        "regular": st.sampled_from([0.0, 1.0, None]),
        "shift": st.floats(-5, 5),
        "free": st.floats(),
    },
    optional={"extra": st.just(1.0)},
)
SENT = PLAIN | st.lists(PLAIN, max_size=3) | ODDITIES | st.fixed_dictionaries({"days": ODDITIES})


@given(st.dictionaries(st.text(max_size=3), PLAIN | SENT, max_size=4))
def test_a_large_request_is_read_as_a_small_one_is(users):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(request, "is_worth_numpy", lambda _: True)
        large = READER.read(users)
        patch.setattr(request, "is_worth_numpy", lambda _: False)
        small = READER.read(users)

    large = large._replace(rows=[[*map(float, row)] for row in large.rows])
    assert repr(large) == repr(small)  # as text, since NaN is not equal to itself


def test_suggestions_stop_after_a_hundred_users_but_errors_do_not():
    found = READER.read({str(number): {"day": 1} for number in range(MOST_SUGGESTED + 1)}).errors

    assert ["a typo?" in error for error in found.values()] == [True] * MOST_SUGGESTED + [False]


def test_a_dict_that_makes_up_what_it_lacks_is_read_for_what_it_holds():
    features = defaultdict(lambda: None, {"days": 1, "orders": 2, "regular": 1, "shift": 0})

    assert error_of(features).startswith("'free' is missing.")
    assert len(features) == 4


def test_ids_wrapped_once_too_often_are_no_names_of_features():
    users = {"users": {"alice@example.com": GOOD, "bob@example.com": GOOD}, "u": GOOD | {"dais": 1}}

    assert list(READER.unknown_names(users, beside_known=True)) == ["dais"]
