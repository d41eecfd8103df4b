import pytest

from push_model.errors import (
    DatasetError,
    DatasetMissingError,
    InvalidEventError,
    ModelIntegrityError,
    UnfitChampionError,
)
from push_ops.messages.messages import (
    _explain_error,
    describe_failure,
    describe_outcome,
    describe_overdue,
    describe_question,
    describe_rejection,
)
from tests.push_ops.judged import LOOSENED, SAYS_LOOSENED, judged_run

LINK = "http://airflow.invalid/dags/push_retraining/runs/one"


@pytest.mark.parametrize(
    ("run", "promoted", "kind", "what"),
    [
        (
            judged_run(),
            True,
            "Promoted",
            "push_new is the new champion; it replaces push_old.",
        ),
        (judged_run(champion=None), True, "Promoted", "push_new is the new champion."),
        (
            judged_run("keep"),
            False,
            "Kept",
            "push_old stays the champion: the verdict on push_new is 'keep'.",
        ),
        (
            judged_run("inconclusive", champion=None),
            False,
            "No champion yet",
            "There is still no champion: the verdict on push_new is 'inconclusive'.",
        ),
        (
            judged_run("keep", champion="push_new"),
            False,
            "Kept",
            "push_new stays the champion.",
        ),
        (  # its question was marked as done by hand
            judged_run(),
            False,
            "Not promoted",
            "push_old stays the champion: push_new won, but it was not approved.",
        ),
    ],
)
def test_an_outcome_names_the_champion_and_the_verdict(run, promoted, kind, what):
    message = describe_outcome(run, promoted=promoted, link=LINK)

    assert (message.kind, message.what, message.link) == (kind, what, LINK)


def test_a_promotion_says_why_and_how_to_take_it_back():
    message = describe_outcome(judged_run(), promoted=True, link=LINK)

    assert message.why == "All rules passed."
    assert "push-model rollback" in message.next_step


@pytest.mark.parametrize("decision", ["promote", "keep", "inconclusive"])
def test_limits_changed_for_a_run_are_in_its_message(decision):
    run = judged_run(decision, changed_limits=LOOSENED)

    assert SAYS_LOOSENED in describe_outcome(run, promoted=decision == "promote", link=LINK).why


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
    ("task", "error", "kind", "what"),
    [
        ("load", DatasetError("frame.csv is empty."), "Dataset refused", "The task load refused"),
        ("await_dataset", DatasetMissingError("Not there."), "Dataset missing", "The task await"),
        ("load", DatasetMissingError("No such object."), "Dataset missing", "The task load found"),
        ("await_dataset", InvalidEventError("A typo."), "Request refused", "The run did not start"),
        ("promote", InvalidEventError("Run it first."), "Task failed", "The task promote failed"),
        ("promote", UnfitChampionError("It is 73 days old."), "Champion unfit", "The champion"),
        ("train", ModelIntegrityError("It is damaged."), "Task failed", "The task train failed"),
        ("train", None, "Task failed", "The task train failed"),
    ],
)
def test_a_failure_is_of_the_kind_of_who_must_act_and_says_its_error_in_full(
    task, error, kind, what
):
    message = describe_failure(task, error, link=LINK)

    assert message.kind == kind
    assert message.what.startswith(what)
    assert str(error or "Its process ended without an error") in f"{message.what} {message.why}"


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


def test_a_table_is_cut_below_a_line_and_the_command_under_it_stays():
    rules = [f"  column_{number}  must be given" for number in range(100)]
    first, last = "frame.csv breaks the schema:", "To check it: push-model check frame.csv"
    whole, long = ("\n".join([first, *some, last]) for some in (rules[:25], rules))

    assert _explain_error(DatasetError(whole)) == whole
    assert _explain_error(DatasetError(long)).splitlines()[-3:] == [
        rules[28],
        "  ... and 71 more. The log has the rest.",
        last,
    ]
