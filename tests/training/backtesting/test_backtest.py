import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from push_model.errors import DatasetError
from push_model.evaluation.scorers import score
from push_model.model.scoring import Model
from push_model.store.folder import read_model
from push_model.testing import make_model
from push_model.training.backtesting.backtest import backtest
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.parametrisation import BoostedTrees
from tests.frames import FIRST_DAY, make_frame

TRAINED_ON = date(2020, 10, 20)
ALWAYS = {"model_name": "push_a", "served_since": date.min, "served_until": date(2100, 1, 1)}


@pytest.fixture(scope="module")
def frame():
    return make_frame(orders=60, seed=3)


def fit(frame, *, trained_on=str(TRAINED_ON)) -> Model:
    family = BoostedTrees(iterations=5)
    pipeline = make_pipeline(family, seed=0).set_params(classify__verbose=False)
    pipeline.fit(frame, frame["outcome"])
    return Model.from_document(export_model(pipeline, family, trained_on=trained_on))


@pytest.fixture(scope="module")
def model(frame):
    return fit(frame[frame["order_date"] <= str(TRAINED_ON)])


def test_days_up_to_the_training_date_are_never_scored(frame, model):
    found = backtest(frame, model, **ALWAYS | {"served_since": date(2020, 10, 1)})

    assert found.days[0].day == TRAINED_ON + timedelta(days=1)
    assert found.days[-1].day == frame["order_date"].max().date()
    assert [day.age_days for day in found.days] == list(range(1, len(found.days) + 1))


def test_only_days_in_service_are_scored(frame, model):
    since, until = date(2020, 10, 23), date(2020, 10, 25)

    found = backtest(frame, model, model_name="push_a", served_since=since, served_until=until)

    assert [day.day.day for day in found.days] == [23, 24, 25]
    assert [day.age_days for day in found.days] == [3, 4, 5]


def test_figures_are_those_of_scikit_learn(frame, model):
    rows = frame[frame["order_date"] > str(TRAINED_ON)]
    p, y = score(model, rows), rows["outcome"]

    total = backtest(frame, model, **ALWAYS).total

    pushed = p > 0.05
    assert (total.orders, total.candidates) == (rows["order_id"].nunique(), len(rows))
    assert total.expected_purchases == pytest.approx(p.sum())
    assert total.actual_purchases == y.sum()
    assert total.expected_per_actual == pytest.approx(p.sum() / y.sum())
    assert total.average_precision == pytest.approx(average_precision_score(y, p))
    assert total.popularity_average_precision == pytest.approx(
        average_precision_score(y, rows["global_popularity"])
    )
    assert total.roc_auc == pytest.approx(roc_auc_score(y, p))
    assert total.log_loss == pytest.approx(log_loss(y, p))
    assert total.pushed == pushed.sum()
    assert total.precision_when_pushed == pytest.approx(y[pushed].mean())
    assert total.recall_when_pushed == pytest.approx(y[pushed].sum() / y.sum())


def test_figures_of_three_candidates_can_be_worked_by_hand():
    class Model:
        model_id, trained_on, feature_names = "0", "2020-10-20", ()

        def propensities_of_columns(self, columns):
            assert columns == {}
            return np.array([0.05, 0.06, 0.40])

    rows = pd.DataFrame({
        "order_id": [1, 1, 2],
        "order_date": pd.to_datetime(["2020-10-21", "2020-10-21", "2020-10-23"]),
        "outcome": [0.0, 1.0, 0.0],
        "global_popularity": [np.nan, 0.2, 0.1],
    })

    total = backtest(rows, Model(), **ALWAYS).total

    assert (total.pushed, total.precision_when_pushed, total.recall_when_pushed) == (2, 0.5, 1.0)
    assert (total.average_precision, total.roc_auc) == (0.5, 0.5)
    assert total.popularity_average_precision == 1.0
    assert total.expected_per_actual == pytest.approx(0.51)


def test_days_add_up_to_the_total(frame, model):
    found = backtest(frame, model, **ALWAYS)

    for name in ("orders", "candidates", "expected_purchases", "actual_purchases", "pushed"):
        assert sum(getattr(day.outcomes, name) for day in found.days) == pytest.approx(
            getattr(found.total, name)
        )


def test_each_day_is_scored_as_if_alone(frame, model):
    whole = backtest(frame, model, **ALWAYS)
    day = whole.days[3]

    alone = backtest(frame[frame["order_date"] == str(day.day)], model, **ALWAYS)

    assert alone.days == (day,)
    assert alone.total == day.outcomes


def test_row_order_moves_no_count_and_no_rank(frame, model):
    shuffled = frame.sample(frac=1, random_state=0)

    ours, theirs = (backtest(rows, model, **ALWAYS) for rows in (frame, shuffled))

    assert [day.day for day in ours.days] == [day.day for day in theirs.days]
    assert ours.total.average_precision == pytest.approx(theirs.total.average_precision)
    assert ours.total.actual_purchases == theirs.total.actual_purchases


def test_a_day_on_which_nothing_was_bought_has_no_ranking_and_still_counts(frame, model):
    day = TRAINED_ON + timedelta(days=2)
    rows = frame.assign(outcome=frame["outcome"].where(frame["order_date"] != str(day), 0.0))

    outcomes = {each.day: each.outcomes for each in backtest(rows, model, **ALWAYS).days}[day]

    assert outcomes.average_precision is outcomes.roc_auc is outcomes.recall_when_pushed is None
    assert outcomes.popularity_average_precision is outcomes.expected_per_actual is None
    assert outcomes.expected_purchases > 0
    assert np.isfinite(outcomes.log_loss)


def test_a_model_that_pushes_nobody_has_no_precision(frame, tmp_path):
    shy = read_model(make_model(tmp_path, base_log_odds=-30.0)).model
    later = frame.assign(order_date=frame["order_date"] + pd.Timedelta(days=3_000))

    found = backtest(later, shy, **ALWAYS)

    assert (found.total.pushed, found.total.precision_when_pushed) == (0, None)
    assert "where it says push, nothing bought." in found.sentence()


def test_nothing_ordered_in_service_is_nothing_to_tell(frame, model):
    before = date(2020, 10, 25)

    assert backtest(frame, model, **ALWAYS | {"served_until": TRAINED_ON}) is None
    assert backtest(frame.iloc[:0], model, **ALWAYS) is None
    assert backtest(frame, model, **ALWAYS | {"served_until": before}) is not None


def test_a_model_without_a_training_day_is_refused(frame):
    undated = fit(frame, trained_on="2020-06-31")

    with pytest.raises(
        DatasetError, match=r"push_a says .*'2020-06-31', which is no day; .*Retrain"
    ):
        backtest(frame, undated, **ALWAYS)


def test_the_frame_is_left_as_it_was(frame, model):
    before = frame.copy()

    backtest(frame, model, **ALWAYS)

    assert frame.equals(before)


def test_future_rows_move_no_earlier_figure(frame, model):
    until = (FIRST_DAY + timedelta(days=20)).date()
    later = frame["order_date"] > str(until)
    changed = frame.assign(outcome=frame["outcome"].mask(later, 1 - frame["outcome"]))

    ours, theirs = (backtest(rows, model, **ALWAYS) for rows in (frame, changed))

    n_days = sum(day.day <= until for day in ours.days)
    assert n_days >= 3
    assert ours.days[:n_days] == theirs.days[:n_days]
    assert ours.days[n_days:] != theirs.days[n_days:]


def test_it_is_written_as_json_and_told_in_a_sentence(frame, model):
    found = backtest(frame, model, **ALWAYS)
    document = json.loads(json.dumps(found.document(), allow_nan=False))

    assert document["model_name"] == "push_a"
    assert document["model_id"] == model.model_id
    assert document["days"][0]["day"] == "2020-10-21"
    assert document["days"][0]["age_days"] == 1
    assert document["total"]["actual_purchases"] == found.total.actual_purchases
    said = found.sentence()
    assert said.startswith(f"push_a, 1 to {found.days[-1].age_days} days old, promised ")
    assert f"; {found.total.actual_purchases} were made." in said
