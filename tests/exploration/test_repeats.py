import json
import shutil

import pytest

from push_model.exploration import run
from push_model.exploration.choose import choose, rank
from push_model.exploration.fits.protocol import CHOOSING, REPEATING, name_repeat
from push_model.exploration.folder import open_exploration
from push_model.exploration.repeats import average, list_repeats, weigh
from push_model.exploration.run import sum_up
from push_model.exploration.work import do_work, list_missing, list_work, read_current
from tests.exploration.results import METRICS, make_entry, make_result

pytestmark = pytest.mark.usefixtures("undrawn_pictures")

FOLDS = ("fold 1", "fold 2")
SIMPLE, LARGE = (make_entry(name, complexity=size) for name, size in (("simple", 1), ("large", 9)))


def judged(entry, first, second=None, *, seed):
    """Judge an entry on both folds, with errors of some .01, and once more if `second` is given."""
    levels = {"": first} if second is None else {"": first, "again": second}
    return [
        make_result(entry, name_repeat(fold) if again else fold, level, noise=0.01, seed=seed + n)
        for n, fold in enumerate(FOLDS)
        for again, level in levels.items()
    ]


def decide(results):
    """Give the best of all by both fits, and what the rule weighs then."""
    counted = average(results, of=weigh(results, folds=FOLDS))
    return choose(rank(counted, folds=FOLDS))


def names_of(entries) -> set[str]:
    return {entry.name for entry in entries}


def test_what_was_lucky_once_is_not_chosen():
    results = [*judged(SIMPLE, 0.299, 0.260, seed=0), *judged(LARGE, 0.300, 0.302, seed=50)]

    assert choose(rank(results, folds=FOLDS)).chosen == SIMPLE
    assert decide(results).chosen == LARGE


def test_what_stays_level_is_chosen_for_its_simplicity():
    results = [*judged(SIMPLE, 0.299, 0.300, seed=0), *judged(LARGE, 0.300, 0.301, seed=50)]

    found = decide(results)

    assert (found.best, found.chosen) == (LARGE, SIMPLE)


def test_what_one_fit_told_apart_stays_behind_whatever_a_second_one_was():
    results = [*judged(SIMPLE, 0.280, 0.310, seed=0), *judged(LARGE, 0.300, 0.298, seed=50)]

    assert names_of(weigh(results, folds=FOLDS)) == {"large"}
    assert decide(results).within == (LARGE,)


def test_what_the_means_let_in_is_fitted_twice_as_well():
    lucky = judged(LARGE, 0.320, 0.260, seed=50)
    once = [*judged(SIMPLE, 0.290, seed=0), *lucky]
    twice = [*judged(SIMPLE, 0.290, 0.280, seed=0), *lucky]

    assert names_of(weigh(judged(SIMPLE, 0.290, seed=0) + lucky[::2], folds=FOLDS)) == {"large"}
    assert names_of(weigh(once, folds=FOLDS)) == {"large", "simple"}
    assert decide(twice).best == LARGE
    assert decide(twice).chosen == SIMPLE


def test_before_a_second_fit_the_first_decides():
    results = [*judged(SIMPLE, 0.299, seed=0), *judged(LARGE, 0.300, seed=50)]

    assert decide(results) == choose(rank(results, folds=FOLDS))


def test_what_a_plain_request_can_feed_is_weighed_by_itself():
    history = make_entry("history", complexity=5, features="history")
    far_ahead = judged(history, 0.350, seed=90)
    plain = [*judged(SIMPLE, 0.299, seed=0), *judged(LARGE, 0.300, seed=50)]

    weighed = weigh([*far_ahead, *plain], folds=FOLDS)

    assert names_of(weighed) == {"history", "simple", "large"}


def test_two_fits_become_their_mean_and_counts_stay_whole():
    measured = [METRICS | {"rows": 100, "roc_auc": roc} for roc in (0.8, 0.9)]
    first, second = (
        make_result(SIMPLE, part, level, metrics={"all": metrics, "new": None}, fit_s=seconds)
        for part, level, metrics, seconds in (
            ("fold 1", 0.2, measured[0], 2.0),
            ("fold 1 again", 0.3, measured[1], 4.0),
        )
    )
    other = make_result(LARGE, "final", 0.4)

    mean, untouched = average([first, other, second], of=[SIMPLE])

    assert untouched is other
    assert mean.part == "fold 1"
    assert mean.draws == pytest.approx([0.25] * len(first.draws))
    assert mean.metrics["all"]["roc_auc"] == pytest.approx(0.85)
    assert mean.metrics["new"] is None
    assert str(mean.metrics["all"]["rows"]) == "100"
    assert mean.fit_s == 3.0


def test_a_draw_without_a_purchase_stays_none():
    first, second = (
        make_result(SIMPLE, part, 0.2, draws=(0.2, None)) for part in ("fold 1", "fold 1 again")
    )

    assert average([first, second], of=[SIMPLE])[0].draws == (0.2, None)


@pytest.fixture
def copied(explored, tmp_path):
    return shutil.copytree(explored, tmp_path / "copied")


def again_of(folder):
    return sorted(folder.glob("results/*/fold-*-again.json"))


def test_what_the_rule_weighs_is_fitted_again_with_another_seed(copied):
    exploration = open_exploration(copied)
    purposes = (CHOOSING, REPEATING)
    results = read_current(exploration, exploration.entries, purposes=purposes)
    weighed = [entry.slug for entry in weigh(results, folds=exploration.fold_names)]
    slug = sum_up(exploration).choice.best.slug
    first, second = (
        json.loads((copied / "results" / slug / f"{part}.json").read_text("utf-8"))
        for part in ("fold-1", "fold-1-again")
    )

    repeated = {path.parent.name for path in again_of(copied)}
    assert repeated == {*weighed}
    assert len(again_of(copied)) == 4 * len(repeated)
    assert first["judged"] == second["judged"]
    assert first["draws"] != second["draws"]
    assert first["curve"] is second["curve"] is None


def test_the_leaderboard_and_the_choice_count_both_fits(copied):
    before = sum_up(open_exploration(copied))
    best = before.choice.best
    for path in again_of(copied):
        result = json.loads(path.read_text("utf-8"))
        if path.parent.name == best.slug:
            result["draws"] = [0.0 for _ in result["draws"]]
            path.write_text(json.dumps(result), "utf-8")

    after = sum_up(open_exploration(copied))

    once, twice = (
        next(s for s in found.standings if s.entry == best).average_precision.estimate
        for found in (before, after)
    )
    assert twice < 0.6 * once
    assert after.choice.best != best


def test_second_fits_of_what_is_not_weighed_count_for_nothing(copied):
    exploration = open_exploration(copied)
    before = sum_up(exploration)
    other = next(entry for entry in exploration.entries if entry.family == "decision_tree")
    for work in list_missing(exploration, other, exploration.repeats):
        do_work(exploration, work)
    for path in copied.glob(f"results/{other.slug}/fold-*-again.json"):
        result = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(result | {"draws": [0.0 for _ in result["draws"]]}), "utf-8")

    assert sum_up(exploration) == before


def test_what_is_let_in_round_by_round_is_fitted_before_the_choice(copied, monkeypatch):
    lost = again_of(copied)[:2]
    for path in lost:
        path.unlink()
    left = list_repeats(open_exploration(copied))
    rounds = iter([[work] for work in left] + [[]])
    monkeypatch.setattr(run, "list_repeats", lambda _: next(rounds))

    run.finish(copied)

    assert len(left) == 2
    assert all(path.exists() for path in lost)


def test_a_second_fit_that_was_lost_is_done_again_and_no_other(copied):
    assert list_repeats(open_exploration(copied)) == []
    lost, *kept = again_of(copied)
    before = json.loads(lost.read_text("utf-8"))
    lost.unlink()

    exploration = open_exploration(copied)
    assert list_work(exploration) == []
    (work,) = list_repeats(exploration)
    do_work(exploration, work)

    assert json.loads(lost.read_text("utf-8"))["draws"] == before["draws"]
    assert again_of(copied) == [lost, *kept]
