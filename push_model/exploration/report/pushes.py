"""How many of the pushes are bought? Read off a curve, for as many pushes as another sends."""

from typing import NamedTuple

import numpy as np

from push_model.exploration.fits.result import Result
from push_model.exploration.report.found import (
    BOUGHT_BEFORE,
    POPULARITY,
    Explored,
    Found,
    curves_of,
    metric_of,
)
from push_model.exploration.report.names import find_aliases
from push_model.reporting.curves import trace_gains

PUSHES = 1000


class Sender(NamedTuple):
    """A way to choose whom a push goes to, and what comes of it.

    Attributes
    ----------
    name : str
        In plain words.
    bought : float
        Of `PUSHES` pushes.
    reached : float
        Share of all purchases that got a push.
    is_ours : bool
        Whether the exploration chose it.
    """

    name: str
    bought: float
    reached: float
    is_ours: bool = False


def compare_senders(found: Found) -> list[Sender]:
    """Compare the leader, where p > 0.05, with as many pushes sent in other ways."""
    leader, part = found.leader, found.telling_part
    if leader is None or part is None:
        return []
    ours = leader.results[part]
    share, base_rate = metric_of(ours, "pushed_share"), metric_of(ours, "base_rate")
    right, reached = metric_of(ours, "precision_when_pushed"), metric_of(ours, "recall_when_pushed")
    if None in (share, base_rate, right, reached):
        return []
    name = _name(found, leader)
    senders = [Sender(name, PUSHES * float(right or 0), float(reached or 0), is_ours=True)]
    plain = found.chosen_request_only
    others = (
        (plain, _name(found, plain) if plain else ""),
        (found.baseline(BOUGHT_BEFORE), "what was bought before"),
        (found.baseline(POPULARITY), "popularity"),
    )
    for entry, name in others:
        result = entry.results.get(part) if entry else None
        recall = read_recall(result, float(share or 0)) if result else None
        if recall is not None and share:
            bought = PUSHES * recall * float(base_rate or 0) / share
            senders.append(Sender(name, bought, recall, is_ours=entry is plain))
    return [*senders, Sender("chance", PUSHES * float(base_rate or 0), float(share or 0))]


def _name(found: Found, entry: Explored) -> str:
    alias = find_aliases(found).get(entry.name)
    return f"the {alias}" if alias else "this model"


def read_recall(result: Result, share: float) -> float | None:
    """Read the share of the purchases among the best candidates off its curve."""
    curves = curves_of(result)
    if curves is None:
        return None
    shares, recalls = trace_gains(curves)
    return float(np.interp(share, shares, recalls))
