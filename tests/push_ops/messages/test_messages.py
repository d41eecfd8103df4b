import pytest

from push_model.errors import DatasetError, ModelIntegrityError, UnfitChampionError
from push_ops.messages.messages import (
    _explain_error,
    describe_failure,
    describe_outcome,
    describe_overdue,
    describe_question,
    describe_rejection,
)
from tests.push_ops.judged import judged_run

LINK = "http://airflow.invalid/dags/push_retraining/runs/one"


def outcome(run, *, promoted=False):
    return describe_outcome(run, promoted=promoted, link=LINK)


def test_a_promotion_names_the_new_champion_the_old_one_and_why():
    message = outcome(judged_run(), promoted=True)

    assert message.kind == "Promoted"
    assert message.what == "push_new is the new champion; it replaces push_old."
    assert message.why == "All rules passed."
    assert message.link == LINK
    assert "push-model rollback" in message.next_step


def test_the_first_champion_replaces_none():
    message = outcome(judged_run(champion=None), promoted=True)

    assert message.what == "push_new is the new champion."


@pytest.mark.parametrize(("decision", "kind"), [("keep", "Kept"), ("inconclusive", "Inconclusive")])
def test_a_champion_that_stays_is_named_with_the_verdict(decision, kind):
    message = outcome(judged_run(decision))

    assert message.kind == kind
    assert message.what == (
        f"push_old stays the champion: the verdict on push_new is {decision!r}."
    )


def test_a_winner_whose_question_was_marked_as_done_by_hand_is_not_approved():
    message = outcome(judged_run(champion=None))

    assert message.kind == "Not promoted"
    assert message.what == "There is still no champion: push_new won, but it was not approved."


def test_a_question_says_how_long_it_waits():
    message = describe_question(judged_run(), hours=4, link=LINK)

    assert message.kind == "Approval awaited"
    assert message.what == "push_new won and waits up to 4 hours for approval."
    assert message.why == "All rules passed."


@pytest.mark.parametrize(
    ("rejected_by", "why"), [("ana", "ana rejected it."), (None, "There was no answer in time.")]
)
def test_a_rejection_names_the_person_or_says_that_there_was_no_answer(rejected_by, why):
    message = describe_rejection(judged_run(), rejected_by=rejected_by, link=LINK)

    assert message.kind == "Not promoted"
    assert message.why == why
    assert message.what == "push_old stays the champion: push_new won, but it was not approved."


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DatasetError("frame.csv is empty. Export it again."), "Dataset refused"),
        (UnfitChampionError("push_old is 73 days old."), "Champion unfit"),
        (ModelIntegrityError("push_old is damaged."), "Task failed"),
    ],
)
def test_a_failure_is_of_the_kind_of_who_must_act_and_says_its_error_in_full(error, kind):
    message = describe_failure("load", error, link=LINK)

    assert (message.kind, message.why) == (kind, str(error))


def test_a_dataset_that_did_not_arrive_is_named_first():
    error = DatasetError("data/frame_20261130.csv did not arrive within 4 hours.")

    message = describe_failure("await_dataset", error, link=LINK)

    assert (message.kind, message.what) == ("Dataset missing", str(error))


def test_a_task_that_failed_is_named():
    assert describe_failure("train", None, link=LINK).what.startswith("The task train failed")


@pytest.mark.parametrize("is_ended", [True, False])
def test_a_late_run_says_what_it_was_allowed_and_whether_it_goes_on(is_ended):
    message = describe_overdue(3, is_ended=is_ended, link=LINK)

    assert message.what.startswith("The run has not ended in 3 hours")
    assert ("was stopped" in message.what) is is_ended


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (None, "Its process ended without an error"),
        (OSError(28, "No space left on device"), "OSError: No space left on device; its log"),
        (OSError("u_17's file"), "OSError; its log says more."),
        (ValueError("could not convert string to float: 'u_17 Ana Smith'"), "ValueError; its log"),
    ],
)
def test_only_the_kind_of_an_unforeseen_error_is_named(error, words):
    said = _explain_error(error)

    assert said.startswith(words)
    assert "u_17" not in said


def test_no_password_of_a_database_is_repeated():
    error = DatasetError("postgresql://me:secret@db/shop holds no rows, nor s3://key@bucket.")

    assert _explain_error(error) == "postgresql://db/shop holds no rows, nor s3://bucket."


def test_a_long_reason_is_cut():
    said = _explain_error(DatasetError("row " * 1000))

    assert len(said) < 750
    assert said.endswith("... The log has the rest.")
