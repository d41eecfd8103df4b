import io
import json

import joblib
import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression as SklearnLogisticRegression
from sklearn.utils.validation import check_is_fitted

from push_model.evaluation.metrics import measure
from push_model.evaluation.scorers import score
from push_model.model.scoring import Model
from push_model.training.calibration import (
    MIN_PURCHASES,
    MIN_STANDARD_ERRORS,
    CalibratedClassifier,
    Line,
    calibrate,
    choose_calibration,
    fit_line,
)
from push_model.training.estimators import make_pipeline
from push_model.training.export import check_equal, export_model
from push_model.training.parametrisation import BoostedTrees, LogisticRegression
from push_model.training.train import train
from tests.effort import EFFORT
from tests.frames import make_frame

FAMILIES = [BoostedTrees(iterations=30, depth=4), LogisticRegression(C=1.0)]
TRUTH = Line(0.7, -0.4)


def window(*, truth=TRUTH, orders=200, products=60, seed=0):
    """Make rows whose outcomes follow a line through the log-odds of their propensities."""
    rng = np.random.default_rng(seed)
    order = np.repeat(np.arange(orders), products)
    log_odds = rng.normal(-2.0, 1.5, len(order))
    bought = rng.random(len(order)) < truth.propensities(log_odds)
    day = pd.Timestamp("2021-02-05") + pd.to_timedelta(order // 10, unit="D")
    rows = pd.DataFrame({"order_id": order, "order_date": day, "outcome": bought.astype(float)})
    return rows, expit(log_odds)


def test_over_confident_propensities_are_brought_back():
    rows, propensities = window()

    chosen = choose_calibration(rows, propensities)

    assert chosen.method == "platt"
    assert chosen.line == pytest.approx(TRUTH, abs=0.1)
    assert chosen.log_loss_after < chosen.log_loss_before
    assert chosen.standard_errors > 3.0
    assert chosen.orders == 100
    assert chosen.says.startswith("Calibrated with Platt scaling: log loss improved by ")
    assert json.loads(json.dumps(chosen.document()))["slope"] == chosen.slope


def test_calibrated_propensities_are_left_alone():
    rows, propensities = window(truth=Line())

    chosen = choose_calibration(rows, propensities)

    assert (chosen.method, chosen.line) == ("none", Line())
    assert chosen.says.startswith("No calibration applied: log loss ")


def test_only_the_newer_half_judges():
    """An over-confident past does not count where the present is calibrated."""
    older, propensities = window(orders=100)
    newer, calibrated = window(truth=Line(), orders=100, seed=1)
    newer["order_id"] += 100
    newer["order_date"] += pd.Timedelta(days=10)
    rows = pd.concat([older, newer], ignore_index=True)

    chosen = choose_calibration(rows, np.concatenate([propensities, calibrated]))

    assert chosen.method == "none"
    assert chosen.log_loss_after > chosen.log_loss_before
    assert chosen.standard_errors < 0.0


def test_the_kept_line_is_fitted_on_both_halves():
    rows, propensities = window()
    log_odds = np.log(propensities / (1 - propensities))

    chosen = choose_calibration(rows, propensities)

    assert chosen.line == pytest.approx(fit_line(log_odds, rows["outcome"].to_numpy()), abs=1e-6)


def test_orders_and_not_their_rows_are_the_evidence():
    """Rows of one order share their luck: nine copies of each prove no more than one."""
    rows, propensities = window(truth=Line(0.93, -0.1))
    more = pd.concat([rows] * 9, ignore_index=True)

    once = choose_calibration(rows, propensities)
    ninefold = choose_calibration(more, np.tile(propensities, 9))

    assert once.standard_errors > 0.0
    assert ninefold.standard_errors == pytest.approx(once.standard_errors, abs=1e-6)
    assert ninefold.method == once.method


def test_a_saving_within_its_own_luck_is_no_evidence():
    rows, propensities = window(truth=Line(0.93, 0.0), orders=60, products=40, seed=7)

    chosen = choose_calibration(rows, propensities)

    assert chosen.log_loss_after < 0.995 * chosen.log_loss_before
    assert 0.0 < chosen.standard_errors < MIN_STANDARD_ERRORS
    assert chosen.method == "none"


def test_the_line_that_is_judged_knows_nothing_of_the_orders_that_judge_it():
    """The halves are off in opposite ways; a line that had seen the newer would have helped."""
    older, calibrated = window(truth=Line(1.0, 0.3), orders=100)
    newer, propensities = window(truth=Line(1.0, -1.0), orders=100, seed=1)
    newer["order_id"] += 100
    newer["order_date"] += pd.Timedelta(days=10)
    rows = pd.concat([older, newer], ignore_index=True)

    chosen = choose_calibration(rows, np.concatenate([calibrated, propensities]))

    assert chosen.log_loss_after > chosen.log_loss_before
    assert chosen.method == "none"


@pytest.mark.parametrize("orders", [3, 10])
def test_too_few_purchases_are_no_ground_for_a_line(orders):
    rows, propensities = window(orders=orders, truth=Line(1.0, -2.0))

    chosen = choose_calibration(rows, propensities)

    assert chosen.method == "none"
    assert f"({MIN_PURCHASES} needed in each)" in chosen.says
    assert chosen.log_loss_before is None


def test_the_days_of_the_window_are_not_torn_apart():
    rows, propensities = window()
    one_day = rows.assign(order_date=rows["order_date"].min())

    chosen = choose_calibration(one_day, propensities)

    assert "and 0 purchases" in chosen.says


@pytest.mark.parametrize("truth", [Line(-1.0, -2.0), Line(0.1, -2.0), Line(9.0, 0.0)])
def test_a_slope_beyond_its_bounds_is_no_calibration(truth):
    rows, propensities = window(truth=truth, orders=400)

    chosen = choose_calibration(rows, propensities)

    assert (chosen.method, chosen.line) == ("none", Line())
    assert "no slope from 0.2 to 5 fits" in chosen.says


def test_propensities_of_0_and_1_do_no_harm():
    rows, propensities = window()
    propensities[:5], propensities[5:10] = 0.0, 1.0
    rows.loc[:4, "outcome"], rows.loc[5:9, "outcome"] = 0.0, 1.0

    chosen = choose_calibration(rows, propensities)

    assert chosen.method == "platt"
    assert np.isfinite(chosen.log_loss_after)


def test_the_order_of_rows_does_not_decide():
    rows, propensities = window()
    order = np.random.default_rng(1).permutation(len(rows))

    shuffled = choose_calibration(rows.iloc[order], propensities[order])

    assert shuffled.method == "platt"
    assert shuffled.line == pytest.approx(choose_calibration(rows, propensities).line, abs=1e-6)


@settings(max_examples=6 * EFFORT)
@given(st.floats(0.4, 2.5), st.floats(-1.0, 1.0), st.integers(0, 9))
def test_the_line_is_the_one_scikit_learn_finds(slope, intercept, seed):
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(0.0, 1.5, 2_000)
    outcomes = (rng.random(2_000) < Line(slope, intercept).propensities(log_odds)).astype(float)
    theirs = SklearnLogisticRegression(C=np.inf, tol=1e-10).fit(log_odds[:, None], outcomes)

    ours = fit_line(log_odds, outcomes)

    assert ours == pytest.approx((theirs.coef_[0, 0], theirs.intercept_[0]), abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model)
@pytest.mark.parametrize("line", [TRUTH, Line(1.3, 0.25), Line(1.0, 0.5)])
def test_a_calibrated_model_is_exported_as_its_pipeline_scores(family, line):
    frame = make_frame(orders=40, seed=0)
    raw = make_pipeline(family, seed=0).fit(frame, frame["outcome"])
    pipeline = calibrate(raw, line)
    document = export_model(pipeline, family, trained_on="2021-03-04")
    holes = frame.mask(np.random.default_rng(0).random(frame.shape) < 0.1)

    for rows in (frame, holes):
        check_equal(document, pipeline, rows)

    before = raw.predict_proba(frame)[:, 1]
    after = score(Model.from_document(document), frame)
    assert after == pytest.approx(line.propensities(np.log(before / (1 - before))), abs=1e-9)
    assert np.array_equal(np.argsort(before, kind="stable"), np.argsort(after, kind="stable"))


def test_a_bias_of_the_trees_is_put_on_the_line_with_them():
    frame = make_frame(orders=40, seed=0)
    raw = make_pipeline(FAMILIES[0], seed=0).set_params(classify__boost_from_average=True)
    pipeline = calibrate(raw.fit(frame, frame["outcome"]), TRUTH)

    document = export_model(pipeline, FAMILIES[0], trained_on="2021-03-04")

    assert document["scorer"]["bias"] < -1.0
    check_equal(document, pipeline, frame)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model)
def test_reasons_of_a_calibrated_model_still_add_up(family):
    frame = make_frame(orders=40, seed=0)
    raw = make_pipeline(family, seed=0).fit(frame, frame["outcome"])
    model = Model.from_document(
        export_model(calibrate(raw, TRUTH), family, trained_on="2021-03-04", rows=frame)
    )

    for row in frame[list(model.feature_names)].to_numpy(dtype=float)[:20].tolist():
        reasons = model.reasons(row)
        total = reasons.base_value + sum(reasons.contributions.values()) + reasons.others
        assert total == pytest.approx(model.log_odds(row), abs=1e-9)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model)
def test_a_calibrated_pipeline_is_saved_loaded_cloned_and_fitted_again(family):
    frame = make_frame(orders=40, seed=0)
    pipeline = calibrate(make_pipeline(family, seed=0).fit(frame, frame["outcome"]), TRUTH)
    saved = io.BytesIO()
    joblib.dump(pipeline, saved)
    saved.seek(0)

    loaded = joblib.load(saved)
    again = clone(pipeline).fit(frame, frame["outcome"].to_numpy())

    expected = pipeline.predict_proba(frame)
    assert expected.sum(axis=1) == pytest.approx(1.0)
    assert np.array_equal(loaded.predict_proba(frame), expected)
    assert np.array_equal(again.predict_proba(frame), expected)
    assert np.array_equal(pipeline.predict(frame), (expected[:, 1] > 0.5).astype(int))
    assert pipeline.classes_.tolist() == [0, 1]


@pytest.mark.parametrize("classifier", [SklearnLogisticRegression(), CatBoostClassifier()])
def test_an_unfitted_classifier_is_known_as_such(classifier):
    with pytest.raises(NotFittedError):
        check_is_fitted(CalibratedClassifier(classifier))


def test_no_line_leaves_the_pipeline_as_it_is():
    pipeline = make_pipeline(FAMILIES[0], seed=0)

    assert calibrate(pipeline, Line()) is pipeline


@pytest.fixture(scope="module")
def drifting():
    """A frame whose later orders buy half as often as those that were learnt from."""
    frame = make_frame(orders=600, seed=0, products=30)
    late = frame["order_date"] >= frame["order_date"].quantile(0.69)
    rng = np.random.default_rng(0)
    drop = late & (frame["outcome"] == 1) & (rng.random(len(frame)) < 0.6)
    frame.loc[drop, "outcome"] = 0.0
    return frame.sort_values(["order_date", "order_id", "variant_id"], ignore_index=True)


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.model)
def trained(request, drifting):
    return train(drifting, request.param, seed=0, trained_on="2021-09-01"), request.param


def test_training_calibrates_where_it_helps_and_the_holdout_agrees(trained):
    found, family = trained
    assert found.calibration.method == "platt"
    holdout, rows = found.metrics["holdout"]["model"], found.split.holdout
    raw = make_pipeline(family, seed=0).fit(found.split.train, found.split.train["outcome"])
    before = measure(rows["outcome"], raw.predict_proba(rows)[:, 1])
    assert holdout.log_loss < before.log_loss
    assert holdout.average_precision == pytest.approx(before.average_precision)
    assert abs(holdout.expected_per_actual - 1) < abs(before.expected_per_actual - 1)


def test_both_pipelines_are_calibrated(trained, drifting):
    for own in (trained[0].serving, trained[0].evaluated):
        check_equal(own.document, own.pipeline, drifting)
        assert isinstance(own.pipeline[-1], CalibratedClassifier)
