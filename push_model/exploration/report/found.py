"""What was found? An exploration's entries and results, as the report reads them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from push_model.evaluation.curves import Bin, Curves, Gain, Histogram, Place
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.protocol import CHOOSING
from push_model.exploration.fits.result import Result

USUAL_VALIDATION, USUAL_TEST, FINAL = "usual validation", "usual test", "final"

#: Entries that need no model; every other is compared with them.
POPULARITY, BOUGHT_BEFORE = "popularity", "bought_before"
BASELINES = (POPULARITY, BOUGHT_BEFORE)


def name_part(part: str) -> str:
    """Name a part so that a sentence can speak of it.

    Examples
    --------
    >>> name_part("final"), name_part("fold 4")
    ('final window', 'fold 4')
    """
    return "final window" if part == FINAL else part


@dataclass(frozen=True, kw_only=True)
class Explored(Entry):
    """An entry, and what came of it.

    Attributes
    ----------
    skipped : str
        Why it was not fitted; empty where it was.
    results : mapping of str to Result
        By name of the part; of folds that were fitted twice, the mean.
    fits : tuple of float
        Mean average precision over the folds, fit by fit; empty where there was only one.
    """

    skipped: str = ""
    fits: tuple[float, ...] = ()
    results: Mapping[str, Result] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """An exploration: what was asked, what came out, what was chosen.

    Attributes
    ----------
    facts : mapping
        ``exploration.json``.
    entries : mapping of str to Explored
        By name, in the order of the exploration.
    choice, choice_request_only : mapping
        As ``standings.json`` has them; empty before the choice.
    openings : tuple of mapping
        Of the final window, the first first.
    inspection : mapping
        What was looked at in the chosen model; see `push_model.exploration.report.inspection`.
    search : mapping
        ``search.json``; empty where nothing was searched on these grounds.
    """

    facts: Mapping[str, Any]
    entries: Mapping[str, Explored]
    choice: Mapping[str, Any] = field(default_factory=dict)
    choice_request_only: Mapping[str, Any] = field(default_factory=dict)
    openings: tuple[Mapping[str, Any], ...] = ()
    inspection: Mapping[str, Any] = field(default_factory=dict)
    search: Mapping[str, Any] = field(default_factory=dict)

    @property
    def report_id(self) -> str:
        """A name for what was found: the last day, and a digest of rows, rule and choices."""
        frame = self.facts.get("frame") or {}
        chosen = [c.get("parametrisation") for c in (self.choice, self.choice_request_only)]
        asked = [self.facts.get(name) for name in ("min_items", "seed", "rule")]
        found = [frame.get("sha256"), *asked, chosen]
        digest = sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
        return f"{frame.get('last_day', 'unknown')}-{digest[:8]}"

    @property
    def alpha(self) -> float:
        """Probability that the truth lies outside an interval."""
        return float(self.facts.get("alpha") or 0.1)

    @property
    def folds(self) -> tuple[str, ...]:
        """Parts that entries are chosen by, the oldest first."""
        return tuple(p["name"] for p in self.parts if p.get("purpose") == CHOOSING)

    @property
    def parts(self) -> tuple[Mapping[str, Any], ...]:
        """Windows, as ``exploration.json`` has them."""
        return tuple(self.facts.get("parts") or ())

    @cached_property
    def ranked(self) -> tuple[Explored, ...]:
        """Entries with a result on every fold, the best mean average precision first."""
        full = [e for e in self.entries.values() if self.folds and set(self.folds) <= {*e.results}]
        return tuple(sorted(full, key=lambda entry: (-self.mean(entry), entry.name)))

    @property
    def chosen(self) -> Explored | None:
        """The entry that the selection rule chose; None before the choice."""
        return self.entries.get(str(self.choice.get("chosen")))

    @property
    def chosen_request_only(self) -> Explored | None:
        """The entry chosen where requests hold no history; None where that is the chosen one."""
        name = str(self.choice_request_only.get("chosen"))
        return None if self.chosen and name == self.chosen.name else self.entries.get(name)

    @property
    def leader(self) -> Explored | None:
        """The chosen entry, or the best so far where nothing is chosen yet."""
        return self.chosen or next(iter(self.ranked), None)

    @property
    def telling_part(self) -> str | None:
        """The part that says most of the leader: the final window, or what is nearest to it."""
        wanted = (FINAL, USUAL_TEST, USUAL_VALIDATION, *reversed(self.folds))
        results = self.leader.results if self.leader else {}
        return next((part for part in wanted if part in results), None)

    def baseline(self, family: str) -> Explored | None:
        """Give the entry that needs no model."""
        return next((entry for entry in self.entries.values() if entry.family == family), None)

    @property
    def finalists(self) -> tuple[Explored, ...]:
        """Entries judged on the final window, the chosen first, baselines last."""
        judged = [entry for entry in self.entries.values() if FINAL in entry.results]
        return tuple(sorted(judged, key=self._final_order))

    def mean(self, entry: Explored, metric: str = "average_precision", users: str = "all") -> float:
        """Average a metric over the folds."""
        values = [metric_of(entry.results[fold], metric, users) for fold in self.folds]
        known = [np.nan if value is None else value for value in values]
        return float(np.mean(known)) if known else float("nan")

    def _final_order(self, entry: Explored) -> tuple[bool, bool, float]:
        is_chosen = self.chosen is not None and entry.name == self.chosen.name
        return not is_chosen, entry.family in BASELINES, -level_of(entry.results[FINAL])


def level_of(result: Result) -> float:
    """Give the leading metric of a result."""
    return float(result.average_precision[0])


def metric_of(result: Result, name: str, users: str = "all") -> float | None:
    """Give a metric of a result."""
    return (result.metrics.get(users) or {}).get(name)


def curves_of(result: Result) -> Curves | None:
    """Give the curves of a result."""
    kept = result.curve
    if not kept:
        return None
    return Curves(
        metrics=result.metrics["all"] or {},
        places=tuple(Place(*place) for place in kept["places"]),
        gains=tuple(Gain(**gain) for gain in kept["gains"]),
        reliability=tuple(Bin(**found) for found in kept["reliability"]),
        histogram=Histogram(**{name: tuple(v) for name, v in kept["histogram"].items()}),
    )
