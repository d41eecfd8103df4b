from dataclasses import replace

import numpy as np
import pytest

from push_model.evaluation.scorers import baseline_scores
from push_model.exploration.entries.all import choose_entries
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.pipelines import fit_entry
from push_model.exploration.fits.scorer import make_scorer
from push_model.store.folder import document_bytes

FULL = {entry.name: entry for entry in choose_entries("full")}
TREES = Entry(
    name="a", question="?", family="boosted_trees", settings={"iterations": 5, "depth": 3}
)


def scorer_of(entry, frame):
    return make_scorer(entry, fit_entry(entry, frame, seed=0), frame)


def test_a_servable_entry_scores_as_served_and_is_as_large_as_its_document(frame):
    fitted = fit_entry(TREES, frame, seed=0)

    found = make_scorer(TREES, fitted, frame)

    np.testing.assert_allclose(
        found.score(frame), fitted.pipeline.predict_proba(frame)[:, 1], atol=1e-12
    )
    assert found.size_bytes == len(document_bytes(found.document))


def test_what_serving_cannot_read_has_no_document(frame):
    found = scorer_of(FULL["decision tree, depth 6"], frame)

    assert found.document is None
    assert found.size_bytes > 0
    assert found.score(frame).shape == (len(frame),)


@pytest.mark.parametrize(
    ("name", "inputs", "rule"),
    [("popularity", 1, "popularity"), ("bought before", 2, "bought before")],
)
def test_a_rule_is_the_gates_own_baseline(frame, name, inputs, rule):
    found = make_scorer(FULL[name], None, frame)

    assert (found.score(frame) == baseline_scores(frame)[rule]).all()
    assert (found.size_bytes, found.inputs) == (0, inputs)


def test_trees_tell_importances_that_add_up_to_one(frame):
    for entry in (TREES, FULL["decision tree, depth 6"]):
        facts = scorer_of(entry, frame).facts
        assert sum(facts["importances"].values()) == pytest.approx(1.0)
        assert facts["coefficients"] == {}


def test_histogram_boosting_tells_no_importances(frame):
    entry = Entry(name="a", question="?", family="histogram_boosting", settings={"max_iter": 2})

    facts = scorer_of(entry, frame).facts

    assert facts["importances"] == facts["coefficients"] == {}


def test_lines_tell_coefficients_and_whether_they_settled(frame):
    found = scorer_of(FULL["ridge, C 1e-3"], frame)

    assert len(found.facts["coefficients"]) == found.inputs
    assert found.facts["coefficients"]["ordered_before"] > 0
    assert found.facts["converged"] is True


def test_a_line_cut_short_says_so(frame):
    hasty = Entry(
        name="a", question="?", family="logistic_regression", settings={"max_iter": 1, "C": 1e3}
    )

    assert scorer_of(hasty, frame).facts["converged"] is False


def test_splines_have_no_coefficient_an_input(frame):
    assert scorer_of(FULL["line on splines"], frame).facts["coefficients"] == {}


def test_a_calibration_is_told(frame):
    entry = replace(TREES, treatment="calibrated")

    facts = scorer_of(entry, frame).facts

    assert facts["calibration"]["method"] in {"none", "platt"}
    assert facts["importances"]
