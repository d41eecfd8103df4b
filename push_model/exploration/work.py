"""List the fits that are left to do, and do them. Results are their own record of progress."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO

from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from push_model.exploration.choose import find_level
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.measure import fingerprint, measure_entry
from push_model.exploration.fits.protocol import (
    CHOOSING,
    CLAIMING,
    REPEATING,
    Part,
    group_by_fit,
)
from push_model.exploration.fits.result import Result, read_result, result_path
from push_model.exploration.folder import Exploration
from push_model.store.durable import write_json


@dataclass(frozen=True, slots=True)
class Work:
    """One fit that is left to do, and the parts measured with it."""

    entry: Entry
    # All have the same training window.
    parts: tuple[Part, ...]
    # About how long it takes compared with others.
    weight: float


def list_work(exploration: Exploration) -> list[Work]:
    """Return the fits of the folds and the usual validation that are not done."""
    parts = open_parts(exploration)
    return [w for entry in exploration.entries for w in list_missing(exploration, entry, parts)]


def list_left(exploration: Exploration) -> list[str]:
    """Return the slugs of the entries that have fits left to do."""
    return list(dict.fromkeys(work.entry.slug for work in list_work(exploration)))


def list_repeats(exploration: Exploration) -> list[Work]:
    """Return the second fits that are not done, of the entries that are level so far."""
    purposes = (CHOOSING, REPEATING)
    results = read_current(exploration, exploration.entries, purposes=purposes)
    return [
        work
        for entry in find_level(results, folds=exploration.fold_names)
        for work in list_missing(exploration, entry, exploration.repeats)
    ]


def list_missing(exploration: Exploration, entry: Entry, parts: Iterable[Part]) -> list[Work]:
    """Return the fits of an entry that are not done."""
    wanted = [part for part in parts if _find(exploration, entry, part) is None]
    facts = exploration.facts["parts"]
    rows = {Part.from_document(part).train: part["train"]["rows"] for part in facts}
    return [Work(entry, same, _weigh(entry) * rows[same[0].train]) for same in group_by_fit(wanted)]


def do_work(exploration: Exploration, work: Work) -> Work:
    """Train an entry once, measure it on each part, and write the results."""
    with (
        redirect_stdout(StringIO()),  # the trainers' own progress would break ours
        # Another number of threads would change the last bits of sums.
        threadpool_limits(1, user_api="blas"),
    ):
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


def run_all(exploration: Exploration, todo: Iterable[Work], *, jobs: int = 1) -> Iterator[Work]:
    """Do fits, several at once."""
    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    yield from parallel(delayed(do_work)(exploration, work) for work in todo)


def read_current(
    exploration: Exploration, entries: Iterable[Entry], *, purposes: Collection[str]
) -> list[Result]:
    """Read the results of entries on the current rows, protocol, seed, code and versions."""
    known = (*exploration.parts, *exploration.repeats)
    parts = [part for part in known if part.purpose in purposes]
    return [
        replace(result, entry=entry)
        for entry in entries
        for part in parts
        if (result := _find(exploration, entry, part)) is not None
    ]


def open_parts(exploration: Exploration) -> list[Part]:
    """Return all parts but those of the final window."""
    return [part for part in exploration.parts if part.purpose != CLAIMING]


def _find(exploration: Exploration, entry: Entry, part: Part) -> Result | None:
    result = read_result(result_path(exploration.folder, entry.slug, part.slug))
    expected = fingerprint(entry, part, seed=exploration.seed, grounds=exploration.grounds)
    return result if result is not None and result.fingerprint == expected else None


def _weigh(entry: Entry) -> float:
    """Estimate the seconds for a million rows, as two fits at once took them on two cores."""
    if entry.family == "boosted_trees":
        steps = entry.settings.get("leaf_estimation_iterations", 10)
        tree_s = 0.06 + 0.0075 * entry.settings["depth"] + 0.005 * steps
        fits = 2 if entry.treatment == "calibrated" else 1
        return float(entry.settings["iterations"] * tree_s * fits)
    if entry.family == "logistic_regression":
        return 3.0 if entry.settings.get("penalty", "l2") == "l2" else 14.0
    return 16.0 if entry.family == "random_forest" else 9.0
