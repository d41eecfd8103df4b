"""What does a person hear of a run? One message an outcome: what, why, where, and what to do.

Pure: facts in, words out. No message holds a value of the data: errors of `push_model` never
quote one, and of any other error only its kind is named.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from push_model.errors import DatasetError, PushModelError, UnfitChampionError

# What to do, by kind of message; docs/operations.md says it in full, a row each.
NEXT_STEPS = {
    "Promoted": "Nothing: it serves within a second. If it does harm: push-model rollback.",
    "Kept": "Nothing for one day. Day after day: read push-model verdict, mend what it names.",
    "Inconclusive": "Nothing: tomorrow knows more orders. Often in a row: is the dataset whole?",
    "Not promoted": "Nothing. To serve it all the same: push-model promote NAME --reason ...",
    "Approval awaited": "Read the reasons behind the link, then approve or reject there.",
    "Dataset refused": "Mend the dataset, then clear the failed task: the run goes on from there.",
    "Champion unfit": "Read push-model verdict of several runs; promote or roll back by hand.",
    "Task failed": "Read the end of the task's log, mend its cause, then clear the task.",
    "Overdue": "See which task runs or waits, and whether a worker is there to run it.",
}

_LONGEST_WHY = 700
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What people are told of a run.

    Attributes
    ----------
    kind : str
        A key of `NEXT_STEPS`, and a row of the table in docs/operations.md.
    what : str
        What happened, in a sentence.
    why : str
        Its reason, as far as it is known.
    link : str
        Where to look: an address in Airflow's page, or the names to look for there.
    """

    kind: str
    what: str
    why: str
    link: str

    @property
    def next_step(self) -> str:
        """What to do now."""
        return NEXT_STEPS[self.kind]


def say_outcome(run: Mapping[str, Any], *, promoted: bool, link: str) -> Message:
    """Say which model serves after a run that was judged."""
    name, verdict = run["model_name"], run["verdict"]
    why = explain_verdict(verdict)
    if promoted:
        after = f", after {verdict['champion_name']}" if verdict["champion_name"] else ""
        return Message(
            kind="Promoted", what=f"{name} is the champion now{after}.", why=why, link=link
        )
    if verdict["decision"] == "promote":
        what = f"{name} won, but nobody approved it. {_who_stays(verdict)}"
        return Message(kind="Not promoted", what=what, why=why, link=link)
    what = f"{_who_stays(verdict)} The verdict on {name} is {verdict['decision']!r}."
    kind = "Kept" if verdict["decision"] == "keep" else "Inconclusive"
    return Message(kind=kind, what=what, why=why, link=link)


def say_awaited(run: Mapping[str, Any], *, hours: float, link: str) -> Message:
    """Say that a winner waits for a person."""
    name = run["model_name"]
    what = f"{name} won, and waits {hours:g} hours at most for a person to approve it."
    return Message(
        kind="Approval awaited", what=what, why=explain_verdict(run["verdict"]), link=link
    )


def say_not_approved(run: Mapping[str, Any], *, rejected_by: str | None, link: str) -> Message:
    """Say that a winner may not serve."""
    name, verdict = run["model_name"], run["verdict"]
    why = f"{rejected_by} rejected it." if rejected_by else "Nobody answered in time."
    what = f"{name} won, and was not approved. {_who_stays(verdict)}"
    return Message(kind="Not promoted", what=what, why=why, link=link)


def say_failure(task_id: str, error: BaseException | None, *, link: str) -> Message:
    """Say which task failed for good, and why."""
    what = f"The task {task_id} failed; the champion is as it was."
    kind = "Task failed"
    if isinstance(error, DatasetError):
        kind, what = "Dataset refused", f"The task {task_id} refused the dataset."
    elif isinstance(error, UnfitChampionError):
        kind, what = "Champion unfit", "The champion stays, and should not."
    return Message(kind=kind, what=what, why=explain_error(error), link=link)


def say_overdue(hours: float, *, is_ended: bool, link: str) -> Message:
    """Say that a run takes too long."""
    what = f"The run has not ended in {hours:g} hours{', and was ended' if is_ended else ''}."
    why = "A task is slow, waits for a worker or for a person, or its worker is gone."
    return Message(kind="Overdue", what=what, why=why, link=link)


def explain_verdict(verdict: Mapping[str, Any]) -> str:
    """Give a verdict's headline and its reasons, in sentences.

    Examples
    --------
    >>> explain_verdict({"headline": "Worse.", "reasons": ["Worse.", "It ranks badly."]})
    'Worse. It ranks badly.'
    """
    return _cut(" ".join(dict.fromkeys([verdict["headline"], *verdict["reasons"]])))


def explain_error(error: BaseException | None) -> str:
    """Give an error in words that hold no value of the data and no password.

    Examples
    --------
    >>> explain_error(DatasetError("sql://me:secret@host/db holds no rows."))
    'sql://host/db holds no rows.'
    >>> explain_error(KeyError("a user's name"))
    'KeyError; its log says more.'
    """
    if error is None:
        return "Its process ended without a word; the log of its worker may say more."
    if isinstance(error, PushModelError):
        return _cut(_CREDENTIALS.sub("", str(error)))
    said = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    return f"{type(error).__name__}{said}; its log says more."


def _who_stays(verdict: Mapping[str, Any]) -> str:
    serving = verdict["champion_name"]
    return f"{serving} stays the champion." if serving else "There is still no champion."


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_WHY else f"{text[:_LONGEST_WHY]}... The log has the rest."
