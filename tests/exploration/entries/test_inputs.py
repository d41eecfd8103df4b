import numpy as np
import pytest

from push_model.exploration.entries.entry import HISTORIES
from push_model.exploration.entries.inputs import FEATURE_SETS, lacking_columns, make_preparer
from push_model.training.estimators import LINEAR_STEPS, FeaturePreparer


def inputs_of(name, frame, derived=LINEAR_STEPS) -> list:
    return list(make_preparer(name, FeaturePreparer(derived)).fit(frame).inputs_)


@pytest.mark.parametrize(
    "name", ["request", "history", "splines", "categories", "season", "price in its kind"]
)
def test_a_family_keeps_its_own_preparer(name):
    default = FeaturePreparer()

    assert make_preparer(name, default) is default


def test_three_and_four_columns_are_just_those(frame):
    three, four = inputs_of("three columns", frame), inputs_of("four columns", frame)

    assert len(three) == 3
    assert set(four) - set(three) == {"set_as_regular"}


def test_leaving_out_the_household_leaves_out_five(frame):
    gone = set(inputs_of("request", frame)) - set(inputs_of("no household", frame))

    assert gone == {
        "count_adults",
        "count_babies",
        "count_children",
        "count_pets",
        "people_ex_baby",
    }


def test_leaving_out_the_order_number_keeps_trees_ratios(frame):
    trees = FeaturePreparer().derived

    left = inputs_of("no order number", frame, trees)
    assert set(inputs_of("request", frame, trees)) - set(left) == {"user_order_seq"}


def test_never_can_stay_a_number(frame):
    prepared = make_preparer("never as a number", FeaturePreparer()).fit(frame).transform(frame)

    assert not np.isnan(prepared).any()


def test_interactions_add_to_the_lines_own_steps(frame):
    assert {"log_popularity_if_bought", "log_variant_gap_ratio"} <= set(
        inputs_of("log interactions", frame)
    )


def test_a_frame_without_history_lacks_its_columns(frame):
    assert lacking_columns("history", frame.columns) == [
        "earlier_orders",
        "orders_since_variant",
        "orders_since_vendor",
        "orders_with_variant",
        "orders_with_vendor",
    ]
    with_past = {name for name in FEATURE_SETS if lacking_columns(name, frame)}
    assert with_past == HISTORIES
