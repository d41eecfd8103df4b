import re
from datetime import date

import pytest

from push_model.training.backtesting.past_verdicts import read_verdicts, sum_up
from push_model.training.backtesting.past_verdicts_picture import draw
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
    assert found[0].average_precision["challenger"] == (0.3, 0.25, 0.35)
    assert found[0].expected_per_actual == (1.1, 0.9, 1.3)
    assert (found[2].orders, found[2].average_precision) == (None, {})


def test_one_kind_of_run_can_be_asked_for(runs):
    assert {one.run_id for one in read_verdicts(runs, kind="manual")} == {"manual__1"}


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"run_id": 1, "run_date": "x", "verdict": {}}', "\x00", "[" * 9999]
)
def test_a_damaged_verdict_is_named_and_hides_no_other(runs, content, caplog):
    (runs / "backfill__1" / "verdict.json").write_text(content)

    assert len(read_verdicts(runs)) == 3
    assert "backfill__1/verdict.json was left out" in caplog.text


def test_the_finding_is_said_in_a_sentence(runs):
    assert sum_up(read_verdicts(runs, kind="backfill")) == (
        "3 runs, 2021-06-01 to 2021-06-03: average precision 0.1200 to 0.3200; above popularity's "
        "beyond both intervals in 2 of 3."
    )
    assert sum_up(read_verdicts(runs, kind="manual")).endswith(": nothing was measured.")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".html"])
def test_the_same_figures_are_drawn_in_the_same_bytes(runs, tmp_path, suffix):
    found = read_verdicts(runs)
    for name in ("one", "two"):
        draw(found, tmp_path / f"{name}{suffix}")

    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_a_page_holds_a_line_a_run_and_asks_nothing_of_the_network(runs, tmp_path):
    draw(read_verdicts(runs), tmp_path / "days.html")

    page = (tmp_path / "days.html").read_text()
    assert page.count("<tr>") == 1 + 4
    assert "<td>2021-06-03<td>push_2021_06_03<td>promote<td>40<td>0.120 (0.070-0.170)" in page
    assert "<td>0.310<td>0.100<td>1.10 (0.90-1.30)" in page
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []


def test_a_picture_of_runs_that_measured_nothing_can_be_drawn(runs, tmp_path):
    draw(read_verdicts(runs, kind="manual"), tmp_path / "days.svg")

    assert "average precision" in (tmp_path / "days.svg").read_text()
