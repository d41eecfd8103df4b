"""Which entry was chosen, by which rule, and what does the final window say of it?"""

import json
from collections.abc import Iterator

from push_model.exploration.report.comparing import compare, write_gain
from push_model.exploration.report.final_window import draw_finals, say_opening, tabulate_finals
from push_model.exploration.report.found import Explored, Found
from push_model.exploration.report.names import name_entry
from push_model.exploration.report.palette import name_family
from push_model.exploration.report.sentences import INTERVALS_NOTE
from push_model.exploration.report.standings import draw_standings, tabulate_standings
from push_model.exploration.report.topics import write_settings
from push_model.reporting.numbers import UNKNOWN
from push_model.reporting.section import Section


def compose_decision(found: Found) -> Section:
    """Say the rule, the standing of every entry, the choice and the claim."""
    rule = str(found.facts.get("rule") or found.choice.get("rule") or UNKNOWN)
    note = INTERVALS_NOTE.format(
        level=100 * (1 - found.alpha), resamples=found.facts.get("resamples") or 0
    )
    return Section(
        "decision",
        "The decision: which entry, and why",
        (
            f"The rule, written before the results of this exploration: {rule}",
            *_say_choice(found),
            *_say_fits(found),
            *say_opening(found),
            note,
        ),
        pictures=(*draw_standings(found), *draw_finals(found)),
        tables=(*tabulate_finals(found), *tabulate_standings(found)),
        command=_write_choice(found),
    )


def _write_choice(found: Found) -> str:
    """Write out what `handler_fit` is to be told, for push_model/training/final_model.py."""
    told = {
        "chosen": found.choice.get("parametrisation"),
        "chosen where requests hold no history": found.choice_request_only.get("parametrisation"),
    }
    return json.dumps({"report": found.report_id, **told}, indent=2) if found.choice else ""


def _say_choice(found: Found) -> Iterator[str]:
    chosen = found.chosen
    if chosen is None:
        yield "Nothing is chosen yet."
        return
    within = len(found.choice.get("within") or ())
    yield (
        f"Chosen: {_introduce(found, chosen)}. It is one of {within} servable entries that the "
        f"rule weighs by their simplicity.{_say_best(found, chosen)}"
    )
    if other := found.chosen_request_only:
        yield f"Chosen where requests hold no history: {_introduce(found, other)}."
    yield "What a fit is told, to train it anew, stands at the end of this section."


def _say_fits(found: Found) -> Iterator[str]:
    """Say what another seed made of the entries that the rule weighs."""
    twice = sorted((e for e in found.entries.values() if e.fits), key=lambda e: -e.fits[0])
    if twice:
        fits = [entry.fits for entry in twice]
        told = "; ".join(
            f"{name_entry(found, entry)} {' and '.join(f'{fit:.4f}' for fit in entry.fits)}"
            for entry in twice
        )
        yield (
            f"Not told from the best, of all or of what reads no history, and so fitted a second "
            f"time with another seed, these have on the folds: {told}. They count with the means "
            f"of both fits, all others with the one they have. The seed alone moved them by up to "
            f"{max(abs(first - second) for first, second in fits):.4f}, which no interval holds."
        )


def _introduce(found: Found, entry: Explored) -> str:
    """Give the short name, and once for the whole report what it stands for."""
    return (
        f'{name_entry(found, entry)}, which is short for the entry "{entry.name}" '
        f"({name_family(entry.family)}; {write_settings(entry)})"
    )


def _say_best(found: Found, chosen: Explored) -> str:
    best = found.entries.get(str(found.choice.get("best")))
    if best is None or best.name == chosen.name:
        return " It is the best of all servable entries on the folds, too."
    behind = compare(found, best, chosen, found.folds)
    above = f", ahead by {write_gain(behind.gain)} on the folds" if behind else ""
    return f' The best is "{name_entry(found, best)}"{above}.'
