import json
from datetime import date, timedelta

import pytest
from sklearn.metrics import average_precision_score

from push_model.errors import DatasetError
from push_model.evaluation.metrics import measure
from push_model.evaluation.scorers import baseline_scores, score
from push_model.model.scoring import Model
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


def test_figures_are_those_of_every_other_evaluation(frame, model):
    rows = frame[frame["order_date"] > str(TRAINED_ON)]
    p, y = score(model, rows), rows["outcome"]

    total = backtest(frame, model, **ALWAYS).total

    assert total.orders == rows["order_id"].nunique()
    assert total.expected_purchases == pytest.approx(p.sum())
    assert total.actual_purchases == y.sum()
    assert total.metrics == measure(y, p)
    assert total.popularity_average_precision == average_precision_score(
        rows["outcome"], baseline_scores(rows)["popularity"]
    )


def test_days_add_up_to_the_total(frame, model):
    found = backtest(frame, model, **ALWAYS)

    for name in ("orders", "expected_purchases", "actual_purchases"):
        assert sum(getattr(day.outcomes, name) for day in found.days) == pytest.approx(
            getattr(found.total, name)
        )


def test_each_day_is_scored_as_if_alone(frame, model):
    whole = backtest(frame, model, **ALWAYS)
    day = whole.days[3]

    alone = backtest(frame[frame["order_date"] == str(day.day)], model, **ALWAYS)

    assert alone.days == (day,)
    assert alone.total == day.outcomes


def test_a_day_on_which_nothing_was_bought_has_no_ranking_and_still_counts(frame, model):
    day = TRAINED_ON + timedelta(days=2)
    rows = frame.assign(outcome=frame["outcome"].where(frame["order_date"] != str(day), 0.0))

    found = backtest(rows, model, **ALWAYS)

    outcomes = {each.day: each.outcomes for each in found.days}[day]
    assert outcomes.metrics is outcomes.popularity_average_precision is None
    assert outcomes.document()["average_precision"] is None
    assert outcomes.expected_purchases > 0
    json.dumps(found.document(), allow_nan=False)


def test_nothing_ordered_in_service_gives_no_backtest(frame, model):
    before = date(2020, 10, 25)

    assert backtest(frame, model, **ALWAYS | {"served_until": TRAINED_ON}) is None
    assert backtest(frame.iloc[:0], model, **ALWAYS) is None
    assert backtest(frame, model, **ALWAYS | {"served_until": before}) is not None


def test_a_model_without_a_training_day_is_refused(frame):
    undated = fit(frame, trained_on="2020-06-31")

    with pytest.raises(
        DatasetError, match=r"push_a has .*'2020-06-31', which is not a day, .*Retrain"
    ):
        backtest(frame, undated, **ALWAYS)


def test_future_rows_move_no_earlier_figure(frame, model):
    until = (FIRST_DAY + timedelta(days=20)).date()
    later = frame["order_date"] > str(until)
    changed = frame.assign(outcome=frame["outcome"].mask(later, 1 - frame["outcome"]))

    ours, theirs = (backtest(rows, model, **ALWAYS) for rows in (frame, changed))

    n_days = sum(day.day <= until for day in ours.days)
    assert n_days >= 3
    assert ours.days[:n_days] == theirs.days[:n_days]
    assert ours.days[n_days:] != theirs.days[n_days:]


def test_it_is_written_as_json_and_summed_up_in_a_sentence(frame, model):
    found = backtest(frame, model, **ALWAYS)
    document = json.loads(json.dumps(found.document(), allow_nan=False))

    assert document["model_name"] == "push_a"
    assert document["model_id"] == model.model_id
    assert (document["days"][0]["day"], document["days"][0]["age_days"]) == ("2020-10-21", 1)
    assert document["total"]["actual_purchases"] == found.total.actual_purchases
    assert document["total"]["average_precision"] == found.total.metrics.average_precision
    said = found.sentence()
    assert said.startswith(f"push_a, 1 to {found.days[-1].age_days} days old, predicted ")
    assert f"; {found.total.actual_purchases} happened." in said
