"""What may be claimed? The finalists in the final window, and what the chosen has above each."""

from collections.abc import Iterator, Sequence

from push_model.exploration.report.comparing import compare, measure, write_gain, write_level
from push_model.exploration.report.found import (
    BASELINES,
    FINAL,
    USUAL_TEST,
    USUAL_VALIDATION,
    Explored,
    Found,
    metric_of,
)
from push_model.exploration.report.names import name_entry
from push_model.exploration.report.row_pictures import draw_rows, level_rows
from push_model.reporting.numbers import UNKNOWN, write_number
from push_model.reporting.picture import Picture
from push_model.reporting.section import Table


def say_opening(found: Found) -> Iterator[str]:
    """Say when the final window was opened, and what the chosen entry reaches there."""
    if not found.openings:
        yield "The final window has not been opened."
        return
    first, *again = found.openings
    times = "once" if not again else f"{1 + len(again)} times"
    says = f"The final window was opened {times} in this exploration, "
    says += f"on {first.get('moment', UNKNOWN)}"
    if first.get("reason"):
        says += f" (not for the first time: {first['reason']})"
    for opening in again:
        says += f", again on {opening.get('moment', UNKNOWN)} ({opening.get('reason') or 'why?'})"
    chosen = found.chosen
    level = measure(found, chosen, [FINAL]) if chosen else None
    if chosen and level:
        says += f": {name_entry(found, chosen)} has average precision {level.estimate:.4f}"
        says += f" [{level.low:.4f}, {level.high:.4f}] there"
    yield f"{says}."


def draw_finals(found: Found) -> Iterator[Picture]:
    """Draw the finalists' average precision in the final window."""
    rows = level_rows(found, found.finalists, [FINAL])
    if rows:
        yield draw_rows(
            "finals",
            rows,
            title=f"{rows[0].name} reaches {rows[0].says} in the final window",
            how="The newest orders, by which nothing was chosen, with intervals; the chosen first.",
            across="average precision in the final window",
        )


def tabulate_finals(found: Found) -> Iterator[Table]:
    """List those judged on the final window, and what the chosen has above each."""
    if not found.finalists:
        return
    yield from _tabulate_claims(found)
    parts = [p for p in (USUAL_VALIDATION, USUAL_TEST, FINAL) if _is_judged(found.finalists, p)]
    rows = tuple(
        (
            name_entry(found, entry),
            *(write_level(measure(found, entry, [part])) for part in parts),
            write_number(metric_of(entry.results[FINAL], "roc_auc"), "{:.4f}"),
            _final_ece(entry),
        )
        for entry in found.finalists
    )
    headings = ("entry", *parts, "ROC-AUC, final", "ECE, final")
    yield Table("Finalists: average precision with its interval", headings, rows)


def _tabulate_claims(found: Found) -> Iterator[Table]:
    chosen = found.chosen
    rivals = [entry for entry in found.finalists if chosen and entry.name != chosen.name]
    compared = [compare(found, chosen, rival, [FINAL]) for rival in rivals if chosen]
    rows = tuple(
        (name_entry(found, told.rival), write_gain(told.gain), told.verdict)
        for told in compared
        if told
    )
    if chosen and rows:
        caption = f"In the final window: what the {name_entry(found, chosen)} has above each"
        headings = ("above", "average precision", "it is")
        yield Table(caption, headings, rows, numeric=False)


def _final_ece(entry: Explored) -> str:
    if entry.family in BASELINES:
        return UNKNOWN
    return write_number(metric_of(entry.results[FINAL], "ece"), "{:.5f}")


def _is_judged(entries: Sequence[Explored], part: str) -> bool:
    return any(part in entry.results for entry in entries)
