"""Build the message that people get about a run: what happened, why, where, and what to do.

No message holds a value of the data. Errors of `push_model` never quote one; of any other error
only the kind is named.
"""

import re
from dataclasses import dataclass

from push_model.errors import (
    DatasetError,
    DatasetMissingError,
    InvalidEventError,
    PushModelError,
    UnfitChampionError,
)
from push_model.training.gate.verdict import Verdict
from push_ops.retraining.run_folder import JudgedRun

# What to do, by kind of message. docs/operations.md has a row for each.
NEXT_STEPS = {
    "Promoted": "No action needed. If it does harm, run push-model rollback.",
    "Kept": "No action needed once. If it repeats, run push-model verdict and fix the cause.",
    "Inconclusive": "No action needed. If this repeats for a week, check that the dataset is "
    "complete.",
    "No champion yet": "Nothing serves. Run push-model verdict and fix the cause, or promote by "
    "hand.",
    "Not promoted": "No action needed. To serve it anyway, run push-model promote NAME "
    "--reason ...",
    "Approval awaited": "Follow the link, read the reasons, then approve or reject.",
    "Request refused": "Start a new run with a corrected form: a cleared task reads the same form "
    "again. Where a setting was wrong, clear the task.",
    "Dataset missing": "Deliver the file, then clear the failed task: the run continues from "
    "there.",
    "Dataset refused": "Fix the dataset, then clear the failed task: the run continues from there. "
    "If the form names the wrong one, start a new run.",
    "Champion unfit": "Read the reasons of push-model runs, then promote or roll back by hand.",
    "Task failed": "Read the end of the task's log, fix the cause, then clear the task.",
    "Overdue": "Check which task is running or waiting, and that a worker is available.",
    "Test": "No action needed.",
}

_LONGEST_WHY = 700
_MOST_LINES = 30  # of a table; more than one a column means one mistake in all of them
_LINES_OF_TABLE = 3  # at least: what is above it, one of its own, and what is below
_REST = "The log has the rest."
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
_FIRST_TASK = "await_dataset"  # it reads the form; later tasks refuse what others handed on


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message about a run."""

    kind: str  # a key of NEXT_STEPS
    what: str
    why: str
    link: str  # an address in Airflow's page, or the names to look for there
    card: str = ""  # the address of the model's card, where there are one and a page

    @property
    def next_step(self) -> str:
        """What the reader should do."""
        return NEXT_STEPS[self.kind]


def describe_outcome(run: JudgedRun, *, promoted: bool, link: str, card: str = "") -> Message:
    """Return the message about a run that reached a verdict."""
    kinds = {"promote": "Not promoted", "keep": "Kept", "inconclusive": "Inconclusive"}
    kind = kinds[run.verdict.decision] if run.verdict.champion_name else "No champion yet"
    return Message(
        kind="Promoted" if promoted else kind,
        what=run.outcome(promoted=promoted),
        why=_explain_verdict(run.verdict),
        link=link,
        card=card,
    )


def describe_question(run: JudgedRun, *, hours: float, link: str, card: str = "") -> Message:
    """Return the message that a winner waits for approval."""
    what = f"{run.model_name} won and waits up to {hours:g} hours for approval."
    why = _explain_verdict(run.verdict)
    return Message(kind="Approval awaited", what=what, why=why, link=link, card=card)


def describe_rejection(run: JudgedRun, *, rejected_by: str | None, link: str) -> Message:
    """Return the message that a winner was rejected, or not answered in time (None)."""
    why = f"{rejected_by} rejected it." if rejected_by else "There was no answer in time."
    return Message(kind="Not promoted", what=run.outcome(promoted=False), why=why, link=link)


def describe_failure(task_id: str, error: BaseException | None, *, link: str) -> Message:
    """Return the message that a task failed for good."""
    why = _explain_error(error)
    if isinstance(error, InvalidEventError) and task_id == _FIRST_TASK:
        what = "The run did not start; the champion is unchanged."
        return Message(kind="Request refused", what=what, why=why, link=link)
    if isinstance(error, DatasetMissingError):
        what = f"The task {task_id} found no dataset; the champion is unchanged."
        return Message(kind="Dataset missing", what=what, why=why, link=link)
    if isinstance(error, DatasetError):
        what = f"The task {task_id} refused the dataset; the champion is unchanged."
        return Message(kind="Dataset refused", what=what, why=why, link=link)
    if isinstance(error, UnfitChampionError):
        what = "The champion should be replaced, but no challenger won."
        return Message(kind="Champion unfit", what=what, why=why, link=link)
    what = f"The task {task_id} failed; the champion is unchanged."
    return Message(kind="Task failed", what=what, why=why, link=link)


def describe_overdue(hours: float, *, is_ended: bool, link: str) -> Message:
    """Return the message that a run takes too long."""
    what = f"The run has not ended in {hours:g} hours{' and was stopped' if is_ended else ''}."
    why = "A task is slow, waits for a worker or for a person, or its worker is gone."
    return Message(kind="Overdue", what=what, why=why, link=link)


def describe_test(*, link: str) -> Message:
    """Return a message that only shows that a channel works."""
    return Message(
        kind="Test", what="This is a test.", why="Someone checks this channel.", link=link
    )


def _explain_verdict(verdict: Verdict) -> str:
    """Return a verdict's sentences, cut where they are many."""
    return _cut(" ".join(verdict.sentences))


def _explain_error(error: BaseException | None) -> str:
    """Return an error in words without values of the data and without passwords.

    Examples
    --------
    >>> _explain_error(DatasetError("sql://me:secret@host/db holds no rows."))
    'sql://host/db holds no rows.'
    >>> _explain_error(KeyError("a user's name"))
    'KeyError; its log says more.'
    """
    if error is None:
        return "Its process ended without an error; the log of its worker may say more."
    if isinstance(error, PushModelError):
        return _cut(_CREDENTIALS.sub("", str(error)))
    said = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    return f"{type(error).__name__}{said}; its log says more."


def in_a_line(text: str) -> str:
    """Return a text in a line: of a table only what is above it, and the command below."""
    lines = text.splitlines()
    return " ".join(lines if len(lines) < _LINES_OF_TABLE else (lines[0], lines[-1]))


def _cut(text: str) -> str:
    """Cut a long text; a table is cut below a line, and the command under it stays."""
    *lines, last = text.splitlines() or [""]
    if not lines:
        return text if len(text) <= _LONGEST_WHY else f"{text[:_LONGEST_WHY]}... {_REST}"
    left = len(lines) - _MOST_LINES
    more = [f"  ... and {left} more. {_REST}"] if left > 0 else []
    return "\n".join([*lines[:_MOST_LINES], *more, last])
