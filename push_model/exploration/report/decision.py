"""Which entry was chosen, by which rule, and what does the final window say of it?"""

import json
from collections.abc import Iterator, Sequence
from math import isnan

from push_model.exploration.report.comparing import (
    Difference,
    compare,
    measure,
    write_gain,
    write_level,
)
from push_model.exploration.report.found import (
    BASELINES,
    FINAL,
    USUAL_TEST,
    USUAL_VALIDATION,
    Explored,
    Found,
    level_of,
    metric_of,
)
from push_model.exploration.report.palette import style_family
from push_model.exploration.report.row_pictures import Row, draw_rows
from push_model.exploration.report.sentences import INTERVALS_NOTE
from push_model.training.card.chart import Picture
from push_model.training.card.sections import Section
from push_model.training.card.shown import UNKNOWN, write_number
from push_model.training.card.tables import Table

# Entries that are drawn; the table below holds all.
SHOWN = 14

# Metric, heading and form of the leaderboard, means over the folds.
MEANS = (
    ("roc_auc", "ROC-AUC", "{:.4f}"),
    ("log_loss", "log loss", "{:.5f}"),
    ("ece", "ECE", "{:.5f}"),
    ("precision_when_pushed", "precision, p > 0.05", "{:.3f}"),
    ("recall_when_pushed", "recall, p > 0.05", "{:.3f}"),
)


def compose_decision(found: Found) -> Section:
    """Say the rule, the standing of every entry, the choice and the claim.

    Parameters
    ----------
    found : Found
        The exploration.

    Returns
    -------
    Section
    """
    rule = str(found.facts.get("rule") or found.choice.get("rule") or UNKNOWN)
    note = INTERVALS_NOTE.format(
        level=100 * (1 - found.alpha), resamples=found.facts.get("resamples") or 0
    )
    return Section(
        "decision",
        "The decision: which entry, and why",
        (
            f"The rule, written before the results: {rule}",
            *_say_choice(found),
            *_say_opening(found),
            note,
        ),
        pictures=(*_draw_standings(found), *_draw_finals(found)),
        tables=(*_tabulate_finals(found), *_tabulate_standings(found)),
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
    best = found.entries.get(str(found.choice.get("best")))
    if best and best.name != chosen.name:
        behind = compare(found, best, chosen, found.folds)
        against = f" The best is {best.name}"
        against += f", by {write_gain(behind.gain)} on the folds." if behind else "."
    else:
        against = " It is the best of all servable entries on the folds, too."
    within = len(found.choice.get("within") or ())
    yield (
        f"Chosen: {chosen.name}, of {within} servable entries that the rule weighs by their "
        f"simplicity.{against} Its parametrisation stands below."
    )
    if other := found.chosen_request_only:
        yield f"Chosen where requests hold no history: {other.name}."


def _say_opening(found: Found) -> Iterator[str]:
    if not found.openings:
        yield "The final window has not been opened."
        return
    first, *again = found.openings
    times = "once" if not again else f"{1 + len(again)} times"
    says = f"The final window was opened {times}, on {first.get('moment', UNKNOWN)}"
    for opening in again:
        says += f", again on {opening.get('moment', UNKNOWN)} ({opening.get('reason') or 'why?'})"
    chosen = found.chosen
    level = measure(found, chosen, [FINAL]) if chosen else None
    if chosen and level:
        low, high = level.low, level.high
        says += f": {chosen.name} has average precision {level.estimate:.4f}"
        says += f" [{low:.4f}, {high:.4f}] there"
    yield f"{says}."
    yield from (f"{difference.sentence()}, in the final window." for difference in _claims(found))


def _claims(found: Found) -> Iterator[Difference]:
    chosen = found.chosen
    for rival in found.finalists if chosen else ():
        difference = compare(found, chosen, rival, [FINAL]) if chosen else None
        if chosen and rival.name != chosen.name and difference:
            yield difference


def _draw_standings(found: Found) -> Iterator[Picture]:
    best = found.ranked[:SHOWN]
    shown = [*best, *(e for e in found.ranked[SHOWN:] if _is_always_shown(found, e))]
    levels = [(entry, measure(found, entry, found.folds)) for entry in shown]
    rows = [
        Row(entry.name, level, f"{level.estimate:.4f}", style_family(entry.family))
        for entry, level in levels
        if level
    ]
    if rows:
        yield draw_rows(
            "standings",
            rows,
            title=f"{rows[0].name} leads on the folds: average precision {rows[0].says}",
            how=f"Mean over {len(found.folds)} folds with its interval: the best "
            f"{len(best)} of {len(found.ranked)} entries, the chosen and the baselines. Colours "
            "are families. Intervals overlap more than differences do: those stand in the table.",
            across="average precision, mean over the folds",
        )


def _draw_finals(found: Found) -> Iterator[Picture]:
    levels = [(entry, measure(found, entry, [FINAL])) for entry in found.finalists]
    rows = [
        Row(entry.name, level, f"{level.estimate:.4f}", style_family(entry.family))
        for entry, level in levels
        if level
    ]
    if rows:
        yield draw_rows(
            "finals",
            rows,
            title=f"{rows[0].name} reaches {rows[0].says} in the final window",
            how="The newest orders, which no choice has seen, with intervals; the chosen first.",
            across="average precision in the final window",
        )


def _is_always_shown(found: Found, entry: Explored) -> bool:
    return entry.family in BASELINES or (found.chosen is not None and entry is found.chosen)


def _tabulate_finals(found: Found) -> Iterator[Table]:
    """List those judged on the final window, and what the chosen has above each."""
    parts = [p for p in (USUAL_VALIDATION, USUAL_TEST, FINAL) if _is_judged(found.finalists, p)]
    rows = tuple(
        (
            entry.name,
            *(write_level(measure(found, entry, [part])) for part in parts),
            write_number(metric_of(entry.results[FINAL], "roc_auc"), "{:.4f}"),
            _final_ece(entry),
            _write_rival(found, entry),
        )
        for entry in found.finalists
    )
    if rows:
        headings = ("entry", *parts, "ROC-AUC, final", "ECE, final", "chosen above it, final")
        yield Table("Finalists: average precision with its interval", headings, rows)


def _final_ece(entry: Explored) -> str:
    if entry.family in BASELINES:
        return UNKNOWN
    return write_number(metric_of(entry.results[FINAL], "ece"), "{:.5f}")


def _is_judged(entries: Sequence[Explored], part: str) -> bool:
    return any(part in entry.results for entry in entries)


def _write_rival(found: Found, entry: Explored) -> str:
    if found.chosen is None or entry.name == found.chosen.name:
        return UNKNOWN
    difference = compare(found, found.chosen, entry, [FINAL])
    return write_gain(difference.gain if difference else None).replace(" [", "\n[")


def _tabulate_standings(found: Found) -> Iterator[Table]:
    best = found.entries.get(str(found.choice.get("best"))) or next(iter(found.ranked), None)
    rows = tuple(_standing(found, entry, best) for entry in found.ranked)
    if rows:
        headings = (
            "entry",
            "AP, folds",
            "behind the best servable",
            "AP, usual validation",
            *(heading for _, heading, _ in MEANS),
            "complexity",
        )
        caption = "Leaderboard: means over the folds, best first; * chosen, † cannot be served"
        yield Table(caption, headings, rows)


def _standing(found: Found, entry: Explored, best: Explored | None) -> tuple[str, ...]:
    behind = compare(found, best, entry, found.folds) if best else None
    is_best = best is not None and entry.name == best.name
    usual = entry.results.get(USUAL_VALIDATION)
    return (
        f"{entry.name}{_mark(found, entry)}",
        write_level(measure(found, entry, found.folds)),
        UNKNOWN if is_best or not behind else write_gain(behind.gain).replace(" [", "\n["),
        write_number(level_of(usual) if usual else None, "{:.4f}"),
        *(_mean(found, entry, metric, form) for metric, _, form in MEANS),
        f"{entry.complexity:,.0f}",
    )


def _mark(found: Found, entry: Explored) -> str:
    if entry is found.chosen:
        return " *"
    return "" if entry.is_servable else " †"


def _mean(found: Found, entry: Explored, metric: str, form: str) -> str:
    if entry.family in BASELINES and metric != "roc_auc":
        return UNKNOWN
    value = found.mean(entry, metric)
    return UNKNOWN if isnan(value) else form.format(value)
