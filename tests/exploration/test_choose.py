import numpy as np
import pytest

from push_model.errors import DatasetError
from push_model.exploration.choose import average_fits, choose, find_level, rank
from push_model.exploration.fits.protocol import name_repeat
from tests.exploration.results import METRICS, make_entry, make_result

FOLDS = ("fold 1", "fold 2")
SIMPLE, MIDDLE, LARGE = (
    make_entry(name, complexity=complexity, neighbour=neighbour)
    for name, complexity, neighbour in (
        ("simple", 1, None),
        ("middle", 10, "simple"),
        ("large", 100, "middle"),
    )
)


def measured(entry, first, second=None, *, noise=0.01, seed=0, folds=FOLDS, **differs) -> list:
    """Make results on the folds, and of a second fit if `second` is given.

    With the same seed the draws of two entries go up and down together.
    """
    levels = {"": first} if second is None else {"": first, "again": second}
    return [
        make_result(
            entry,
            name_repeat(fold) if again else fold,
            level,
            noise=noise,
            seed=seed + number,
            **differs,
        )
        for number, fold in enumerate(folds)
        for again, level in levels.items()
    ]


def standings_of(*results):
    return rank([each for some in results for each in some], folds=FOLDS)


def decide(results):
    """Choose with the means of both fits."""
    counted = average_fits(results, of=find_level(results, folds=FOLDS))
    return choose(rank(counted, folds=FOLDS))


def names_of(entries) -> set[str]:
    return {entry.name for entry in entries}


def test_the_highest_mean_comes_first():
    ranked = standings_of(measured(SIMPLE, 0.2), measured(LARGE, 0.3), measured(MIDDLE, 0.25))

    assert [standing.entry.name for standing in ranked] == ["large", "middle", "simple"]
    estimates = [standing.average_precision.estimate for standing in ranked]
    assert estimates == pytest.approx([0.3, 0.25, 0.2])


def test_an_entry_that_lacks_a_fold_is_not_ranked():
    assert not standings_of(measured(SIMPLE, 0.2, folds=FOLDS[:1]))


def test_a_gain_is_paired_with_the_neighbour():
    ranked = standings_of(measured(SIMPLE, 0.2, noise=0.1), measured(MIDDLE, 0.21, noise=0.1))

    # Both go up and down together: the small gain is certain though neither figure is.
    middle, simple = ranked
    assert middle.gain.low == pytest.approx(0.01)
    assert middle.gain.estimate == pytest.approx(0.01)
    assert middle.folds_better == 2
    assert simple.gain_on_neighbour is None
    assert simple.folds_better is None
    assert middle.average_precision.low < simple.average_precision.high


def test_the_interval_of_a_mean_is_narrower_than_a_folds():
    ranked = standings_of(measured(SIMPLE, 0.2, noise=0.1))

    width = ranked[0].average_precision.high - ranked[0].average_precision.low
    assert 0 < width < 2 * 1.7 * 0.1 * 0.9


def test_the_simplest_within_one_standard_error_is_chosen():
    results = (
        measured(LARGE, 0.300, seed=0),
        measured(MIDDLE, 0.299, seed=50),  # an error of about .01
        measured(SIMPLE, 0.250, seed=90),
    )

    found = choose(standings_of(*results))

    assert (found.best, found.chosen) == (LARGE, MIDDLE)
    assert found.within == (MIDDLE, LARGE)


def test_the_error_is_that_of_the_paired_difference():
    results = (measured(LARGE, 0.300, noise=0.1), measured(MIDDLE, 0.299, noise=0.1))

    assert choose(standings_of(*results)).chosen == LARGE


def test_an_unservable_entry_is_neither_chosen_nor_the_best_to_compare_with():
    unservable = make_entry("splines", features="splines")
    ranked = standings_of(measured(unservable, 0.5), measured(LARGE, 0.3), measured(SIMPLE, 0.2))

    found = choose(ranked)

    assert ranked[0].behind_best is None
    assert not ranked[0].is_within_error
    assert (found.best, found.chosen) == (LARGE, LARGE)


def test_of_the_equally_simple_the_better_is_chosen():
    other = make_entry("other", complexity=100)

    found = choose(standings_of(measured(other, 0.299, seed=50), measured(LARGE, 0.3)))

    assert found.chosen == LARGE


def test_without_a_servable_entry_nothing_is_chosen():
    with pytest.raises(DatasetError, match="No servable entry was measured on every fold"):
        choose(standings_of(measured(make_entry("s", features="splines"), 0.5)))


def test_the_usual_validation_does_not_count():
    usual = make_result(SIMPLE, "usual validation", 0.9)

    (standing,) = standings_of([*measured(SIMPLE, 0.2), usual])

    assert standing.usual_validation == 0.9
    assert standing.average_precision.estimate == pytest.approx(0.2)


def test_metrics_are_means_over_the_folds_and_none_where_one_is_unknown():
    results = measured(SIMPLE, 0.2)
    other = {"all": {"roc_auc": 0.6}, "new": None, "returning": None}
    results[1] = make_result(SIMPLE, "fold 2", 0.2, metrics=other, fit_s=3.0, converged=False)
    results[0] = make_result(
        SIMPLE, "fold 1", 0.2, metrics=other | {"all": {"roc_auc": 0.8}}, converged=True
    )

    (standing,) = standings_of(results)

    assert standing.means["all"]["roc_auc"] == pytest.approx(0.7)
    assert standing.means["new"] is None
    assert standing.fit_s == 2.0
    assert standing.train_rows == 90
    assert standing.converged is False


def test_a_draw_without_a_purchase_is_left_out_of_the_error():
    results = measured(SIMPLE, 0.2)
    results[0] = make_result(SIMPLE, "fold 1", 0.2, draws=(0.2, None, *results[0].draws[2:]))
    others = measured(LARGE, 0.3, seed=50)

    simple = next(s for s in standings_of(results, others) if s.entry == SIMPLE)

    assert np.isfinite(simple.behind_best).all()
    assert np.isfinite(simple.average_precision.low)


def test_an_entry_that_was_lucky_once_is_not_chosen():
    results = [*measured(SIMPLE, 0.299, 0.260), *measured(LARGE, 0.300, 0.302, seed=50)]

    assert choose(rank(results, folds=FOLDS)).chosen == SIMPLE
    assert decide(results).chosen == LARGE


def test_entries_that_stay_level_are_chosen_by_simplicity():
    results = [*measured(SIMPLE, 0.299, 0.300), *measured(LARGE, 0.300, 0.301, seed=50)]

    found = decide(results)

    assert (found.best, found.chosen) == (LARGE, SIMPLE)


def test_an_entry_that_is_clearly_behind_is_not_helped_by_a_second_fit():
    results = [*measured(SIMPLE, 0.280, 0.310), *measured(LARGE, 0.300, 0.298, seed=50)]

    assert names_of(find_level(results, folds=FOLDS)) == {"large"}
    assert decide(results).within == (LARGE,)


def test_an_entry_that_the_means_let_in_is_fitted_twice_as_well():
    lucky = measured(LARGE, 0.320, 0.260, seed=50)
    once = [*measured(SIMPLE, 0.290), *lucky]
    twice = [*measured(SIMPLE, 0.290, 0.280), *lucky]

    assert names_of(find_level(measured(SIMPLE, 0.290) + lucky[::2], folds=FOLDS)) == {"large"}
    assert names_of(find_level(once, folds=FOLDS)) == {"large", "simple"}
    assert decide(twice).best == LARGE
    assert decide(twice).chosen == SIMPLE


def test_before_a_second_fit_the_first_decides():
    results = [*measured(SIMPLE, 0.299), *measured(LARGE, 0.300, seed=50)]

    assert decide(results) == choose(rank(results, folds=FOLDS))


def test_entries_without_history_are_level_among_themselves():
    history = make_entry("history", complexity=5, features="history")
    far_ahead = measured(history, 0.350, seed=90)
    plain = [*measured(SIMPLE, 0.299), *measured(LARGE, 0.300, seed=50)]

    level = find_level([*far_ahead, *plain], folds=FOLDS)

    assert names_of(level) == {"history", "simple", "large"}


def test_two_fits_become_their_mean():
    first, second = (
        make_result(
            SIMPLE,
            part,
            level,
            metrics={"all": METRICS | {"roc_auc": roc}, "new": None},
            fit_s=seconds,
        )
        for part, level, roc, seconds in (
            ("fold 1", 0.2, 0.8, 2.0),
            ("fold 1 again", 0.3, 0.9, 4.0),
        )
    )
    other = make_result(LARGE, "final", 0.4)

    mean, untouched = average_fits([first, other, second], of=[SIMPLE])

    assert untouched is other
    assert mean.part == "fold 1"
    assert mean.draws == pytest.approx([0.25] * len(first.draws))
    assert mean.metrics["all"]["roc_auc"] == pytest.approx(0.85)
    assert mean.metrics["new"] is None
    assert mean.fit_s == 3.0


def test_a_draw_without_a_purchase_stays_none():
    first, second = (
        make_result(SIMPLE, part, 0.2, draws=(0.2, None)) for part in ("fold 1", "fold 1 again")
    )

    assert average_fits([first, second], of=[SIMPLE])[0].draws == (0.2, None)
