"""Run an exploration: plan it, measure its entries, choose one, and open the final window."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from push_model.columns import MIN_ITEMS
from push_model.errors import DatasetError
from push_model.exploration.choose import (
    ALPHA,
    RULE,
    average_fits,
    choose,
    find_level,
    keep_plain,
    rank,
)
from push_model.exploration.entries.all import choose_entries
from push_model.exploration.entries.entry import Entry
from push_model.exploration.final_window import (
    Outcome,
    choose_finalists,
    compare_finals,
    find_in_use,
    record_opening,
    write_outcome,
)
from push_model.exploration.fits.measure import RESAMPLES
from push_model.exploration.fits.protocol import (
    CHOOSING,
    CLAIMING,
    COMPARING,
    REPEATING,
    Part,
    count,
    name_repeat,
    plan_parts,
)
from push_model.exploration.fits.result import FORMAT, Result
from push_model.exploration.folder import (
    FACTS_FILE,
    ROWS_FILE,
    Exploration,
    digest_rows,
    open_exploration,
)
from push_model.exploration.report.found import gather
from push_model.exploration.report.inspection import inspect_chosen
from push_model.exploration.report.pages import write_report
from push_model.exploration.work import (
    do_work,
    list_left,
    list_missing,
    list_repeats,
    open_parts,
    read_current,
)
from push_model.store.durable import write_json
from push_model.training.data.files import DatasetFacts
from push_model.training.data.frames import write_parquet
from push_model.training.data.history import KEYS, with_history
from push_model.training.fit import read_large_orders
from push_model.training.versions import code_digest, git_revision, library_versions


def plan(
    folder: Path,
    dataset: str,
    *,
    size: str = "full",
    min_items: int = MIN_ITEMS,
    until: date | None = None,
    seed: int = 0,
    source: DatasetFacts | None = None,
) -> list[str]:
    """Start or continue an exploration, and return the slugs of entries with fits left to do."""
    entries = choose_entries(size)
    until = until or datetime.now(UTC).date()
    source, frame = _read_frame(dataset, min_items=min_items, until=until, source=source)
    asked = {"min_items": min_items, "until": str(until), "size": size, "seed": seed}
    facts = {"dataset": source.document(), **asked, **_lay_out(frame, entries)}
    folder.mkdir(parents=True, exist_ok=True)
    write_parquet(frame, folder / ROWS_FILE, facts={})
    write_json(folder / FACTS_FILE, facts)
    return list_left(Exploration(folder, facts))


def run_entry(folder: Path, slug: str) -> None:
    """Do the fits of an entry that are left."""
    exploration = open_exploration(folder)
    for work in list_missing(exploration, exploration.find(slug), open_parts(exploration)):
        do_work(exploration, work)


def finish(folder: Path, *, again: str | None = None) -> tuple[Outcome, Path]:
    """Refit tied entries, choose, open the final window; return the outcome and the report."""
    exploration = open_exploration(folder)
    while repeats := list_repeats(exploration):
        for work in repeats:
            do_work(exploration, work)
    outcome = sum_up(exploration)
    choices = (outcome.choice, outcome.choice_request_only)
    finalists = choose_finalists(choices, [standing.entry for standing in outcome.standings])
    record_opening(exploration, finalists, winner=outcome.choice.chosen, again=again)
    chosen = {choice.chosen.name for choice in choices}
    for entry in finalists:
        wanted = {"final", "usual test"} if entry.name in chosen else {"final"}
        parts = [part for part in exploration.parts if part.name in wanted]
        for work in list_missing(exploration, entry, parts):
            do_work(exploration, work)
    results = read_current(exploration, finalists, purposes=(CLAIMING,))
    outcome = replace(outcome, claims=compare_finals(results))
    write_outcome(folder, outcome)
    inspection = inspect_chosen(exploration, outcome.choice.chosen)
    return outcome, write_report(folder, gather(exploration, outcome, results, inspection))


def sum_up(exploration: Exploration) -> Outcome:
    """Rank what was measured so far, and apply the rule."""
    purposes = (CHOOSING, REPEATING, COMPARING)
    results = read_current(exploration, exploration.entries, purposes=purposes)
    folds = exploration.fold_names
    level = find_level(results, folds=folds)
    counted = average_fits(results, of=level)
    standings, plain = (rank(some, folds=folds) for some in (counted, keep_plain(counted)))
    return Outcome(
        standings,
        choose(standings),
        choose(plain),
        fits=_average_each_fit(results, level, folds),
        in_use=tuple(entry.name for entry in find_in_use(exploration.entries)),
    )


def _average_each_fit(
    results: Iterable[Result], level: Iterable[Entry], folds: Iterable[str]
) -> dict[str, tuple[float, float]]:
    """Average both fits of level entries over the folds."""
    known = {(r.entry.name, r.part): float(r.average_precision[0]) for r in results}
    names = [[fold, name_repeat(fold)] for fold in folds]
    return {
        entry.name: (
            fmean(known[entry.name, first] for first, _ in names),
            fmean(known[entry.name, second] for _, second in names),
        )
        for entry in level
        if all((entry.name, name) in known for both in names for name in both)
    }


def _read_frame(
    dataset: str, *, min_items: int, until: date, source: DatasetFacts | None
) -> tuple[DatasetFacts, pd.DataFrame]:
    return read_large_orders(
        dataset,
        min_items=min_items,
        until=until,
        derive=lambda rows: with_history(rows, by=[*KEYS], has_cadence=True),
        source=source,
    )


def _lay_out(frame: pd.DataFrame, entries: Iterable[Entry]) -> dict[str, Any]:
    """Return the rows, windows, entries and settings of an exploration, and what made it."""
    return {
        "format": FORMAT,
        "frame": _describe_frame(frame),
        "parts": [_describe_part(part, frame) for part in plan_parts(frame)],
        "entries": [entry.document() for entry in entries],
        "resamples": RESAMPLES,
        "alpha": ALPHA,
        "rule": RULE,
        "versions": library_versions(),
        "code": code_digest(without="exploration/report"),
        "git_revision": git_revision(),
    }


def _describe_frame(frame: pd.DataFrame) -> dict[str, Any]:
    days = frame["order_date"].dt.date
    return {
        "sha256": digest_rows(frame),
        "outcomes_sha256": digest_rows(frame[["order_id", "variant_id", "outcome"]]),
        "rows": len(frame),
        "orders": int(frame["order_id"].nunique()),
        "users": int(frame["user_id"].nunique()),
        "products": int(frame["variant_id"].nunique()),
        "purchases": int(frame["outcome"].sum()),
        "first_day": str(days.min()),
        "last_day": str(days.max()),
        "columns": list(frame.columns),
        "orders_with_whole_history": _share_with_whole_history(frame),
    }


def _share_with_whole_history(frame: pd.DataFrame) -> float:
    """Return the share of orders with all earlier orders in the frame."""
    orders = frame.drop_duplicates("order_id")
    return float((orders["earlier_orders"] == orders["user_order_seq"] - 1).mean())


def _describe_part(part: Part, frame: pd.DataFrame) -> dict[str, Any]:
    document = part.document()
    for name in ("train", "judged"):
        window = getattr(part, name)
        counted = count(frame, window)
        if counted["purchases"] in {0, counted["rows"]}:
            raise DatasetError(
                f"The {name} window of {part.name} ({window}) has {counted['purchases']} purchases "
                f"in {counted['rows']} rows; it needs both bought and unbought candidates. "
                "Use a longer history."
            )
        document[name] |= counted
    return document
