"""What does a gain cost? Seconds, microseconds, bytes, and the price of being followed by hand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from string import ascii_lowercase

import numpy as np

from push_model.exploration.report.found import Explored, Found
from push_model.exploration.report.glass import is_glass_box, say_price
from push_model.exploration.report.names import label_entry, name_entry
from push_model.exploration.report.plane_pictures import Dot, draw_costs
from push_model.exploration.report.sentences import COST_NOTE, GLASS_NOTE
from push_model.reporting.picture import Picture
from push_model.reporting.section import Section, Table

Cost = Callable[[Explored], float]


def compose_costs(found: Found) -> Section:
    """Weigh average precision against what it costs."""
    costs = find_costs(found)
    return Section(
        "costs",
        "Cost against gain, and the price of glass-box",
        (*_say_chosen(found, costs), COST_NOTE, GLASS_NOTE, *say_price(found)),
        pictures=tuple(_draw_all(found, costs)),
        tables=tuple(_tabulate(found, costs)),
    )


def find_costs(found: Found) -> dict[str, Cost]:
    """Give what is counted as a cost, and how it is read."""

    def _mean(field: str) -> Cost:
        return lambda entry: float(np.mean([getattr(entry.results[f], field) for f in found.folds]))

    size, inputs = _mean("size_bytes"), _mean("inputs")
    return {
        "seconds to fit": _mean("fit_s"),
        "microseconds to score a row": _mean("score_us"),
        "bytes of the model": size,
        "bytes a feature": lambda entry: size(entry) / max(1.0, inputs(entry)),
    }


def keep_servable(found: Found) -> list[Explored]:
    """Keep the entries whose costs can be compared: the best first, each as it would be served."""
    return [entry for entry in found.ranked if entry.is_servable]


def find_front(found: Found, cost: Cost) -> set[str]:
    """Name the servable entries that nothing beats at their cost."""
    front: set[str] = set()
    best = -1.0
    for entry in sorted(keep_servable(found), key=lambda entry: (cost(entry), -found.mean(entry))):
        if found.mean(entry) > best:
            best = found.mean(entry)
            front.add(entry.name)
    return front


def _draw_all(found: Found, costs: Mapping[str, Cost]) -> Iterator[Picture]:
    for number, (across, cost) in enumerate(costs.items()):
        priced = [entry for entry in keep_servable(found) if cost(entry) > 0]
        if priced:
            yield _draw(found, across, cost, priced, number)


def _draw(
    found: Found, across: str, cost: Cost, priced: Sequence[Explored], number: int
) -> Picture:
    front = find_front(found, cost)
    marked = [e for e in sorted(priced, key=cost) if e.name in front or e is found.leader]
    lettered = list(zip(ascii_lowercase, marked, strict=False))
    letters = {entry.name: letter for letter, entry in lettered}
    title = f"{across[:1].upper()}{across[1:]}"
    said = [f"{label_entry(found, e)} {write_cost(cost(e))}" for e in priced if e is found.leader]
    named = "; ".join(f"{letter} {label_entry(found, entry)}" for letter, entry in lettered)
    return draw_costs(
        f"cost-{number}",
        [
            Dot(cost(e), found.mean(e), e.family, letters.get(e.name, ""), e.name not in front)
            for e in priced
        ],
        title=": ".join([title, *said]),
        how=f"Average precision on the folds against the cost of each servable entry: {named}.",
        alt="; ".join(
            f"{label_entry(found, e)}: {cost(e):.3g}, {found.mean(e):.4f}" for e in priced
        )
        + ".",
        across=across,
    )


def write_cost(cost: float) -> str:
    """Write a cost with three digits, and thousands in full.

    Examples
    --------
    >>> write_cost(0.01234), write_cost(123456.0)
    ('0.0123', '123,456')
    """
    return f"{cost:.3g}" if cost < 1000 else f"{cost:,.0f}"  # noqa: PLR2004 - from where three digits say too little


def _say_chosen(found: Found, costs: Mapping[str, Cost]) -> Iterator[str]:
    leader = found.leader
    if leader is None or leader not in found.ranked:
        yield "Nothing is measured yet."
        return
    said = ", ".join(f"{write_cost(cost(leader))} {name}" for name, cost in costs.items())
    reached = f"average precision {found.mean(leader):.4f} on the folds"
    yield f"{name_entry(found, leader)}: {said}; {reached}."


def _tabulate(found: Found, costs: Mapping[str, Cost]) -> Iterator[Table]:
    fronts = [find_front(found, cost) for cost in costs.values()]
    shown = [
        entry
        for entry in keep_servable(found)
        if any(entry.name in front for front in fronts) or entry is found.leader
    ]
    rows = tuple(
        (
            name_entry(found, entry),
            f"{found.mean(entry):.4f}",
            *(write_cost(cost(entry)) for cost in costs.values()),
            f"{entry.results[found.folds[-1]].inputs}",
            "yes" if is_glass_box(entry) else "no",
        )
        for entry in shown
    )
    if rows:
        headings = ("entry", "AP, folds", *costs, "inputs", "glass-box")
        yield Table(
            "Servable entries that nothing beats at some cost, and the chosen", headings, rows
        )
