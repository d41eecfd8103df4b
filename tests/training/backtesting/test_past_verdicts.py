from datetime import date

import pytest

from push_model.training.backtesting.past_verdicts import read_verdicts, sum_up
from tests.past_runs import write_runs


@pytest.fixture
def runs(tmp_path):
    write_runs(tmp_path / "runs")
    return tmp_path / "runs"


def test_runs_come_in_the_order_of_their_dates(runs):
    found = read_verdicts(runs)

    ids = ["backfill__1", "backfill__2", "manual__1", "backfill__3"]
    assert [one.run_id for one in found] == ids
    assert found[0].run_date == date(2021, 6, 1)
    first, without_figures = found[0].verdict, found[2].verdict
    assert first.by_scorer("average_precision")["challenger"] == (0.3, 0.25, 0.35)
    assert first.by_scorer("expected_per_actual") == {"challenger": (1.1, 0.9, 1.3)}
    assert (without_figures.holdout, without_figures.by_scorer("average_precision")) == (None, {})


def test_one_kind_of_run_can_be_asked_for(runs):
    assert {one.run_id for one in read_verdicts(runs, kind="manual")} == {"manual__1"}


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"run_id": 1, "run_date": "x", "verdict": {}}', "\x00", "[" * 9999]
)
def test_a_damaged_verdict_is_named_and_hides_no_other(runs, content, caplog):
    (runs / "backfill__1" / "verdict.json").write_text(content)

    assert len(read_verdicts(runs)) == 3
    assert "backfill__1/verdict.json was left out" in caplog.text


def test_many_verdicts_are_summed_up_in_a_sentence(runs):
    assert sum_up(read_verdicts(runs, kind="backfill")) == (
        "3 runs, 2021-06-01 to 2021-06-03. Average precision 0.120 to 0.320; clearly above "
        "popularity in 2 of 3."
    )
    assert sum_up(read_verdicts(runs, kind="manual")).endswith(": nothing was measured.")
