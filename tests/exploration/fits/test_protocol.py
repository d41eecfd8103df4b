import json
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from push_model.errors import DatasetError
from push_model.exploration.fits.protocol import (
    CHOOSING,
    CLAIMING,
    Part,
    count,
    group_by_fit,
    plan_parts,
)
from push_model.training.data.split import is_inside, split_by_time
from tests.effort import EFFORT

ORDERS_A_DAY = st.lists(st.integers(0, 6), min_size=12, max_size=60).filter(
    lambda counts: sum(count > 0 for count in counts) >= 6
)


def orders_of(counts) -> pd.DataFrame:
    """Make a row an order, so many on each day."""
    days = pd.date_range("2021-01-01", periods=len(counts))
    on = [day for day, n in zip(days, counts, strict=True) for _ in range(n)]
    return pd.DataFrame({"order_id": range(len(on)), "order_date": on, "outcome": 1.0})


@settings(max_examples=15 * EFFORT)
@given(ORDERS_A_DAY)
def test_windows_follow_each_other_hold_orders_and_keep_the_final_one_unseen(counts):
    frame = orders_of(counts)
    parts = plan_parts(frame)
    final = parts[-1].judged

    assert parts == plan_parts(frame.sample(frac=1.0, random_state=0))
    for part in parts:
        assert part.train.start < part.train.end <= part.judged.start < part.judged.end
        assert all(count(frame, window)["orders"] for window in (part.train, part.judged))
        assert part.purpose == CLAIMING or part.judged.end <= final.start


@settings(max_examples=15 * EFFORT)
@given(ORDERS_A_DAY)
def test_folds_expand_and_judge_each_order_once(counts):
    folds = [part for part in plan_parts(orders_of(counts)) if part.purpose == CHOOSING]

    assert len(folds) == 4
    for before, after in pairwise(folds):
        assert after.train.start == before.train.start
        assert after.train.end == after.judged.start == before.judged.end


def test_the_usual_parts_are_the_usual_split(frame):
    usual = split_by_time(frame).windows
    parts = {part.name: part for part in plan_parts(frame)}

    assert parts["usual validation"].train == parts["usual test"].train == usual.train
    assert parts["usual validation"].judged == usual.calibration
    assert parts["usual test"].judged == parts["final"].judged == usual.holdout


def test_an_order_is_never_on_both_sides(frame):
    for part in plan_parts(frame):
        sides = (frame[is_inside(frame, window)] for window in (part.train, part.judged))
        train, judged = (set(rows["order_id"]) for rows in sides)
        assert not train & judged


def test_fewer_than_six_days_are_refused():
    with pytest.raises(DatasetError, match=r"fall on 5 day\(s\); 6 windows need"):
        plan_parts(orders_of([1] * 5))


def test_parts_that_learn_from_the_same_rows_are_fitted_once(frame):
    fits = group_by_fit(plan_parts(frame))

    assert [[part.name for part in fit] for fit in fits] == [
        ["fold 1"],
        ["fold 2"],
        ["fold 3", "usual validation", "usual test"],
        ["fold 4"],
        ["final"],
    ]


def test_a_fold_fitted_again_is_a_fit_of_its_own_and_no_other_window(frame):
    first, *_ = plan_parts(frame)

    assert group_by_fit([first.repeated, first]) == ((first,), (first.repeated,))
    assert (first.repeated.train, first.repeated.judged) == (first.train, first.judged)
    assert first.repeated.slug == "fold-1-again"


def test_a_part_survives_json(frame):
    first, *others = plan_parts(frame)
    for part in (first, first.repeated, *others):
        assert Part.from_document(json.loads(json.dumps(part.document()))) == part
