import dataclasses

import pytest

from push_model.exploration.report.history import say_history
from push_model.exploration.report.pushes import compare_senders
from push_model.exploration.report.reading import read_found
from push_model.exploration.report.sales import compose_sales
from tests.exploration.report.results import CHOICE, FINALISTS, write_exploration

SHARE = 0.04


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return read_found(
        write_exploration(
            tmp_path_factory.mktemp("history"),
            finalists={"trees, history", *FINALISTS},
            chosen="trees, history",
            plain=CHOICE,
        )
    )


def test_sales_reads_what_comes_of_requests_that_hold_no_history(found):
    ours, without = compare_senders(found)[:2]

    assert (ours.name, without.name) == ("the final model, with history", "the final model")
    assert without.bought > 15
    said = " ".join(compose_sales(found).paragraphs)
    assert "Until they do, the final model answers: of as many pushes\nthat it sends, " in said
    assert f"{without.bought:.0f} of 1,000 are bought" in said
    assert 'from a table that "push-model features" makes' in said
    assert "every night" not in said


def test_sales_reads_that_all_products_and_users_are_pooled(found):
    said = " ".join(" ".join(compose_sales(found).paragraphs).split())

    assert "pool all products and users, each at the moment of an order" in said
    assert "not for a single product" in said


def test_a_better_order_of_the_same_pushes_is_said_to_be_the_reason(found):
    reordered = _with_places(found, "trees, history", [(8, 7), (80, 45)], right=45 / 80)
    plain = _with_places(reordered, "trees", [(8, 2), (80, 45)])

    said = " ".join(" ".join(say_history(plain, compare_senders(plain))).split())

    assert "100 % of that among these pushes" in said
    # 7 and 2 of the surest 8 of 80 candidates.
    assert "Of the 100 surest of 1,000 pushes 88 are bought with it and 25 without" in said


@pytest.mark.parametrize("places", [[(8, 5), (80, 60)], [(8, 5), (80, 45)]])
def test_no_reason_is_given_that_the_figures_do_not_bear_out(found, places):
    ours = _with_places(found, "trees, history", places, right=places[-1][1] / 80)
    plain = _with_places(ours, "trees", [(8, 5), (80, 45)])

    (said,) = say_history(plain, compare_senders(plain))

    assert "has a reason" not in said


def test_nothing_is_said_of_history_where_none_is_needed(found):
    swapped = dataclasses.replace(
        found, choice=CHOICE, choice_request_only=CHOICE | {"chosen": "ridge, C 1e-4"}
    )

    assert [*say_history(swapped, compare_senders(swapped))] == []


def _with_places(found, name, places, *, right=None):
    """Give an entry a curve of 2,000 candidates and 100 purchases, and so many right pushes."""
    entry = found.entries[name]
    final = entry.results["final"]
    curve = final.curve | {"places": [*places, (2000, 100)]}
    told = {"pushed_share": SHARE, "base_rate": 0.05}
    told |= {"precision_when_pushed": right} if right else {}
    metrics = final.metrics | {"all": final.metrics["all"] | told}
    changed = dataclasses.replace(final, curve=curve, metrics=metrics)
    results = {**entry.results, "final": changed}
    entries = {**found.entries, name: dataclasses.replace(entry, results=results)}
    return dataclasses.replace(found, entries=entries)
