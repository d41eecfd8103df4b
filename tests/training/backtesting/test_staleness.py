import json
from datetime import date

import numpy as np
import pytest

from push_model.errors import DatasetError, InvalidEventError
from push_model.evaluation.results import Interval
from push_model.training.backtesting.staleness import find_age_lost, measure_staleness, sum_up
from push_model.training.backtesting.walk_forward import Block, Figures
from push_model.training.parametrisation import BoostedTrees
from tests.frames import make_frame

TREES = BoostedTrees(iterations=3, depth=3)
ORIGINS = (date(2021, 3, 1), date(2021, 3, 8), date(2021, 3, 15))


def figures(precision, promised=1.0, spread=0.0) -> Figures:
    draws = np.array([0.0, -spread, spread, -spread, spread])
    return Figures(precision + draws, 0.05 + 0.0 * draws, promised + 0.0 * draws)


def block(*precisions, orders=10, spread=0.0) -> Block:
    models = tuple(figures(each, spread=spread) for each in precisions)
    return Block(orders, 5 * orders, models, np.full(5, 0.1))


def summed(*blocks):
    return sum_up(blocks, origins=ORIGINS, every=7)


@pytest.fixture(scope="module")
def frame():
    return make_frame(orders=120, seed=3).sort_values(
        ["order_date", "order_id", "variant_id"], ignore_index=True
    )


@pytest.fixture(scope="module")
def measured(frame):
    reported = []
    found = measure_staleness(
        frame, TREES, days=21, origins=4, report_progress=lambda *done: reported.append(done)
    )
    return found, reported


def test_ages_are_the_days_since_training(measured):
    found, _ = measured

    assert [(age.first_day, age.last_day) for age in found.ages] == [(1, 7), (8, 14), (15, 21)]
    assert [age.middle for age in found.ages] == [4.0, 11.0, 18.0]


def test_the_freshest_are_beside_themselves_all(measured):
    found, _ = measured

    assert found.ages[0].kept == found.ages[0].log_loss_kept == Interval(1.0, 1.0, 1.0)
    assert found.ages[0].average_precision == found.ages[0].fresh


def test_progress_is_reported_origin_by_origin(measured):
    found, reported = measured

    assert reported == [(done, 4) for done in (1, 2, 3, 4)]
    assert len(found.origins) == 4


def test_the_same_frame_gives_the_same_figures(frame, measured):
    assert measure_staleness(frame, TREES, days=21, origins=4) == measured[0]


def test_older_models_are_compared_on_the_blocks_they_judged():
    """A later block that is easier for everybody is no merit of age."""
    found = summed(block(0.2), block(0.4, 0.4), block(0.6, 0.6, 0.6))

    assert [age.average_precision.estimate for age in found.ages] == pytest.approx([0.4, 0.5, 0.6])
    assert [age.kept.estimate for age in found.ages] == pytest.approx([1.0, 1.0, 1.0])
    assert found.lasts_days is None


def test_blocks_weigh_as_many_orders_as_they_hold():
    found = summed(block(0.2, 0.1, orders=30), block(0.6, 0.6, orders=10))

    fresh, older = found.ages
    assert fresh.fresh.estimate == pytest.approx(0.3)
    assert older.kept.estimate == pytest.approx(0.225 / 0.3)
    assert (older.orders, older.purchases) == (40, 200)


def test_how_long_a_model_lasts_lies_between_two_ages():
    found = summed(block(0.40, 0.39, 0.37))

    assert found.lasts_days == pytest.approx(11 + 7 * (0.975 - 0.95) / (0.975 - 0.925))


def test_at_the_worse_end_it_lasts_less_long():
    steady, doubtful = figures(0.4), figures(0.39, spread=0.02)

    found = summed(Block(10, 50, (steady, doubtful, figures(0.3)), np.full(5, 0.1)))

    assert found.lasts_at_least_days < 11 < found.lasts_days
    assert found.ages[1].kept.low < 0.95 < found.ages[1].kept.estimate


@pytest.mark.parametrize(
    ("kept", "days"),
    [((1.0, 0.99, 0.96), None), ((1.0, 0.95, 1.0), 11.0), ((1.0, 0.90, 0.99), 7.5)],
)
def test_the_first_age_below_the_margin_counts(kept, days):
    ages = summed(block(0.4, 0.4, 0.4)).ages

    found = find_age_lost(ages, kept)

    assert found == (None if days is None else pytest.approx(days))


@pytest.mark.mltest("Model 4")
def test_it_says_how_long_a_model_may_serve():
    lost, kept = summed(block(0.40, 0.39, 0.37)), summed(block(0.4, 0.4, 0.4))

    assert "up to 7 days old" in lost.sentence()
    assert "has lost the gate's margin of 5% at 14 days; " in lost.sentence()
    assert "margin of 5% at no age up to 21 days; " in kept.sentence()


def test_it_is_written_as_json(measured):
    document = json.loads(json.dumps(measured[0].document(), allow_nan=False))

    assert document["origins"][0] == str(measured[0].origins[0])
    assert document["ages"][1]["first_day"] == 8


@pytest.mark.parametrize("days", [6, 13])
def test_one_age_alone_is_refused(frame, days):
    with pytest.raises(InvalidEventError, match=rf"days must be at least 14, .* got {days}"):
        measure_staleness(frame, TREES, days=days)


@pytest.mark.parametrize("options", [{"origins": 1}, {"every": 33, "days": 66}])
def test_one_origin_alone_is_refused(frame, options):
    with pytest.raises(DatasetError, match=r"holds 1 origin\(s\) .*; two are needed"):
        measure_staleness(frame, TREES, **options)
