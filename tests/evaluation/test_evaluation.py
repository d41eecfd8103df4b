import json

import numpy as np
import pytest

from push_model.evaluation.evaluation import UNCALIBRATED, _undo_calibration, evaluate
from push_model.evaluation.scorers import score
from push_model.evaluation.slices import measure_slices, slices_of


def test_the_same_holdout_gives_the_same_evaluation(model, holdout, scores, evaluation):
    again = evaluate(holdout, scores, model=model, line=(1.2, 0.1))

    assert again == evaluation
    assert json.loads(json.dumps(again.document(), allow_nan=False))["rows"] == len(holdout)


def test_an_evaluation_holds_no_id_of_anyone(holdout, evaluation):
    written = json.dumps(evaluation.document())

    for key in ("user_id", "order_id", "variant_id"):
        assert not any(str(number) in written for number in holdout[key].unique())


def test_the_baselines_and_the_uncalibrated_scores_are_evaluated_too(evaluation):
    assert set(evaluation.scorers) == {
        "challenger",
        "champion",
        "popularity",
        "bought before",
        UNCALIBRATED,
    }


def test_the_propensities_before_calibration_are_found_again(model, holdout):
    raw = score(model, holdout)
    log_odds = np.log(raw / (1 - raw))
    calibrated = 1 / (1 + np.exp(-(1.3 * log_odds - 0.4)))

    assert _undo_calibration(calibrated, 1.3, -0.4) == pytest.approx(raw, abs=1e-12)


def test_slices_of_the_gate_are_shown_as_it_measured_them(model, holdout, scores, evaluation):
    measured = measure_slices(
        holdout, scores, [next(slices_of(holdout))], alpha=0.5, resamples=10, seed=1
    )

    found = evaluate(holdout, scores, model=model, measured=measured)

    assert [part.name for part in found.slices] == [part.name for part in evaluation.slices]
    assert {part.name: part for part in found.slices}["new users"] is measured[0]
