"""How does an exploration get done? Fit by fit, resumable, the same on one machine or many."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from push_model.exploration.choose import Choice, Standing, choose, rank
from push_model.exploration.entry import Entry
from push_model.exploration.finals import choose_finalists, compare_finals, record_opening
from push_model.exploration.folder import Exploration, open_exploration, start_exploration
from push_model.exploration.measure import fingerprint, measure_entry
from push_model.exploration.protocol import CHOOSING, CLAIMING, COMPARING, Part, group_by_fit
from push_model.exploration.result import Result, read_result, result_path, write_json
from push_model.training.orders import MIN_ITEMS

STANDINGS_FILE = "standings.json"
REPORT = "push_model.exploration.report"


@dataclass(frozen=True, slots=True)
class Work:
    """One fit that is still to be done, and the parts judged with it.

    Attributes
    ----------
    entry : Entry
        What is fitted.
    parts : tuple of Part
        All learn from the same rows.
    weight : float
        About how long it takes beside others.
    """

    entry: Entry
    parts: tuple[Part, ...]
    weight: float


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
        The page written, if this installation writes one.
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
) -> list[str]:
    """Start or resume an exploration, and say which entries have anything left to do.

    Parameters
    ----------
    folder : Path
        The exploration folder.
    dataset : str
        Path or URI of a feature frame.
    size : str
        ``"small"`` or ``"full"``.
    min_items : int
        Items bought that make an order large.
    until : date, optional
        Last day to read; today (UTC) by default.
    seed : int
        Seed of everything random.

    Returns
    -------
    list of str
        Slugs, each for one `run_entry`; they may run at once, on any machine that sees `folder`.
    """
    until = until or datetime.now(UTC).date()
    exploration = start_exploration(
        folder, dataset, size=size, min_items=min_items, until=until, seed=seed
    )
    return list(dict.fromkeys(work.entry.slug for work in list_work(exploration)))


def list_work(exploration: Exploration) -> list[Work]:
    """List the fits of the folds and the usual validation that are not done.

    Parameters
    ----------
    exploration : Exploration
        Opened.

    Returns
    -------
    list of Work
        The order of the entries; small train windows first.
    """
    parts = _open_parts(exploration)
    return [w for entry in exploration.entries for w in list_missing(exploration, entry, parts)]


def list_missing(exploration: Exploration, entry: Entry, parts: Iterable[Part]) -> list[Work]:
    """List the fits of an entry that are not done.

    Parameters
    ----------
    exploration : Exploration
        Opened.
    entry : Entry
        Any, in the exploration or not.
    parts : iterable of Part
        Where it is wanted.

    Returns
    -------
    list of Work
        Small train windows first.
    """
    wanted = [part for part in parts if _find(exploration, entry, part) is None]
    rows = {part["name"]: part["train"]["rows"] for part in exploration.facts["parts"]}
    return [Work(entry, same, _weigh(entry) * rows[same[0].name]) for same in group_by_fit(wanted)]


def run_entry(folder: Path, slug: str) -> None:
    """Do what is left to do of an entry.

    Parameters
    ----------
    folder : Path
        The exploration folder.
    slug : str
        From `plan`.
    """
    exploration = open_exploration(folder)
    for work in list_missing(exploration, exploration.find(slug), _open_parts(exploration)):
        do_work(exploration, work)


def run_all(exploration: Exploration, todo: Iterable[Work], *, jobs: int = 1) -> Iterator[Work]:
    """Do fits, several at once.

    Parameters
    ----------
    exploration : Exploration
        Opened.
    todo : iterable of Work
        From `list_work`.
    jobs : int
        Processes; each holds the rows once, and a fit of trees uses two threads.

    Yields
    ------
    Work
        Each when it is done.
    """
    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    yield from parallel(delayed(do_work)(exploration, work) for work in todo)


def do_work(exploration: Exploration, work: Work) -> Work:
    """Fit an entry once, judge it on each part, and write the results down.

    Parameters
    ----------
    exploration : Exploration
        Opened.
    work : Work
        From `list_work`.

    Returns
    -------
    Work
        The same.
    """
    with redirect_stdout(StringIO()):  # trainers' own progress, which would break ours
        measured = measure_entry(
            work.entry,
            exploration.read_rows(),
            work.parts,
            seed=exploration.seed,
            grounds=exploration.grounds,
        )
    for part, result in zip(work.parts, measured.results, strict=True):
        path = result_path(exploration.folder, work.entry.slug, part.slug)
        if part.purpose == CLAIMING and measured.document is not None:
            write_json(path.with_suffix(".model.json"), measured.document)
        write_json(path, result.document())
    return work


def finish(folder: Path, *, again: str | None = None) -> Outcome:
    """Choose by the rule, open the final window for the chosen, and write the report.

    Parameters
    ----------
    folder : Path
        The exploration folder, every entry done.
    again : str, optional
        Why the final window may be opened a second time.

    Returns
    -------
    Outcome

    Raises
    ------
    InvalidEventError
        If the final window was opened before for another choice, and `again` is not given.
    """
    exploration = open_exploration(folder)
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
    return replace(outcome, report=_write_report(folder))


def sum_up(exploration: Exploration) -> Outcome:
    """Rank what has been measured so far, and apply the rule.

    Parameters
    ----------
    exploration : Exploration
        Opened.

    Returns
    -------
    Outcome

    Raises
    ------
    DatasetError
        If no servable entry was judged on every fold.
    """
    results = read_current(exploration, exploration.entries, purposes=(CHOOSING, COMPARING))
    folds = [part.name for part in exploration.folds]
    plain = [result for result in results if not result.entry.needs_history]
    standings = rank(results, folds=folds)
    return Outcome(standings, choose(standings), choose(rank(plain, folds=folds)))


def read_current(
    exploration: Exploration, entries: Iterable[Entry], *, purposes: Collection[str]
) -> list[Result]:
    """Read the results that belong to these rows, this protocol, seed and these entries.

    Parameters
    ----------
    exploration : Exploration
        Opened.
    entries : iterable of Entry
        Whose results.
    purposes : collection of str
        Of the parts wanted.

    Returns
    -------
    list of Result
        Under the names and questions that the entries have now.
    """
    parts = [part for part in exploration.parts if part.purpose in purposes]
    return [
        replace(result, entry=entry)
        for entry in entries
        for part in parts
        if (result := _find(exploration, entry, part)) is not None
    ]


def _open_parts(exploration: Exploration) -> list[Part]:
    """Give the parts that are for everybody: all but the final window."""
    return [part for part in exploration.parts if part.purpose != CLAIMING]


def _find(exploration: Exploration, entry: Entry, part: Part) -> Result | None:
    result = read_result(result_path(exploration.folder, entry.slug, part.slug))
    expected = fingerprint(entry, part, seed=exploration.seed, grounds=exploration.grounds)
    return result if result is not None and result.fingerprint == expected else None


def _weigh(entry: Entry) -> float:
    """Guess seconds for a million rows, from the run in docs/exploration.md."""
    if entry.family == "boosted_trees":
        asked = entry.settings["iterations"] * (2 + entry.settings["depth"]) / 50
        return float(asked * (2 if entry.treatment == "calibrated" else 1))
    return {"random_forest": 25.0, "logistic_regression": 8.0}.get(entry.family, 5.0)


def _write_report(folder: Path) -> Path | None:
    """Write the report where the code that draws it is installed."""
    if find_spec(REPORT) is None:
        return None
    path: Path = import_module(REPORT).write_report(folder)
    return path
