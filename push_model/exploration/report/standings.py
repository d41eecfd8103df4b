"""How does every entry stand on the folds? The leaderboard, drawn and in full."""

from collections.abc import Iterator
from math import isnan

from push_model.exploration.report.comparing import compare, measure, write_gain, write_level
from push_model.exploration.report.found import (
    BASELINES,
    USUAL_VALIDATION,
    Explored,
    Found,
    level_of,
)
from push_model.exploration.report.names import name_entry
from push_model.exploration.report.row_pictures import draw_rows, level_rows
from push_model.exploration.report.topics import count_numbers, find_unconverged
from push_model.reporting.numbers import UNKNOWN, write_number
from push_model.reporting.picture import Picture
from push_model.reporting.section import Table

# Entries that are drawn; the table holds all.
SHOWN = 14

# Metric, heading and form of the leaderboard, means over the folds.
MEANS = (
    ("roc_auc", "ROC-AUC", "{:.4f}"),
    ("log_loss", "log loss", "{:.5f}"),
    ("ece", "ECE", "{:.5f}"),
    ("precision_when_pushed", "precision, p > 0.05", "{:.3f}"),
    ("recall_when_pushed", "recall, p > 0.05", "{:.3f}"),
)
MARKS = "* chosen, † cannot be served, ‡ did not converge on every fold"


def draw_standings(found: Found) -> Iterator[Picture]:
    """Draw the best entries, the chosen and the baselines."""
    best = found.ranked[:SHOWN]
    shown = [*best, *(e for e in found.ranked[SHOWN:] if _is_always_shown(found, e))]
    rows = level_rows(found, shown, found.folds)
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


def _is_always_shown(found: Found, entry: Explored) -> bool:
    is_chosen = entry is found.chosen or entry is found.chosen_request_only
    return is_chosen or entry.family in BASELINES


def tabulate_standings(found: Found) -> Iterator[Table]:
    """List every entry that was judged on every fold."""
    best = found.entries.get(str(found.choice.get("best"))) or next(iter(found.ranked), None)
    rows = tuple(_standing(found, entry, best) for entry in found.ranked)
    if rows:
        headings = (
            "entry",
            "AP, folds",
            "behind the best servable",
            "AP, usual validation",
            *(heading for _, heading, _ in MEANS),
            "leaves or weights",
            "needs history",
        )
        yield Table(f"Leaderboard: means over the folds, best first; {MARKS}", headings, rows)


def _standing(found: Found, entry: Explored, best: Explored | None) -> tuple[str, ...]:
    behind = compare(found, best, entry, found.folds) if best else None
    is_best = best is not None and entry.name == best.name
    usual = entry.results.get(USUAL_VALIDATION)
    return (
        f"{name_entry(found, entry)}{_mark(found, entry)}",
        write_level(measure(found, entry, found.folds)),
        UNKNOWN if is_best or not behind else write_gain(behind.gain).replace(" [", "\n["),
        write_number(level_of(usual) if usual else None, "{:.4f}"),
        *(_mean(found, entry, metric, form) for metric, _, form in MEANS),
        f"{count_numbers(entry):,}",
        "yes" if entry.needs_history else "no",
    )


def _mark(found: Found, entry: Explored) -> str:
    marks = (
        (" *", entry is found.chosen),
        (" †", not entry.is_servable),
        (" ‡", bool(find_unconverged(found, entry))),
    )
    return "".join(mark for mark, is_due in marks if is_due)


def _mean(found: Found, entry: Explored, metric: str, form: str) -> str:
    if entry.family in BASELINES and metric != "roc_auc":
        return UNKNOWN
    value = found.mean(entry, metric)
    return UNKNOWN if isnan(value) else form.format(value)
