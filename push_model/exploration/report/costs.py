"""What does a gain cost? Seconds, microseconds, bytes, and the price of being followed by hand."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from push_model.exploration.report.comparing import compare
from push_model.exploration.report.found import BASELINES, Entry, Found
from push_model.exploration.report.plane_pictures import Dot, draw_costs
from push_model.exploration.report.sentences import COST_NOTE, GLASS_NOTE
from push_model.exploration.report.topics import LINEAR, settings_of
from push_model.training.card.chart import Picture
from push_model.training.card.sections import Section
from push_model.training.card.tables import Table

# Questions of a tree whose every effect can still be drawn; of a single tree that can be read.
PAIRS, READABLE_DEPTH = 2, 6

Cost = Callable[[Entry], float]


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


def _draw(found: Found, across: str, cost: Cost, priced: Sequence[Entry], number: int) -> Picture:
    front = find_front(found, cost)
    chosen = found.leader.name if found.leader else ""
    named = _spread([e for e in priced if e.name in front or e.name == chosen], cost, keep=chosen)
    dots = [
        Dot(cost(e), found.mean(e), e.family, e.name if e.name in named else "") for e in priced
    ]
    cheapest = min(priced, key=cost)
    return draw_costs(
        f"cost-{number}",
        dots,
        title=f"{across[:1].upper()}{across[1:]}: "
        + "; ".join(f"{e.name} {cost(e):.3g}" for e in priced if e.name in {chosen, cheapest.name}),
        how="Each dot is an entry: average precision on the folds against what it costs.",
        alt="; ".join(f"{e.name}: {cost(e):.3g}, {found.mean(e):.4f}" for e in priced) + ".",
        across=across,
    )


def _spread(entries: Sequence[Entry], cost: Cost, *, keep: str) -> set[str]:
    """Name entries that stand far enough apart for their names to be read."""
    named: list[Entry] = [entry for entry in entries if entry.name == keep]
    for entry in sorted(entries, key=cost):
        if all(not 1 / 3 < cost(entry) / cost(other) < 3 for other in named):  # noqa: PLR2004 - half a decade
            named.append(entry)
    return {entry.name for entry in named}


def is_glass_box(entry: Entry) -> bool:
    """Say whether a person can follow an entry's answer by hand.

    Parameters
    ----------
    entry : Entry
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
    said = ", ".join(f"{cost(leader):,.3g} {name}" for name, cost in costs.items())
    yield f"{leader.name}: {said}; average precision {found.mean(leader):.4f} on the folds."


def _say_glass(found: Found) -> Iterator[str]:
    glass = next((entry for entry in found.ranked if is_glass_box(entry)), None)
    other = next((entry for entry in found.ranked if not is_glass_box(entry)), None)
    price = compare(found, other, glass, found.folds) if other and glass else None
    if price and glass and other:
        yield f"The price of glass-box: {price.sentence()}, the best that can be followed by hand."


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
            *(
                f"{cost(entry):,.3g}" if cost(entry) < 1000 else f"{cost(entry):,.0f}"  # noqa: PLR2004 - digits
                for cost in costs.values()
            ),
            f"{entry.results[found.folds[-1]].inputs}",
            "yes" if is_glass_box(entry) else "no",
        )
        for entry in shown
    )
    if rows:
        headings = ("entry", "AP, folds", *costs, "inputs", "glass-box")
        yield Table("Entries that nothing beats at some cost, and the chosen", headings, rows)
