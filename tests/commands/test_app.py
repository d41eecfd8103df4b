import errno
import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import get_args, get_type_hints

import pandas as pd
import pytest
from typer.models import OptionInfo
from typer.testing import CliRunner

from push_model.columns import FEATURES
from push_model.commands import app as cli
from push_model.store.promotion import promote
from push_model.training.fit_request import FitRequest
from push_model.training.gate.verdict import Finding, Verdict
from push_model.training.sample import FEWEST_ORDERS
from tests.frames import make_frame
from tests.past_runs import write_run, write_runs
from tests.status.installed import Installation, id_of

pytestmark = pytest.mark.usefixtures("undrawn_pictures")

SMALL = '{"model": "boosted_trees", "iterations": 20, "depth": 3}'
FIT = ["--model", SMALL, "--training-date", "2022-01-02"]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A frame, the store that `push-model fit` left of it, and what it printed."""
    folder = tmp_path_factory.mktemp("fitted")
    make_frame(orders=60, seed=0).to_csv(folder / "frame.csv", index=False)
    environ = {"PUSH_MODELS_DIR": str(folder / "models"), "COLUMNS": "200"}
    done = CliRunner(env=environ).invoke(cli.app, ["fit", str(folder / "frame.csv"), *FIT])
    assert done.exit_code == 0
    return SimpleNamespace(folder=folder, printed=done.output)


@pytest.fixture
def trained(fitted, tmp_path):
    """A copy of the frame and the store, to change."""
    shutil.copytree(fitted.folder, tmp_path, dirs_exist_ok=True)


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
    before = datetime.now(UTC).date()
    code, out, _ = run("sample", tmp_path / "sample.csv", "--orders", 200, "--seed", 1)

    assert code == 0
    frame = pd.read_csv(tmp_path / "sample.csv", parse_dates=["order_date"])
    assert f"Wrote {len(frame):,} rows of 200 orders" in out
    days_old = (pd.Timestamp(before) - frame["order_date"].max()).days
    assert days_old in {0, 1}  # yesterday, or today if midnight passed meanwhile


def test_fit_shows_the_metrics_and_where_the_model_is(fitted):
    printed = fitted.printed

    assert "average precision" in printed
    assert "popularity" in printed
    (calibration_error,) = [line for line in printed.splitlines() if " ECE " in line]
    assert re.findall(r"\s(-|[\d.]+)\s", calibration_error)[-1] == "-"  # not of a baseline
    card = fitted.folder / "models" / "push_2022_01_02" / "card.html"
    assert str(card) in printed
    assert "Not judged yet" in card.read_text()


@pytest.mark.usefixtures("trained")
def test_the_same_fit_again_leaves_a_card_with_its_verdict(run, tmp_path):
    card = tmp_path / "models" / "push_2022_01_02" / "card.html"
    card.write_text("with its verdict")

    run("fit", tmp_path / "frame.csv", *FIT)

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


def test_verdict_shows_the_newest_run(run, tmp_path):
    runs = tmp_path / "runs"
    write_run(runs, "manual", "2022-01-02", precision=0.31, champion=0.29)
    path = runs / "manual" / "verdict.json"
    facts = json.loads(path.read_text()) | {"model_path": "models/push_2022_01_02"}
    facts["backtests"] = [{"sentence": "push_2022_01_01 predicted 9 purchases; 8 were made."}]
    path.write_text(json.dumps(facts))

    code, out, _ = run("verdict")

    assert code == 0
    assert "Verdict: promote" in out
    assert "0 of 0 rules passed" in out
    assert re.search(r"average precision *│ +0\.3100", out)
    assert "Backtest: push_2022_01_01 predicted 9 purchases; 8 were made." in out
    assert "no champion yet, so nothing serves. To serve this model anyway: push-model" in out


def test_a_verdict_without_measurements_is_shown_too(run, tmp_path):
    nothing_new = Finding("new", "data", False, None, None, "Nothing new: the same model.")  # noqa: FBT003
    changed = {"max_age_days": {"value": 90, "usual": 70}}
    verdict = Verdict("keep", None, (nothing_new,), "m", "m", 1, None, changed)
    facts = {"run_id": "manual__1", "run_date": "2022-01-02", "model_name": "m"}
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "verdict.json").write_text(json.dumps(facts | {"verdict": verdict.document()}))

    code, out, _ = run("verdict", folder)

    assert run("verdict", "manual__1") == (code, out, "")

    assert code == 0
    assert "Nothing new: the same model." in out
    assert "Limits changed for this run: max_age_days 90 (usually 70)." in out
    assert "rules" not in out
    assert "nothing serves. Fix what the verdict names and retrain. To serve this" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verdict"], "has a verdict yet. Run make retrain."),
        (["verdict", "mine"], "There is no run 'mine'"),
        (["predict", "absent.json"], "absent.json does not exist"),
        (["fit", "absent.csv", "--model", "{"], "--model is not valid JSON"),
        (["fit", "absent.csv"], "absent.csv does not exist"),
        (["fit", "absent[/b].csv"], "absent[/b].csv does not exist"),
        (["fit", "absent.csv", "--model", "boosted_tree"], "Did you mean 'boosted_trees'"),
        (
            ["fit", "absent.csv", "--model", '{"model": "boosted_trees", "depth": 9}'],
            '--model["depth"]',
        ),
        (["fit", "absent.csv", "--training-date", "x"], "--training-date must be"),
        (["features", "absent.csv", "out.parquet", "--until", "x"], "--until must be"),
        (["sample", "out.csv", "--until", "x"], "--until must be"),
        (["explore", "absent.csv", "--until", "4.3.2021"], "--until must be"),
    ],
)
def test_a_foreseen_failure_is_one_sentence_and_exit_code_1(run, arguments, message):
    code, _, err = run(*arguments)

    assert code == 1
    assert message in err
    assert "Traceback" not in err


# Each option that takes some values only, with one that it refuses.
BAD_VALUES = {
    ("sample", "--orders"): FEWEST_ORDERS - 1,
    ("sample", "--seed"): -1,
    ("fit", "--min-items"): 1001,
    ("fit", "--holdout-days"): 0,
    ("check", "--min-items"): 0,
    ("fit", "--seed"): 2**31,
    ("compare", "--min-items"): 0,
    ("judge", "--min-items"): 0,
    ("judge", "--holdout-days"): 0,
    ("predict", "--threshold"): 1.5,
    ("predict", "--model"): "a/b",
    ("rollback", "--to"): "a/b",
    ("prune", "--keep"): 0,
    ("runs", "--newest"): 0,
    ("explore", "--size"): "medium",
    ("explore", "--jobs"): 0,
    ("explore", "--search-trials"): -1,
    ("explore", "--min-items"): 0,
    ("explore", "--seed"): -1,
}
ARGUMENTS = {
    "sample": ["out.csv"],
    "fit": ["absent.csv"],
    "check": ["absent.csv"],
    "compare": ["push_2022_01_02", "push_2022_01_03", "--dataset", "absent.csv"],
    "judge": ["push_2022_01_02", "--dataset", "absent.csv"],
    "predict": ["absent.json"],
    "rollback": ["--reason", "why"],
    "explore": ["absent.csv"],
}


@pytest.mark.parametrize(("command", "option"), BAD_VALUES)
def test_a_bad_value_is_reported_under_the_name_of_its_option(run, command, option):
    value = BAD_VALUES[command, option]

    code, _, err = run(command, *ARGUMENTS.get(command, []), option, value)

    assert code == 2
    assert f"Invalid value for '{option}'" in err


def options():
    """Yield each option: its command, its name, its type, and what Typer knows of it."""
    for group in cli.app.registered_groups:
        for command in group.typer_instance.registered_commands:
            hints = get_type_hints(command.callback, include_extras=True)
            for name, hint in hints.items():
                for info in getattr(hint, "__metadata__", ()):
                    if isinstance(info, OptionInfo):
                        option = f"--{name.replace('_', '-')}"
                        yield command.callback.__name__, option, hint.__origin__, info


def test_every_option_that_takes_a_number_has_a_bad_value_here():
    numbers = {
        (command, option)
        for command, option, kind, _ in options()
        if {kind, *get_args(kind)} & {int, float}
    }

    assert numbers
    assert numbers <= set(BAD_VALUES)


@pytest.mark.parametrize("name", ["min_items", "holdout_days", "seed"])
def test_the_limits_of_fit_are_those_of_the_request(name):
    (info,) = (
        info
        for command, option, _, info in options()
        if (command, option) == ("fit", f"--{name.replace('_', '-')}")
    )

    limits = FitRequest.model_fields[name].metadata
    assert [info.min] == [limit.ge for limit in limits if hasattr(limit, "ge")]
    assert [info.max] == [limit.le for limit in limits if hasattr(limit, "le")]


def test_a_file_without_read_permission_is_named_with_the_user_who_may_not_read_it(
    run, monkeypatch, tmp_path
):
    path = tmp_path / "frame.csv"
    path.write_text("order_id\n1\n")

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)

    code, _, err = run("fit", path)

    assert code == 1
    assert f"{path} cannot be read by ada." in err
    assert "does not exist" not in err


def test_status_shows_in_a_screen_what_serves_what_failed_and_what_to_do(run, tmp_path):
    place = Installation(tmp_path)
    place.serve("push_a", run_id=place.judge(5, "promote", names=("push_a", None)))
    place.judge(8, "keep", names=("push_b", "push_a"), champion=0.29)
    place.fail(9, "load")
    (place.models / "push_a" / "model.json").write_bytes(b"{}")

    code, out, _ = run("status")

    assert code == 0
    assert out.startswith("push_a serves since 2026-01-05 05:10 UTC: failing\n")
    assert "    push_a/model.json does not match its manifest" in out
    assert f"Promoted by its verdict, by scheduled, run {id_of(5)}: why" in out
    assert "Average precision 0.290 (0.240 to 0.340), popularity 0.100 (0.050 to 0.150)." in out
    assert f"  2026-01-09 05:30 UTC  failed  {id_of(9)}\n" in out
    assert "    load: frame.csv breaks 1 rule.\n" in out
    assert "To do  push_a is damaged. Restore its files from a backup, or retrain.\n" in out
    assert len(out.splitlines()) < 40
    assert json.loads(run("status", "--json")[1])["champion"]["quality"]["word"] == "failing"


def test_verdict_says_first_that_a_later_run_failed(run, tmp_path):
    place = Installation(tmp_path)
    place.judge(8, "keep", names=("push_b", "push_a"), champion=0.29)
    place.fail(9, "train", error="No orders.")

    code, out, _ = run("verdict")

    assert code == 0
    assert out.startswith(f"  2026-01-09 05:30 UTC  failed  {id_of(9)}\n")
    assert "    train: No orders.\n" in out
    assert f"Run           {id_of(8)}, 2026-01-08 05:09 UTC\n" in out
    assert run("verdict", id_of(9))[0] == 1


def test_runs_are_listed_by_kind_and_summed_up(run, tmp_path):
    write_runs(tmp_path / "runs")

    code, out, _ = run("runs", "--kind", "backfill")

    assert code == 0
    assert "Average precision 0.120 (0.070 to 0.170), champion 0.310, popularity 0.100." in out
    assert "manual__1" not in out
    assert out.endswith(
        "3 runs. Average precision 0.120 to 0.320; clearly above popularity in 2 of 3.\n"
    )
    assert "of_a_run" not in run("runs")[1]
    assert run("runs", "--newest", "1")[1].count(" UTC  ") == 1
    assert "There is no scheduled run in" in run("runs", "--kind", "scheduled")[1]
