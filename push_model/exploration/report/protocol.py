"""How was it done, on which data, and how is it done again?"""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from push_model.exploration.report.found import USUAL_VALIDATION, Found
from push_model.exploration.report.sentences import COMMANDS, PRIVACY, PROTOCOL_NOTE, USUAL_NOTE
from push_model.reporting.numbers import UNKNOWN, write_number
from push_model.reporting.section import Section, Table
from push_model.training.card.tables import tabulate_facts

COUNTS = ("orders", "rows", "purchases")


def compose_protocol(found: Found) -> Section:
    """Say how the results came about."""
    facts = found.facts
    skipped = [entry for entry in found.entries.values() if entry.skipped]
    says = [f"Not compared: {'; '.join(f'{e.name} ({e.skipped})' for e in skipped)}."] * bool(
        skipped
    )
    waiting = [e for e in found.entries.values() if not e.skipped and e not in found.ranked]
    if waiting:
        says.append(f"{len(waiting)} entries have not been judged on every fold yet.")
    return Section(
        "protocol",
        "Protocol, data, versions, and how to run it again",
        (PROTOCOL_NOTE, *_say_usual(found), *says, PRIVACY),
        tables=(
            _tabulate_parts(found),
            tabulate_facts(
                {"report": found.report_id, **_flatten(facts)},
                caption="Data and settings",
                of="fact",
            ),
            tabulate_facts(
                {"revision": facts.get("git_revision"), **(facts.get("versions") or {})},
                caption="Code and libraries",
                of="part",
            ),
        ),
        command=COMMANDS,
    )


def _say_usual(found: Found) -> Iterator[str]:
    """Say which folds the usual validation window shares its days with."""
    judged = {str(part["name"]): part.get("judged") or {} for part in found.parts}
    usual = judged.get(USUAL_VALIDATION) or {}
    folds = {
        name: window for name in found.folds if (window := judged[name]) and _overlap(window, usual)
    }
    if not folds:
        return
    # Windows of folds follow each other without a gap.
    first = min(window["start"] for window in folds.values())
    last = max(window["end"] for window in folds.values())
    is_inside = first <= usual["start"] and usual["end"] <= last
    yield USUAL_NOTE.format(
        start=usual["start"],
        end=usual["end"],
        lies="lies inside the windows of" if is_inside else "shares days with",
        folds=" and ".join(folds),
    )


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether two windows share a day: dates are written so that they sort as text."""
    ends = [window.get(end) for window in (one, other) for end in ("start", "end")]
    return None not in ends and bool(one["start"] < other["end"] and other["start"] < one["end"])


def _tabulate_parts(found: Found) -> Table:
    rows = tuple(
        (
            str(part["name"]),
            str(part.get("purpose") or UNKNOWN),
            *_window(part.get("train") or {}),
            *_window(part.get("judged") or {}),
        )
        for part in found.parts
    )
    ends = ("from", "until before", *COUNTS)
    headings = ("part", "purpose", *(f"{what}: {e}" for what in ("learnt", "judged") for e in ends))
    return Table("Windows of whole orders", headings, rows)


def _window(window: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(window.get(end) or UNKNOWN) for end in ("start", "end"))
    yield from (write_number(window.get(count), "{:,}") for count in COUNTS)


def _flatten(facts: Mapping[str, Any]) -> dict[str, str]:
    """Put the facts of the dataset and of the kept rows into one list."""
    kept = {k: v for k, v in (facts.get("frame") or {}).items() if k != "columns"}
    dataset = dict(facts.get("dataset") or {})
    if uri := dataset.get("uri"):
        # Where it lay is nobody's business who reads the report, and changes with the machine.
        dataset["uri"] = PurePath(urlsplit(str(uri)).path).name
    found = {
        **{f"dataset: {name}": value for name, value in dataset.items()},
        **{f"large orders: {name}": value for name, value in kept.items()},
        **{name: facts.get(name) for name in ("min_items", "until", "size", "seed", "resamples")},
    }
    return {name.replace("_", " "): write_number(v, "{:,}") for name, v in found.items()}
