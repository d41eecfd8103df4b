import re

import numpy as np
import pytest

from push_model.exploration.report.comparing import BETTER, UNTOLD, WORSE, compare, measure
from push_model.exploration.report.costs import find_costs, find_front, keep_servable
from push_model.exploration.report.decision import compose_decision
from push_model.exploration.report.errors import compose_errors
from push_model.exploration.report.glass import is_glass_box
from push_model.exploration.report.leaning import compose_leaning, find_importances
from push_model.exploration.report.learning import (
    compose_learning,
    draw_learning_curve,
    find_learning_lines,
)
from push_model.exploration.report.line_pictures import Point
from push_model.exploration.report.neighbours import compose_neighbours
from push_model.exploration.report.path_pictures import strength
from push_model.exploration.report.paths import compose_paths, find_paths
from push_model.exploration.report.protocol import compose_protocol
from push_model.exploration.report.pushes import compare_senders
from push_model.exploration.report.reading import read_found
from push_model.exploration.report.sales import compose_sales
from push_model.exploration.report.tree_settings import compose_trees
from push_model.exploration.report.users import compose_users
from tests.exploration.report.results import RULE, entries, write_exploration


def test_sales_reads_how_many_of_a_thousand_pushes_are_bought(found):
    section = compose_sales(found)

    precision = found.chosen.results["final"].metrics["all"]["precision_when_pushed"]
    said = " ".join(section.paragraphs)
    assert f"{1000 * precision:.0f} are for a product that was bought" in said
    assert "sent by popularity" in said
    assert "What it can't know" in said


def test_chance_sells_as_the_base_rate_has_it(found):
    ours, *_, chance = compare_senders(found)

    assert chance.name == "chance"
    assert chance.bought == pytest.approx(15)
    assert ours.bought > chance.bought


def test_the_decision_says_the_rule_the_choice_and_that_the_window_was_opened_once(found):
    section = compose_decision(found)

    said = " ".join(section.paragraphs)
    assert RULE in said
    assert (
        'Chosen: final model, which is short for the entry "trees" (boosted trees; iterations'
        in said
    )
    assert (
        "opened once in this exploration, on 2021-03-04T10:11:12+00:00: final model has average"
        in said
    )
    assert '"depth": 6' in section.command


def test_a_window_opened_twice_is_said_to_be_so(found):
    twice = found.openings * 2
    again = type(found)(found.facts, found.entries, found.choice, openings=twice)

    assert any("opened 2 times" in said for said in compose_decision(again).paragraphs)


def test_a_look_made_elsewhere_before_is_told(found):
    (opening,) = found.openings
    looked = ({**opening, "reason": "a run with a leak had seen it"},)
    again = type(found)(found.facts, found.entries, found.choice, openings=looked)

    said = " ".join(compose_decision(again).paragraphs)
    assert "(not for the first time: a run with a leak had seen it)" in said


def test_the_leaderboard_lists_each_entry_that_was_judged_on_every_fold(found):
    *_, board = compose_decision(found).tables

    names = [row[0].rstrip(" *†‡") for row in board.rows]
    assert names[0] == "trees, history"
    assert "final model *" in [row[0] for row in board.rows]
    assert "popularity †" in [row[0] for row in board.rows]
    assert len(names) == len(entries()) - 1


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict", "verb"),
    [
        ("trees", "ridge", BETTER, "final model beats ridge by 0.0400 ["),
        ("trees, depth 4", "trees", WORSE, "trees, depth 4 loses to final model by 0.0080 ["),
        ("trees, 300", "trees", UNTOLD, "trees, 300 and final model cannot be told apart (+0."),
    ],
)
def test_a_difference_is_said_as_its_interval_has_it(found, ours, theirs, verdict, verb):
    told = compare(found, found.entries[ours], found.entries[theirs], found.folds)

    assert told.verdict == verdict
    assert told.sentence(found).startswith(verb)


def test_a_paired_difference_is_surer_than_the_figures(found):
    ours, theirs = found.entries["trees"], found.entries["ridge"]

    told = compare(found, ours, theirs, found.folds)

    own = measure(found, ours, found.folds)
    assert told.gain.high - told.gain.low < 0.5 * (own.high - own.low)


def test_what_was_not_judged_on_a_part_is_not_compared_there(found):
    ours, theirs = found.entries["trees"], found.entries["trees, history"]

    assert compare(found, ours, theirs, ["final"]) is None
    assert compare(found, ours, None, found.folds) is None


def test_what_worked_is_told_topic_by_topic(found):
    section = compose_neighbours(found)

    said = " ".join(section.paragraphs)
    assert re.search(r"Columns: what is read of a row\. Better .*trees, history \+0\.0400", said)
    assert re.search(r"Worse: trees, depth 2 -0\.0200", said)
    assert "Cannot be told apart from it: trees, 300" in said
    assert len(section.pictures) == len(section.tables) == 5


def test_why_names_purchases_promised_too_often(found):
    cells = [
        cell for table in compose_neighbours(found).tables for row in table.rows for cell in row
    ]

    assert any("It promises 22.00 purchases for each one made (1.05 before)" in c for c in cells)


def test_a_path_goes_from_the_strongest_penalty_to_none(found):
    (label, path), *_ = find_paths(found)

    assert label == "l2, request"
    assert [strength(entry) for entry in path] == [1e-6, 1e-4, 1e-3, float("inf")]
    section = compose_paths(found)
    assert [picture.name for picture in section.pictures] == [
        "path-precision",
        "path-coefficients-0",
    ]
    assert "best at C 1e-4" in section.paragraphs[1]


def test_settings_of_trees_are_drawn_one_by_one(found):
    section = compose_trees(found)

    titles = [picture.title for picture in section.pictures]
    assert "boosted trees, depth: best at 6 (0.2850)" in titles
    assert "No two settings were varied together: there is no surface." in section.paragraphs


def test_two_settings_varied_together_are_a_surface(tmp_path):
    varied = [
        entries()[8]
        | {"name": f"t{depth}{rate}", "settings": {"depth": depth, "learning_rate": rate}}
        for depth in (4, 6)
        for rate in (0.05, 0.1)
    ]
    found = read_found(write_exploration(tmp_path, listed=varied, finals=False))

    (surface, *_) = compose_trees(found).pictures

    assert surface.name == "surface-learning-rate-depth"
    assert surface.svg().count("0.2850") >= 4


def test_fewer_orders_are_a_learning_curve(found):
    lines = find_learning_lines(found)

    assert [round(point.x) for point in lines["final model"]] == [50_000, 100_000, 200_000]
    assert (
        "the last step, 2.0 times the rows, brought +0.0150"
        in compose_learning(found).paragraphs[0]
    )


def test_without_fewer_orders_the_report_says_what_is_needed(found):
    kept = {n: e for n, e in found.entries.items() if not e.treatment.endswith("orders")}

    (said,) = compose_learning(type(found)(found.facts, kept)).paragraphs

    assert "half of the orders" in " ".join(said.split())


def test_rows_beside_a_learning_curve_are_said_in_millions():
    assert draw_learning_curve({"a": [Point(1e3, 0.1), Point(2e6, 0.2)]}).svg().count("2 M") == 1


def test_new_users_stand_beside_returning_ones(found):
    section = compose_users(found)

    assert "new users: average precision 0.2280" in section.paragraphs[0]
    assert len(section.tables) == len(section.pictures) == 2


def test_importances_are_told_three_ways_with_the_density_of_dependence(found):
    section = compose_leaning(found)

    assert all(find_importances(found).values())
    assert "do not agree on the first" in " ".join(section.paragraphs)
    assert section.pictures[-1].name == "dependence-discount-pct"
    assert section.pictures[-1].svg().startswith("<svg")


def test_groups_of_few_orders_are_not_shown(found):
    section = compose_errors(found)

    cells = [cell for table in section.tables for row in table.rows for cell in row]
    assert "tea" in cells
    assert "rare things" not in cells
    assert "50 % of the purchases are of products new to the user" in " ".join(section.paragraphs)


def test_nothing_beats_the_front_at_its_cost(found):
    cost = find_costs(found)["bytes of the model"]

    front = find_front(found, cost)

    for entry in found.ranked:
        better = [
            e
            for e in keep_servable(found)
            if cost(e) <= cost(entry) and found.mean(e) > found.mean(entry)
        ]
        assert (entry.name in front) <= (not better)


def test_a_line_and_pairs_are_glass_boxes_and_deep_trees_are_not(found):
    told = {name: is_glass_box(entry) for name, entry in found.entries.items()}

    assert told["ridge"]
    assert told["trees, depth 2"]
    assert told["popularity"]
    assert not told["trees"]


def test_what_was_skipped_and_the_versions_are_on_record(found):
    section = compose_protocol(found)

    assert "trees, categories (lacks column(s) vendor)" in " ".join(section.paragraphs)
    cells = [cell for table in section.tables for row in table.rows for cell in row]
    assert {"1.2.10", "0123abc", "fold 4", "2,000"} <= set(cells)


def test_every_figure_of_a_fold_is_finite(found):
    assert all(np.isfinite(found.mean(entry)) for entry in found.ranked)
