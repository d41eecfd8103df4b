"""The DAG, run for real by `dag.test()` on a small frame. Every run costs a second or two."""

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from airflow.models.asset import AssetEvent, AssetModel
from airflow.sdk.exceptions import ParamValidationError
from airflow.utils.session import create_session
from sqlalchemy import func, select

from push_model import handler_predict
from push_model.columns import FEATURES
from push_model.store.promotion import champion
from tests.dags.installation import DAY_AFTER, FAST, HOPELESS, RUN_DATE, Installation
from tests.frames import make_frame

# Airflow calls deprecated names of its own and of its dependencies; our code has its own tests.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def after_one_run(tmp_path_factory, database):  # noqa: ARG001 - runs need the tables
    """An installation after its first run, to look at and not to change."""
    installation = Installation(tmp_path_factory.mktemp("installation"))
    # An hour of its own: another run of the same moment would take this one's place in Airflow.
    return installation, installation.run(RUN_DATE.replace(hour=6), **FAST)


def test_the_first_run_succeeds_in_every_step(after_one_run):
    installation, dag_run = after_one_run

    assert dag_run.state == "success"
    assert set(installation.states.values()) == {"success"}


@pytest.mark.mltest("Infra 3")
def test_the_first_run_ends_with_a_champion_that_serves(after_one_run, monkeypatch):
    installation, _ = after_one_run
    monkeypatch.setenv("PUSH_MODELS_DIR", str(installation.models))
    row = make_frame(orders=1).iloc[0]
    users = {"u_1": {name: float(row[name]) for name in FEATURES}}

    answer = handler_predict({"users": json.dumps(users)}, None)

    assert answer["statusCode"] == "200"
    assert 0 <= json.loads(answer["body"])["prediction"]["u_1"] <= 1


def test_a_run_leaves_its_four_files_and_the_pointer_to_them(after_one_run):
    installation, dag_run = after_one_run
    folder = installation.run_folder(dag_run).path

    left = {name for name in installation.files() if name.startswith("runs/")}

    four = {"frame.parquet", "large_orders.parquet", "fit.json", "verdict.json"}
    assert left == {"runs/latest.json"} | {f"runs/{folder.name}/{name}" for name in four}
    latest = json.loads((installation.folder / "runs" / "latest.json").read_text())
    assert latest == {"run_folder": str(folder)}


def test_the_verdict_names_run_model_and_the_dataset_it_all_comes_from(after_one_run):
    installation, dag_run = after_one_run

    written = installation.verdict(dag_run)

    assert written["run_id"] == dag_run.run_id
    assert written["run_date"] == "2021-06-01"
    assert written["model_path"] == str(installation.models / "push_2021_06_01")
    assert written["dataset"]["uri"] == str(installation.dataset)
    assert written["verdict"]["decision"] == "promote"
    assert written["verdict"]["reasons"]
    manifest = json.loads((Path(written["model_path"]) / "manifest.json").read_text())
    assert manifest["dataset"] == written["dataset"]


def test_the_promotion_log_says_who_and_why(after_one_run):
    installation, dag_run = after_one_run

    (line,) = (installation.models / "promotions.jsonl").read_text().splitlines()

    entry = json.loads(line)
    assert entry["by"] == f"dag_test, run {dag_run.run_id}"
    assert entry["to"] == "push_2021_06_01"
    assert "popularity" in entry["reason"]


def test_a_run_without_a_logical_date_is_dated_by_the_day_it_runs_after(installation):
    moment = datetime(2021, 5, 31, 23, 59, tzinfo=UTC)

    dag_run = installation.run(logical_date=None, run_after=moment, **FAST)

    assert dag_run.state == "success"
    assert dag_run.logical_date is None
    assert champion(installation.models).model_name == "push_2021_05_31"


def test_just_after_midnight_in_berlin_it_is_still_the_day_before(installation):
    moment = datetime(2021, 6, 1, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))

    installation.run(logical_date=moment, **FAST)

    assert champion(installation.models).model_name == "push_2021_05_31"


def test_a_backfilled_run_knows_no_row_later_than_its_date(installation):
    dag_run = installation.run(logical_date=datetime(2021, 4, 1, 5, tzinfo=UTC), **FAST)

    model = Path(installation.verdict(dag_run)["model_path"])
    windows = json.loads((model / "manifest.json").read_text())["windows"]
    assert windows["holdout"]["end"] <= "2021-04-02"


def test_the_same_run_again_gives_the_same_bytes_and_one_champion(installation):
    installation.run(**FAST)
    model = installation.models / "push_2021_06_01" / "model.json"
    first = model.read_bytes()

    again = installation.run(**FAST)

    assert model.read_bytes() == first
    assert {path.name for path in installation.models.glob("push_*")} == {"push_2021_06_01"}
    assert again.state == "success"
    assert installation.states["promote"] == "skipped"
    assert len((installation.models / "promotions.jsonl").read_text().splitlines()) == 1


def test_a_losing_challenger_leaves_the_champion_untouched(installation):
    first = installation.run(**FAST)
    assert count_updates("push_champion", first) == 1
    pointer = (installation.models / "champion.json").read_bytes()

    second = installation.run(logical_date=DAY_AFTER, **HOPELESS)

    assert second.state == "success"
    assert count_updates("push_champion", second) == 0
    assert installation.states["promote"] == "skipped"
    verdict = installation.verdict(second)["verdict"]
    assert verdict["decision"] == "keep"
    assert verdict["champion_name"] == "push_2021_06_01"
    assert (installation.models / "champion.json").read_bytes() == pointer


def count_updates(asset, dag_run):
    """Count the events that a run gave an asset."""
    events = select(func.count(AssetEvent.id)).join(
        AssetModel, AssetModel.id == AssetEvent.asset_id
    )
    of_run = events.where(AssetModel.name == asset, AssetEvent.source_run_id == dag_run.run_id)
    with create_session() as session:
        return session.scalar(of_run)


def test_a_sound_second_run_breaks_no_rule(installation):
    installation.run(**FAST)

    alike = {"model": "boosted_trees", "iterations": 90, "depth": 4}
    installation.run(logical_date=DAY_AFTER, model_parametrisation=alike)

    latest = json.loads((installation.folder / "runs" / "latest.json").read_text())
    run = json.loads((Path(latest["run_folder"]) / "verdict.json").read_text())
    assert [f["sentence"] for f in run["verdict"]["findings"] if f["passed"] is False] == []
    assert run["verdict"]["champion_name"] == "push_2021_06_01"


def test_a_backfill_of_an_older_day_never_takes_serving_back(installation):
    installation.run(logical_date=DAY_AFTER, **FAST)
    pointer = (installation.models / "champion.json").read_bytes()

    older = installation.run(**FAST)

    assert older.state == "success"
    assert installation.states["promote"] == "skipped"
    assert installation.verdict(older)["verdict"]["decision"] == "keep"
    assert (installation.models / "champion.json").read_bytes() == pointer


def test_a_winner_that_may_not_be_promoted_waits_in_the_store(installation):
    dag_run = installation.run(promotion="never", **FAST)

    assert dag_run.state == "success"
    assert count_updates("push_champion", dag_run) == 0
    assert installation.states["promote"] == "skipped"
    assert installation.verdict(dag_run)["verdict"]["decision"] == "promote"
    assert champion(installation.models) is None
    assert (installation.models / "push_2021_06_01" / "model.json").exists()


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"min_items": 0}, "0 is less than the minimum of 1"),
        ({"promotion": "ask"}, "'ask' is not one of"),
        ({"model_parametrisation": {"model": "svm"}}, "'svm' is not one of"),
    ],
)
def test_a_form_that_breaks_its_rules_starts_nothing(installation, form, complaint):
    with pytest.raises(ParamValidationError, match=complaint):
        installation.run(**form)

    assert installation.files() == {"frame.csv"}


def test_a_typo_in_a_parametrisation_fails_before_any_data_is_waited_for(installation):
    installation.dataset.unlink()

    dag_run = installation.run(
        model_parametrisation={"model": "boosted_trees", "lerning_rate": 0.1}
    )

    assert dag_run.state == "failed"
    assert installation.states["await_dataset"] == "failed"
    assert installation.states["load"] == "upstream_failed"
    assert installation.files() == set()


def test_a_bad_dataset_fails_at_once_and_leaves_nothing_behind(installation):
    make_frame(orders=40).drop(columns="outcome").to_csv(installation.dataset, index=False)

    dag_run = installation.run(**FAST)

    assert dag_run.state == "failed"
    (load,) = (task for task in dag_run.get_task_instances() if task.task_id == "load")
    assert load.state == "failed"
    assert load.try_number == 1
    assert installation.files() == {"frame.csv"}
