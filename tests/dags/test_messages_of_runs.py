"""What people hear of runs: the true DAG, and a chat that records. One message a run."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from push_model.store.promotion import champion
from tests.dags.installation import DAY_AFTER, FAST, HOPELESS
from tests.dags.servers import a_chat, chat_connection
from tests.frames import make_frame

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.no_cover,
]

PAGE = "http://airflow.invalid/dags/push_retraining/runs/"


@pytest.fixture
def hear(installation):
    """Run the DAG, and give what the chat got."""

    def run(*, status=200, settings=None, **form):
        with a_chat(status) as chat:
            connection = {"AIRFLOW_CONN_PUSH_SLACK": chat_connection(chat.address)}
            dag_run = installation.run(settings=connection | (settings or {}), **form)
        return dag_run, [body["text"] for _, body in chat.received]

    return run


def test_a_promotion_and_then_a_champion_that_stays_are_a_message_each(hear):
    first, (promoted,) = hear(**FAST)
    _, (kept,) = hear(logical_date=DAY_AFTER, **HOPELESS)

    assert promoted.startswith("*Promoted*: push_2021_06_01 is the champion now.\n")
    assert f"*Where*: {PAGE}{quote(first.run_id, safe='')}\n" in promoted
    assert kept.startswith("*Kept*: push_2021_06_01 stays the champion. The verdict on push_2021")


def test_a_champion_that_is_too_old_is_told_as_such(hear):
    hear(**FAST)

    settings = {"PUSH_MAX_AGE_DAYS": 1}
    date = DAY_AFTER + timedelta(days=2)
    dag_run, (unfit,) = hear(logical_date=date, settings=settings, **HOPELESS)

    assert dag_run.state == "failed"
    assert unfit.startswith("*Champion unfit*: The champion stays, and should not.")
    assert "push_2021_06_01 was trained 3 days before this run; at most 1 are allowed" in unfit


def test_a_dataset_that_is_refused_is_told_with_what_is_wrong_and_where_its_log_is(
    hear, installation
):
    make_frame(orders=40).drop(columns="outcome").to_csv(installation.dataset, index=False)

    dag_run, (refused,) = hear(**FAST)

    assert dag_run.state == "failed"
    assert refused.startswith("*Dataset refused*: The task load refused the dataset.")
    assert "is missing" in refused
    assert "/tasks/load?try_number=1" in refused


def test_a_task_that_is_tried_again_is_told_of_after_its_last_try_alone(hear, tmp_path):
    (tmp_path / "a_file").touch()

    def hasten(dag):
        load = dag.get_task("load")
        load.retry_delay, load.retry_exponential_backoff = timedelta(0), 0

    dag_run, (failed,) = hear(
        settings={"PUSH_RUNS_DIR": tmp_path / "a_file"}, prepare=hasten, **FAST
    )

    assert dag_run.state == "failed"
    assert failed.startswith("*Task failed*: The task load failed; the champion is as it was.")
    assert "NotADirectoryError: Not a directory; its log says more." in failed
    assert "/tasks/load?try_number=4" in failed


def test_a_dry_run_tells_nobody(hear):
    dag_run, heard = hear(promotion="never", **FAST)

    assert dag_run.state == "success"
    assert heard == []


def test_a_chat_that_is_down_fails_no_run(hear, installation):
    dag_run, (_,) = hear(status=500, **FAST)

    assert dag_run.state == "success"
    assert set(installation.states.values()) == {"success"}
    assert champion(installation.models).model_name == "push_2021_06_01"
