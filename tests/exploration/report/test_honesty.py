import pytest

from push_model.exploration.report.neighbours import compose_neighbours
from push_model.exploration.report.reading import read_found
from tests.exploration.report.results import FOLDS, entries, write_exploration

FELL = {fold: {"ece": 0.0008, "log_loss": 0.04} for fold in FOLDS}
MIXED = FELL | {"fold 4": {"ece": 0.0012, "log_loss": 0.06}}
ROSE = {fold: {"ece": 0.002} for fold in FOLDS}


def _calibrated(folder, **changes):
    base = next(entry for entry in entries() if entry["name"] == "trees")
    name = {"name": "trees, calibrated", "neighbour": "trees", "treatment": "calibrated"}
    listed = [base, base | name | changes]
    return read_found(write_exploration(folder, listed=listed, finals=False))


@pytest.mark.parametrize(
    ("metrics", "answer", "folds"),
    [
        (FELL, "more honest", "4 of 4, by ECE"),
        (MIXED, "more honest on the mean, on 3 of 4 folds", "3 of 4, by ECE"),
        (ROSE, "less honest", "0 of 4, by ECE"),
        ({}, "as honest", "0 of 4, by ECE"),
    ],
)
def test_a_calibration_is_answered_in_calibration_error(tmp_path, metrics, answer, folds):
    section = compose_neighbours(_calibrated(tmp_path, metrics_of=metrics))

    (row,) = section.tables[0].rows
    assert row[4:6] == (answer, folds)
    assert f"is {answer}: Calibration error (ECE)" in section.paragraphs[-1]
    assert "told apart" not in section.paragraphs[-1]


def test_a_calibration_is_said_in_figures_of_both_and_in_no_forest(tmp_path):
    section = compose_neighbours(_calibrated(tmp_path, metrics_of=MIXED))

    why = section.tables[0].rows[0][-1]
    assert "(ECE) 0.00100 before and 0.00090 after, lower on 3 of 4 folds" in why
    assert "log loss 0.04575 before and 0.04500 after, lower on 3 of 4 folds" in why
    assert section.pictures == ()


def test_a_line_that_was_not_worth_keeping_is_said_to_be_none(tmp_path):
    found = _calibrated(tmp_path, facts={"calibration": {"method": "none", "slope": 1.0}})

    why = compose_neighbours(found).tables[0].rows[0][-1]

    assert "a line was found worth keeping on 0 of 4 folds" in why
