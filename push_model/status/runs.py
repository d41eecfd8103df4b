"""Read what became of retraining runs from their folders, without Airflow.

Airflow's callbacks write ``outcome.json`` into the folder of a run. A run of an earlier release has
none: its verdict, the log of promotions and the files that its steps left say how it ended.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple, get_args

from push_model.status.status import Outcome, RunStatus
from push_model.store.durable import read_json, write_json
from push_model.training.gate.verdict import VERDICT_FILE, Verdict

#: In the folder of a run.
OUTCOME_FILE = "outcome.json"

# What each step leaves, the last step first, and the step that follows it.
_TRACES = (
    (VERDICT_FILE, "promote"),
    ("fit.json", "validate"),
    ("large_orders.parquet", "train"),
    ("frame.parquet", "filter"),
)
# Airflow stops a run after so long.
_LONGEST_RUN = timedelta(hours=20)
_BY_DECISION: Mapping[str, Outcome] = {"keep": "kept", "inconclusive": "inconclusive"}
_NEXT_STEPS: Mapping[Outcome, str] = {
    "promoted": "No action needed. If it does harm, roll back.",
    "kept": "No action needed once. If it repeats, fix what the reasons name.",
    "inconclusive": "No action needed once. If it repeats, check that the dataset is complete.",
    "not promoted": "No action needed. To serve it anyway, promote it by hand.",
    "rejected": "No action needed. To serve it anyway, promote it by hand.",
    "failed": "Read the end of the failed task's log in Airflow, fix the cause, then clear it.",
    "unfinished": "Wait, or look in Airflow at which task runs or waits.",
}
_ANSWER = "Approve or reject it on the run's page in Airflow: Required Actions."
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How a run ended, as ``outcome.json`` keeps it; the last one written counts."""

    run_id: str
    run_date: str | None  # None: Airflow did not say
    at: str  # ISO 8601
    outcome: Outcome
    task: str | None  # that failed; None: none did
    error: str | None  # its last line, as in `RunStatus`
    sentence: str
    next_step: str  # for a failed run

    def write(self, folder: Path) -> None:
        """Write it into the folder of the run, whole or not at all; makes the folder."""
        write_json(folder / OUTCOME_FILE, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> "RunOutcome":
        """Read what `write` wrote; keys of a later release are left out."""
        document = read_json(folder / OUTCOME_FILE)
        found = cls(**{each.name: document[each.name] for each in fields(cls)})
        texts = (found.run_id, found.sentence, found.next_step, found.task or "")
        "".join((*texts, found.error or ""))
        date.fromisoformat(found.run_date or "1970-01-01")
        if not datetime.fromisoformat(found.at).tzinfo or found.outcome not in get_args(Outcome):
            raise ValueError("its moment has no zone, or its outcome is unknown")
        return found


class _Files(NamedTuple):
    """What a folder holds: when each file of a run was written."""

    folder: Path
    times: Mapping[str, float]

    @property
    def newest(self) -> float:
        return max(self.times.values())

    @property
    def next_step(self) -> str:
        """The step after the last that left a file."""
        return next((step for name, step in _TRACES if name in self.times), "load")

    def has_outcome(self) -> bool:
        """Check for an outcome that no step came after: a cleared run goes on."""
        written = self.times.get(OUTCOME_FILE)
        return written is not None and written >= self.newest


def read_runs(
    runs_dir: Path, *, now: datetime, promoted: frozenset[str]
) -> tuple[tuple[RunStatus, ...], tuple[str, ...]]:
    """Read every run, the newest first, and what could not be read.

    Parameters
    ----------
    runs_dir : Path
        Holds a folder a run.
    now : datetime
        A run that has left nothing for a day has ended.
    promoted : frozenset of str
        The ids of the runs that changed the champion.
    """
    faults: list[str] = []
    try:
        folders = [path for path in runs_dir.iterdir() if path.is_dir()]
    except FileNotFoundError:
        return (), ()
    except OSError as error:
        return (), (f"The folder of the runs cannot be read ({error.strerror}).",)
    runs = [
        _read_run(files, now=now, promoted=promoted, faults=faults)
        for folder in folders
        if (files := _look_at(folder, faults))
    ]
    runs.sort(key=lambda run: (run.at, run.run_date or "", run.run_id), reverse=True)
    return tuple(runs), tuple(sorted(faults))


def _look_at(folder: Path, faults: list[str]) -> _Files | None:
    """Return the files of a retraining; None for another folder, such as an exploration's."""
    times = {}
    for name in (OUTCOME_FILE, *(name for name, _ in _TRACES)):
        try:
            times[name] = (folder / name).stat().st_mtime
        except FileNotFoundError:
            continue
        except OSError as error:
            faults.append(f"{folder.name} cannot be read ({error.strerror}).")
            return None
    return _Files(folder, times) if times else None


def _read_run(
    files: _Files, *, now: datetime, promoted: frozenset[str], faults: list[str]
) -> RunStatus:
    judged = _read(files, VERDICT_FILE, _read_judged, faults) or {}
    known = judged or _read(files, "fit.json", _read_fit, faults) or {}
    ended = _read(files, OUTCOME_FILE, RunOutcome.read, faults) if files.has_outcome() else None
    run_id = ended.run_id if ended else known.get("run_id") or _guess_id(files.folder.name)
    at = ended.at if ended else _format(files.newest)
    is_over = now.timestamp() - files.newest > _LONGEST_RUN.total_seconds()
    outcome = ended.outcome if ended else _infer(judged, run_id in promoted, is_over=is_over)
    failed = outcome == "failed"
    step = (ended.task if ended else files.next_step) if failed else None
    return RunStatus(
        run_id=run_id,
        run_date=(ended and ended.run_date) or known.get("run_date"),
        kind=_kind_of(run_id),
        at=at,
        folder=files.folder.name,
        model_name=known.get("model_name"),
        verdict=judged.get("verdict"),
        outcome=outcome,
        failed_step=step,
        error=ended.error if ended and failed else None,
        sentence=_describe(outcome, judged, files.next_step, ended),
        next_step=_choose_step(outcome, ended),
    )


def _read(files: _Files, name: str, read: Any, faults: list[str]) -> Any:
    """Read a file of a run; a damaged one is a fault of its own, and the run is shown."""
    if name not in files.times:
        return None
    try:
        return read(files.folder)
    except _UNREADABLE as error:
        faults.append(f"{files.folder.name}/{name} cannot be read: {type(error).__name__}.")
        return None


def _read_judged(folder: Path) -> dict[str, Any]:
    document = read_json(folder / VERDICT_FILE)
    verdict = document["verdict"]
    known = {key: str(document[key]) for key in ("run_id", "run_date", "model_name")}
    date.fromisoformat(known["run_date"])
    known |= {"decision": str(verdict["decision"]), "champion_name": verdict.get("champion_name")}
    try:
        read = Verdict.from_document(verdict)
        _use(read)
    except (KeyError, TypeError, ValueError, AttributeError):  # of an earlier release
        return known | {"headline": verdict.get("headline", "")}
    return known | {"verdict": read, "headline": read.headline}


def _use(verdict: Verdict) -> None:
    """Raise for a value of a wrong kind here, not on the page that shows it."""
    "".join((verdict.model_name, verdict.champion_name or "", *verdict.sentences))
    if (found := verdict.holdout) is None:
        return
    "".join(line.feature + line.says for line in found.drift)
    ends = chain(*(each.values() for each in found.intervals.values()), found.gains.values())
    numbers = chain(*(each.document().values() for each in found.metrics.values()), *ends)
    own = (found.days, found.orders, found.users, found.level, *(line.psi for line in found.drift))
    if not isfinite(sum((*numbers, *own))):
        raise ValueError("a number is not finite")


def _read_fit(folder: Path) -> dict[str, Any]:
    document = read_json(folder / "fit.json")
    return {key: str(document[key]) for key in ("run_id", "run_date", "model_name")}


def _infer(
    judged: Mapping[str, Any],
    is_promoted: bool,  # noqa: FBT001 - the first thing to know
    *,
    is_over: bool,
) -> Outcome:
    if is_promoted:
        return "promoted"
    if judged and judged["decision"] in _BY_DECISION:
        return _BY_DECISION[judged["decision"]]
    if not is_over:
        return "unfinished"
    return "not promoted" if judged else "failed"


def _describe(
    outcome: Outcome, judged: Mapping[str, Any], step: str, ended: RunOutcome | None
) -> str:
    """Return in a sentence or two how a run ended, and why."""
    if ended and (outcome in {"failed", "unfinished", "rejected", "not promoted"} or not judged):
        return ended.sentence
    if outcome == "failed":
        return f"It ended without a verdict: the step {step} left nothing."
    if outcome == "unfinished":
        return f"It has not ended: the step {step} has not finished."
    if not judged:
        return "It changed the champion; its verdict cannot be read."
    name, serving, headline = (judged[key] for key in ("model_name", "champion_name", "headline"))
    if outcome == "promoted":
        return f"{name} is the champion{f' in place of {serving}' if serving else ''}. {headline}"
    stays = f"{serving} stays the champion" if serving else "There is still no champion"
    won = f": {name} won, but was not promoted" if outcome == "not promoted" else ""
    return f"{stays}{won}. {headline}"


def _choose_step(outcome: Outcome, ended: RunOutcome | None) -> str:
    if ended and outcome == "failed":
        return ended.next_step
    # A run writes that it has not ended only where it asks a person.
    return _ANSWER if ended and outcome == "unfinished" else _NEXT_STEPS[outcome]


def _kind_of(run_id: str) -> str:
    """Return the kind of a run from its id.

    Examples
    --------
    >>> _kind_of("scheduled__2026-11-23T05:00:00+00:00"), _kind_of("mine")
    ('scheduled', 'manual')
    """
    kind, is_airflows, _ = run_id.partition("__")
    return kind if is_airflows and re.fullmatch("[a-z_]+", kind) else "manual"


def _guess_id(folder_name: str) -> str:
    """Return the readable part of a run's id from the name of its folder."""
    return folder_name.rpartition(".")[0] or folder_name


def _format(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
