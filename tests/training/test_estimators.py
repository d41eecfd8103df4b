import numpy as np
import pandas as pd
import pytest

from push_model.columns import FEATURES
from push_model.errors import MissingColumnsError
from push_model.model.preparation import MissingIf
from push_model.training.estimators import (
    LINEAR_STEPS,
    RATIOS,
    FeaturePreparer,
    _find_never_marker,
    make_pipeline,
)
from push_model.training.parametrisation import BoostedTrees, LogisticRegression, describe
from tests.frames import make_frame

VARIANT_DAYS = "days_since_purchase_variant_id"


def gaps(never: list[float], bought: list[float]) -> pd.DataFrame:
    flags = [0.0] * len(never) + [1.0] * len(bought)
    return pd.DataFrame({VARIANT_DAYS: never + bought, "ordered_before": flags})


@pytest.mark.parametrize("marker", [33.0, 76.0, -1.0])
def test_the_never_marker_is_found_from_the_data(marker):
    frame = gaps([marker] * 20 + [5.0], [33.0, 76.0, 8.0])

    assert _find_never_marker(frame, VARIANT_DAYS) == MissingIf(
        VARIANT_DAYS, marker, "ordered_before"
    )


@pytest.mark.parametrize(
    "frame",
    [
        gaps([np.nan] * 20, [33.0, 8.0]),
        gaps([float(day) for day in range(40)], [33.0]),
        gaps([], [33.0] * 9),
    ],
    ids=["left empty already", "no value is common enough", "every candidate was bought before"],
)
def test_where_never_is_not_a_number_no_marker_is_found(frame):
    assert _find_never_marker(frame, VARIANT_DAYS) is None


@pytest.mark.mltest("Data 7")
def test_the_marker_is_missing_only_where_the_product_was_not_bought_before():
    frame = make_frame(orders=12, seed=0)
    bought = frame["ordered_before"] == 1
    frame.loc[bought, VARIANT_DAYS] = 33.0
    frame.loc[~bought, VARIANT_DAYS] = 33.0

    prepare = FeaturePreparer().fit(frame)
    days = prepare.transform(frame)[:, prepare.inputs_.index(VARIANT_DAYS)]

    assert np.isnan(days[~bought]).all()
    assert (days[bought] == 33.0).all()


def test_an_unknown_flag_counts_as_0_where_the_marker_asks_it():
    frame = make_frame(orders=12, seed=0)
    prepare = FeaturePreparer().fit(frame)
    never = frame[frame["ordered_before"] == 0].head(3)

    unknown = prepare.transform(never.assign(ordered_before=np.nan))

    assert np.array_equal(unknown, prepare.transform(never), equal_nan=True)


def test_a_missing_value_becomes_the_median_where_missing_means_typical():
    frame = make_frame(orders=12, seed=0)
    median = frame["normalised_price"].median()
    prepare = FeaturePreparer().fit(frame)
    unknown = frame.head(3).assign(normalised_price=np.nan)

    price = prepare.transform(unknown)[:, prepare.inputs_.index("normalised_price")]

    assert (price == median).all()


def test_a_column_that_is_missing_throughout_becomes_zero():
    frame = make_frame(orders=12, seed=0).assign(active_snoozed=np.nan)

    prepare = FeaturePreparer().fit(frame)
    snoozed = prepare.transform(frame)[:, prepare.inputs_.index("active_snoozed")]

    assert (snoozed == 0).all()


@pytest.mark.parametrize("derived", [RATIOS, LINEAR_STEPS])
def test_preparation_ignores_other_columns_their_order_and_leaves_its_input_alone(derived):
    frame = make_frame(orders=12, seed=0)
    before = frame.copy()
    prepare = FeaturePreparer(derived).fit(frame)

    shuffled = frame[sorted(frame.columns)].assign(other=1)

    assert np.array_equal(prepare.transform(frame), prepare.transform(shuffled), equal_nan=True)
    assert list(prepare.get_feature_names_out()) == list(prepare.inputs_)
    pd.testing.assert_frame_equal(frame, before)


def test_a_log_replaces_the_feature_it_is_made_of():
    prepare = FeaturePreparer(LINEAR_STEPS).fit(make_frame(orders=12, seed=0))

    assert "log_global_popularity" in prepare.inputs_
    assert "global_popularity" not in prepare.inputs_
    assert len(set(prepare.inputs_)) == len(prepare.inputs_) == len(FEATURES) + 5


def test_an_absent_feature_is_named():
    frame = make_frame(orders=12, seed=0)

    with pytest.raises(MissingColumnsError, match="'discount_pct' is missing"):
        FeaturePreparer().fit(frame.drop(columns="discount_pct"))


@pytest.mark.parametrize(
    "parametrisation",
    [
        BoostedTrees(iterations=30, depth=3),
        LogisticRegression(),
        LogisticRegression(penalty="l1", C=0.01),
        LogisticRegression(penalty="elasticnet", C=0.01),
    ],
    ids=["trees", "l2", "l1", "elasticnet"],
)
class TestEveryFamily:
    def test_the_same_seed_gives_the_same_model(self, parametrisation):
        frame = make_frame(orders=30, seed=0)

        scores = [
            make_pipeline(parametrisation, seed=3).fit(frame, frame["outcome"]).predict_proba(frame)
            for _ in range(2)
        ]

        assert np.array_equal(*scores)

    def test_a_product_ordered_before_scores_higher(self, parametrisation):
        frame = make_frame(orders=60, seed=1)
        pipeline = make_pipeline(parametrisation, seed=0).fit(frame, frame["outcome"])
        scores = pipeline.predict_proba(frame)[:, 1]

        bought = frame["ordered_before"] == 1

        assert scores[bought].mean() > 1.2 * scores[~bought].mean()


@pytest.mark.mltest("Infra 2")
def test_l1_drops_inputs_that_l2_keeps():
    frame = make_frame(orders=60, seed=1)

    dropped = {
        penalty: int(
            (
                make_pipeline(LogisticRegression(penalty=penalty, C=1e-3), seed=0)
                .fit(frame, frame["outcome"])
                .named_steps["classify"]
                .coef_
                == 0
            ).sum()
        )
        for penalty in ("l1", "l2")
    }

    assert dropped["l1"] > dropped["l2"]


def test_every_hyper_parameter_of_trees_reaches_them():
    asked = BoostedTrees(
        iterations=7,
        depth=3,
        learning_rate=0.2,
        l2_leaf_reg=9.0,
        random_strength=0.5,
        leaf_estimation_iterations=4,
        border_count=32,
    )
    hyper_parameters = {k: v for k, v in describe(asked).items() if k not in {"features", "model"}}

    given = make_pipeline(asked, seed=0).named_steps["classify"].get_params()

    assert given.items() >= hyper_parameters.items()
