import numpy as np
import pytest

from push_model.errors import DatasetError
from push_model.exploration.choose import choose, rank
from tests.exploration.results import make_entry, make_result

FOLDS = ("fold 1", "fold 2")


def judged(entry, precision, *, noise=0.01, seed=0, folds=FOLDS, **differs) -> list:
    """Judge an entry; with the same seed its draws go up and down with the others'."""
    return [
        make_result(entry, fold, precision, noise=noise, seed=seed + number, **differs)
        for number, fold in enumerate(folds)
    ]


def standings_of(*results):
    return rank([each for some in results for each in some], folds=FOLDS)


SIMPLE, MIDDLE, LARGE = (
    make_entry(name, complexity=complexity, neighbour=neighbour)
    for name, complexity, neighbour in (
        ("simple", 1, None),
        ("middle", 10, "simple"),
        ("large", 100, "middle"),
    )
)


def test_the_highest_mean_comes_first():
    ranked = standings_of(judged(SIMPLE, 0.2), judged(LARGE, 0.3), judged(MIDDLE, 0.25))

    assert [standing.entry.name for standing in ranked] == ["large", "middle", "simple"]
    assert [standing.average_precision.estimate for standing in ranked] == pytest.approx([
        0.3,
        0.25,
        0.2,
    ])


def test_an_entry_that_lacks_a_fold_is_not_ranked():
    assert not standings_of(judged(SIMPLE, 0.2, folds=FOLDS[:1]))


def test_a_gain_is_paired_with_the_neighbour():
    ranked = standings_of(judged(SIMPLE, 0.2, noise=0.1), judged(MIDDLE, 0.21, noise=0.1))

    # Both go up and down together, so that the small gain is certain though each is not.
    middle, simple = ranked
    assert middle.gain_on_neighbour.low == pytest.approx(0.01)
    assert middle.gain_on_neighbour.estimate == pytest.approx(0.01)
    assert simple.gain_on_neighbour is None
    assert middle.average_precision.low < simple.average_precision.high


def test_the_interval_of_a_mean_is_narrower_than_a_folds():
    ranked = standings_of(judged(SIMPLE, 0.2, noise=0.1))

    width = ranked[0].average_precision.high - ranked[0].average_precision.low
    assert 0 < width < 2 * 1.7 * 0.1 * 0.9


def test_the_simplest_within_one_standard_error_is_chosen():
    results = (
        judged(LARGE, 0.300, seed=0),
        judged(MIDDLE, 0.299, seed=50),  # an error of about .01: not told apart
        judged(SIMPLE, 0.250, seed=90),
    )

    found = choose(standings_of(*results))

    assert (found.best, found.chosen) == (LARGE, MIDDLE)
    assert found.within == (MIDDLE, LARGE)


def test_the_error_is_that_of_the_paired_difference():
    results = (judged(LARGE, 0.300, noise=0.1), judged(MIDDLE, 0.299, noise=0.1))

    assert choose(standings_of(*results)).chosen == LARGE


def test_what_cannot_be_served_is_neither_chosen_nor_what_others_are_held_against():
    unservable = make_entry("splines", features="splines")
    ranked = standings_of(judged(unservable, 0.5), judged(LARGE, 0.3), judged(SIMPLE, 0.2))

    found = choose(ranked)

    assert ranked[0].behind_best is None
    assert (found.best, found.chosen) == (LARGE, LARGE)


def test_of_the_equally_simple_the_better_is_chosen():
    twin = make_entry("twin", complexity=100)

    found = choose(standings_of(judged(twin, 0.299, seed=50), judged(LARGE, 0.3)))

    assert found.chosen == LARGE


def test_without_a_servable_entry_nothing_is_chosen():
    with pytest.raises(DatasetError, match="No servable entry was judged on every fold"):
        choose(standings_of(judged(make_entry("s", features="splines"), 0.5)))


def test_the_usual_validation_stands_beside_and_places_nobody():
    usual = make_result(SIMPLE, "usual validation", 0.9)

    (standing,) = standings_of([*judged(SIMPLE, 0.2), usual])

    assert standing.usual_validation == 0.9
    assert standing.average_precision.estimate == pytest.approx(0.2)


def test_metrics_are_means_over_the_folds_and_none_where_one_is_unknown():
    results = judged(SIMPLE, 0.2)
    other = {"all": {"roc_auc": 0.6}, "new": None, "returning": None}
    results[1] = make_result(SIMPLE, "fold 2", 0.2, metrics=other, fit_s=3.0)
    results[0] = make_result(SIMPLE, "fold 1", 0.2, metrics=other | {"all": {"roc_auc": 0.8}})

    (standing,) = standings_of(results)

    assert standing.means["all"]["roc_auc"] == pytest.approx(0.7)
    assert standing.means["new"] is None
    assert standing.fit_s == 2.0


def test_a_draw_without_a_purchase_is_left_out_of_the_error():
    results = judged(SIMPLE, 0.2)
    results[0] = make_result(SIMPLE, "fold 1", 0.2, draws=(0.2, None, *results[0].draws[2:]))
    others = judged(LARGE, 0.3, seed=50)

    simple = next(s for s in standings_of(results, others) if s.entry == SIMPLE)

    assert np.isfinite(simple.behind_best.standard_error)
    assert np.isfinite(simple.average_precision.low)
