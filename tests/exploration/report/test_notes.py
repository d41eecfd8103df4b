import dataclasses
import json

import pytest

from push_model.exploration.report.costs import compose_costs
from push_model.exploration.report.decision import compose_decision
from push_model.exploration.report.found import Explored
from push_model.exploration.report.glass import find_price, is_glass_box
from push_model.exploration.report.inspection import REASONED_ROWS
from push_model.exploration.report.leaning import compose_leaning
from push_model.exploration.report.learning import compose_learning
from push_model.exploration.report.neighbours import compose_neighbours
from push_model.exploration.report.paths import compose_paths
from push_model.exploration.report.protocol import compose_protocol
from push_model.exploration.report.reading import read_found
from push_model.exploration.report.tree_settings import compose_trees, say_search
from tests.exploration.report.results import entries, write_exploration, write_second_fits

UNSERVABLE = {"name": "forest", "family": "random_forest", "settings": {"max_depth": 10}}
IN_USE = "the first 2 had the settings in use"
TOLD = (
    "The search made 24 trials; 9 of them were given up before the last fold; the first 8 "
    "were random draws; the sampler is TPE."
)
OTHER_COLUMNS = {"name": "few inputs", "features": "no ratios", "ap": 0.29}


def _write(folder, *more, finals=True):
    base = next(entry for entry in entries() if entry["name"] == "trees")
    listed = [*entries(), *(base | changes for changes in more)]
    return read_found(write_exploration(folder, listed=listed, finals=finals))


def test_costs_are_drawn_of_what_can_be_served_alone(tmp_path):
    found = _write(tmp_path, UNSERVABLE | {"ap": 0.4, "complexity": 1})

    section = compose_costs(found)

    assert not any("forest" in picture.alt for picture in section.pictures)
    assert "popularity" not in {row[0] for row in section.tables[0].rows}
    assert not any(table for table in section.tables if "forest" in str(table.rows))
    said = " ".join(" ".join(section.paragraphs).split())
    assert "Only entries that can be served are drawn" in said
    assert "where several jobs shared its cores" in said


def test_what_exact_history_would_be_worth_is_told_where_history_is_looked_at(tmp_path):
    found = _write(tmp_path)
    plain = {name: entry for name, entry in found.entries.items() if not entry.needs_history}

    said = " ".join(" ".join(compose_neighbours(found).paragraphs).split())
    assert "Of 98 % of the orders every earlier one is known" in said
    without = compose_neighbours(dataclasses.replace(found, entries=plain))
    assert "every earlier one" not in " ".join(without.paragraphs)


def test_glass_is_priced_against_what_reads_the_same_columns_and_can_be_served(tmp_path):
    found = _write(tmp_path, UNSERVABLE | {"ap": 0.4}, OTHER_COLUMNS)

    price = find_price(found)

    assert (price.entry.name, price.rival.name) == ("trees, 300", "trees, depth 2")
    said = " ".join(compose_costs(found).paragraphs)
    assert "trees, depth 2 is the best that can be followed by hand" in said


@pytest.mark.parametrize(
    ("family", "settings", "is_glass"),
    [
        ("decision_tree", {"max_depth": 6}, True),
        ("decision_tree", {"max_depth": 7}, False),
        ("decision_tree", {}, False),
        ("random_forest", {"max_depth": 2}, False),
        ("boosted_trees", {"depth": 2}, True),
    ],
)
def test_few_questions_can_be_followed_by_hand(family, settings, is_glass):
    entry = Explored(name="any", question="", family=family, settings=settings)

    assert is_glass_box(entry) == is_glass


def test_without_a_counterpart_glass_has_no_price(tmp_path):
    lines = [entry for entry in entries() if entry["family"] == "logistic_regression"]
    found = read_found(write_exploration(tmp_path, listed=lines, finals=False))

    assert find_price(found) is None


def test_the_leaderboard_shows_leaves_and_the_need_of_history_apart(tmp_path):
    deep = {"name": "found", "features": "history", "complexity": 1_007_680}
    found = _write(tmp_path, deep)

    *_, board = compose_decision(found).tables

    told = {row[0]: row[-2:] for row in board.rows}
    assert board.headings[-2:] == ("leaves or weights", "needs history")
    assert told["found"] == ("7,680", "yes")
    assert told["final model *"] == ("9,600", "no")


def test_a_line_that_did_not_converge_is_said_so(tmp_path):
    stopped = {"name": "stopped", "family": "logistic_regression", "settings": {"C": 1e-2}}
    found = _write(tmp_path, stopped | {"facts": {"converged": False}})

    *_, board = compose_decision(found).tables

    assert "stopped ‡" in {row[0] for row in board.rows}
    assert "ridge" in {row[0] for row in board.rows}
    assert "‡ did not converge" in board.caption
    said = " ".join(compose_paths(found).paragraphs)
    assert "Did not converge: stopped (4 of 4 folds)." in said


@pytest.mark.parametrize(("inverse", "is_said"), [(2e-3, True), (1e-3, False)])
def test_a_learning_curve_says_where_a_line_s_penalty_is_scaled(tmp_path, inverse, is_said):
    thinned = {"name": "ridge, half", "family": "logistic_regression", "neighbour": "ridge"}
    thinned |= {"settings": {"penalty": "l2", "C": inverse}, "treatment": "half of the orders"}
    found = _write(tmp_path, thinned)

    section = compose_learning(found)

    said = " ".join(" ".join(section.paragraphs).split())
    assert "ridge: " in said
    assert "one draw of them each" in said
    assert ("weighs as much beside fewer rows" in said) == is_said
    assert "half of the orders" not in str(compose_paths(found).tables)


def test_reasons_are_said_to_be_of_so_many_candidates_half_of_the_best(found):
    said = " ".join(" ".join(compose_leaning(found).paragraphs).split())

    assert f"over {REASONED_ROWS} candidates at most, half of them drawn from all and half" in said


def test_the_usual_validation_is_said_to_lie_inside_the_folds(found):
    days = ["2021-01-01", "2021-01-11", "2021-01-21", "2021-02-01", "2021-02-11", "2021-03-01"]
    windows = {f"fold {n}": days[n : n + 2] for n in range(1, 5)}
    windows["usual validation"] = ["2021-02-01", "2021-03-01"]
    changed = _with_windows(found, windows)

    said = " ".join(" ".join(compose_protocol(changed).paragraphs).split())

    assert (
        "The usual validation window (2021-02-01 until before 2021-03-01) lies inside the windows "
        "of fold 3 and fold 4, by which the choice was made"
    ) in said


def test_windows_that_share_no_day_are_not_spoken_of(found):
    changed = _with_windows(found, {"usual validation": ["2022-01-01", "2022-02-01"]})

    assert not any("usual validation window" in p for p in compose_protocol(changed).paragraphs)


def _with_windows(found, windows):
    parts = []
    for part in found.parts:
        start, end = windows.get(part["name"], ("2021-03-01", "2021-04-01"))
        parts.append({**part, "judged": {**part["judged"], "start": start, "end": end}})
    return dataclasses.replace(found, facts={**found.facts, "parts": parts})


@pytest.mark.parametrize(
    ("search", "says"),
    [
        ({}, []),
        ({"pruned": 3}, []),
        ({"trials": 24}, ["The search made 24 trials."]),
        (
            {"trials": 24, "pruned": 9, "startup_trials": 8, "sampler": "TPE"},
            [TOLD],
        ),
        (
            {"trials": 5, "in_use": 2, "startup_trials": 6},
            [f"The search made 5 trials; {IN_USE}; the next 3 were random draws."],
        ),
        (
            {"trials": 2, "in_use": 2, "startup_trials": 6},
            [f"The search made 2 trials; {IN_USE}."],
        ),
    ],
)
def test_a_search_says_what_it_tried_as_far_as_it_is_known(search, says):
    assert [*say_search(search)] == says


def test_what_another_seed_made_of_the_level_entries_is_said(tmp_path):
    folder = write_exploration(tmp_path)
    once = compose_decision(read_found(folder))
    write_second_fits(folder, {"trees", "trees, 300", "popularity"}, higher=-0.004)

    twice = compose_decision(read_found(folder))

    assert not any("second time" in said for said in once.paragraphs)
    (said,) = (said for said in twice.paragraphs if "second time" in said)
    assert "trees, 300 0.2851 and 0.2811; final model 0.2850 and 0.2810." in said
    assert "moved them by up to 0.0040" in said
    leaderboard = {row[0]: row[1] for row in twice.tables[-1].rows}
    assert leaderboard["trees, 300"].startswith("0.2831")


def test_a_search_on_other_grounds_is_not_spoken_of(tmp_path):
    folder = write_exploration(tmp_path)
    grounds = read_found(folder).facts
    ours = {name: grounds[name] for name in ("versions", "code")} | {
        "frame": grounds["frame"]["sha256"]
    }
    told = {"trials": 24, "entries": []}

    (folder / "search.json").write_text(json.dumps(told | {"grounds": ours}), "utf-8")
    assert "The search made 24 trials." in compose_trees(read_found(folder)).paragraphs
    (folder / "search.json").write_text(json.dumps(told | {"grounds": {}}), "utf-8")
    assert read_found(folder).search == {}


def test_settings_that_no_entry_gives_are_said_to_be_the_family_s(tmp_path):
    found = _write(tmp_path, UNSERVABLE | {"name": "grown out", "settings": {}})

    (table,) = compose_trees(found).tables

    told = {row[0]: row[-1] for row in table.rows}
    assert told["grown out"] == "the family's own"
    assert told["final model"] == "iterations 150, depth 6, learning_rate 0.1"
