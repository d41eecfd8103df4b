import numpy as np
import pytest

from push_model.columns import FEATURES
from push_model.model.preparation import Fill, MissingIf
from push_model.model.scoring import Model
from push_model.serving.skew import Sketch
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.parametrisation import BoostedTrees
from push_model.training.train_distribution import iterate_values, measure_seen
from tests.frames import make_frame


@pytest.fixture
def frame():
    return make_frame(orders=60, seed=2)


def test_shares_and_range_are_those_of_the_rows(frame):
    frame["normalised_price"] = np.arange(len(frame), dtype=float)
    frame.loc[: len(frame) // 4 - 1, "normalised_price"] = np.nan

    seen = measure_seen(frame, ())["normalised_price"]

    assert seen["missing"] == pytest.approx(0.25, abs=0.001)
    assert (seen["minimum"], seen["maximum"]) == (len(frame) // 4, len(frame) - 1)
    assert len(seen["borders"]) == 9
    assert seen["shares"] == pytest.approx([0.075] * 10, abs=0.005)
    assert seen["missing"] + sum(seen["shares"]) == pytest.approx(1.0)


def test_a_flag_has_a_bin_for_each_of_its_values(frame):
    frame["active_snoozed"] = np.arange(len(frame)) % 2

    seen = measure_seen(frame, ())["active_snoozed"]

    assert seen["borders"] == [0.0]
    assert seen["shares"] == pytest.approx([0.5, 0.5], abs=0.01)


def test_what_a_frame_writes_for_never_is_missing_and_a_filled_gap_still_is(frame):
    frame["ordered_before"] = np.where(np.arange(len(frame)) % 2, 1.0, np.nan)
    frame["days_since_purchase_variant_id"] = np.where(np.arange(len(frame)) % 2, 33.0, 33.0)
    steps = (
        Fill("ordered_before", 0.0),
        MissingIf("days_since_purchase_variant_id", 33.0, "ordered_before"),
    )

    seen = measure_seen(frame, steps)

    assert seen["ordered_before"]["missing"] == pytest.approx(0.5, abs=0.01)
    assert seen["days_since_purchase_variant_id"]["missing"] == pytest.approx(0.5, abs=0.01)


def test_a_feature_without_any_value_is_all_missing(frame):
    frame["count_pets"] = np.nan

    seen = measure_seen(frame, ())["count_pets"]

    assert (seen["missing"], seen["borders"], seen["shares"]) == (1.0, [], [0.0])


def test_the_train_window_itself_is_as_in_training(frame):
    family = BoostedTrees(iterations=2)
    pipeline = make_pipeline(family, seed=0).fit(frame, frame["outcome"])
    document = export_model(pipeline, family, trained_on="2022-03-14", rows=frame)
    sketch = Sketch(Model.from_document(document))

    for row in frame[list(FEATURES)].to_numpy(dtype=float).tolist():
        sketch.add([row])

    report = sketch.report()
    assert report["rows"] > 100
    assert {name for name, found in report["features"].items() if found["changed"]} == set()


def test_a_large_frame_is_looked_at_in_chunks_to_the_same_effect(frame, monkeypatch):
    steps = (
        Fill("ordered_before", 0.0),
        MissingIf("days_since_purchase_variant_id", 33.0, "ordered_before"),
    )
    whole = measure_seen(frame, steps)
    monkeypatch.setattr("push_model.training.train_distribution.CHUNK_ROWS", 7)

    assert measure_seen(frame, steps) == whole


def test_a_marker_is_left_out_of_the_values_and_a_real_gap_of_as_many_days_is_not(frame):
    steps = (MissingIf("days_since_purchase_variant_id", 33.0, "ordered_before"),)
    frame["ordered_before"] = 1.0
    frame["days_since_purchase_variant_id"] = 33.0
    frame.loc[:9, "ordered_before"] = 0.0

    values = dict(iterate_values(frame, steps))

    assert len(values["days_since_purchase_variant_id"]) == len(frame) - 10
    assert len(values["normalised_price"]) == len(frame)


def test_only_the_features_asked_for_are_given_in_that_order(frame):
    asked = ("discount_pct", "count_pets")

    assert [name for name, _ in iterate_values(frame, (), asked)] == [*asked]
