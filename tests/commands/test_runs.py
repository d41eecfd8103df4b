import json
import re

import pytest
from typer.testing import CliRunner

from push_model.commands.runs import app
from tests.past_runs import write_runs


@pytest.fixture
def runs(tmp_path):
    write_runs(tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def run(runs):
    """Run `push-model verdicts` on these runs."""

    def invoke(*arguments):
        asked = ["verdicts", "--runs-dir", str(runs), *map(str, arguments)]
        return CliRunner(env={"COLUMNS": "80"}).invoke(app, asked)

    return invoke


def test_a_terminal_shows_every_column_whole(run):
    out = run().output

    assert "2021-06-01  promote" in re.sub(" +", "  ", out)
    assert re.search(r"2021-06-03 +promote +40 +0\.120 +0\.070-0\.170 +0\.310 +0\.100 +1\.10", out)
    assert re.search(r"2021-06-02 +promote +- +- +- +- +- +-", out)
    assert "…" not in out


def test_the_newest_days_can_be_asked_for(run):
    out = run("--newest", 1).output

    assert "2021-06-03" in out
    assert "2021-06-01" not in out


def test_no_run_is_no_error(run):
    assert "No scheduled run in" in run("--kind", "scheduled").output


def line_of(day, *, made):
    total = {"orders": 40, "expected_purchases": 90.4, "actual_purchases": made}
    ranks = {"average_precision": 0.2 if made else None, "popularity_average_precision": 0.05}
    line = {"run_date": f"2026-01-{day}", "model_name": "push_2026_01_05", "dataset": "frame.csv"}
    return line | {"min_items": 5, "total": total | ranks, "days": [{"day": f"2026-01-{day}"}]}


def test_backtests_are_shown_run_after_run_and_the_newest_only(tmp_path):
    lines = [line_of(10, made=80), line_of(11, made=100), line_of(12, made=0)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "backtests.jsonl").write_text(text)

    shown = CliRunner(env={"COLUMNS": "80"}).invoke(
        app, ["backtests", "--newest", "2", "--runs-dir", str(tmp_path)]
    )

    assert shown.exit_code == 0
    rows = [line.split() for line in shown.output.splitlines() if line.strip().startswith("2026")]
    assert [row[0] for row in rows] == ["2026-01-11", "2026-01-12"]
    assert rows[0][2:] == ["40", "90", "100", "0.90", "0.200", "0.050"]
    assert rows[1][5:7] == ["-", "-"]


def test_before_any_backtest_it_is_said(tmp_path):
    shown = CliRunner().invoke(app, ["backtests", "--runs-dir", str(tmp_path)])

    assert "No backtest yet" in shown.output
