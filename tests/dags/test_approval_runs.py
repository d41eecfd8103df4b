"""A person approves, rejects or does not answer, while the true DAG waits."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from push_model.store.promotion import champion
from tests.dags.installation import DAY_AFTER, FAST, HOPELESS, Installation
from tests.dags.people import a_person_answers, time_runs_out
from tests.dags.servers import a_chat, chat_connection

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MANUAL = {"promotion": "manual", **FAST}
# Another than the champion, and no worse.
ALIKE = {"model_parametrisation": {"model": "boosted_trees", "iterations": 90, "depth": 4}}


def told(chat):
    return [body["text"] for _, body in chat.received]


@pytest.fixture(scope="module")
def rejected(tmp_path_factory, database):  # noqa: ARG001 - runs need the tables
    """A champion, and a run whose winner a person rejected: question, messages, and all it left."""
    installation = Installation(tmp_path_factory.mktemp("rejected"))
    installation.run(**FAST)
    with a_chat() as chat, a_person_answers("Reject", name="bo") as questions:
        dag_run = installation.run(
            logical_date=DAY_AFTER,
            settings={"AIRFLOW_CONN_PUSH_SLACK": chat_connection(chat.address)},
            promotion="manual",
            **ALIKE,
        )
    return installation, dag_run, questions, told(chat)


def test_a_rejected_winner_leaves_the_champion_and_promote_is_skipped(rejected):
    installation, dag_run, _, _ = rejected

    assert installation.verdict(dag_run)["verdict"]["decision"] == "promote"
    assert dag_run.state == "success"
    assert installation.states["approve"] == "success"
    assert installation.states["promote"] == "skipped"
    assert champion(installation.models).model_name == "push_2021_06_01"


def test_the_question_holds_the_verdict_its_figures_and_where_the_card_is(rejected):
    installation, dag_run, questions, _ = rejected

    (question,) = questions
    run = installation.verdict(dag_run)
    verdict, body = run["verdict"], question["body"].replace("\\", "")
    assert question["subject"] == "Promote push_2021_06_02 in place of push_2021_06_01?"
    assert all(reason in body for reason in [verdict["headline"], *verdict["reasons"]])
    for scorer in ("challenger", "champion"):
        figure = verdict["metrics"][scorer]["average_precision"]
        assert f"| {scorer} | {figure:.4f} |" in body
    assert "| popularity baseline |" in body
    assert f"{run['model_path']}/card.html" in body


def test_people_are_told_of_the_question_and_of_the_answer(rejected):
    _, dag_run, _, (awaited, answered) = rejected

    assert awaited.startswith("*Approval awaited*: push_2021_06_02 won, and waits 4 hours")
    assert "/tasks/approve/required_actions?map_index=-1" in awaited
    assert answered.startswith("*Not promoted*: push_2021_06_02 won, and was not approved.")
    assert "bo rejected it." in answered
    assert quote(dag_run.run_id, safe="") in answered


def test_an_approved_winner_serves_and_the_log_says_who_approved_it(installation):
    with a_person_answers("Approve", name="ana") as questions:
        dag_run = installation.run(**MANUAL)

    assert dag_run.state == "success"
    assert set(installation.states.values()) == {"success"}
    assert champion(installation.models).model_name == "push_2021_06_01"
    (line,) = (installation.models / "promotions.jsonl").read_text().splitlines()
    assert json.loads(line)["by"] == f"ana, run {dag_run.run_id}"
    (question,) = questions
    assert question["subject"] == "Promote push_2021_06_01, the first champion?"
    assert question["defaults"] == ["Reject"]
    assert question["params"] == {}


def test_no_answer_in_four_hours_is_a_rejection(installation):
    with a_chat() as chat, time_runs_out() as questions:
        connection = {"AIRFLOW_CONN_PUSH_SLACK": chat_connection(chat.address)}
        dag_run = installation.run(settings=connection, **MANUAL)

    (question,) = questions
    assert timedelta(hours=3.9) < question["waits"] < timedelta(hours=4)
    assert dag_run.state == "success"
    assert installation.states["promote"] == "skipped"
    assert champion(installation.models) is None
    assert "Nobody answered in time." in told(chat)[-1]


def test_of_a_loser_nobody_is_asked(installation):
    installation.run(**FAST)

    with a_person_answers("Approve") as questions:
        dag_run = installation.run(logical_date=DAY_AFTER, promotion="manual", **HOPELESS)

    assert questions == []
    assert dag_run.state == "success"
    assert installation.states["approve"] == "success"
    assert installation.states["promote"] == "skipped"


def test_a_question_marked_as_done_by_hand_is_no_approval(installation):
    dag_run = installation.run(marked="approve", **MANUAL)

    assert dag_run.state == "success"
    assert installation.states["promote"] == "skipped"
    assert champion(installation.models) is None
