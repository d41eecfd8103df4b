from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, log_loss

from push_model.errors import DatasetError, InvalidEventError
from push_model.evaluation.scorers import score
from push_model.model.scoring import Model
from push_model.training.backtesting.walk_forward import judge, plan_origins, walk_forward
from push_model.training.parametrisation import BoostedTrees
from push_model.training.train import train
from tests.frames import make_frame

TREES = BoostedTrees(iterations=3, depth=3)
ORIGINS = (date(2020, 11, 5), date(2020, 11, 12), date(2020, 11, 19))


@pytest.fixture(scope="module")
def frame():
    """Orders of 60 days, from 2020-10-05 on."""
    return make_frame(orders=120, seed=3).sort_values(
        ["order_date", "order_id", "variant_id"], ignore_index=True
    )


def walk(frame, origins=ORIGINS, *, every=7, oldest=2) -> list:
    return list(walk_forward(frame, TREES, origins=origins, every=every, oldest=oldest, seed=0))


def test_origins_are_evenly_spaced_and_leave_days_to_be_judged_on(frame):
    found = plan_origins(frame, origins=4, every=7, days=5)

    newest = frame["order_date"].max().date()
    assert found == tuple(newest - timedelta(days=5 + 7 * back) for back in (3, 2, 1, 0))


def test_no_origin_is_before_two_fifths_of_the_orders_are_known(frame):
    first, *_ = plan_origins(frame, origins=99, every=1, days=7)

    orders = frame.drop_duplicates("order_id")["order_date"]
    assert (orders <= str(first)).mean() >= 0.4
    assert (orders <= str(first - timedelta(days=1))).mean() < 0.4


def test_a_history_too_short_for_any_origin_is_refused(frame):
    with pytest.raises(DatasetError, match=r"40 % of the 120 large orders are known on 2020-10-28"):
        plan_origins(frame, origins=1, every=7, days=40)


@pytest.mark.parametrize("name", ["origins", "every", "days"])
def test_a_number_below_one_is_refused(frame, name):
    asked = {"origins": 3, "every": 7, "days": 7} | {name: 0}

    with pytest.raises(InvalidEventError, match=f"{name} must be at least 1, got 0."):
        plan_origins(frame, **asked)


def test_each_block_is_judged_by_the_models_trained_up_to_its_start(frame):
    blocks = walk(frame)

    assert [len(block.models) for block in blocks] == [1, 2, 3]
    assert [len(block.models) for block in walk(frame, oldest=1)] == [1, 2, 2]


def test_the_freshest_model_comes_first(frame):
    last = walk(frame)[-1]
    day = frame["order_date"].dt.date
    rows = frame[(day > ORIGINS[2]) & (day <= ORIGINS[2] + timedelta(days=7))]

    for origin, figures in zip(ORIGINS[::-1], last.models, strict=True):
        known = frame[day <= origin]
        model = Model.from_document(
            train(known, TREES, seed=0, trained_on="2020-11-05").serving.document
        )
        p = score(model, rows)
        assert figures.average_precision[0] == pytest.approx(
            average_precision_score(rows["outcome"], p)
        )
        assert figures.log_loss[0] == pytest.approx(log_loss(rows["outcome"], p))
        assert figures.expected_per_actual[0] == pytest.approx(p.sum() / rows["outcome"].sum())


def test_a_block_counts_its_own_orders_only(frame):
    day = frame["order_date"].dt.date

    for origin, block in zip(ORIGINS, walk(frame), strict=True):
        rows = frame[(day > origin) & (day <= origin + timedelta(days=7))]
        assert block.orders == rows["order_id"].nunique()
        assert block.purchases == rows["outcome"].sum()
        assert block.popularity[0] == pytest.approx(
            average_precision_score(rows["outcome"], rows["global_popularity"])
        )


def test_what_comes_after_a_block_moves_none_of_its_figures(frame):
    later = frame["order_date"] > str(ORIGINS[1] + timedelta(days=7))
    changed = frame.assign(outcome=frame["outcome"].mask(later, 1 - frame["outcome"]))

    ours, theirs = walk(frame, ORIGINS[:2]), walk(changed, ORIGINS[:2])

    np.testing.assert_equal([block.models for block in ours], [block.models for block in theirs])


def test_models_of_a_block_are_judged_on_the_same_draws(frame):
    model = Model.from_document(
        train(frame, TREES, seed=0, trained_on="2020-11-05").serving.document
    )

    block = judge(frame.tail(400), [model, model], seed=1)

    np.testing.assert_array_equal(*(each.average_precision for each in block.models))
    assert block.models[0].average_precision.std() > 0


def test_days_without_an_order_give_no_block_and_lose_no_model(frame):
    is_empty = frame["order_date"].between("2020-11-13", "2020-11-19")

    blocks = walk(frame[~is_empty])

    assert [len(block.models) for block in blocks] == [1, 3]


def test_a_purchase_called_impossible_costs_much_and_not_without_end():
    class Sure:
        feature_names = ()

        def propensities_of_columns(self, columns):
            assert columns == {}
            return np.array([0.0, 1.0, 0.5])

    rows = pd.DataFrame({"order_id": [1, 1, 2], "outcome": [1.0, 0.0, 1.0]})
    rows["global_popularity"] = [0.1, np.nan, 0.3]

    (figures,) = judge(rows, [Sure()], seed=0).models

    assert 10 < figures.log_loss[0] < 30
