import json
import re
import sys

import pytest

from push_model.columns import FEATURES
from push_model.commands import app as cli
from push_model.store.promotion import promote
from tests.frames import make_frame

pytestmark = pytest.mark.usefixtures("undrawn_pictures")

SMALL = '{"model": "boosted_trees", "iterations": 20, "depth": 3}'


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command line as a shell would; gives exit code, output and errors."""
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("PUSH_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["push-model", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        else:
            code = 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def trained(run, tmp_path):
    make_frame(orders=60, seed=0).to_csv(tmp_path / "frame.csv", index=False)
    code, out, _ = run(
        "fit", tmp_path / "frame.csv", "--model", SMALL, "--training-date", "2022-01-02"
    )
    assert code == 0
    return out


def make_champion(models_dir):
    promote(
        models_dir,
        "push_2022_01_02",
        expected=None,
        verdict="promote",
        reason="test",
        promoted_at="2022-01-02T05:00:00Z",
        by="test",
    )


def write_users(path):
    features = make_frame(orders=2, seed=3)[list(FEATURES)].iloc[0].to_dict()
    path.write_text(json.dumps({"u_1": features, "u_2": {"ordered_before": 1}}))
    return path


def test_sample_writes_the_frame_and_says_so(run, tmp_path):
    code, out, _ = run("sample", tmp_path / "sample.csv", "--orders", 20, "--seed", 1)

    assert code == 0
    rows = len((tmp_path / "sample.csv").read_text().splitlines()) - 1
    assert f"Wrote {rows:,} rows of 20 orders" in out


def test_fit_shows_the_metrics_and_where_the_model_is(trained, tmp_path):
    assert "average precision" in trained
    assert "popularity" in trained
    (calibration_error,) = [line for line in trained.splitlines() if " ECE " in line]
    assert re.findall(r"\s(-|[\d.]+)\s", calibration_error)[-1] == "-"  # not of a baseline
    card = tmp_path / "models" / "push_2022_01_02" / "card.html"
    assert str(card) in trained
    assert "Not judged yet" in card.read_text()


@pytest.mark.usefixtures("trained")
def test_the_same_fit_again_leaves_a_card_with_its_verdict(run, tmp_path):
    card = tmp_path / "models" / "push_2022_01_02" / "card.html"
    card.write_text("with its verdict")

    run("fit", tmp_path / "frame.csv", "--model", SMALL, "--training-date", "2022-01-02")

    assert card.read_text() == "with its verdict"


@pytest.mark.usefixtures("trained")
def test_predict_answers_with_the_champion_and_names_who_cannot_be_scored(run, tmp_path):
    make_champion(tmp_path / "models")

    code, out, _ = run("predict", write_users(tmp_path / "users.json"), "--explain")

    answer = json.loads(out)
    assert code == 0
    assert 0 <= answer["prediction"]["u_1"] <= 1
    assert "and 13 more are missing" in answer["errors"]["u_2"]
    assert set(answer["reasons"]) == {"u_1"}


def test_predict_without_a_champion_fails_with_its_answer(run, tmp_path):
    code, out, _ = run("predict", write_users(tmp_path / "users.json"))

    assert code == 1
    assert json.loads(out)["error"]["type"] == "ModelNotFoundError"


@pytest.mark.usefixtures("trained")
def test_champion_shows_which_model_serves(run, tmp_path):
    make_champion(tmp_path / "models")

    code, out, _ = run("champion")

    assert code == 0
    assert "push_2022_01_02 serves since 2022-01-02T05:00:00Z" in out
    assert "ROC-AUC" in out
    assert re.search(r"It is \d+ days old; 70 are allowed\.", out)


@pytest.mark.usefixtures("trained")
def test_verdict_shows_the_newest_run(run, tmp_path):
    folder = tmp_path / "runs" / "manual"
    folder.mkdir(parents=True)
    manifest = json.loads((tmp_path / "models/push_2022_01_02/manifest.json").read_text())
    verdict = {
        "decision": "keep",
        "reasons": ["Average precision 0.1 against the champion's 0.2."],
        "findings": [{"passed": True}, {"passed": False}],
        "orders": 6,
        "metrics": {"challenger": manifest["metrics"]["holdout"]["model"]},
    }
    run_facts = {"model_name": "push_2022_01_02", "model_path": "models/push_2022_01_02"}
    run_facts["backtests"] = [{"sentence": "push_2022_01_01 promised 9 purchases; 8 were made."}]
    (folder / "verdict.json").write_text(json.dumps(run_facts | {"verdict": verdict}))
    (tmp_path / "runs" / "latest.json").write_text(json.dumps({"run_folder": str(folder)}))

    code, out, _ = run("verdict")

    assert code == 0
    assert "Verdict: keep" in out
    assert "against the champion's 0.2" in out
    assert "1 of 2 rules kept" in out
    assert "average precision" in out
    assert "Looking back: push_2022_01_01 promised 9 purchases; 8 were made." in out


def test_a_verdict_settled_before_anything_was_measured_is_shown_too(run, tmp_path):
    folder = tmp_path / "runs" / "manual"
    folder.mkdir(parents=True)
    verdict = {"decision": "keep", "reasons": ["It is the champion."], "findings": []}
    facts = {"model_name": "m", "model_path": "models/m", "verdict": verdict}
    (folder / "verdict.json").write_text(json.dumps(facts))

    code, out, _ = run("verdict", str(folder))

    assert code == 0
    assert "It is the champion." in out


def test_a_damaged_pointer_to_the_newest_run_is_named(run, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "latest.json").write_text('{"run_folder": ')

    code, _, err = run("verdict")

    assert code == 1
    assert "latest.json is damaged" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["champion"], "There is no champion"),
        (["verdict"], "No run has been validated yet"),
        (["predict", "absent.json"], "absent.json cannot be read"),
        (["fit", "absent.csv", "--model", "{"], "--model is not JSON"),
        (["fit", "absent.csv"], "absent.csv does not exist"),
        (["fit", "absent[/b].csv"], "absent[/b].csv does not exist"),
        (["fit", "absent.csv", "--model", "boosted_tree"], "Did you mean 'boosted_trees'"),
        (["sample", "out.csv", "--orders", "1"], "orders"),
    ],
)
def test_a_foreseen_failure_is_one_sentence_and_exit_code_1(run, arguments, message):
    code, _, err = run(*arguments)

    assert code == 1
    assert message in err
    assert "Traceback" not in err
