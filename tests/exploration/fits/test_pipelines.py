from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from push_model.evaluation.scorers import baseline_scores
from push_model.exploration.entries.all import choose_entries
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.pipelines import (
    _thin_negatives,
    _thin_orders,
    fit_entry,
    make_scorer,
)
from push_model.store.folder import document_bytes
from push_model.training.calibration import CalibratedClassifier
from push_model.training.data.history import KEYS, with_history
from push_model.training.parametrisation import BoostedTrees
from push_model.training.train import train

FULL = {entry.name: entry for entry in choose_entries("full")}
FEW = {"iterations": 5, "depth": 3}


def trees(**differs) -> Entry:
    asked = FEW | differs.pop("settings", {})
    return Entry(name="a", question="?", family="boosted_trees", settings=asked, **differs)


def propensities_of(entry, frame, *, seed=0):
    return fit_entry(entry, frame, seed=seed).predict_proba(frame)[:, 1]


@pytest.mark.parametrize(
    "name",
    [
        "line on four columns",
        "line with interactions",
        "line on splines",
        "ridge, class weights",
        "elastic net, C 1e-3",
        "decision tree, grown out",
        "random forest, depth 10",
    ],
)
def test_an_entry_gives_propensities(frame, name):
    p = propensities_of(FULL[name], frame)

    assert ((p >= 0) & (p <= 1)).all()
    assert p.std() > 0 or name.startswith("elastic")


def test_a_plain_entry_is_what_handler_fit_would_train(frame):
    ours = fit_entry(trees(), frame, seed=0)
    theirs = train(frame, BoostedTrees(**FEW), seed=0, trained_on="2021-03-04").serving.pipeline

    np.testing.assert_array_equal(
        ours.named_steps["classify"].get_leaf_values(),
        theirs.named_steps["classify"].get_leaf_values(),
    )


def test_categories_add_rates(frame):
    pipeline = fit_entry(trees(features="categories"), frame, seed=0)

    names = list(pipeline.named_steps["prepare"].get_feature_names_out())
    assert names[-3:] == ["rate_by_variant_id", "rate_by_product_type", "rate_by_vendor"]
    assert len(pipeline.named_steps["classify"].feature_importances_) == len(names)


@pytest.mark.parametrize(
    ("features", "added"),
    [
        ("season", ["order_month", "order_weekday"]),
        ("price in its kind", ["price_in_kind", "discount_in_kind"]),
        ("history of the product", ["share_of_orders_with_variant"]),
        ("history by kind, too", ["share_of_orders_with_variant"]),
        ("history and cadence", ["days_since_order", "share_of_orders_with_variant"]),
    ],
)
def test_a_feature_set_adds_its_inputs(frame, features, added):
    rich = with_history(frame, by=[*KEYS], has_cadence=True).df()

    pipeline = fit_entry(trees(features=features), rich, seed=0)

    names = list(pipeline.named_steps["prepare"].get_feature_names_out())
    assert set(added) <= set(names)


def test_half_the_rows_a_tree_are_other_trees(frame):
    whole, half = (propensities_of(trees(settings=s), frame) for s in ({}, {"subsample": 0.5}))

    assert (whole != half).any()


def test_a_forest_adds_up_its_trees_in_one_order(frame):
    prepare, forest = fit_entry(FULL["random forest, grown out"], frame, seed=0)
    inputs = prepare.transform(frame)
    total = sum(tree.predict_proba(inputs.astype(np.float32)) for tree in forest.estimators_)

    np.testing.assert_array_equal(forest.predict_proba(inputs), total / len(forest.estimators_))


def test_monotone_trees_never_fall_as_popularity_rises(frame):
    entry = trees(settings={"is_monotone": True, "iterations": 30})
    pipeline = fit_entry(entry, frame, seed=0)
    rows = frame.head(50)

    found = [
        pipeline.predict_proba(rows.assign(global_popularity=p))[:, 1]
        for p in np.linspace(0, 0.5, 20)
    ]

    assert (np.diff(found, axis=0) >= -1e-12).all()


def test_a_line_that_helps_is_kept(frame, monkeypatch):
    monkeypatch.setattr("push_model.training.calibration.MIN_PURCHASES", 5)
    # Hardly any learning: all propensities are near the base rate, which a line can mend.
    timid = trees(treatment="calibrated", settings={"learning_rate": 0.03, "iterations": 20})

    fitted = fit_entry(timid, frame, seed=0)

    assert isinstance(fitted.named_steps["classify"], CalibratedClassifier)


def test_class_weights_promise_far_more(frame):
    for family in ("boosted_trees", "logistic_regression"):
        plain, weighted = (
            propensities_of(
                Entry(
                    name="a",
                    question="?",
                    family=family,
                    settings={"iterations": 30} if family == "boosted_trees" else {},
                    treatment=treatment,
                ),
                frame,
            )
            for treatment in ("plain", "class weights")
        )
        assert weighted.mean() > 1.2 * plain.mean()


def test_thinned_negatives_weigh_what_they_stand_for(frame):
    kept, weights = _thin_negatives(frame, seed=0)

    bought = kept["outcome"] == 1
    assert bought.sum() == frame["outcome"].sum()
    assert set(weights[bought]) == {1.0}
    assert weights[~bought].sum() == pytest.approx((frame["outcome"] == 0).sum(), rel=0.2)


def test_thinning_keeps_the_order_of_rows_and_the_frame(frame):
    before = frame.copy()

    kept, _ = _thin_negatives(frame, seed=0)

    assert kept.index.is_monotonic_increasing
    assert frame.equals(before)


def test_thinned_negatives_promise_about_what_all_do(frame):
    plain, thinned = (
        propensities_of(trees(treatment=treatment, settings={"iterations": 40}), frame)
        for treatment in ("plain", "a tenth of the negatives")
    )

    assert thinned.mean() == pytest.approx(plain.mean(), rel=0.2)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 99))
def test_fewer_orders_are_whole_ones_and_part_of_more(frame, seed):
    few, more = (_thin_orders(frame, share=share, seed=seed) for share in (0.25, 0.5))

    assert set(few["order_id"]) < set(more["order_id"])
    assert more["order_id"].nunique() == round(0.5 * frame["order_id"].nunique())
    pd.testing.assert_frame_equal(more, frame[frame["order_id"].isin(more["order_id"])])


def test_a_tree_of_fewer_orders_learns_from_those_alone(frame):
    half = trees(treatment="half of the orders", settings={"iterations": 10})
    some = _thin_orders(frame, share=0.5, seed=0)

    ours = fit_entry(half, frame, seed=0).predict_proba(frame)
    theirs = fit_entry(replace(half, treatment="plain"), some, seed=0)

    np.testing.assert_array_equal(ours, theirs.predict_proba(frame))
    assert not half.is_servable


def test_a_servable_entry_scores_as_served_and_is_as_large_as_its_document(frame):
    pipeline = fit_entry(trees(), frame, seed=0)

    found = make_scorer(trees(), pipeline, frame)

    np.testing.assert_allclose(found.score(frame), pipeline.predict_proba(frame)[:, 1], atol=1e-12)
    assert found.size_bytes == len(document_bytes(found.document))
    assert found.converged is None


def test_what_serving_cannot_read_has_no_document(frame):
    entry = FULL["decision tree, depth 6"]

    found = make_scorer(entry, fit_entry(entry, frame, seed=0), frame)

    assert found.document is None
    assert found.size_bytes > 0
    assert found.score(frame).shape == (len(frame),)


@pytest.mark.parametrize(("name", "inputs"), [("popularity", 1), ("bought before", 2)])
def test_a_rule_is_the_gates_own_baseline(frame, name, inputs):
    found = make_scorer(FULL[name], None, frame)

    assert (found.score(frame) == baseline_scores(frame)[name]).all()
    assert (found.size_bytes, found.inputs) == (0, inputs)


@pytest.mark.parametrize("settings", [{}, {"max_iter": 1, "C": 1e3}])
def test_a_linear_model_cut_short_did_not_converge(frame, settings):
    entry = Entry(name="a", question="?", family="logistic_regression", settings=settings)

    found = make_scorer(entry, fit_entry(entry, frame, seed=0), frame)

    assert found.converged is not bool(settings)
