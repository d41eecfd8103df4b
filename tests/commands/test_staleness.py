import pytest
import typer
from typer.testing import CliRunner

from push_model.commands.staleness import app
from push_model.errors import InvalidEventError
from tests.frames import make_frame

TREES = '{"model": "boosted_trees", "iterations": 2, "depth": 2}'


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "frame.csv"
    make_frame(orders=120, seed=3).to_csv(path, index=False)
    return str(path)


@pytest.fixture
def run(monkeypatch):
    """Run the command, and give its exit code, what it wrote to each stream, and its error."""
    monkeypatch.setenv("COLUMNS", "200")
    alone = typer.Typer()
    alone.add_typer(app)

    def invoke(*arguments) -> tuple:
        result = CliRunner().invoke(alone, ["staleness", *map(str, arguments)])
        return result.exit_code, result.stdout, result.stderr, result.exception

    return invoke


def test_it_prints_a_line_an_age_and_says_how_long_a_model_lasts(run, dataset):
    code, out, err, _ = run(dataset, "--model", TREES, "--days", 14, "--origins", 3)

    assert code == 0
    assert [age in out for age in ("1-7", "8-14", "15-21")] == [True, True, False]
    assert "3 models, trained as of 2020-11-11 to 2020-11-25" in out
    assert "has lost the gate's margin of 5% at" in out
    assert "Training as of past days" in err
    assert "learn:" not in out + err


@pytest.mark.parametrize("suffix", ["png", "svg", "html"])
def test_it_draws_what_it_found(run, dataset, tmp_path, suffix):
    picture = tmp_path / f"staleness.{suffix}"

    code, out, _, _ = run(dataset, "--model", TREES, "--days", 14, "--origins", 2, "--out", picture)

    assert code == 0
    assert f"Drawn in {picture}." in out
    assert picture.stat().st_size > 1_000


def test_rows_after_the_training_date_are_not_read(run, dataset):
    asked = ("--model", TREES, "--days", 14, "--origins", 2, "--training-date", "2020-11-20")

    _, out, _, _ = run(dataset, *asked)

    assert "trained as of 2020-11-06 to 2020-11-13" in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--out", "staleness.gif"), r"--out must end in one of .*'staleness\.gif'"),
        (("--model", "{"), "--model is not valid JSON"),
        (("--days", "3"), "days must be at least 14"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(run, dataset, options, said):
    code, _, _, error = run(dataset, *options)

    assert code == 1
    with pytest.raises(InvalidEventError, match=said):
        raise error


def test_ages_stand_in_a_table_that_fits_a_terminal(run, dataset, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    _, out, _, _ = run(dataset, "--model", TREES, "--days", 14, "--origins", 2)

    assert "…" not in out
    ages = [line.split() for line in out.splitlines() if line.strip().startswith(("1-7", "8-14"))]
    assert [len(row) for row in ages] == [9, 9]
