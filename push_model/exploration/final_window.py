"""Open the final window once and on record, and keep how the exploration ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from push_model.errors import InvalidEventError
from push_model.evaluation.metrics import Floats
from push_model.evaluation.resampling import expanded_interval
from push_model.evaluation.results import Interval
from push_model.exploration.choose import ALPHA, Choice, Standing
from push_model.exploration.entries.entry import RULES, Entry, parametrisation_of, request_of
from push_model.exploration.fits.protocol import CLAIMING
from push_model.exploration.fits.result import Metrics, Result
from push_model.exploration.folder import Exploration
from push_model.store.durable import read_json, write_json
from push_model.training.parametrisation import (
    FINAL_MODEL,
    FINAL_MODEL_WITH_HISTORY,
    read_parametrisation,
)

_FINALS_FILE = "finals.json"
_STANDINGS_FILE = "standings.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a part with the newest orders shows of an entry that was seen on it."""

    entry: str
    part: str
    average_precision: Interval
    # Its average precision minus that of each other entry seen on the part.
    gain_on: Mapping[str, Interval]
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an exploration ended."""

    # Of all entries, the best first.
    standings: tuple[Standing, ...]
    choice: Choice
    # Among the entries that need no history.
    choice_request_only: Choice
    # Mean average precision over the folds by entry and fit, of entries with two fits.
    fits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    # Names of entries with the settings of the final models.
    in_use: tuple[str, ...] = ()
    # Empty before the final window was opened.
    claims: tuple[Claim, ...] = ()


_OUTCOME = TypeAdapter(Outcome)


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Write `standings.json`: leaderboard, choice and claims."""
    choices = {
        name: request_of(choice.chosen)
        for name, choice in (
            ("parametrisation", outcome.choice),
            ("parametrisation_request_only", outcome.choice_request_only),
        )
    }
    write_json(folder / _STANDINGS_FILE, _OUTCOME.dump_python(outcome, mode="json") | choices)


def _read_outcome(folder: Path) -> Outcome:
    """Read what `write_outcome` wrote."""
    return _OUTCOME.validate_python(read_json(folder / _STANDINGS_FILE))


def find_in_use(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries with the settings of the final models."""
    in_use = [read_parametrisation(each) for each in (FINAL_MODEL_WITH_HISTORY, FINAL_MODEL)]
    return tuple(
        entry
        for entry in entries
        if request_of(entry) is not None
        and entry.treatment == "plain"
        and parametrisation_of(entry) in in_use
    )


def choose_finalists(choices: Sequence[Choice], entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the entries to see on the final window: chosen, best, neighbours, in use, rules."""
    names = {choice.chosen.name for choice in choices}
    names |= {choice.best.name for choice in choices}
    names |= {choice.chosen.neighbour for choice in choices if choice.chosen.neighbour}
    names |= {entry.name for entry in find_in_use(entries)}
    return tuple(e for e in entries if e.name in names or e.family in RULES)


def read_openings(folder: Path) -> list[dict[str, Any]]:
    """Return the openings of the final window, the first first."""
    path = folder / _FINALS_FILE
    openings: list[dict[str, Any]] = read_json(path)["openings"] if path.exists() else []
    return openings


def record_opening(
    exploration: Exploration,
    finalists: Iterable[Entry],
    *,
    winner: Entry,
    again: str | None = None,
) -> None:
    """Record that the final window is opened, or refuse it.

    The record comes before the look. A look that was cut short, or that would show the same
    figures, needs no second record.
    """
    openings = read_openings(exploration.folder)
    # Other columns of the same outcomes are the same window.
    digest = exploration.facts["frame"]["outcomes_sha256"]
    window = next(str(part.judged) for part in exploration.parts if part.purpose == CLAIMING)
    before = [o for o in openings if (o["outcomes_sha256"], o["window"]) == (digest, window)]
    names = [entry.name for entry in finalists]
    if before and not again:
        last = before[-1]
        if last["winner"] == winner.name and set(names) <= set(last["entries"]):
            return
        raise InvalidEventError(
            f"The final window ({window}) was opened on {last['moment'][:10]}, when "
            f"{last['winner']!r} was chosen. Opening it again for {winner.name!r} would turn it "
            'into a validation set. Pass --again "reason" to do it anyway; the reason is recorded.'
        )
    opening = {
        "moment": datetime.now(UTC).isoformat(timespec="seconds"),
        "outcomes_sha256": digest,
        "window": window,
        "entries": names,
        "winner": winner.name,
        "reason": again,
    }
    write_json(exploration.folder / _FINALS_FILE, {"openings": [*openings, opening]})


def compare_finals(results: Iterable[Result]) -> tuple[Claim, ...]:
    """Compare the entries that were seen on the final window."""
    ordered = sorted(results, key=lambda r: (r.part, -r.average_precision[0]))
    return tuple(
        Claim(
            entry=ours.entry.name,
            part=ours.part,
            average_precision=_interval(ours, ours.average_precision),
            gain_on={
                theirs.entry.name: _interval(
                    ours, ours.average_precision - theirs.average_precision
                )
                for theirs in ordered
                if theirs.part == ours.part and theirs.entry.name != ours.entry.name
            },
            metrics=ours.metrics,
        )
        for ours in ordered
    )


def _interval(result: Result, drawn: Floats) -> Interval:
    return expanded_interval(drawn, units=result.judged["orders"], alpha=ALPHA)
