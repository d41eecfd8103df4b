"""Gather what an exploration found, for its report."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from push_model.evaluation.curves import Bin, Curves, Gain, Histogram, Place
from push_model.evaluation.importances import Dependence
from push_model.evaluation.results import Interval
from push_model.evaluation.slices import TYPES
from push_model.exploration.choose import Standing
from push_model.exploration.entries.entry import ORDER_SHARES, RULES, Entry, request_of
from push_model.exploration.final_window import Claim, Outcome, read_openings
from push_model.exploration.fits.result import Result
from push_model.exploration.folder import Exploration
from push_model.training.parametrisation import PRESETS, read_parametrisation

_FINAL = "final"
# How an entry differs from its neighbour.
_FAMILY, _FEATURES, _TREATMENT, _SETTINGS = (
    "Other families",
    "Other features",
    "Calibration, weights and fewer rows",
    "Other settings",
)
# So many product types are shown, the most bought first.
_MOST_TYPES = 24
PUSHES = 1000
# Smaller groups would show persons, not the model.
LEAST_ORDERS = 20
# The share of the pushes that is counted apart: the most likely buyers.
_SUREST = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """How good the model is on some of the candidates."""

    name: str
    rows: int
    orders: int
    purchases: int
    # None with too few purchases.
    average_precision: float | None
    # Expected purchases for each actual one; None without purchases.
    expected_per_actual: float | None

    @property
    def lift(self) -> float | None:
        """Average precision over the share that is bought, which random scores reach."""
        if self.average_precision is None or not self.purchases:
            return None
        return self.average_precision * self.rows / self.purchases


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the chosen model relies on, and how good it is by group."""

    model_sha256: str
    window: str
    orders: int
    # Average precision lost when a feature is shuffled, the largest first.
    shuffled: Mapping[str, float]
    dependences: tuple[Dependence, ...] = ()
    groups: tuple[Group, ...] = field(default_factory=tuple)


class Sender(NamedTuple):
    """A way to choose who gets a push, and what comes of it."""

    name: str
    # Of `PUSHES` pushes, and of the most likely tenth of them; None where that is not known.
    bought: float
    bought_of_surest: float | None
    # Share of all purchases that get a push.
    reached: float


@dataclass(frozen=True)
class Found:
    """What an exploration found."""

    # `exploration.json`, `finals.json` and `search.json`.
    facts: Mapping[str, Any]
    openings: Sequence[Mapping[str, Any]]
    search: Mapping[str, Any]
    outcome: Outcome
    inspection: Inspection
    # The chosen model where p > 0.05, then as many pushes sent in other ways.
    senders: Sequence[Sender]
    # What the chosen model finds in its best 1 to 20 %, and all curves, in the final window.
    gains: Sequence[Gain]
    curves: Mapping[str, Curves] = field(default_factory=dict)

    @property
    def report_id(self) -> str:
        """The last day, and a digest of rows, rule and choices."""
        frame = self.facts["frame"]
        choices = (self.outcome.choice, self.outcome.choice_request_only)
        content = [
            frame["sha256"],
            *(self.facts[name] for name in ("min_items", "seed", "rule")),
            [request_of(choice.chosen) for choice in choices],
        ]
        digest = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return f"{frame['last_day']}-{digest[:8]}"

    @cached_property
    def standings(self) -> Mapping[str, Standing]:
        """Standings by name of the entry, the best first."""
        return {standing.entry.name: standing for standing in self.outcome.standings}

    @property
    def chosen(self) -> Standing:
        """The entry that the rule chose."""
        return self.standings[self.outcome.choice.chosen.name]

    @property
    def plain(self) -> Standing | None:
        """The entry that the rule chose among those without history; None if it is the same."""
        plain = self.outcome.choice_request_only.chosen
        return None if plain == self.outcome.choice.chosen else self.standings[plain.name]

    @property
    def best(self) -> Standing | None:
        """The runner-up: the best servable entry on the folds; None if it was chosen."""
        best = self.outcome.choice.best
        return None if best == self.outcome.choice.chosen else self.standings[best.name]

    @cached_property
    def finalists(self) -> Mapping[str, Claim]:
        """What the final window shows of each entry that was seen on it, the chosen first."""
        claims = [claim for claim in self.outcome.claims if claim.part == _FINAL]
        ordered = sorted(claims, key=lambda claim: claim.entry != self.chosen.entry.name)
        return {claim.entry: claim for claim in ordered}

    @property
    def claim(self) -> Claim:
        """What the final window shows of the chosen entry."""
        return self.finalists[self.chosen.entry.name]

    def margin(self, name: str | None) -> Interval | None:
        """Return the chosen entry's average precision in the final window minus another's."""
        return self.claim.gain_on.get(name or "")

    @cached_property
    def topics(self) -> Mapping[str, Sequence[Standing]]:
        """Entries that have a neighbour, by how they differ from it, the largest gain first."""
        topics: dict[str, list[Standing]] = {
            topic: [] for topic in (_FAMILY, _FEATURES, _TREATMENT, _SETTINGS)
        }
        compared = [s for s in self.standings.values() if s.gain_on_neighbour is not None]
        for standing in sorted(compared, key=lambda s: -s.gain.estimate):
            neighbour = self.standings[standing.entry.neighbour or ""].entry
            topics[_find_topic(standing.entry, neighbour)].append(standing)
        return topics

    @property
    def groups(self) -> tuple[Sequence[Group], Sequence[Group]]:
        """The groups of users, orders and products, and the most bought product types."""
        groups = self.inspection.groups
        types = [group for group in groups if group.name.startswith(TYPES)]
        types.sort(key=lambda group: -group.purchases)
        return [group for group in groups if group not in types], types[:_MOST_TYPES]

    @cached_property
    def learning(self) -> Mapping[str, Sequence[tuple[float, Interval]]]:
        """Training rows and average precision of entries that were also trained on fewer orders."""
        fewer: dict[str, list[Standing]] = {}
        for standing in self.standings.values():
            if standing.entry.treatment in ORDER_SHARES and standing.entry.neighbour:
                fewer.setdefault(standing.entry.neighbour, []).append(standing)
        return {
            self.name_of(name): sorted(map(_place, (*group, self.standings[name])))
            for name, group in fewer.items()
        }

    def is_rule(self, name: str) -> bool:
        """Whether an entry is a rule, whose scores are not probabilities."""
        return self.standings[name].entry.family in RULES

    def rule(self, family: str) -> str | None:
        """Return the name of the entry that is a rule."""
        names = (name for name in self.finalists if self.standings[name].entry.family == family)
        return next(names, None)

    def name_of(self, name: str) -> str:
        """Return the short name of an entry that has this name."""
        return self.label(self.standings[name].entry)

    def label(self, entry: Entry) -> str:
        """Return an entry's short name: its name in the form, if it has one."""
        if preset := self.preset(entry):
            return preset
        return re.sub(r"^found: (.* depth \d+),.*?(, history)?$", r"\1\2", entry.name)

    def preset(self, entry: Entry) -> str | None:
        """Return an entry's name in the form; None if the form does not have it."""
        request = request_of(entry)
        wanted = request and read_parametrisation(request)
        known = {n: read_parametrisation(p.parametrisation) for n, p in PRESETS.items()}
        is_plain = entry.treatment == "plain"
        return next((name for name, each in known.items() if is_plain and each == wanted), None)


def _find_topic(entry: Entry, neighbour: Entry) -> str:
    if entry.family != neighbour.family:
        return _FAMILY
    if entry.features != neighbour.features:
        return _FEATURES
    return _TREATMENT if entry.treatment != neighbour.treatment else _SETTINGS


def _place(standing: Standing) -> tuple[float, Interval]:
    share = ORDER_SHARES.get(standing.entry.treatment, 1.0)
    return share * standing.train_rows, standing.average_precision


def gather(
    exploration: Exploration,
    outcome: Outcome,
    results: Iterable[Result],
    inspection: Inspection,
) -> Found:
    """Gather what a report needs; `results` are those of the final window."""
    curves = {r.entry.name: _curves_of(r) for r in results if r.part == _FINAL}
    found = Found(
        facts=exploration.facts,
        openings=read_openings(exploration.folder),
        search=exploration.search,
        outcome=outcome,
        inspection=inspection,
        senders=(),
        gains=curves[outcome.choice.chosen.name].gains,
        curves=curves,
    )
    return replace(found, senders=tuple(_list_senders(found)))


def _curves_of(result: Result) -> Curves:
    kept = result.curve
    assert kept is not None  # as `Part.wants_curves` has it
    return Curves(
        metrics=result.metrics["all"] or {},
        places=tuple(Place(*place) for place in kept["places"]),
        gains=tuple(Gain(**gain) for gain in kept["gains"]),
        reliability=tuple(Bin(**found) for found in kept["reliability"]),
        histogram=Histogram(**{name: tuple(v) for name, v in kept["histogram"].items()}),
    )


def _list_senders(found: Found) -> Iterator[Sender]:
    chosen = found.chosen.entry.name
    metrics = found.curves[chosen].metrics
    share, base_rate = metrics["pushed_share"], metrics["base_rate"]
    if not share:
        return
    plain = found.plain.entry.name if found.plain else None
    others = (plain, found.rule("bought_before"), found.rule("popularity"))
    per_recall = PUSHES * base_rate / share
    for name in (chosen, *(other for other in others if other)):
        curves = found.curves[name]
        reached = curves.metrics["recall_when_pushed"] if name == chosen else None
        reached = _read_recall(curves, share) if reached is None else reached
        of_surest = per_recall * _read_recall(curves, _SUREST * share)
        yield Sender(found.name_of(name), per_recall * reached, of_surest, reached)
    yield Sender("random", PUSHES * base_rate, _SUREST * PUSHES * base_rate, share)


def _read_recall(curves: Curves, share: float) -> float:
    """Return the share of the purchases among the best candidates."""
    rows, purchases = curves.places[-1]
    shares = [0.0, *(place.candidates / rows for place in curves.places)]
    recalls = [0.0, *(place.purchases / purchases for place in curves.places)]
    return float(np.interp(share, shares, recalls))
