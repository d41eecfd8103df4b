import random
from math import inf, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_model import FEATURES
from push_model.serving.skew import (
    MOST_ROWS_OF_A_REQUEST,
    ONE_ROW_IN,
    SMALLEST_SHARE,
    Sketch,
    stability_index,
)
from push_model.store.folder import read_model
from push_model.testing import make_model

DAYS = FEATURES.index("days_since_purchase_variant_id")
POPULARITY = FEATURES.index("global_popularity")


@pytest.fixture
def model(tmp_path):
    return read_model(make_model(tmp_path)).model


def training_like(rng: random.Random) -> list[float]:
    """Draw a candidate whose days and popularity are spread as the made-up model's training was."""
    row = [nan] * len(FEATURES)
    if rng.random() < 0.1:
        low, high = rng.choices([(1, 7), (8, 14), (15, 28), (29, 60)], [2, 3, 3, 2])[0]
        row[DAYS] = float(rng.randint(low, high))
    bins = [(0.0, 0.001), (0.0011, 0.01), (0.011, 0.05), (0.051, 0.2)]
    row[POPULARITY] = rng.uniform(*rng.choices(bins, [3, 4, 2, 1])[0])
    return row


def with_days(row: list[float], days: float) -> list[float]:
    return [*row[:DAYS], days, *row[DAYS + 1 :]]


def sketch_of(model, n_rows, change=lambda row: row):
    rng, sketch = random.Random(0), Sketch(model)
    for _ in range(n_rows):
        sketch.add([change(training_like(rng))])
    return sketch.report()


@pytest.mark.parametrize("n_rows", [0, 100, 1_000, 20_000])
def test_what_is_sent_as_in_training_changes_nothing(model, n_rows):
    report = sketch_of(model, n_rows)

    assert {found["says"] for found in report["features"].values()} == {"as in training"}
    assert not any(found["changed"] for found in report["features"].values())


@pytest.mark.mltest("Mon 3")
@pytest.mark.parametrize("batch", [1, 10, 513, 1_000])
@pytest.mark.parametrize("seed", range(3))
def test_days_sent_as_hours_show_within_1000_users(model, batch, seed):
    rng, sketch = random.Random(seed), Sketch(model)
    rows = [with_days(row, row[DAYS] * 24) for row in (training_like(rng) for _ in range(1_000))]

    for start in range(0, 1_000, batch):
        sketch.add(rows[start : start + batch])

    report = sketch.report()
    days = report["features"]["days_since_purchase_variant_id"]
    assert days["changed"]
    assert days["out_of_range"] > 0.5
    assert days["says"].endswith("outside 1 to 60, the range of training. Is the unit right?")
    assert not report["features"]["global_popularity"]["changed"]


def test_a_feature_that_is_no_longer_sent_shows(model):
    report = sketch_of(model, 1_000, lambda row: [*row[:POPULARITY], nan, *row[POPULARITY + 1 :]])

    popularity = report["features"]["global_popularity"]
    assert popularity["missing"] == {"trained": 0.0, "served": 1.0}
    assert popularity["says"] == "missing in 100% of candidates, in training in 0%"


def test_a_frames_way_of_writing_never_counts_as_missing(model):
    # The number that the frame of the made-up model writes.
    report = sketch_of(model, 200, lambda row: with_days(row, 33.0))

    assert report["features"]["days_since_purchase_variant_id"]["missing"]["served"] == 1.0


def test_about_one_candidate_in_eight_is_looked_at(model):
    assert sketch_of(model, 8_000)["rows"] == pytest.approx(8_000 / ONE_ROW_IN, rel=0.02)


def test_no_place_in_a_list_of_products_is_always_the_one_looked_at(model):
    sketch = Sketch(model)
    rng = random.Random(0)
    for _ in range(800):
        sketch.add([training_like(rng) for _ in range(7)] + [[nan] * len(FEATURES)])

    popularity = sketch.report()["features"]["global_popularity"]

    assert popularity["missing"]["served"] == pytest.approx(1 / 8, abs=0.03)


def test_a_large_request_does_not_outweigh_all_others(model):
    sketch = Sketch(model)
    rng = random.Random(0)
    sketch.add(np.array([training_like(rng) for _ in range(20_000)]))
    sketch.add([training_like(rng) for _ in range(80)])

    assert sketch.report()["rows"] == pytest.approx(MOST_ROWS_OF_A_REQUEST + 10, abs=4)


def test_memory_does_not_grow_with_requests(model):
    sketch = Sketch(model)

    def size() -> int:
        return sum(len(bins) for bins in sketch._bins.values()) + len(vars(sketch))

    before = size()
    for row in range(5_000):
        sketch.add([[float(row)] * len(FEATURES)])

    assert size() == before


def test_a_model_that_does_not_say_what_it_was_trained_on_has_no_sketch(model):
    model.features = tuple(feature._replace(seen=None) for feature in model.features)

    assert Sketch(model).report() is None


def test_a_feature_that_is_rarely_there_shows_a_unit_that_stays_within_the_range(model):
    report = sketch_of(model, 2_000, lambda row: with_days(row, row[DAYS] / 7))

    days = report["features"]["days_since_purchase_variant_id"]
    assert days["missing"]["served"] > 0.8
    assert days["changed"]
    assert days["psi"] > 1.0


def test_a_handful_of_odd_values_is_no_change(model):
    odd = iter([1e4] * 4)

    report = sketch_of(model, 2_000, lambda row: with_days(row, next(odd, row[DAYS])))

    assert not report["features"]["days_since_purchase_variant_id"]["changed"]


SHARES = st.lists(st.tuples(*[st.floats(0.0, 1.0)] * 2), min_size=1, max_size=12)


@given(SHARES)
def test_the_index_is_a_distance_finite_and_the_same_both_ways(pairs):
    now, then = map(list, zip(*pairs, strict=True))

    index = stability_index(now, then)

    assert 0.0 <= index < inf
    assert index == pytest.approx(stability_index(then, now))
    assert stability_index(now, now) == 0.0


def test_the_index_follows_its_formula_and_an_empty_bin_counts_as_the_smallest_share():
    by_hand = (0.6 - 0.2) * log(0.6 / 0.2) + (0.4 - 0.8) * log(0.4 / 0.8)

    assert stability_index([0.6, 0.4], [0.2, 0.8]) == pytest.approx(by_hand)
    assert stability_index([0.0], [0.5]) == stability_index([SMALLEST_SHARE], [0.5])
    assert stability_index([0.5], [0.0]) == stability_index([0.5], [SMALLEST_SHARE])


def test_distributions_over_different_bins_are_a_mistake():
    with pytest.raises(ValueError, match="shorter"):
        stability_index([0.5, 0.5], [1.0])
