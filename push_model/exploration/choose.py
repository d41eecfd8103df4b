"""Which entry is best, and which is chosen? A leaderboard, and a rule older than its results."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from push_model.errors import DatasetError
from push_model.evaluation.metrics import Floats
from push_model.evaluation.resampling import expanded_interval
from push_model.evaluation.results import Interval
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.pipelines import request_of
from push_model.exploration.fits.result import Result

# Intervals hold 90 %, as the gate's do.
ALPHA = 0.1

RULE = (
    "The simplest servable entry whose mean average precision over the folds is within one "
    "standard error of the best servable entry's, the error being that of the difference, paired "
    "by order. Training draws at random, too: what is within it is fitted once more with another "
    "seed, until the means of both fits let nothing else in, and these means decide."
)


class Behind(NamedTuple):
    """What an entry lacks of the best servable one, and the standard error of that."""

    estimate: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An entry on the leaderboard.

    Attributes
    ----------
    entry : Entry
        Whose figures these are.
    folds : tuple of float
        Average precision on each fold.
    average_precision : Interval
        Its mean over the folds.
    gain_on_neighbour : Interval or None
        The mean, less the neighbour's on the same orders; None where it has none here.
    behind_best : Behind or None
        None for what cannot be served.
    usual_validation : float or None
        Average precision there.
    means : mapping of str to mapping or None
        Mean metrics over the folds, of ``"all"``, ``"new"`` and ``"returning"``.
    fit_s, score_us, size_bytes, inputs : float
        Means over the folds.
    """

    entry: Entry
    folds: tuple[float, ...]
    average_precision: Interval
    gain_on_neighbour: Interval | None
    behind_best: Behind | None
    usual_validation: float | None
    means: Mapping[str, Mapping[str, float] | None]
    fit_s: float
    score_us: float
    size_bytes: float
    inputs: float

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data."""
        costs = {name: getattr(self, name) for name in _COSTS}
        gain, behind = self.gain_on_neighbour, self.behind_best
        return {
            "entry": self.entry.document(),
            "folds": list(self.folds),
            "average_precision": self.average_precision._asdict(),
            "gain_on_neighbour": gain and gain._asdict(),
            "behind_best": behind and behind._asdict(),
            "usual_validation": self.usual_validation,
            "means": self.means["all"],
            "new": self.means["new"],
            "returning": self.means["returning"],
            **costs,
        }


_COSTS = ("fit_s", "score_us", "size_bytes", "inputs")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the rule chose.

    Attributes
    ----------
    best : Entry
        The servable entry with the highest mean average precision.
    chosen : Entry
        The simplest within one standard error of it.
    within : tuple of Entry
        All of those, the simplest first.
    """

    best: Entry
    chosen: Entry
    within: tuple[Entry, ...]

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data."""
        return {
            "rule": RULE,
            "best": self.best.name,
            "chosen": self.chosen.name,
            "within": [entry.name for entry in self.within],
            "parametrisation": request_of(self.chosen),
        }


def rank(results: Iterable[Result], *, folds: Sequence[str]) -> tuple[Standing, ...]:
    """Put entries that were judged on every fold in order."""
    by_entry: dict[str, dict[str, Result]] = {}
    for result in results:
        by_entry.setdefault(result.entry.name, {})[result.part] = result
    judged = {name: parts for name, parts in by_entry.items() if set(folds) <= parts.keys()}
    drawn = {name: _mean_draws(parts, folds) for name, parts in judged.items()}
    best = _find_best(judged, drawn)
    standings = (_stand(name, judged, drawn, best, folds) for name in judged)
    return tuple(
        sorted(standings, key=lambda s: (-s.average_precision.estimate, s.entry.complexity))
    )


def choose(standings: Iterable[Standing]) -> Choice:
    """Apply the rule."""
    within = list_within(standings)
    if not within:
        raise DatasetError(
            "No servable entry was judged on every fold, so that none can be chosen. Let "
            "push-model explore finish."
        )
    best = max(within, key=lambda s: s.average_precision.estimate)
    return Choice(best.entry, within[0].entry, tuple(s.entry for s in within))


def list_within(standings: Iterable[Standing]) -> list[Standing]:
    """List what the rule weighs."""
    return sorted(
        (s for s in standings if (b := s.behind_best) and b.estimate <= b.standard_error),
        key=lambda s: (s.entry.complexity, -s.average_precision.estimate),
    )


def _mean_draws(parts: Mapping[str, Result], folds: Sequence[str]) -> Floats:
    """Average the folds draw by draw: their orders are different ones, drawn independently."""
    drawn: Floats = np.mean([parts[fold].average_precision for fold in folds], axis=0)
    return drawn


def _find_best(
    judged: Mapping[str, Mapping[str, Result]], drawn: Mapping[str, Floats]
) -> str | None:
    servable = [name for name, parts in judged.items() if _entry_of(parts).is_servable]
    return max(servable, key=lambda name: float(drawn[name][0]), default=None)


def _stand(
    name: str,
    judged: Mapping[str, Mapping[str, Result]],
    drawn: Mapping[str, Floats],
    best: str | None,
    folds: Sequence[str],
) -> Standing:
    own = [judged[name][fold] for fold in folds]
    orders = sum(result.judged["orders"] for result in own)
    entry, usual = _entry_of(judged[name]), judged[name].get("usual validation")
    neighbour = drawn.get(entry.neighbour or "")
    gain = None if neighbour is None else drawn[name] - neighbour
    lacks = drawn[best] - drawn[name] if best and entry.is_servable else None
    return Standing(
        entry=entry,
        folds=tuple(float(result.average_precision[0]) for result in own),
        average_precision=expanded_interval(drawn[name], orders=orders, alpha=ALPHA),
        gain_on_neighbour=(
            None if gain is None else expanded_interval(gain, orders=orders, alpha=ALPHA)
        ),
        behind_best=None if lacks is None else Behind(float(lacks[0]), _standard_error(lacks)),
        usual_validation=None if usual is None else float(usual.average_precision[0]),
        means={group: _mean_metrics(own, group) for group in ("all", "new", "returning")},
        **{cost: float(np.mean([getattr(result, cost) for result in own])) for cost in _COSTS},
    )


def _entry_of(parts: Mapping[str, Result]) -> Entry:
    return next(iter(parts.values())).entry


def _standard_error(drawn: Floats) -> float:
    return float(np.nanstd(drawn[1:], ddof=1))


def _mean_metrics(results: Sequence[Result], group: str) -> dict[str, float] | None:
    known = [metrics for result in results if (metrics := result.metrics[group]) is not None]
    if len(known) < len(results):
        return None
    return {name: float(np.mean([metrics[name] for metrics in known])) for name in known[0]}
