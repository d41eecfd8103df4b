from datetime import date

import pytest

from push_model.errors import InvalidEventError
from push_model.training.fit_request import read_fit_request
from push_model.training.parametrisation import BoostedTrees

TREES = {"model": "boosted_trees"}
TODAY = date(2021, 3, 4)


def test_everything_but_the_parametrisation_has_a_default():
    request = read_fit_request({"model_parametrisation": TREES}, today=TODAY)

    assert request.parametrisation == BoostedTrees()
    assert request.dataset == "data/feature_frame_20210304.csv"
    assert request.model_name == "push_2021_03_04"
    assert (request.training_date, request.min_items, request.seed) == (TODAY, 5, 0)
    assert request.holdout_days is None
    assert request.models_dir == "models"


def test_the_training_date_names_the_model_and_not_the_clock():
    event = {"model_parametrisation": TREES, "training_date": "2020-12-31"}

    assert read_fit_request(event, today=TODAY).model_name == "push_2020_12_31"


def test_a_null_counts_as_left_out_and_the_event_is_not_changed():
    event = {"model_parametrisation": TREES, "dataset": None, "seed": 7}
    before = dict(event)

    request = read_fit_request(event, today=TODAY)

    assert request.dataset == "data/feature_frame_20210304.csv"
    assert request.seed == 7
    assert event == before


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ([], "event must be an object .* got list"),
        ({}, 'lacks "model_parametrisation"'),
        ({"model_parametrization": TREES}, "Did you mean 'model_parametrisation'"),
        ({"model_parametrisation": TREES, "min_item": 5}, "Did you mean 'min_items'"),
        (
            {"model_parametrisation": TREES, "min_items": 0},
            r'event\["min_items"\] must be >= 1, got 0\.$',
        ),
        ({"model_parametrisation": TREES, "holdout_days": 0}, "must be >= 1, got 0"),
        ({"model_parametrisation": TREES, "min_items": True}, "must be a whole number, got True"),
        ({"model_parametrisation": TREES, "seed": -1}, "must be >= 0, got -1"),
        ({"model_parametrisation": TREES, "training_date": "20210304"}, "yyyy-mm-dd"),
        ({"model_parametrisation": TREES, "training_date": "2021-W09-4"}, "yyyy-mm-dd"),
        ({"model_parametrisation": TREES, "training_date": "2021-02-30"}, "yyyy-mm-dd"),
        ({"model_parametrisation": TREES, "training_date": 3}, "yyyy-mm-dd"),
        ({"model_parametrisation": TREES, "dataset": " "}, "text that is not empty"),
        ({"model_parametrisation": TREES, "model_name": "m" * 91}, "at most 90 letters"),
        ({"model_parametrisation": TREES, "models_dir": 5}, "must be text, got 5"),
    ],
)
def test_a_wrong_event_is_refused(event, message):
    with pytest.raises(InvalidEventError, match=message):
        read_fit_request(event, today=TODAY)
