import json
import shutil
import warnings
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from push_model.commands.explore import _fit_all, _fit_repeats, _print_outcome, app
from push_model.errors import InvalidEventError
from push_model.exploration.choose import Choice
from push_model.exploration.entries.entry import Entry
from push_model.exploration.final_window import Outcome
from tests.exploration.explored import UNTIL, finished

pytestmark = pytest.mark.usefixtures("undrawn_pictures")

SMALL = ("--size", "small", "--until", UNTIL)


@pytest.fixture(scope="module")
def explored(tmp_path_factory, worker_id):
    return finished(tmp_path_factory, worker_id)


@pytest.fixture
def dataset(explored):
    return f"{explored}.csv"


@pytest.fixture
def out(explored, tmp_path):
    """Return a finished exploration that may be changed."""
    return shutil.copytree(explored, tmp_path / "copied")


@pytest.fixture
def run(monkeypatch):
    """Run the command in a terminal of 100 columns; give its exit code, output and error."""
    monkeypatch.setenv("COLUMNS", "100")
    alone = typer.Typer()
    alone.add_typer(app)

    def invoke(*arguments) -> tuple:
        result = CliRunner().invoke(alone, ["explore", *map(str, arguments)])
        return result.exit_code, result.stdout, result.stderr, result.exception

    return invoke


def test_it_fits_what_is_left_and_prints_a_leaderboard_the_choice_and_the_claim(run, dataset, out):
    shutil.rmtree(out / "results" / "popularity")

    code, said, logged, error = run(dataset, *SMALL, "--out", out, "--jobs", 1)

    assert code == 0, error
    assert "Fitting: 4 of 4" in logged
    assert "8 entries, 4 folds" in said
    entries = json.loads((out / "exploration.json").read_text("utf-8"))["entries"]
    table = [line for line in said.splitlines() if "few trees" in line or "90 %" in line]
    assert table
    assert max(map(len, table)) <= 100
    lines = [line.lstrip() for line in said.splitlines()]
    for name in [entry["name"] for entry in entries]:
        assert any(line.startswith(name) for line in lines)
    assert "Chosen: " in said
    assert "usual test: AP" in said


def test_a_finished_exploration_is_shown_again_and_searched_if_asked(
    run, dataset, out, monkeypatch
):
    asked = []

    def found(_folder, *, trials, report_progress):
        asked.append(trials)
        report_progress(1, None, 60.0)
        report_progress(2, 0.25, 120.0)

    monkeypatch.setattr("push_model.exploration.search.search", found)

    code, said, err, _ = run(dataset, *SMALL, "--out", out, "--search-trials", 2)

    assert code == 0
    assert "Every entry was fitted before" in said
    assert len(json.loads((out / "finals.json").read_text("utf-8"))["openings"]) == 1
    assert asked == [2]
    assert "Searching trees: 1 of 2, 1 min spent" in err
    assert "Searching trees: 2 of 2, best average precision 0.2500, 2 min spent" in err


def test_a_choice_with_history_is_printed_with_the_one_without(capsys):
    rich, plain = (
        Entry(name=name, question="?", family="boosted_trees", features=features, settings=settings)
        for name, features, settings in (
            ("with history", "history", {"depth": 3}),
            ("monotone", "request", {"is_monotone": True}),
        )
    )
    outcome = Outcome((), Choice(rich, rich, (rich,)), Choice(plain, plain, (plain,)))

    _print_outcome(outcome)

    said = capsys.readouterr().out
    assert "Chosen: with history" in said
    assert '"features": "history"' in said
    assert "Chosen without history: monotone" in said
    assert "handler_fit has no parametrisation for this model yet" in said


def test_a_restarted_worker_is_not_reported(monkeypatch, capsys):
    def run_one(_, todo, **__):
        text = "A worker stopped while some jobs were given to the executor."
        warnings.warn_explicit(text, UserWarning, "loky.py", 1, module="joblib.externals.loky")
        yield from todo

    work = SimpleNamespace(weight=1.0)
    monkeypatch.setattr("push_model.exploration.work.list_work", lambda _: [work])
    monkeypatch.setattr("push_model.exploration.work.run_all", run_one)

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        _fit_all(None, jobs=1)

    assert said == []
    assert "Fitting: 1 of 1" in capsys.readouterr().err


@pytest.mark.parametrize("many", [0, 1, 2])
def test_refits_are_counted_round_by_round(many, monkeypatch, capsys):
    rounds = iter([*([SimpleNamespace(weight=1.0)] for _ in range(many)), []])
    monkeypatch.setattr("push_model.exploration.work.list_repeats", lambda _: next(rounds))
    monkeypatch.setattr("push_model.exploration.work.run_all", lambda _, todo, **__: iter(todo))

    _fit_repeats(None, jobs=1)

    assert capsys.readouterr().err.count("Refitting tied models with another seed: 1 of 1,") == many


def _stop(*_, **__):
    raise InvalidEventError("far enough")
