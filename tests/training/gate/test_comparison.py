import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from push_model.errors import DatasetError, ModelFormatError
from push_model.evaluation.scorers import score
from push_model.testing import make_model
from push_model.training.card.comparison_page import compose_comparison
from push_model.training.data.orders import keep_large_orders
from push_model.training.fit import handler_fit
from push_model.training.gate.challenger import read_candidate
from push_model.training.gate.comparison import FIRST, SECOND, compare_models
from push_model.training.gate.policy import Policy
from tests.frames import make_frame

LAST_DAY = date(2021, 4, 30)
MODELS = {
    "line": ({"model": "logistic_regression"}, "2021-03-20"),
    "trees": ({"model": "boosted_trees", "iterations": 20, "depth": 3}, "2021-04-10"),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A frame, and a store of two models that were trained up to different days of it."""
    folder = tmp_path_factory.mktemp("compared")
    make_frame(orders=400, seed=0).to_csv(folder / "frame.csv", index=False)
    for name, (parametrisation, day) in MODELS.items():
        handler_fit({
            "model_parametrisation": parametrisation,
            "dataset": str(folder / "frame.csv"),
            "models_dir": str(folder / "models"),
            "model_name": name,
            "training_date": day,
        })
    return folder


def compare(shop, *names, until=LAST_DAY):
    return compare_models(
        str(shop / "frame.csv"),
        names,
        models_dir=shop / "models",
        min_items=5,
        until=until,
        policy=Policy(resamples=200),
    )


@pytest.fixture(scope="module")
def comparison(shop):
    return compare(shop, "trees", "line")


def holdout_start(shop, name):
    manifest = json.loads((shop / "models" / name / "manifest.json").read_text())
    return manifest["windows"]["holdout"]["start"]


def test_models_are_scored_on_all_orders_that_neither_was_trained_on(shop, comparison):
    frame = pd.read_csv(shop / "frame.csv", parse_dates=["order_date"])
    start = max(holdout_start(shop, name) for name in MODELS)
    large = keep_large_orders(frame, min_items=5)
    rows = large[large["order_date"] >= start]

    assert comparison.start == str(rows["order_date"].min().date()) >= start
    assert comparison.holdout.orders == rows["order_id"].nunique()
    for scorer, name in ((FIRST, "trees"), (SECOND, "line")):
        evaluated = read_candidate(shop / "models" / name).evaluated
        expected = average_precision_score(rows["outcome"], score(evaluated, rows))
        assert comparison.holdout.metrics[scorer].average_precision == pytest.approx(expected)
        assert comparison.curves[scorer].metrics["average_precision"] == pytest.approx(expected)


def test_a_model_gains_nothing_over_itself(shop):
    same = compare(shop, "trees", "trees")

    assert same.gain == same.precision_gain == (0.0, 0.0, 0.0)
    assert same.overlap == 1.0
    assert same.result == "not significantly different"
    assert same.differences == ()


def test_models_in_the_other_order_gain_with_the_other_sign(shop, comparison):
    other = compare(shop, "line", "trees")

    assert comparison.gain.estimate != 0.0
    assert 1 + other.gain.estimate == pytest.approx(1 / (1 + comparison.gain.estimate))
    assert 1 + other.gain.low == pytest.approx(1 / (1 + comparison.gain.high), rel=0.01)
    assert other.overlap == comparison.overlap
    assert {FIRST: other.importances[SECOND], SECOND: other.importances[FIRST]} == (
        comparison.importances
    )
    mirrored = [(each.fact, each.second, each.first) for each in other.differences]
    assert sorted(mirrored) == sorted(each[1:] for each in comparison.differences)


def test_differences_of_parametrisation_and_data_are_listed_and_nothing_that_is_equal(comparison):
    found = {(each.about, each.fact): each[2:] for each in comparison.differences}

    assert found["parametrisation", "model"] == ("boosted_trees", "logistic_regression")
    assert found["parametrisation", "depth"] == ("3", None)
    assert found["training", "trained_on"] == ("2021-04-10", "2021-03-20")
    assert found["data", "holdout window"][0].startswith("2021-")
    assert not any(fact in {"min_items", "seed", "numpy"} for _, fact in found)
    assert not any("/" in str(value) for values in found.values() for value in values)


def test_a_model_that_was_trained_on_all_rows_is_refused(shop):
    start = holdout_start(shop, "trees")

    with pytest.raises(DatasetError, match=f"trees was trained on orders before {start}, and"):
        compare(shop, "line", "trees", until=date.fromisoformat(start).replace(day=1))


def test_a_dataset_without_large_orders_is_refused(shop):
    with pytest.raises(DatasetError, match=r"up to 2020-01-01 .* none is. Give a dataset"):
        compare(shop, "line", "trees", until=date(2020, 1, 1))


def test_a_model_that_does_not_say_what_it_was_trained_on_is_refused(shop):
    make_model(shop / "models", "given", promoted=False)

    with pytest.raises(ModelFormatError, match="given holds no evaluated model"):
        compare(shop, "line", "given")


def test_a_page_of_two_models_shows_each_picture_under_a_name_of_its_own(comparison):
    pictures = [
        picture.name
        for section in compose_comparison(comparison).sections
        for picture in section.pictures
    ]

    assert len(pictures) == len(set(pictures)) > 6


def test_a_comparison_shows_no_path_and_no_user(shop, comparison):
    sections = compose_comparison(comparison).sections
    text = repr([(section.paragraphs, section.tables) for section in sections])

    assert str(shop) not in text
    frame = pd.read_csv(Path(shop / "frame.csv"))
    assert not any(str(id_) in text for id_ in (*frame["user_id"].unique(), *frame["order_id"]))
