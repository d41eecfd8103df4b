"""Check the laws of the handler on requests that no person would think of."""

import json
import math
import re
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from push_model import FEATURES, handler_predict, health
from push_model.columns import BY_NAME
from push_model.testing import make_model
from tests.events import WORDS, json_values

# Nothing else in a request or an answer looks like these.
SECRET = "sEcReT-value-Zq7"
SECRET_NUMBER = 31337133.25
pytestmark = pytest.mark.usefixtures("_one_store")
laws = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    make_model(path)
    return path


@pytest.fixture
def _one_store(store, monkeypatch):
    monkeypatch.setenv("PUSH_MODELS_DIR", str(store))


def check_answer(answer) -> dict:
    """Check what holds for every answer, and return its body."""
    assert answer.keys() == {"statusCode", "body"}
    assert answer["statusCode"] in {"200", "400", "413"}
    body = json.loads(answer["body"], parse_constant=pytest.fail)
    if answer["statusCode"] == "200":
        assert body.keys() <= {"prediction", "errors", "reasons", "details"}
    else:
        assert body["error"].keys() == {"type", "message"}
    return body


def ask(users, **options) -> dict:
    answer = handler_predict({"users": users, **options})
    assert answer["statusCode"] == "200", answer["body"]
    return json.loads(answer["body"], parse_constant=pytest.fail)


def legal_values(name: str):
    column = BY_NAME[name]
    low, high = column.minimum or 0, min(column.maximum or 100, 100)
    if column.type == "number":
        return st.none() | st.floats(low, high) | st.integers(math.ceil(low), math.floor(high))
    return st.none() | st.integers(int(low), int(high))


ODD_NUMBERS = st.floats() | st.integers() | st.sampled_from([10**400, -(10**400), 2**63, -0.0])
LEAVES = st.none() | st.booleans() | ODD_NUMBERS | st.text(max_size=5)
SECRET_LEAVES = LEAVES | st.sampled_from([SECRET, SECRET_NUMBER, [SECRET], {"a": SECRET}])
LEGAL = st.fixed_dictionaries({name: legal_values(name) for name in FEATURES})
NEARLY_LEGAL = st.builds(
    lambda features, name, value: features | {name: value},
    LEGAL,
    st.sampled_from(FEATURES) | WORDS,
    json_values(SECRET_LEAVES),
)
INCOMPLETE = st.builds(
    lambda features, name: {key: value for key, value in features.items() if key != name},
    NEARLY_LEGAL,
    st.sampled_from(FEATURES),
)
USER = NEARLY_LEGAL | LEGAL | INCOMPLETE | st.lists(NEARLY_LEGAL, max_size=3)
USERS = st.dictionaries(WORDS, USER | json_values(SECRET_LEAVES), max_size=4)
VALID_USERS = st.dictionaries(WORDS, LEGAL | st.lists(LEGAL, max_size=3), min_size=1, max_size=5)
DEEP = st.integers(1, 3_000).map(lambda depth: '{"u":' + "[" * depth + "]" * depth + "}")
OPTION = json_values(LEAVES)
EVENTS = (
    st.fixed_dictionaries(
        {"users": USERS | USERS.map(json.dumps) | json_values(LEAVES) | DEEP},
        optional={
            "explain": st.booleans() | OPTION,
            "details": st.booleans() | OPTION,
            "threshold": st.floats(0, 1) | OPTION,
            "model": st.just("push_2026_01_05") | OPTION,
        },
    )
    | st.dictionaries(WORDS, json_values(LEAVES), max_size=3)
    | json_values(LEAVES)
)


@pytest.mark.mltest("Mon 5")
@laws
@given(EVENTS)
@example({"users": '{"u":' + "[" * 100_000})
@example({"users": "\ufeff{}"})
@example({"users": {"u": []}, "explain": True})
@example({"users": '{"u": {}} {"v": {}}'})
@example({"users": {}, "threshold": 10**400})
def test_any_json_at_all_is_answered_in_strict_json(event):
    check_answer(handler_predict(event))


KEYS = (
    st.none()
    | st.booleans()
    | ODD_NUMBERS
    | st.text(max_size=5)
    | st.binary(max_size=3)
    | st.tuples(st.text(max_size=3))
    | st.frozensets(st.integers(), max_size=2)
    | st.sampled_from(["users", "model", int, math, object()])
)
OBJECTS = json_values(LEAVES | KEYS | st.complex_numbers() | st.decimals() | st.fractions())


@laws
@given(st.dictionaries(KEYS, OBJECTS, max_size=3) | OBJECTS)
def test_any_python_object_at_all_is_answered(event):
    check_answer(handler_predict(event))


@laws
@given(
    st.dictionaries(KEYS, LEGAL | st.dictionaries(KEYS, OBJECTS, max_size=3) | OBJECTS, max_size=3),
    st.dictionaries(KEYS, OBJECTS, max_size=2),
)
def test_any_python_object_in_the_place_of_users_is_answered(users, extra):
    known = dict.fromkeys(FEATURES)

    check_answer(handler_predict({"users": users}))
    check_answer(handler_predict({"users": {"u": known | extra, "v": [known, extra]}}))


class Unspeakable:
    def __repr__(self):
        raise RuntimeError("no words for it")


@pytest.mark.parametrize(
    "event",
    [
        {"users": {"u": {}}, 10**5_000: 1},
        {"users": {10**5_000: dict.fromkeys(FEATURES)}},
        {"users": {"u": {}}, Unspeakable(): 1},
        {"users": {"u": {Unspeakable(): 1}}},
        {"users": {Unspeakable(): {}}},
        {"users": Unspeakable()},
    ],
    ids=["long key", "long id", "key", "feature", "id", "users"],
)
def test_what_cannot_be_written_down_is_answered_too(event):
    check_answer(handler_predict(event))


@pytest.mark.mltest("Data 5")
@laws
@given(USERS, st.booleans(), st.booleans())
def test_no_value_leaks_into_an_answer_but_the_words_of_reasons_asked_for(users, as_text, explain):
    sent = json.dumps(users) if as_text else users

    body = check_answer(handler_predict({"users": sent, "explain": explain, "details": True}))

    for reasons in body.get("reasons", {}).values():
        for one in as_list(reasons):
            assert one.pop("words").keys() == one["contributions"].keys()
    assert_nothing_leaks(body)


@laws
@given(USERS)
def test_no_value_leaks_into_the_health_report(users):
    handler_predict({"users": users})

    assert_nothing_leaks(health(details=True))


@laws
@given(st.data(), st.sampled_from(["threshold", "explain", "details"]), USERS)
def test_no_option_and_no_broken_text_leaks_into_a_refusal(data, key, users):
    value = data.draw(json_values(SECRET_LEAVES))
    text = json.dumps(users)
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    broken = text[:start] + data.draw(st.text(max_size=2)) + text[end:]

    for event in ({"users": users, key: value}, {"users": broken}):
        assert_nothing_leaks(check_answer(handler_predict(event)))


def assert_nothing_leaks(body) -> None:
    # Search for the digits with which any format of the number begins.
    said = json.dumps(body)
    assert "sEcReT" not in said
    assert not re.search(r"31337133|31,337|3\.1337133", said)


@laws
@given(VALID_USERS, st.integers(0, 2), st.booleans())
def test_many_together_are_answered_as_each_alone_bit_for_bit(users, kind, explain):
    # Once as they are; once by columns; once a few odd ones among many.
    several = users if kind == 0 else {f"{u}_{i}": users[u] for i in range(70) for u in users}
    if kind == 1:
        several = {u: as_floats(sent) for u, sent in several.items()}
    assert "numpy" in sys.modules or kind == 0 or len(several) < 1_000
    shown = several if kind == 0 else {u: several[u] for u in [*several][: len(users)]}

    together = ask(several, explain=explain and kind == 0)

    for user_id, sent in shown.items():
        alone = ask({user_id: sent}, explain=explain and kind == 0)
        for part in alone:
            assert repr(together[part][user_id]) == repr(alone[part][user_id])


def as_floats(sent):
    if isinstance(sent, list):
        return [as_floats(one) for one in sent]
    return {name: None if value is None else float(value) for name, value in sent.items()}


@laws
@given(st.dictionaries(WORDS, USER, min_size=2, max_size=4))
def test_a_bad_user_changes_nothing_for_the_others(users):
    together = ask(users)

    for user_id, sent in users.items():
        alone = ask({user_id: sent})
        for part in ("prediction", "errors"):
            found = together.get(part, {}).get(user_id)
            assert repr(found) == repr(alone.get(part, {}).get(user_id))


def write_number(draw, value: float) -> str:
    """Write a number in one of the forms JSON has for it."""
    forms = [repr(value), f"{value:.17e}", f"{value:.17E}", f"{value:.40f}"]
    if value.is_integer() and abs(value) < 1e15:
        whole = int(value)
        forms += [str(whole), f"{whole}.000e+0", f"{10 * whole}e-1", f"{whole}E0"]
    return draw(st.sampled_from([form for form in forms if float(form) == value]))


def write(draw, value) -> str:
    """Write JSON in odd ways: any order of keys, any space, any form of a number."""
    space = draw(st.text(" \t\n\r", max_size=2))
    if isinstance(value, dict):
        items = draw(st.permutations(list(value.items()))) if len(value) > 1 else value.items()
        parts = [
            f"{space}{write_text(draw, key)}{space}:{write(draw, inner)}" for key, inner in items
        ]
        return f"{{{','.join(parts)}{space}}}"
    if isinstance(value, list):
        return f"[{','.join(write(draw, inner) for inner in value)}{space}]"
    if value is None:
        return f"{space}null"
    return f"{space}{write_number(draw, float(value) + 0.0)}{space}"


def write_text(draw, text: str) -> str:
    if draw(st.booleans()):
        units = memoryview(text.encode("utf-16", "surrogatepass")).cast("H")[1:]
        return '"' + "".join(f"\\u{unit:04x}" for unit in units) + '"'
    return json.dumps(text, ensure_ascii=draw(st.booleans()))


@settings(laws, max_examples=25)
@given(st.data(), VALID_USERS)
def test_order_space_escapes_and_forms_of_numbers_change_nothing(data, users):
    plain = ask(users, explain=True, details=True)

    odd = ask(write(data.draw, users), explain=True, details=True)

    assert odd == plain
    assert json.dumps(odd, sort_keys=True) == json.dumps(plain, sort_keys=True)


UNKNOWN = st.dictionaries(
    (WORDS | st.sampled_from(["orderd_before", "Discount_pct"])).filter(
        lambda k: k not in FEATURES
    ),
    json_values(SECRET_LEAVES),
    max_size=3,
)


@laws
@given(LEGAL, UNKNOWN, st.booleans())
def test_unknown_features_change_nothing_but_their_count(features, unknown, as_text):
    both = {"u": features | unknown}

    plain = ask({"u": features}, explain=True, details=True)
    more = ask(json.dumps(both) if as_text else both, explain=True, details=True)

    assert plain["details"].pop("ignored_features") == 0
    assert more["details"].pop("ignored_features") == len(unknown)
    assert repr(more) == repr(plain)


@laws
@given(st.data(), VALID_USERS)
def test_a_threshold_is_a_plain_comparison(data, users):
    plain = ask(users)["prediction"]
    lone = [found for found in plain.values() if isinstance(found, float)]
    threshold = data.draw(st.sampled_from(lone) | st.floats(0, 1) if lone else st.floats(0, 1))

    def above(found):
        return [above(one) for one in found] if isinstance(found, list) else int(found > threshold)

    assert ask(users, threshold=threshold)["prediction"] == {u: above(p) for u, p in plain.items()}


@pytest.mark.mltest("Infra 5")
@laws
@given(st.dictionaries(WORDS, LEGAL, min_size=1, max_size=5), LEGAL)
def test_reasons_add_up_and_leave_the_answer_as_it_is(users, product):
    users = {**users, "several": [product, product]}
    plain, explained = ask(users), ask(users, explain=True)

    assert repr(explained["prediction"]) == repr(plain["prediction"])
    for user_id, reasons in explained["reasons"].items():
        pairs = zip(as_list(plain["prediction"][user_id]), as_list(reasons), strict=True)
        for propensity, one in pairs:
            parts = [one["base_value"], *one["contributions"].values(), one["others"]]
            assert math.fsum(parts) == pytest.approx(one["log_odds"], abs=1e-9)
            assert 1 / (1 + math.exp(-one["log_odds"])) == pytest.approx(propensity, abs=1e-12)
            assert len(one["contributions"]) == 5


def as_list(found) -> list:
    return found if isinstance(found, list) else [found]
