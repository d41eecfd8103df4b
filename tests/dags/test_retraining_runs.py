"""The DAG, run for real by `dag.test()`: some days of one installation, read by many tests."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from airflow.sdk.exceptions import ParamValidationError
from structlog.testing import capture_logs

from push_model import handler_predict
from push_model.columns import FEATURES
from push_model.status.runs import RunOutcome
from tests.dags.installation import FAST, HOPELESS, Installation, alike, of_june
from tests.dags.people import a_person_answers, time_runs_out
from tests.frames import make_frame

# Airflow calls deprecated names of its own and of its dependencies.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PAGE = "http://airflow.invalid/dags/push_retraining/runs/"


@pytest.fixture(scope="module")
def days(tmp_path_factory, database):  # noqa: ARG001 - runs need the tables
    """Ten runs, one after another, in one installation; tests look and change nothing."""
    place = Installation(tmp_path_factory.mktemp("installation"))
    days = SimpleNamespace(place=place)
    days.first = place.run(of_june(1), **FAST)
    days.files_of_first, days.log_of_first = place.files(), place.promotions()
    days.model_of_first = (place.models / "push_2021_06_01" / "model.json").read_bytes()
    days.again = place.run(of_june(1, hour=7), chat_status=500, **FAST)
    days.model_of_again = (place.models / "push_2021_06_01" / "model.json").read_bytes()
    days.loser = place.run(of_june(2), promotion="manual", **HOPELESS)
    days.rejected = place.run(
        of_june(2, hour=7),
        promotion="manual",
        person=a_person_answers("Reject", name="bo"),
        **alike(90),
    )
    days.unanswered = place.run(of_june(3), promotion="manual", person=time_runs_out(), **alike(85))
    days.marked = place.run(of_june(4), promotion="manual", marked="approve", **alike(95))
    # In Berlin it is the 6th; in UTC, the 5th.
    berlin = datetime(2021, 6, 6, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    days.dry = place.run(berlin, promotion="never", **alike(105))
    days.approved = place.run(
        of_june(6),
        promotion="manual",
        person=a_person_answers("Approve", name="ana"),
        **alike(110),
    )
    days.older = place.run(None, run_after=datetime(2021, 4, 1, 23, 59, tzinfo=UTC), **FAST)
    return days


def test_the_first_run_succeeds_in_every_step(days):
    assert days.first.dag_run.state == "success"
    assert set(days.first.states.values()) == {"success"}
    assert days.first.updates == 1


@pytest.mark.mltest("Infra 3")
def test_the_first_run_ends_with_a_champion_that_serves(days, monkeypatch):
    monkeypatch.setenv("PUSH_MODELS_DIR", str(days.place.models))
    row = make_frame(orders=1).iloc[0]
    users = {"u_1": {name: float(row[name]) for name in FEATURES}}

    answer = handler_predict({"users": json.dumps(users)}, None)

    assert days.first.champion == "push_2021_06_01"
    assert answer["statusCode"] == "200"
    assert 0 <= json.loads(answer["body"])["prediction"]["u_1"] <= 1


def test_a_day_of_any_year_can_be_run(installation):
    frame = make_frame(orders=400)
    frame["order_date"] -= pd.Timedelta(days=9 * 365)
    frame.to_csv(installation.dataset, index=False)

    run = installation.run(datetime(2012, 6, 1, tzinfo=UTC), **FAST)

    assert (run.dag_run.state, run.champion) == ("success", "push_2012_06_01")


def test_a_run_leaves_its_five_files(days):
    left = {name for name in days.files_of_first if name.startswith("runs/")}

    four = {"frame.parquet", "large_orders.parquet", "fit.json", "verdict.json"}
    folder = days.first.folder.name
    assert left == {f"runs/{folder}/{name}" for name in {*four, "outcome.json"}}


def test_each_run_leaves_how_it_ended(days):
    ended = [
        (days.first, "promoted"),
        (days.loser, "kept"),
        (days.rejected, "rejected"),
        (days.dry, "not promoted"),
    ]
    for run, outcome in ended:
        assert RunOutcome.read(run.folder).outcome == outcome
    rejected = RunOutcome.read(days.rejected.folder)
    assert rejected.sentence.endswith("but it was not approved. bo rejected it.")


def test_the_verdict_names_run_model_and_the_dataset_it_all_comes_from(days):
    run = days.first.judged

    assert (run.run_id, run.run_date) == (days.first.dag_run.run_id, "2021-06-01")
    assert run.model_path == str(days.place.models / "push_2021_06_01")
    assert run.dataset["uri"] == str(days.place.dataset)
    assert run.verdict.decision == "promote"
    assert run.verdict.reasons
    manifest = days.place.models / "push_2021_06_01" / "manifest.json"
    assert json.loads(manifest.read_text())["dataset"] == run.dataset


def test_the_promotion_log_says_who_and_why(days):
    (entry,) = days.log_of_first

    assert entry["by"] == f"dag_test, run {days.first.dag_run.run_id}"
    assert entry["to"] == "push_2021_06_01"
    assert "popularity" in entry["reason"]


def test_a_promotion_is_one_message(days):
    (promoted,) = days.first.heard

    assert promoted.startswith("*Promoted*: push_2021_06_01 is the new champion.\n")
    assert f"*Where*: {PAGE}{quote(days.first.dag_run.run_id, safe='')}\n" in promoted


def test_the_same_orders_again_are_nothing_new(days):
    assert days.model_of_again == days.model_of_first
    assert days.again.dag_run.state == "success"
    assert days.again.states["promote"] == "skipped"
    assert days.again.judged.verdict.headline == "Nothing new: the same model as the champion."
    assert days.again.pointer == days.first.pointer
    assert days.again.heard[0].startswith(
        "*Kept*: push_2021_06_01 stays the champion.\n*Why*: Nothing new: the same model as the"
    )


def test_a_chat_that_is_down_fails_no_run(days):
    assert len(days.again.heard) == 1
    assert days.again.dag_run.state == "success"


def test_a_losing_challenger_leaves_the_champion_untouched(days):
    run = days.loser

    assert run.dag_run.state == "success"
    assert run.updates == 0
    assert (run.states["approve"], run.states["promote"]) == ("success", "skipped")
    assert run.judged.verdict.decision == "keep"
    assert run.judged.verdict.champion_name == "push_2021_06_01"
    assert run.pointer == days.first.pointer
    (kept,) = run.heard
    assert kept.startswith("*Kept*: push_2021_06_01 stays the champion: the verdict on push_2021")


def test_a_sound_second_run_breaks_no_rule(days):
    verdict = days.rejected.judged.verdict

    assert [found.sentence for found in verdict.findings if found.passed is False] == []
    assert verdict.champion_name == "push_2021_06_01"


def test_a_rejected_winner_leaves_the_champion(days):
    run = days.rejected

    assert run.judged.verdict.decision == "promote"
    assert run.dag_run.state == "success"
    assert (run.states["approve"], run.states["promote"]) == ("success", "skipped")
    assert (run.champion, run.updates) == ("push_2021_06_01", 0)


def test_the_question_holds_the_verdict_its_figures_and_where_the_card_is(days):
    (question,) = days.rejected.questions
    run = days.rejected.judged
    body = question["body"].replace("\\", "")

    assert question["subject"] == "Promote push_2021_06_02_2 in place of push_2021_06_01?"
    assert question["defaults"] == ["Reject"]
    assert question["params"] == {}
    assert all(reason in body for reason in [run.verdict.headline, *run.verdict.reasons])
    for scorer in ("challenger", "champion"):
        figure = run.verdict.holdout.metrics[scorer].average_precision
        assert f"| {scorer} | {figure:.4f} |" in body
    assert "| popularity baseline |" in body
    card = f"http://airflow.invalid/plugin/push-models/push-models/models/{run.model_name}/card"
    assert f"]({card})" in body


def test_the_question_and_the_answer_are_a_message_each(days):
    awaited, answered = days.rejected.heard

    assert awaited.startswith("*Approval awaited*: push_2021_06_02_2 won and waits up to 4 hours")
    assert "/tasks/approve/required_actions?map_index=-1" in awaited
    assert answered.startswith(
        "*Not promoted*: push_2021_06_01 stays the champion: push_2021_06_02_2 won, but it was not "
        "approved.\n"
    )
    assert "bo rejected it." in answered
    assert quote(days.rejected.dag_run.run_id, safe="") in answered


def test_no_answer_in_four_hours_is_a_rejection(days):
    run = days.unanswered

    (question,) = run.questions
    assert timedelta(hours=3.5) < question["waits"] < timedelta(hours=4)
    assert run.dag_run.state == "success"
    assert run.states["promote"] == "skipped"
    assert run.champion == "push_2021_06_01"
    assert "There was no answer in time." in run.heard[-1]


def test_a_question_marked_as_done_by_hand_is_not_an_approval(days):
    run = days.marked

    assert run.judged.verdict.decision == "promote"
    assert run.dag_run.state == "success"
    assert run.states["promote"] == "skipped"
    assert run.champion == "push_2021_06_01"


def test_a_dry_run_leaves_a_winner_in_the_store_and_sends_nothing(days):
    run = days.dry

    assert run.judged.verdict.decision == "promote"
    assert run.dag_run.state == "success"
    assert run.states["promote"] == "skipped"
    assert (run.champion, run.updates, run.heard) == ("push_2021_06_01", 0, [])
    assert (days.place.models / run.judged.model_name / "model.json").exists()


def test_just_after_midnight_in_berlin_it_is_still_the_day_before(days):
    assert days.dry.judged.run_date == "2021-06-05"
    assert days.dry.judged.model_name == "push_2021_06_05"


def test_an_approved_winner_serves_and_the_log_names_the_person(days):
    run = days.approved

    assert run.dag_run.state == "success"
    assert set(run.states.values()) == {"success"}
    assert (run.champion, run.updates) == ("push_2021_06_06", 1)
    assert days.place.promotions()[-1]["by"] == f"ana, run {run.dag_run.run_id}"
    assert run.questions[0]["subject"] == "Promote push_2021_06_06 in place of push_2021_06_01?"


def test_a_run_without_a_logical_date_is_dated_by_the_day_it_runs_after(days):
    assert days.older.dag_run.logical_date is None
    assert days.older.judged.model_name == "push_2021_04_01"


def test_a_run_of_an_older_day_reads_no_later_row(days):
    manifest = days.place.models / "push_2021_04_01" / "manifest.json"

    assert json.loads(manifest.read_text())["windows"]["holdout"]["end"] <= "2021-04-02"


def test_a_run_of_an_older_day_never_takes_serving_back(days):
    run = days.older

    assert run.dag_run.state == "success"
    assert run.states["promote"] == "skipped"
    assert run.judged.verdict.decision == "keep"
    assert run.pointer == days.approved.pointer


def test_a_form_that_breaks_its_rules_starts_nothing(installation):
    with pytest.raises(ParamValidationError, match="0 is less than the minimum of 1"):
        installation.run(min_items=0)

    assert installation.files() == {"frame.csv"}


@pytest.mark.parametrize(
    "form",
    [
        {"model_parametrisation": {"model": "boosted_trees", "lerning_rate": 0.1}},
        {"modle": "boosted_trees_fast"},
    ],
)
def test_a_typo_in_a_form_fails_before_any_data_is_waited_for(installation, form):
    installation.dataset.unlink()

    run = installation.run(**form)

    assert run.dag_run.state == "failed"
    assert run.states["await_dataset"] == "failed"
    assert run.states["load"] == "upstream_failed"
    ended = RunOutcome.read(run.folder)
    assert (ended.outcome, ended.task, ended.run_date) == ("failed", "await_dataset", "2021-06-01")
    assert installation.files() == {f"runs/{run.folder.name}/outcome.json"}


def test_a_bad_dataset_fails_at_once_leaves_nothing_behind_and_is_reported(installation):
    make_frame(orders=40).drop(columns="outcome").to_csv(installation.dataset, index=False)

    with capture_logs() as logs:
        run = installation.run(**FAST)

    assert run.dag_run.state == "failed"
    assert (run.states["load"], run.tries["load"]) == ("failed", 1)
    ended = RunOutcome.read(run.folder)
    assert (ended.outcome, ended.task) == ("failed", "load")
    assert "is missing" in ended.error
    assert installation.files() == {"frame.csv", f"runs/{run.folder.name}/outcome.json"}
    (refused,) = run.heard
    assert refused.startswith("*Dataset refused*: The task load refused the dataset;")
    assert "is missing" in refused
    assert "/tasks/load?try_number=1" in refused
    (logged,) = [entry for entry in logs if "Task failed" in entry["event"]]
    assert "is missing" in logged["event"]
    assert "exc_info" not in logged


def test_a_run_of_dags_test_is_not_retried_for_minutes(installation):
    installation.dataset.write_text("order_id,outcome\n1")  # cut a moment ago

    run = installation.run(**FAST)

    assert (run.states["load"], run.tries["load"]) == ("failed", 1)
    (refused,) = run.heard
    assert "has no line end after its last line" in refused
    assert f"push-model check {installation.dataset} --until 2021-06-01" in refused


def test_a_task_that_is_retried_is_reported_after_its_last_try(installation, tmp_path):
    (tmp_path / "a_file").touch()

    def hasten(dag):
        load = dag.get_task("load")
        load.retries, load.retry_delay, load.retry_exponential_backoff = 2, timedelta(0), 0
        load.retry_policy = None  # it retries no run of `dags test`

    run = installation.run(settings={"PUSH_RUNS_DIR": tmp_path / "a_file"}, prepare=hasten, **FAST)

    assert run.dag_run.state == "failed"
    (failed,) = run.heard
    assert failed.startswith("*Task failed*: The task load failed; the champion is unchanged.")
    assert "NotADirectoryError: Not a directory; its log says more." in failed
    assert "/tasks/load?try_number=3" in failed
