import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from push_model.exploration.entries.all import choose_entries
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.measure import RESAMPLES, fingerprint, measure_entry
from push_model.exploration.fits.pipelines import fit_entry
from push_model.exploration.fits.protocol import group_by_fit, plan_parts
from push_model.training.data.split import is_inside

POPULARITY, BOUGHT_BEFORE = choose_entries("small")[:2]
TREES = Entry(
    name="a", question="?", family="boosted_trees", settings={"iterations": 5, "depth": 3}
)


@pytest.fixture(scope="module")
def parts(frame):
    return {part.name: part for part in plan_parts(frame)}


def measure_on(entry, frame, *parts, seed=0):
    return measure_entry(entry, frame, parts, seed=seed, grounds={}).results


def test_an_entry_is_judged_on_rows_it_has_not_seen(frame, parts):
    part = parts["fold 2"]
    train, judged = (frame[is_inside(frame, w)] for w in (part.train, part.judged))

    (found,) = measure_on(TREES, frame, part)

    p = fit_entry(TREES, train, seed=0).predict_proba(judged)[:, 1]
    assert found.draws[0] == pytest.approx(average_precision_score(judged["outcome"], p))
    assert found.metrics["all"]["average_precision"] == pytest.approx(found.draws[0])
    assert (found.train["rows"], found.judged["rows"]) == (len(train), len(judged))
    assert len(found.draws) == 1 + RESAMPLES


def test_what_comes_after_the_train_window_moves_no_score(frame, parts):
    part = parts["fold 1"]
    later = frame["order_date"] >= str(part.judged.end)
    changed = frame.assign(outcome=frame["outcome"].mask(later, 1 - frame["outcome"]))

    assert measure_on(TREES, frame, part)[0].draws == measure_on(TREES, changed, part)[0].draws


def test_one_fit_serves_all_parts_of_its_train_window(frame, parts):
    fit = group_by_fit(parts.values())[2]

    results = measure_on(TREES, frame, *fit)

    assert [result.part for result in results] == ["fold 3", "usual validation", "usual test"]
    assert len({result.fit_s for result in results}) == 1
    assert results[0].draws == measure_on(TREES, frame, parts["fold 3"])[0].draws


def test_only_the_final_window_has_curves(frame, parts):
    fold, _, usual = measure_on(POPULARITY, frame, *group_by_fit(parts.values())[2])

    assert fold.curve is None
    assert len(usual.curve["places"]) <= 200
    assert usual.curve["places"][-1][0] == usual.judged["rows"]
    assert usual.curve["gains"][0].keys() == {"share", "precision", "recall", "lift"}
    json.dumps(usual.document(), allow_nan=False)


def test_entries_are_judged_on_the_same_draws(frame, parts):
    (ours,), (theirs,) = (
        measure_on(each, frame, parts["fold 4"]) for each in (POPULARITY, BOUGHT_BEFORE)
    )

    paired = np.std(ours.average_precision - theirs.average_precision)
    apart = np.hypot(np.std(ours.average_precision), np.std(theirs.average_precision))
    assert paired < apart


def test_the_final_window_is_drawn_alike_whatever_was_learnt_from(frame, parts):
    test, final = (
        measure_on(POPULARITY, frame, parts[name])[0] for name in ("usual test", "final")
    )

    assert test.draws == final.draws


def test_another_seed_is_another_draw_of_the_same_estimate(frame, parts):
    one, other = (measure_on(POPULARITY, frame, parts["fold 1"], seed=s)[0] for s in (0, 1))

    assert one.draws[0] == other.draws[0]
    assert one.draws != other.draws


def test_users_without_both_outcomes_have_no_metrics(frame, parts):
    nobody_is_new = frame.assign(user_order_seq=5)

    (found,) = measure_on(POPULARITY, nobody_is_new, parts["fold 1"])

    assert found.metrics["new"] is None
    assert found.metrics["returning"] == found.metrics["all"]


def test_a_fingerprint_changes_with_all_that_counts_and_nothing_else(parts):
    def of(entry=TREES, part="fold 1", seed=0, grounds=None):
        return fingerprint(entry, parts[part], seed=seed, grounds=grounds or {"frame": "x"})

    others = [
        of(entry=POPULARITY),
        of(part="fold 2"),
        of(seed=1),
        of(grounds={"frame": "y"}),
    ]
    assert len({of(), *others}) == 5
    renamed = Entry.from_document(TREES.document() | {"name": "b", "question": "Why?"})
    assert of(entry=renamed) == of()
