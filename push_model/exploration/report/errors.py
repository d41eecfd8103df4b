"""Where does the chosen entry err, and what can no model of these columns know?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from push_model.evaluation.card_slices import LEAST_PURCHASES, TYPES
from push_model.exploration.report.found import Found
from push_model.exploration.report.leaning import say_where
from push_model.exploration.report.sentences import ERRORS_NOTE, NOT_KNOWABLE
from push_model.exploration.report.texts import shorten
from push_model.reporting.numbers import write_number, write_percent
from push_model.reporting.picture import GROUND, MUTED, OURS, WIDTH, Picture
from push_model.reporting.rows import AROUND, ROW, name_rows
from push_model.reporting.section import Section, Table

LEAST_ORDERS = 20
NEW_PRODUCTS = "products new to the user"
# Product types that are shown of each end; the most bought are those that matter.
SHOWN_TYPES = 12

Group = Mapping[str, Any]


def compose_errors(found: Found) -> Section:
    """Show groups of candidates on which the chosen entry does well and badly."""
    groups = [g for g in found.inspection.get("slices") or () if g["orders"] >= LEAST_ORDERS]
    users = [group for group in groups if not group["slice"].startswith(TYPES)]
    types = sorted(
        (group for group in groups if group["slice"].startswith(TYPES)),
        key=lambda group: (-group["purchases"], group["slice"]),
    )[: 2 * SHOWN_TYPES]
    return Section(
        "errors",
        "Errors looked at, and what can't be known",
        (*_say_all(found, groups, types), NOT_KNOWABLE),
        pictures=tuple(_draw_all(users, types)),
        tables=tuple(
            _tabulate(caption, group)
            for caption, group in (
                ("Users, orders and products seen before", users),
                ("Product types, most bought first", types),
            )
            if group
        ),
    )


def _say_all(found: Found, groups: Sequence[Group], types: Sequence[Group]) -> Iterator[str]:
    if not groups:
        yield "Errors were not looked at yet: that needs a chosen entry's model."
        return
    yield ERRORS_NOTE.format(least=LEAST_ORDERS)
    yield from say_where(found)
    yield from _say_types(types)
    yield from _say_new(groups)


def lift_of(group: Group) -> float | None:
    """Give a group's average precision over its base rate."""
    if group.get("average_precision") is None or not group["purchases"]:
        return None
    return float(group["average_precision"] * group["rows"] / group["purchases"])


def _say_types(types: Sequence[Group]) -> Iterator[str]:
    known = sorted((lift, _name(group)) for group in types if (lift := lift_of(group)) is not None)
    if len(known) > 1:
        (least, worst), (most, best) = known[0], known[-1]
        yield (
            f"Of the {len(known)} most bought product types {best} is ranked best, {most:.1f} "
            f"times its base rate, and {worst} worst, {least:.1f} times."
        )
    bought = [group for group in types if group["purchases"] >= LEAST_PURCHASES]
    promised = [(group["expected_per_actual"], _name(group)) for group in bought]
    if len(promised) > 1:
        (low, below), (high, above) = min(promised), max(promised)
        yield (
            f"Most too much is promised of {above} ({high:.2f} purchases for each one made), most "
            f"too little of {below} ({low:.2f})."
        )


def _say_new(groups: Sequence[Group]) -> Iterator[str]:
    bought = {group["slice"]: group["purchases"] for group in groups}
    whole = sum(bought.get(users, 0) for users in ("new users", "returning users"))
    for group in groups:
        if group["slice"] == NEW_PRODUCTS and whole:
            lift = lift_of(group)
            yield (
                f"{write_percent(group['purchases'] / whole)} of the purchases are of products new "
                f"to the user; among these average precision is "
                f"{write_number(group['average_precision'], '{:.4f}')}"
                + (f", {lift:.1f} times the base rate." if lift else ".")
            )


def _name(group: Group) -> str:
    return str(group["slice"]).removeprefix(TYPES)


def _draw_all(users: Sequence[Group], types: Sequence[Group]) -> Iterator[Picture]:
    for name, kind, groups in (
        ("errors-users", "users and orders", users),
        ("errors-types", "product types", types[:SHOWN_TYPES]),
    ):
        known = [(group, lift) for group in groups if (lift := lift_of(group)) is not None]
        if known:
            yield _draw(name, kind, known)


def _draw(name: str, kind: str, known: Sequence[tuple[Group, float]]) -> Picture:
    ranked = sorted(known, key=lambda pair: -pair[1])

    def _paint(axes: Axes) -> None:
        lifts = [lift for _, lift in ranked]
        axes.hlines(range(len(ranked)), 1, lifts, color=MUTED, linewidth=1)
        axes.plot(lifts, range(len(ranked)), "o", color=OURS, mec=GROUND, markersize=8)
        name_rows(axes, [shorten(_name(group), 34) for group, _ in ranked])
        axes.tick_params(axis="y", labelsize=9.5)
        axes.axvline(1, color=MUTED, linewidth=1)
        axes.set_xscale("log")
        axes.margins(x=0.1)
        ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200) if t <= 1.3 * max(lifts)]
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set(xlabel="times the base rate")

    return Picture(
        name,
        _paint,
        title=f"Ranked best of {kind}: {_name(ranked[0][0])}, {ranked[0][1]:.1f} times chance",
        how="Average precision over the share bought in the group; 1 is chance. The axis is "
        "logarithmic.",
        alt="; ".join(f"{_name(group)} {lift:.1f}" for group, lift in ranked) + ".",
        size=(WIDTH, AROUND + ROW * len(ranked)),
    )


def _tabulate(caption: str, groups: Sequence[Group]) -> Table:
    rows = tuple(
        (
            _name(group),
            *(write_number(group[name], "{:,}") for name in ("orders", "rows", "purchases")),
            write_number(group["average_precision"], "{:.4f}"),
            write_number(lift_of(group), "{:.1f}"),
            write_number(group["expected_per_actual"], "{:.2f}"),
        )
        for group in groups
    )
    headings = ("group", "orders", "rows", "purchases", "AP", "over base rate")
    return Table(caption, (*headings, "expected / actual"), rows)
