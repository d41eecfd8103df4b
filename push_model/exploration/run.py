"""How does an exploration get done? Fit by fit, resumable, the same on one machine or many."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from push_model.exploration.choose import Choice, Standing, choose, rank
from push_model.exploration.finals import choose_finalists, compare_finals, record_opening
from push_model.exploration.fits.protocol import CHOOSING, CLAIMING, COMPARING, REPEATING
from push_model.exploration.fits.result import write_json
from push_model.exploration.folder import Exploration, open_exploration
from push_model.exploration.repeats import average, keep_plain, list_repeats, weigh
from push_model.exploration.report import write_report
from push_model.exploration.search import Report, search
from push_model.exploration.start import start_exploration
from push_model.exploration.work import (
    Work,
    do_work,
    list_missing,
    list_work,
    open_parts,
    read_current,
)
from push_model.training.data.orders import MIN_ITEMS
from push_model.training.data.provenance import DatasetFacts

STANDINGS_FILE = "standings.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an exploration ended.

    Attributes
    ----------
    standings : tuple of Standing
        Of all entries, the best first.
    choice, choice_request_only : Choice
        Of all entries, and of those that a plain request can feed.
    claims : list of dict
        What the final window says of the chosen and those beside it; empty before it was opened.
    report : Path or None
        The page written; None before it was.
    """

    standings: tuple[Standing, ...]
    choice: Choice
    choice_request_only: Choice
    claims: list[dict[str, Any]] = field(default_factory=list)
    report: Path | None = None

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data."""
        return {
            "standings": [standing.document() for standing in self.standings],
            "choice": self.choice.document(),
            "choice_request_only": self.choice_request_only.document(),
            "final": self.claims,
        }


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
    """Start or resume an exploration, and say which entries have anything left to do."""
    until = until or datetime.now(UTC).date()
    exploration = start_exploration(
        folder, dataset, size=size, min_items=min_items, until=until, seed=seed, source=source
    )
    return _slugs_left(exploration)


def find_more(folder: Path, *, trials: int, report_progress: Report | None = None) -> list[str]:
    """Search for better trees, and say which of the found entries have anything left to do."""
    if trials > 0:
        search(folder, trials=trials, report_progress=report_progress)
    return _slugs_left(open_exploration(folder))


def run_entry(folder: Path, slug: str) -> None:
    """Do what is left to do of an entry."""
    exploration = open_exploration(folder)
    for work in list_missing(exploration, exploration.find(slug), open_parts(exploration)):
        do_work(exploration, work)


def run_all(exploration: Exploration, todo: Iterable[Work], *, jobs: int = 1) -> Iterator[Work]:
    """Do fits, several at once."""
    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    yield from parallel(delayed(do_work)(exploration, work) for work in todo)


def finish(folder: Path, *, again: str | None = None) -> Outcome:
    """Fit again what is level, choose by the rule, open the final window, and write the report."""
    exploration = open_exploration(folder)
    while repeats := list_repeats(exploration):
        for work in repeats:
            do_work(exploration, work)
    outcome = sum_up(exploration)
    choices = (outcome.choice, outcome.choice_request_only)
    entries = [standing.entry for standing in outcome.standings]
    finalists = choose_finalists(choices, entries)
    winner = outcome.choice.chosen
    record_opening(exploration, finalists, winner=winner, again=again)
    chosen = {choice.chosen.name for choice in choices}
    for entry in finalists:
        wanted = {"final", "usual test"} if entry.name in chosen else {"final"}
        parts = [part for part in exploration.parts if part.name in wanted]
        for work in list_missing(exploration, entry, parts):
            do_work(exploration, work)
    claims = compare_finals(read_current(exploration, finalists, purposes=(CLAIMING,)))
    outcome = replace(outcome, claims=claims)
    write_json(folder / STANDINGS_FILE, outcome.document())
    return replace(outcome, report=write_report(folder))


def sum_up(exploration: Exploration) -> Outcome:
    """Rank what has been measured so far, and apply the rule."""
    purposes = (CHOOSING, REPEATING, COMPARING)
    results = read_current(exploration, exploration.entries, purposes=purposes)
    folds = exploration.fold_names
    counted = average(results, of=weigh(results, folds=folds))
    standings, plain = (rank(some, folds=folds) for some in (counted, keep_plain(counted)))
    return Outcome(standings, choose(standings), choose(plain))


def _slugs_left(exploration: Exploration) -> list[str]:
    return list(dict.fromkeys(work.entry.slug for work in list_work(exploration)))
