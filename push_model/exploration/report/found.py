"""What was found? An exploration's entries and results, as the report reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

USUAL_VALIDATION, USUAL_TEST, FINAL = "usual validation", "usual test", "final"
CHOOSING = "choosing"

#: Entries that need no model; every other is compared with them.
POPULARITY, BOUGHT_BEFORE = "popularity", "bought_before"
BASELINES = (POPULARITY, BOUGHT_BEFORE)


def name_part(part: str) -> str:
    """Name a part so that a sentence can speak of it.

    Parameters
    ----------
    part : str
        As results have it.

    Returns
    -------
    str

    Examples
    --------
    >>> name_part("final"), name_part("fold 4")
    ('final window', 'fold 4')
    """
    return "final window" if part == FINAL else part


@dataclass(frozen=True, slots=True)
class Result:
    """One entry, fitted and judged on one part.

    Attributes
    ----------
    train, judged : mapping of str to int
        ``"rows"``, ``"orders"``, ``"purchases"``.
    metrics : mapping of str to mapping
        Of ``"all"``, ``"new"`` and ``"returning"`` users, as
        `push_model.training.metrics.Metrics` names them; None where they could not be measured.
    draws : ndarray of shape (1 + resamples,)
        Average precision on the orders as they are, then on each draw of them.
    fit_s, score_us : float
        Seconds of the fit; microseconds to score a row.
    size_bytes, inputs : int
        Of the model; what it reads of a row.
    facts : mapping
        ``"coefficients"``, ``"importances"`` and ``"calibration"``.
    curve : mapping
        ``"precision_recall"``, ``"roc"``, ``"reliability"``, ``"lift"``; empty where not kept.
    """

    train: Mapping[str, int]
    judged: Mapping[str, int]
    metrics: Mapping[str, Mapping[str, float] | None]
    draws: Floats
    fit_s: float
    score_us: float
    size_bytes: int
    inputs: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    curve: Mapping[str, Any] = field(default_factory=dict)

    @property
    def average_precision(self) -> float:
        """The leading metric, over all users."""
        return float(self.draws[0])

    def metric(self, name: str, users: str = "all") -> float | None:
        """Give a metric, or None where it was not measured.

        Parameters
        ----------
        name : str
            As `push_model.training.metrics.Metrics` names it.
        users : str
            ``"all"``, ``"new"`` or ``"returning"``.

        Returns
        -------
        float or None
        """
        return (self.metrics.get(users) or {}).get(name)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was compared: a family with its settings and columns, and why.

    Attributes
    ----------
    name, slug, question, family, features, treatment : str
        What it is called, in a file's name too; what it answers; what it is made of.
    settings : mapping
        Hyper-parameters.
    neighbour : str or None
        Name of the entry it differs from in one thing.
    complexity : float
        Numbers that are learnt; the simpler of two is the one with fewer.
    is_servable : bool
        Whether the serving package can answer with it.
    skipped : str
        Why it was not fitted; empty where it was.
    results : mapping of str to Result
        By name of the part.
    """

    name: str
    slug: str
    question: str
    family: str
    features: str
    treatment: str
    settings: Mapping[str, Any]
    neighbour: str | None
    complexity: float
    is_servable: bool
    skipped: str = ""
    results: Mapping[str, Result] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """An exploration: what was asked, what came out, what was chosen.

    Attributes
    ----------
    facts : mapping
        ``exploration.json``.
    entries : mapping of str to Entry
        By name, in the order of the exploration.
    choice, choice_request_only : mapping
        As ``standings.json`` has them; empty before the choice.
    openings : tuple of mapping
        Of the final window, the first first.
    inspection : mapping
        What was looked at in the chosen model; see `push_model.exploration.report.inspection`.
    learning : tuple of mapping
        Points of learning curves that no entry holds: ``"line"``, ``"rows"``, and
        ``"average_precision"`` with ``"estimate"``, ``"low"``, ``"high"``.
    """

    facts: Mapping[str, Any]
    entries: Mapping[str, Entry]
    choice: Mapping[str, Any] = field(default_factory=dict)
    choice_request_only: Mapping[str, Any] = field(default_factory=dict)
    openings: tuple[Mapping[str, Any], ...] = ()
    inspection: Mapping[str, Any] = field(default_factory=dict)
    learning: tuple[Mapping[str, Any], ...] = ()

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
    def ranked(self) -> tuple[Entry, ...]:
        """Entries with a result on every fold, the best mean average precision first."""
        full = [e for e in self.entries.values() if self.folds and set(self.folds) <= {*e.results}]
        return tuple(sorted(full, key=lambda entry: (-self.mean(entry), entry.name)))

    @property
    def chosen(self) -> Entry | None:
        """The entry that the selection rule chose; None before the choice."""
        return self.entries.get(str(self.choice.get("chosen")))

    @property
    def leader(self) -> Entry | None:
        """The chosen entry, or the best so far where nothing is chosen yet."""
        return self.chosen or next(iter(self.ranked), None)

    @property
    def telling_part(self) -> str | None:
        """The part that says most of the leader: the final window, or what is nearest to it."""
        wanted = (FINAL, USUAL_TEST, USUAL_VALIDATION, *reversed(self.folds))
        results = self.leader.results if self.leader else {}
        return next((part for part in wanted if part in results), None)

    def baseline(self, family: str) -> Entry | None:
        """Give the entry that needs no model.

        Parameters
        ----------
        family : str
            One of `BASELINES`.

        Returns
        -------
        Entry or None
            None where it was not compared.
        """
        return next((entry for entry in self.entries.values() if entry.family == family), None)

    @property
    def finalists(self) -> tuple[Entry, ...]:
        """Entries judged on the final window, the chosen first, baselines last."""
        judged = [entry for entry in self.entries.values() if FINAL in entry.results]
        return tuple(sorted(judged, key=self._final_order))

    def mean(self, entry: Entry, metric: str = "average_precision", users: str = "all") -> float:
        """Average a metric over the folds.

        Parameters
        ----------
        entry : Entry
            With a result on every fold.
        metric, users : str
            As for `Result.metric`.

        Returns
        -------
        float
            NaN where a fold has none.
        """
        values = [entry.results[fold].metric(metric, users) for fold in self.folds]
        known = [np.nan if value is None else value for value in values]
        return float(np.mean(known)) if known else float("nan")

    def _final_order(self, entry: Entry) -> tuple[bool, bool, float]:
        is_chosen = self.chosen is not None and entry.name == self.chosen.name
        return not is_chosen, entry.family in BASELINES, -entry.results[FINAL].average_precision
