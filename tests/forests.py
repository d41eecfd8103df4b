"""Random small models, and a scorer that walks them the slow way: the oracle for the fast one."""

import math

from hypothesis import strategies as st

from push_model.store.folder import FORMAT, model_id_of

NAMES = ("a", "b", "c")
NUMBERS = st.floats(-100.0, 100.0)
# Values a request can hold, NaN among them, and those that trip naive comparisons.
VALUES = st.one_of(
    NUMBERS,
    st.integers(-3, 3).map(float),
    st.sampled_from([math.nan, -0.0, 0.0, 5e-324, -5e-324, 1e-310, 1e300, -1e300]),
)
ROWS = st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=12)

RATIO = {"kind": "ratio", "name": "a_per_b", "numerator": "a", "denominator": "b"}
STEPS = [
    {"kind": "missing_if", "name": "a", "equals": 1.0, "flag": "c"},
    {"kind": "fill", "name": "c", "value": -1.0},
    RATIO,
    {"kind": "log", "name": "log_b", "of": "b", "offset": 2.0},
    {"kind": "product", "name": "a_times_c", "left": "a", "right": "c"},
]
MADE = ("a_per_b", "log_b", "a_times_c")


def make_model_document(scorer: dict, *, steps=(), inputs=NAMES) -> dict:
    features = [
        {
            "name": name,
            "type": "number",
            "minimum": None,
            "maximum": None,
            "missing": "not known",
            "seen": None,
        }
        for name in NAMES
    ]
    document = {
        "format": FORMAT,
        "trained_on": "2021-03-04",
        "family": "boosted_trees" if scorer["kind"] == "symmetric_trees" else "logistic_regression",
        "features": features,
        "steps": list(steps),
        "inputs": list(inputs),
        "scorer": scorer,
    }
    return {**document, "model_id": model_id_of(document)}


def make_forest(**changes) -> dict:
    """Make one tree that asks of `a`, then of `b`."""
    tree = {"splits": [[0, 0], [1, 0]], "leaves": [0.5, 1.0, -2.0, 3.0], "weights": [4, 3, 2, 1]}
    return {
        "kind": "symmetric_trees",
        "bias": -1.0,
        "scale": 1.0,
        "borders": [[0.5], [10.0], []],
        "missing_is_above": [False, True, False],
        "trees": [tree],
    } | changes


def make_line(**changes) -> dict:
    return {
        "kind": "linear",
        "intercept": -1.0,
        "weights": [2.0, -0.5, 0.0],
        "centers": [1.0, 4.0, 0.0],
    } | changes


# Two parts of one feature, each finite and the log-odds too, add up to infinity.
TORN_MODEL = make_model_document(
    make_line(weights=[1e8, -1e8, 0.0, 1e8], centers=[0.0] * 4, intercept=0.0),
    steps=[{"kind": "product", "name": "ac", "left": "a", "right": "c"}],
    inputs=("a", "b", "c", "ac"),
)


@st.composite
def forests(draw) -> dict:
    n_inputs = len(NAMES) + len(MADE)
    borders = [
        sorted(draw(st.sets(VALUES.filter(math.isfinite), max_size=5))) for _ in range(n_inputs)
    ]
    splits = [[i, j] for i, own in enumerate(borders) for j in range(len(own))]
    scorer = make_forest(
        bias=draw(NUMBERS),
        scale=draw(st.sampled_from([1.0, 0.1])),
        borders=borders,
        missing_is_above=draw(st.lists(st.booleans(), min_size=n_inputs, max_size=n_inputs)),
        trees=draw(st.lists(_trees(splits), min_size=1, max_size=9)),
    )
    return make_model_document(scorer, steps=STEPS, inputs=(*NAMES, *MADE))


@st.composite
def _trees(draw, splits) -> dict:
    asked = draw(st.lists(st.sampled_from(splits), max_size=4)) if splits else []
    n_leaves = 2 ** len(asked)
    return {
        "splits": asked,
        "leaves": draw(st.lists(NUMBERS, min_size=n_leaves, max_size=n_leaves)),
        "weights": draw(st.lists(st.integers(0, 9), min_size=n_leaves, max_size=n_leaves)),
    }


@st.composite
def lines(draw) -> dict:
    n_inputs = len(NAMES) + len(MADE)
    several = st.lists(NUMBERS, min_size=n_inputs, max_size=n_inputs)
    scorer = make_line(intercept=draw(NUMBERS), weights=draw(several), centers=draw(several))
    return make_model_document(scorer, steps=STEPS, inputs=(*NAMES, *MADE))


MODELS = st.one_of(forests(), lines())


def walk(scorer: dict, inputs: list[float]) -> float:
    """Ask every question of every tree, one after the other."""
    total = 0.0
    for tree in scorer["trees"]:
        leaf = 0
        for bit, (index, border) in enumerate(tree["splits"]):
            value = inputs[index]
            missing = scorer["missing_is_above"][index]
            is_yes = missing if math.isnan(value) else value > scorer["borders"][index][border]
            leaf += is_yes << bit
        total += tree["leaves"][leaf]
    return scorer["scale"] * total + scorer["bias"]
