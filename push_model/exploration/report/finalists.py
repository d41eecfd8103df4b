"""How do the finalists rank and promise, on the usual validation and in the final window?"""

from collections.abc import Iterator

from push_model.exploration.report.found import (
    BASELINES,
    FINAL,
    USUAL_VALIDATION,
    Found,
    curves_of,
)
from push_model.exploration.report.names import label_entry
from push_model.exploration.report.palette import style_number
from push_model.exploration.report.sentences import CURVES_NOTE
from push_model.exploration.report.texts import shorten
from push_model.reporting.curves import Line, draw_curves, draw_reliability
from push_model.reporting.picture import Picture
from push_model.reporting.section import Section

# Lines that can be told from each other in one picture.
MOST_LINES = 6


def compose_curves(found: Found) -> Section:
    """Show curves of the finalists."""
    shown = {part: choose_lines(found, part) for part in (USUAL_VALIDATION, FINAL)}
    pictures = [p for part, pairs in shown.items() if pairs for p in _draw(pairs, part)]
    missing = [part for part, pairs in shown.items() if not pairs]
    says = [f"No curve was kept of the {part}." for part in missing]
    return Section(
        "curves",
        "Curves: ranking, lift and honesty",
        (
            CURVES_NOTE,
            *says,
        ),
        pictures=tuple(pictures),
    )


def choose_lines(found: Found, part: str) -> list[tuple[str, Line]]:
    """Choose whose curves are drawn on a part."""
    of_family = {entry.family: entry for entry in reversed(found.ranked)}
    best = [entry for entry in found.ranked if of_family[entry.family] is entry]
    wanted = found.finalists or (*([found.leader] if found.leader else []), *best)
    alone = list(dict.fromkeys(entry.name for entry in wanted))
    judged = [entry for name in alone if part in (entry := found.entries[name]).results]
    pairs = [(entry, curves_of(entry.results[part])) for entry in judged]
    traced = [(entry, curves) for entry, curves in pairs if curves][:MOST_LINES]
    return [
        (
            entry.family,
            Line(shorten(label_entry(found, entry), 44), curves, style_number(number)),
        )
        for number, (entry, curves) in enumerate(traced)
    ]


def _draw(pairs: list[tuple[str, Line]], part: str) -> Iterator[Picture]:
    yield from draw_curves([line for _, line in pairs], where=part)
    if calibrated := [line for family, line in pairs if family not in BASELINES]:
        yield draw_reliability(calibrated, where=part)
