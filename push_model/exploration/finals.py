"""What may be claimed of the chosen entry? The final window, opened once and on record."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from push_model.errors import InvalidEventError
from push_model.evaluation.metrics import Floats
from push_model.evaluation.resampling import expanded_interval
from push_model.exploration.choose import ALPHA, Choice
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.protocol import CLAIMING
from push_model.exploration.fits.result import Result, read_json, write_json
from push_model.exploration.folder import Exploration

FINALS_FILE = "finals.json"
RULE_FAMILIES = frozenset({"popularity", "bought_before"})


def choose_finalists(choices: Sequence[Choice], entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Say who is seen on the final window."""
    chosen = {choice.chosen.name for choice in choices}
    names = chosen | {choice.best.name for choice in choices}
    names |= {choice.chosen.neighbour for choice in choices if choice.chosen.neighbour}
    return tuple(e for e in entries if e.name in names or e.family in RULE_FAMILIES)


def record_opening(
    exploration: Exploration,
    finalists: Iterable[Entry],
    *,
    winner: Entry,
    again: str | None = None,
) -> None:
    """Write down that the final window is opened, or refuse it.

    Notes
    -----
    The record comes before the look. A look that was cut short goes on without a second record,
    as does a repetition that would show the same figures.
    """
    path = exploration.folder / FINALS_FILE
    openings = read_json(path)["openings"] if path.exists() else []
    # Whatever is derived beside them: the same outcomes are the same window to choose by.
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
            f"{last['winner']!r} was chosen. Seen again for {winner.name!r}, it is one more window "
            "to choose by. Give --again with a reason to do so, on record."
        )
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    opening = {
        "moment": moment,
        "outcomes_sha256": digest,
        "window": window,
        "entries": names,
        "winner": winner.name,
        "reason": again,
    }
    write_json(path, {"openings": [*openings, opening]})


def compare_finals(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Hold the entries seen on the final window against each other."""
    ordered = sorted(results, key=lambda r: (r.part, -r.average_precision[0]))
    return [
        {
            "entry": ours.entry.name,
            "part": ours.part,
            "average_precision": _interval(ours, ours.average_precision),
            "gain_on": {
                theirs.entry.name: _interval(
                    ours, ours.average_precision - theirs.average_precision
                )
                for theirs in ordered
                if theirs.part == ours.part and theirs.entry.name != ours.entry.name
            },
        }
        for ours in ordered
    ]


def _interval(result: Result, drawn: Floats) -> dict[str, float]:
    return expanded_interval(drawn, orders=result.judged["orders"], alpha=ALPHA)._asdict()
