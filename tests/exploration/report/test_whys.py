import pytest

from push_model.exploration.report.comparing import compare_with_neighbours
from push_model.exploration.report.reading import read_found
from push_model.exploration.report.whys import find_whys
from tests.exploration.report.results import FOLDS, entries, write_exploration

MIXED = dict(zip(FOLDS, (0.05, 0.05, 0.05, -0.01), strict=True))
GROWING = dict(zip(FOLDS, (0.01, 0.02, 0.03, 0.04), strict=True))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"shifts": MIXED}, "Not on every fold: +0.050, +0.050, +0.050, -0.010."),
        ({"shifts": GROWING}, "It grows fold by fold: +0.010 to +0.040."),
        ({"metrics": {"ece": 0.004}}, "Its calibration error is 0.00400 (0.00100 before)."),
        ({"complexity": 960}, "It is simpler: 10 % of the neighbour's leaves or weights."),
        (
            {"users": {"returning": 0.01, "new": -0.01}},
            "Better for returning users, worse for new ones (returning +0.010, new -0.010).",
        ),
        (
            {"users": {"returning": -0.02, "new": 0.01}},
            "Better for new users, worse for returning ones (returning -0.020, new +0.010).",
        ),
        (
            {"users": {"returning": 0.02, "new": -0.0001}},
            "Most of it is on returning users (returning +0.020, new +0.000).",
        ),
        ({"ap": 0.35}, "Most of it is on returning users (returning +0.088, new +0.064)."),
    ],
)
def test_where_a_difference_lies_is_said(tmp_path, changes, why):
    of_name = {entry["name"]: entry for entry in entries()}
    other = of_name["trees"] | {"name": "other", "neighbour": "trees"} | changes
    found = read_found(write_exploration(tmp_path, listed=[of_name["trees"], other], finals=False))

    (difference,) = compare_with_neighbours(found)

    assert why in [*find_whys(found, difference)]


@pytest.mark.parametrize(
    ("ours", "theirs", "whys"),
    [
        ((1_000_960, "history"), (1_009_600, "history"), "10 % of the neighbour's leaves"),
        ((960, "request"), (1_009_600, "history"), "It needs no history."),
        ((1_000_960, "history"), (9600, "request"), None),
    ],
)
def test_what_requests_would_have_to_hold_is_no_leaf(tmp_path, ours, theirs, whys):
    base = next(entry for entry in entries() if entry["name"] == "trees")
    names = ("complexity", "features")
    rival = base | dict(zip(names, theirs, strict=True))
    other = base | {"name": "other", "neighbour": "trees"} | dict(zip(names, ours, strict=True))
    found = read_found(write_exploration(tmp_path, listed=[rival, other], finals=False))

    (difference,) = compare_with_neighbours(found)

    said = " ".join(find_whys(found, difference))
    assert whys in said if whys else not said
