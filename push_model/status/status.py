"""The status of an installation: what serves, how good it is, how runs ended, and what to do.

The command `push-model status`, the page in Airflow and its JSON show these values. They hold no
row, id or value of a customer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from push_model.evaluation.results import Interval
from push_model.training.gate.verdict import Verdict

Word = Literal["good", "weak", "failing"]
Outcome = Literal[
    "promoted", "kept", "inconclusive", "not promoted", "rejected", "failed", "unfinished"
]
#: How a move was made; "unknown" where the pointer was written by hand.
Kind = Literal["verdict", "forced", "rollback", "unknown"]

# Some two thousand bytes each.
_RUNS_IN_DOCUMENT = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How good the champion is, in a word, and the rule that gave it."""

    word: Word
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionStatus:
    """The model that serves; a figure is None where no run has measured it."""

    model_name: str
    since: str  # ISO 8601
    by: str  # a person, or what started the run
    run_id: str | None  # of the run that promoted it; None: a person did, from the shell or page
    kind: Kind
    reason: str
    limits_changed: Mapping[str, Any]  # of the run that promoted it, by name
    faults: tuple[str, ...]  # of its files; empty: they are whole
    trained_on: str | None  # yyyy-mm-dd
    age_days: int | None
    max_age_days: int
    average_precision: Interval | None
    popularity: Interval | None  # average precision of the baseline on the same orders
    expected_per_actual: Interval | None
    measured: str | None  # on which orders, by which run
    quality: Quality

    @property
    def how(self) -> str:
        """How it became champion, by whom, and why."""
        ways = {
            "verdict": "Promoted by its verdict",
            "forced": "Forced without a verdict",
            "rollback": "Rolled back",
            "unknown": "Written by hand",
        }
        run = f", run {self.run_id}" if self.run_id else ""
        return f"{ways[self.kind]}, by {self.by}{run}: {self.reason or 'no reason was given.'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """One retraining run."""

    run_id: str
    run_date: str | None  # yyyy-mm-dd, the last day that was read
    kind: str  # "scheduled", "manual", "backfill", "asset_triggered", ...
    at: str  # ISO 8601, the last thing that is known of it
    folder: str  # its name in the folder of runs
    model_name: str | None  # None: it trained none
    verdict: Verdict | None  # None: it reached none
    outcome: Outcome
    failed_step: str | None
    error: str | None  # its last line; only the kind of an error that is not of this project
    sentence: str  # what happened, and why
    next_step: str

    @property
    def limits_changed(self) -> Mapping[str, Any]:
        """The limits that the form changed for this run, by name."""
        return self.verdict.changed_limits if self.verdict else {}

    @property
    def average_precision(self) -> dict[str, Interval]:
        """Average precision with its interval, by scorer."""
        return self.verdict.by_scorer("average_precision") if self.verdict else {}

    def document(self) -> dict[str, Any]:
        """Return it as JSON-able data, with the figures of its verdict that fit a line."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        verdict = plain.pop("verdict")
        return _plain_fields({
            **plain,
            "decision": verdict.decision if verdict else None,
            "claim": verdict.claim if verdict else None,
            "champion_name": verdict.champion_name if verdict else None,
            "reasons": verdict.sentences if verdict else (),
            "average_precision": self.average_precision,
            "limits_changed": self.limits_changed,
        })


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDay:
    """What the champion expected of one day's orders, and what was bought."""

    day: str
    orders: int
    expected: float
    actual: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """What the champion expected since it serves, and what was bought."""

    model_name: str
    first_day: str
    last_day: str
    orders: int
    expected: float
    actual: int
    average_precision: float | None  # of the newest backtest; None: it could rank nothing
    popularity: float | None  # the same
    days: tuple[ServiceDay, ...]  # the earliest first

    @property
    def ratio(self) -> float | None:
        """Purchases expected for each that happened; None where none happened."""
        return self.expected / self.actual if self.actual else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLine:
    """How far one feature has moved since the champion was trained."""

    feature: str
    distance: float  # population stability index
    limit: float
    changed: bool  # whether any limit of drift is passed
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLine:
    """One model of the store; None where its manifest does not say."""

    name: str
    trained_on: str | None
    family: str | None
    average_precision: float | None  # on its holdout, when it was trained
    faults: tuple[str, ...]
    is_champion: bool
    was_champion: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change of the champion."""

    line: int | None  # in the log
    at: str
    model_name: str
    before: str | None
    kind: Kind
    by: str
    run_id: str | None
    reason: str
    limits_changed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All that is known of an installation at one moment."""

    at: str  # ISO 8601
    champion: ChampionStatus | None
    pointer_fault: str | None  # why it is unknown which model serves
    newest: RunStatus | None  # no backfill: those judge days that are over
    runs: tuple[RunStatus, ...]  # the newest first
    service: ServiceRecord | None
    drift: tuple[DriftLine, ...]  # the largest distance first
    drift_run: RunStatus | None  # the run that measured it
    models: tuple[ModelLine, ...]  # the newest first
    moves: tuple[Move, ...]  # the newest first
    faults: tuple[str, ...]  # what could not be read
    kept_in_a_row: int  # days whose challenger lost or was undecided, up to now
    next_step: str  # the one thing to do now

    def document(self, *, newest_runs: int = _RUNS_IN_DOCUMENT) -> dict[str, Any]:
        """Return it as JSON-able data, with the newest runs."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        drift_run = plain.pop("drift_run")
        return _plain_fields({
            **plain,
            "runs": self.runs[:newest_runs],
            "drift_run_id": drift_run.run_id if drift_run else None,
        })


def _plain_fields(fields_by_name: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(each) for name, each in fields_by_name.items()}


def _plain(value: Any) -> Any:
    """Return a value with dicts, lists, texts and numbers in place of our types."""
    if isinstance(value, RunStatus):
        return value.document()
    if isinstance(value, Interval):
        return value._asdict()
    if is_dataclass(value) and not isinstance(value, type):
        return _plain_fields({each.name: getattr(value, each.name) for each in fields(value)})
    if isinstance(value, Mapping):
        return _plain_fields(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
