import pytest

from push_model.errors import DatasetError, ModelIntegrityError, UnfitChampionError
from push_ops.messages.messages import (
    explain_error,
    say_awaited,
    say_failure,
    say_not_approved,
    say_outcome,
    say_overdue,
)

LINK = "http://airflow.invalid/dags/push_retraining/runs/one"
HEADLINE = "Better: average precision +2.1% (+0.3% to +4.0%) against the champion's."


def run_of(decision="promote", champion="push_old", reasons=(HEADLINE, "Promises are kept.")):
    verdict = {
        "decision": decision,
        "champion_name": champion,
        "headline": HEADLINE,
        "reasons": list(reasons),
    }
    return {"model_name": "push_new", "verdict": verdict}


def outcome(run, *, promoted=False):
    return say_outcome(run, promoted=promoted, link=LINK)


def test_a_promotion_names_the_new_champion_the_old_one_and_why():
    message = outcome(run_of(), promoted=True)

    assert message.kind == "Promoted"
    assert message.what == "push_new is the champion now, after push_old."
    assert message.why == f"{HEADLINE} Promises are kept."
    assert message.link == LINK
    assert "push-model rollback" in message.next_step


def test_the_first_champion_comes_after_nobody():
    message = outcome(run_of(champion=None), promoted=True)

    assert message.what == "push_new is the champion now."


@pytest.mark.parametrize(("decision", "kind"), [("keep", "Kept"), ("inconclusive", "Inconclusive")])
def test_a_champion_that_stays_is_named_with_the_verdict(decision, kind):
    message = outcome(run_of(decision=decision))

    assert message.kind == kind
    assert message.what == (
        f"push_old stays the champion. The verdict on push_new is {decision!r}."
    )


def test_a_winner_whose_question_was_marked_as_done_by_hand_was_approved_by_nobody():
    message = outcome(run_of(champion=None))

    assert message.kind == "Not promoted"
    assert message.what == "push_new won, but nobody approved it. There is still no champion."


def test_a_question_says_how_long_it_waits():
    message = say_awaited(run_of(), hours=4, link=LINK)

    assert message.kind == "Approval awaited"
    assert message.what == "push_new won, and waits 4 hours at most for a person to approve it."
    assert message.why.startswith(HEADLINE)


@pytest.mark.parametrize(
    ("rejected_by", "why"), [("ana", "ana rejected it."), (None, "Nobody answered in time.")]
)
def test_a_rejection_says_who_or_that_nobody_answered(rejected_by, why):
    message = say_not_approved(run_of(), rejected_by=rejected_by, link=LINK)

    assert message.kind == "Not promoted"
    assert message.why == why
    assert "push_old stays the champion." in message.what


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DatasetError("frame.csv is empty. Export it again."), "Dataset refused"),
        (UnfitChampionError("push_old is 73 days old."), "Champion unfit"),
        (ModelIntegrityError("push_old is damaged."), "Task failed"),
    ],
)
def test_a_failure_is_of_the_kind_of_who_must_act_and_says_its_error_in_full(error, kind):
    message = say_failure("load", error, link=LINK)

    assert (message.kind, message.why) == (kind, str(error))


def test_a_task_that_failed_is_named():
    assert say_failure("train", None, link=LINK).what.startswith("The task train failed")


@pytest.mark.parametrize("is_ended", [True, False])
def test_a_late_run_says_what_it_was_allowed_and_whether_it_goes_on(is_ended):
    message = say_overdue(3, is_ended=is_ended, link=LINK)

    assert message.what.startswith("The run has not ended in 3 hours")
    assert ("was ended" in message.what) is is_ended


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (None, "Its process ended without a word"),
        (OSError(28, "No space left on device"), "OSError: No space left on device; its log"),
        (OSError("u_17's file"), "OSError; its log says more."),
        (ValueError("could not convert string to float: 'u_17 Ana Smith'"), "ValueError; its log"),
    ],
)
def test_of_an_error_that_nobody_foresaw_only_its_kind_is_told(error, words):
    said = explain_error(error)

    assert said.startswith(words)
    assert "u_17" not in said


def test_no_password_of_a_database_is_told():
    error = DatasetError("postgresql://me:secret@db/shop holds no rows, nor s3://key@bucket.")

    assert explain_error(error) == "postgresql://db/shop holds no rows, nor s3://bucket."


def test_a_long_reason_is_cut():
    said = explain_error(DatasetError("row " * 1000))

    assert len(said) < 750
    assert said.endswith("... The log has the rest.")
