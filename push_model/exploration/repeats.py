"""Does another seed tell level entries apart? Those that the rule weighs are fitted once more."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from push_model.exploration.choose import list_within, rank
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.protocol import CHOOSING, REPEATING, name_repeat
from push_model.exploration.fits.result import Result
from push_model.exploration.folder import Exploration
from push_model.exploration.work import Work, list_missing, read_current

ByUsers = Mapping[str, Mapping[str, float] | None]


def list_repeats(exploration: Exploration) -> list[Work]:
    """List the second fits that are not done, of the entries that the rule weighs so far."""
    purposes = (CHOOSING, REPEATING)
    results = read_current(exploration, exploration.entries, purposes=purposes)
    return [
        work
        for entry in weigh(results, folds=exploration.fold_names)
        for work in list_missing(exploration, entry, exploration.repeats)
    ]


def weigh(results: Iterable[Result], *, folds: Sequence[str]) -> tuple[Entry, ...]:
    """Find the entries that are not to be told from the best, and are to be fitted twice."""
    known = list(results)
    weighed: dict[str, Entry] = {}
    while True:
        counted = average(known, of=weighed.values())
        within = {
            standing.entry.name: standing.entry
            for some in (counted, keep_plain(counted))
            for standing in list_within(rank(some, folds=folds))
        }
        is_settled = within.keys() <= weighed.keys()
        weighed |= within
        if is_settled or not _are_fitted_twice(weighed, known, folds):
            return tuple(weighed.values())


def average(results: Iterable[Result], *, of: Iterable[Entry]) -> list[Result]:
    """Put the mean of both fits in the place of the first."""
    names = {entry.name for entry in of}
    known = {(result.entry.name, result.part): result for result in results}
    seconds = {(entry, name_repeat(part)) for entry, part in known}
    return [
        _mean(first, known.get((entry, name_repeat(part)))) if entry in names else first
        for (entry, part), first in known.items()
        if (entry, part) not in seconds
    ]


def keep_plain(results: Iterable[Result]) -> list[Result]:
    """Keep the results of entries that a plain request can feed."""
    return [result for result in results if not result.entry.needs_history]


def _are_fitted_twice(
    names: Iterable[str], results: Iterable[Result], folds: Sequence[str]
) -> bool:
    done = {(result.entry.name, result.part) for result in results}
    return all((name, name_repeat(fold)) in done for name in names for fold in folds)


def _mean(first: Result, second: Result | None) -> Result:
    if second is None:
        return first
    both = np.array([first.average_precision, second.average_precision]).mean(axis=0)
    return replace(
        first,
        draws=tuple(None if np.isnan(each) else float(each) for each in both),
        metrics=_mean_metrics(first.metrics, second.metrics),
        fit_s=(first.fit_s + second.fit_s) / 2,
        score_us=(first.score_us + second.score_us) / 2,
    )


def _mean_metrics(first: ByUsers, second: ByUsers) -> ByUsers:
    return {
        users: None
        if ours is None or (theirs := second[users]) is None
        else {name: _mean_value(value, theirs[name]) for name, value in ours.items()}
        for users, ours in first.items()
    }


def _mean_value(first: float, second: float) -> float:
    """Average; what both count alike stays a whole number."""
    return first if first == second else (first + second) / 2
