"""Rank entries, apply the rule that chooses one, and find those that need a second fit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from push_model.errors import DatasetError
from push_model.evaluation.metrics import Floats
from push_model.evaluation.resampling import expanded_interval
from push_model.evaluation.results import Interval
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.protocol import name_repeat
from push_model.exploration.fits.result import Metrics, Result

# Intervals hold 90 %, as the gate's do.
ALPHA = 0.1

RULE = (
    "Choose the simplest servable entry whose mean average precision over the folds is within one "
    "standard error of the best servable entry's. The error is that of the difference, paired by "
    "order. Training is random too: every entry within the error is trained again with another "
    "seed, and then its mean of both fits counts."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An entry on the leaderboard; all figures are means over the folds."""

    entry: Entry
    average_precision: Interval
    # Its average precision minus the neighbour's, and on how many folds it is above; None without
    # a neighbour.
    gain_on_neighbour: Interval | None
    folds_better: int | None
    # The best servable entry's average precision minus its own; None if it cannot be served.
    behind_best: Interval | None
    is_within_error: bool
    # Average precision there.
    usual_validation: float | None
    means: Metrics
    fit_s: float
    score_us: float
    size_bytes: float
    train_rows: float
    # None unless it is a linear model.
    converged: bool | None

    @property
    def gain(self) -> Interval:
        """Its gain on its neighbour, which it must have."""
        assert self.gain_on_neighbour is not None
        return self.gain_on_neighbour


@dataclass(frozen=True, slots=True)
class Choice:
    """What the rule chose."""

    # The servable entry with the highest mean average precision.
    best: Entry
    # The simplest within one standard error of it.
    chosen: Entry
    # All of those, the simplest first.
    within: tuple[Entry, ...]


def rank(results: Iterable[Result], *, folds: Sequence[str]) -> tuple[Standing, ...]:
    """Return the standings of entries that have a result on every fold, the best first."""
    by_entry: dict[str, dict[str, Result]] = {}
    for result in results:
        by_entry.setdefault(result.entry.name, {})[result.part] = result
    measured = {name: parts for name, parts in by_entry.items() if set(folds) <= parts.keys()}
    drawn = {name: _average_draws(parts, folds) for name, parts in measured.items()}
    best = _find_best(measured, drawn)
    standings = (_stand(name, measured, drawn, best, folds) for name in measured)
    return tuple(
        sorted(standings, key=lambda s: (-s.average_precision.estimate, s.entry.complexity))
    )


def choose(standings: Iterable[Standing]) -> Choice:
    """Apply the rule."""
    within = _list_within(standings)
    if not within:
        raise DatasetError(
            "No servable entry was measured on every fold, so none can be chosen. Run "
            "push-model explore to its end."
        )
    best = max(within, key=lambda s: s.average_precision.estimate)
    return Choice(best.entry, within[0].entry, tuple(s.entry for s in within))


def find_level(results: Iterable[Result], *, folds: Sequence[str]) -> tuple[Entry, ...]:
    """Return the entries statistically tied with the best; they are trained with a second seed."""
    known = list(results)
    level: dict[str, Entry] = {}
    while True:
        counted = average_fits(known, of=level.values())
        within = {
            standing.entry.name: standing.entry
            for some in (counted, keep_plain(counted))
            for standing in _list_within(rank(some, folds=folds))
        }
        is_settled = within.keys() <= level.keys()
        level |= within
        if is_settled or not _have_two_fits(level, known, folds):
            return tuple(level.values())


def average_fits(results: Iterable[Result], *, of: Iterable[Entry]) -> list[Result]:
    """Replace the first fit of some entries by the mean of both."""
    names = {entry.name for entry in of}
    known = {(result.entry.name, result.part): result for result in results}
    seconds = {(entry, name_repeat(part)) for entry, part in known}
    return [
        _average(first, known.get((entry, name_repeat(part)))) if entry in names else first
        for (entry, part), first in known.items()
        if (entry, part) not in seconds
    ]


def keep_plain(results: Iterable[Result]) -> list[Result]:
    """Keep the results of entries that need no history."""
    return [result for result in results if not result.entry.needs_history]


def _list_within(standings: Iterable[Standing]) -> list[Standing]:
    return sorted(
        (standing for standing in standings if standing.is_within_error),
        key=lambda s: (s.entry.complexity, -s.average_precision.estimate),
    )


def _average_draws(parts: Mapping[str, Result], folds: Sequence[str]) -> Floats:
    """Average the folds replicate by replicate: each fold has orders of its own."""
    drawn: Floats = np.mean([parts[fold].average_precision for fold in folds], axis=0)
    return drawn


def _find_best(
    measured: Mapping[str, Mapping[str, Result]], drawn: Mapping[str, Floats]
) -> str | None:
    servable = [name for name, parts in measured.items() if _entry_of(parts).is_servable]
    return max(servable, key=lambda name: float(drawn[name][0]), default=None)


def _stand(
    name: str,
    measured: Mapping[str, Mapping[str, Result]],
    drawn: Mapping[str, Floats],
    best: str | None,
    folds: Sequence[str],
) -> Standing:
    own = [measured[name][fold] for fold in folds]
    orders = sum(result.judged["orders"] for result in own)
    entry, usual = _entry_of(measured[name]), measured[name].get("usual validation")
    neighbour = entry.neighbour if entry.neighbour in measured else None
    lacks = drawn[best] - drawn[name] if best and entry.is_servable else None

    def _mean(field: str) -> float:
        return float(np.mean([getattr(result, field) for result in own]))

    return Standing(
        entry=entry,
        average_precision=_interval(drawn[name], orders),
        gain_on_neighbour=_interval(drawn[name] - drawn[neighbour], orders) if neighbour else None,
        folds_better=_count_better(own, measured[neighbour]) if neighbour else None,
        behind_best=None if lacks is None else _interval(lacks, orders),
        is_within_error=lacks is not None and bool(lacks[0] <= np.nanstd(lacks[1:], ddof=1)),
        usual_validation=None if usual is None else float(usual.average_precision[0]),
        means={group: _average_metrics(own, group) for group in ("all", "new", "returning")},
        fit_s=_mean("fit_s"),
        score_us=_mean("score_us"),
        size_bytes=_mean("size_bytes"),
        train_rows=float(np.mean([result.train["rows"] for result in own])),
        converged=None if own[0].converged is None else all(result.converged for result in own),
    )


def _entry_of(parts: Mapping[str, Result]) -> Entry:
    return next(iter(parts.values())).entry


def _interval(drawn: Floats, orders: int) -> Interval:
    return expanded_interval(drawn, units=orders, alpha=ALPHA)


def _count_better(own: Iterable[Result], neighbour: Mapping[str, Result]) -> int:
    return sum(
        bool(result.average_precision[0] > neighbour[result.part].average_precision[0])
        for result in own
    )


def _average_metrics(results: Sequence[Result], group: str) -> dict[str, float] | None:
    known = [metrics for result in results if (metrics := result.metrics[group]) is not None]
    if len(known) < len(results):
        return None
    return {name: float(np.mean([metrics[name] for metrics in known])) for name in known[0]}


def _have_two_fits(names: Iterable[str], results: Iterable[Result], folds: Sequence[str]) -> bool:
    done = {(result.entry.name, result.part) for result in results}
    return all((name, name_repeat(fold)) in done for name in names for fold in folds)


def _average(first: Result, second: Result | None) -> Result:
    if second is None:
        return first
    both = np.array([first.average_precision, second.average_precision]).mean(axis=0)
    groups = first.metrics
    return replace(
        first,
        draws=tuple(None if np.isnan(each) else float(each) for each in both),
        metrics={group: _average_metrics((first, second), group) for group in groups},
        fit_s=(first.fit_s + second.fit_s) / 2,
        score_us=(first.score_us + second.score_us) / 2,
    )
