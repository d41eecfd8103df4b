"""What does a gain cost? Seconds, microseconds, bytes, and the price of being followed by hand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from string import ascii_lowercase

import numpy as np

from push_model.exploration.entry import HISTORIES
from push_model.exploration.report.comparing import compare
from push_model.exploration.report.found import BASELINES, Explored, Found
from push_model.exploration.report.plane_pictures import Dot, draw_costs
from push_model.exploration.report.sentences import COST_NOTE, GLASS_NOTE
from push_model.exploration.report.topics import LINEAR, settings_of
from push_model.training.card.chart import Picture
from push_model.training.card.sections import Section
from push_model.training.card.tables import Table

# Questions of a tree whose every effect can still be drawn; of a single tree that can be read.
PAIRS, READABLE_DEPTH = 2, 6

Cost = Callable[[Explored], float]


def compose_costs(found: Found) -> Section:
    """Weigh average precision against what it costs.

    Parameters
    ----------
    found : Found
        The exploration.

    Returns
    -------
    Section
    """
    costs = find_costs(found)
    return Section(
        "costs",
        "Cost against gain, and the price of glass-box",
        (*_say_chosen(found, costs), COST_NOTE, GLASS_NOTE, *_say_glass(found)),
        pictures=tuple(_draw_all(found, costs)),
        tables=tuple(_tabulate(found, costs)),
    )


def find_costs(found: Found) -> dict[str, Cost]:
    """Give what is counted as a cost, and how it is read.

    Parameters
    ----------
    found : Found
        The exploration.

    Returns
    -------
    dict of str to callable
        By what stands on the axis.
    """

    def _mean(field: str) -> Cost:
        return lambda entry: float(np.mean([getattr(entry.results[f], field) for f in found.folds]))

    size, inputs = _mean("size_bytes"), _mean("inputs")
    return {
        "seconds to fit": _mean("fit_s"),
        "microseconds to score a row": _mean("score_us"),
        "bytes of the model": size,
        "bytes a feature": lambda entry: size(entry) / max(1.0, inputs(entry)),
    }


def find_front(found: Found, cost: Cost) -> set[str]:
    """Name the entries that nothing beats at their cost.

    Parameters
    ----------
    found : Found
        The exploration.
    cost : callable
        Of an entry.

    Returns
    -------
    set of str
    """
    front: set[str] = set()
    best = -1.0
    for entry in sorted(found.ranked, key=lambda entry: (cost(entry), -found.mean(entry))):
        if found.mean(entry) > best:
            best = found.mean(entry)
            front.add(entry.name)
    return front


def _draw_all(found: Found, costs: Mapping[str, Cost]) -> Iterator[Picture]:
    for number, (across, cost) in enumerate(costs.items()):
        priced = [entry for entry in found.ranked if cost(entry) > 0]
        if priced:
            yield _draw(found, across, cost, priced, number)


def _draw(
    found: Found, across: str, cost: Cost, priced: Sequence[Explored], number: int
) -> Picture:
    front = find_front(found, cost)
    marked = [e for e in sorted(priced, key=cost) if e.name in front or e is found.leader]
    letters = dict(zip((entry.name for entry in marked), ascii_lowercase, strict=False))
    leader = found.leader.name if found.leader else ""
    title = f"{across[:1].upper()}{across[1:]}"
    said = [f"{e.name} {write_cost(cost(e))}" for e in priced if e.name == leader]
    named = "; ".join(f"{letter} {name}" for name, letter in letters.items())
    return draw_costs(
        f"cost-{number}",
        [
            Dot(cost(e), found.mean(e), e.family, letters.get(e.name, ""), e.name not in front)
            for e in priced
        ],
        title=": ".join([title, *said]),
        how=f"Average precision on the folds against the cost of each entry: {named}.",
        alt="; ".join(f"{e.name}: {cost(e):.3g}, {found.mean(e):.4f}" for e in priced) + ".",
        across=across,
    )


def write_cost(cost: float) -> str:
    """Write a cost with three digits, and thousands in full.

    Parameters
    ----------
    cost : float
        Of any unit.

    Returns
    -------
    str

    Examples
    --------
    >>> write_cost(0.01234), write_cost(123456.0)
    ('0.0123', '123,456')
    """
    return f"{cost:.3g}" if cost < 1000 else f"{cost:,.0f}"  # noqa: PLR2004 - from where three digits say too little


def is_glass_box(entry: Explored) -> bool:
    """Say whether a person can follow an entry's answer by hand.

    Parameters
    ----------
    entry : Explored
        Of any family.

    Returns
    -------
    bool
    """
    if entry.family in {*BASELINES, LINEAR}:
        return True
    depth = settings_of(entry).get("depth", settings_of(entry).get("max_depth"))
    if not isinstance(depth, int):
        return False
    if entry.family == "decision_tree":
        return depth <= READABLE_DEPTH
    return entry.family != "random_forest" and depth <= PAIRS


def _say_chosen(found: Found, costs: Mapping[str, Cost]) -> Iterator[str]:
    leader = found.leader
    if leader is None or leader not in found.ranked:
        yield "Nothing is measured yet."
        return
    said = ", ".join(f"{write_cost(cost(leader))} {name}" for name, cost in costs.items())
    yield f"{leader.name}: {said}; average precision {found.mean(leader):.4f} on the folds."


def _say_glass(found: Found) -> Iterator[str]:
    # What requests would have to hold besides is no price of glass.
    alike = [entry for entry in found.ranked if entry.features not in HISTORIES]
    glass = next((entry for entry in alike if is_glass_box(entry)), None)
    other = next((entry for entry in alike if not is_glass_box(entry)), None)
    price = compare(found, other, glass, found.folds) if other and glass else None
    if price and glass and other:
        says = f"The price of glass-box: {price.sentence()}"
        yield f"{says}, the best that can be followed by hand; neither reads history."


def _tabulate(found: Found, costs: Mapping[str, Cost]) -> Iterator[Table]:
    fronts = [find_front(found, cost) for cost in costs.values()]
    shown = [
        entry
        for entry in found.ranked
        if any(entry.name in front for front in fronts) or entry is found.leader
    ]
    rows = tuple(
        (
            entry.name,
            f"{found.mean(entry):.4f}",
            *(write_cost(cost(entry)) for cost in costs.values()),
            f"{entry.results[found.folds[-1]].inputs}",
            "yes" if is_glass_box(entry) else "no",
        )
        for entry in shown
    )
    if rows:
        headings = ("entry", "AP, folds", *costs, "inputs", "glass-box")
        yield Table("Entries that nothing beats at some cost, and the chosen", headings, rows)
