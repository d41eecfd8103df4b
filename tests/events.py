"""Requests for tests: wrong ones, each with a part of its refusal, and any JSON at all."""

import math

from hypothesis import strategies as st

from push_model import FEATURES

UNKNOWN = dict.fromkeys(FEATURES)
KNOWN = UNKNOWN | {"ordered_before": 1, "global_popularity": 0.06}
_USERS = {"u": UNKNOWN}

WRONG_EVENTS = {
    "no event": (None, "event must be a dict, got NoneType"),
    "a list": ([], "event must be a dict, got list"),
    "no users": ({}, "event lacks 'users'"),
    "a misspelt key": ({"users": _USERS, "thresholds": 0.1}, "Did you mean 'threshold'?"),
    "a store": ({"users": _USERS, "models_dir": "/etc"}, "unknown key 'models_dir'. Did you"),
    "no user": ({"users": {}}, "users is empty: send at least one user id with its features"),
    "no user in text": ({"users": "{}"}, "users is empty"),
    "no text": ({"users": ""}, "users is empty"),
    "space": ({"users": " \n"}, "users is empty"),
    "not JSON": ({"users": "x"}, "users must be JSON text: Expecting value: line 1"),
    "half an object": ({"users": '{"u": '}, "users must be JSON text: Expecting value"),
    "two objects": ({"users": '{"u": {}} {}'}, "JSON text: it ends at character 9, and more"),
    "users null": ({"users": None}, "users must be an object of user ids"),
    "users null in text": ({"users": "null"}, "got null"),
    "users a list": ({"users": [UNKNOWN]}, "got a list"),
    "users a list in text": ({"users": "[]"}, "got a list"),
    "users a number": ({"users": 17}, "got a number"),
    "users a text in text": ({"users": '"u"'}, "got text"),
    "an id twice": ({"users": '{"u": {}, "u": {}}'}, "must name each user once; an id is there"),
    "a threshold below 0": ({"users": _USERS, "threshold": -0.01}, "threshold must be a number"),
    "a threshold above 1": ({"users": _USERS, "threshold": 1.01}, "must be a number from 0 to 1"),
    "a threshold too large": ({"users": _USERS, "threshold": 10**400}, "threshold must be"),
    "a threshold true": ({"users": _USERS, "threshold": True}, "threshold must be"),
    "a threshold as text": ({"users": _USERS, "threshold": "0.05"}, "threshold must be"),
    "explain 1": ({"users": _USERS, "explain": 1}, "explain and details must be true or false"),
    "explain 0": ({"users": _USERS, "explain": 0}, "explain and details must be true or false"),
    "details as text": ({"users": _USERS, "details": "yes"}, "details must be true or false"),
    "a model as a number": ({"users": _USERS, "model": 3}, "must be the name of a model"),
    "a model as a list": ({"users": _USERS, "model": ["a"]}, "must be the name of a model"),
    "a model without a name": ({"users": _USERS, "model": ""}, "names a folder of the store"),
    "a model with a long name": ({"users": _USERS, "model": "a" * 101}, "1 to 100 letters"),
    "a path": ({"users": _USERS, "model": "../../etc"}, "a folder of the store, never a path"),
}
# Python can send these, and JSON cannot.
WRONG_OBJECTS = {
    "a key of an option": ({"users": _USERS, 3: 1}, "must have texts for keys, got a number"),
    "bytes": ({"users": b"{}"}, "got a bytes. Decode them as UTF-8 first"),
    "an id twice": ({"users": {17: UNKNOWN, "17": UNKNOWN}}, "17 and '17' are one id in JSON"),
    "an id of a half": ({"users": {1.5: UNKNOWN}}, "texts or 64-bit integers for user ids"),
    "an id of true": ({"users": {True: UNKNOWN}}, "texts or 64-bit integers for user ids"),
    "an id of null": ({"users": {None: UNKNOWN}}, "texts or 64-bit integers for user ids"),
    "a long id": ({"users": {2**63: UNKNOWN}}, "texts or 64-bit integers for user ids"),
    "a threshold of NaN": ({"users": _USERS, "threshold": math.nan}, "threshold must be"),
}

WORDS = st.text(max_size=8) | st.sampled_from(["__class__", "{0}", "\ud800", "a\0b"])


def json_values(leaves):
    """Draw leaves, and lists and objects of them."""
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
        max_leaves=6,
    )
