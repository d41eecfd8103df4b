"""What does sales need to know? One section, in plain words."""

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes

from push_model.exploration.report.found import FINAL, Explored, Found, curves_of, metric_of
from push_model.exploration.report.history import say_history
from push_model.exploration.report.one_product import say_products, tabulate_products
from push_model.exploration.report.pushes import PUSHES, Sender, compare_senders
from push_model.exploration.report.sentences import (
    BOUGHT_NOTE,
    NOT_KNOWN_SALES,
    POOLED_NOTE,
    WHAT_IT_GIVES,
)
from push_model.reporting.numbers import UNKNOWN, write_percent
from push_model.reporting.picture import MUTED, OURS, WIDTH, Picture
from push_model.reporting.rows import AROUND, name_rows
from push_model.reporting.section import Section, Table


def compose_sales(found: Found) -> Section:
    """Say what the model gives, what a thousand pushes bring, and what it can't know."""
    least = found.facts.get("min_items", UNKNOWN)
    senders = compare_senders(found)
    return Section(
        "sales",
        "For sales: what a thousand pushes bring",
        (
            WHAT_IT_GIVES,
            *_say_pushes(found, senders),
            *_say_users(found),
            *([POOLED_NOTE, *say_products(found)] if senders else []),
            NOT_KNOWN_SALES.format(min_items=least),
        ),
        pictures=(_draw_senders(senders),) if senders else (),
        tables=tuple(_tabulate(found, senders)),
    )


def _say_pushes(found: Found, senders: Sequence[Sender]) -> Iterator[str]:
    part = found.telling_part
    if not senders or part is None:
        yield "Nothing is measured yet: run the exploration to its end."
        return
    ours, *others = senders
    beside = "; ".join(f"sent by {sender.name}, {sender.bought:.0f}" for sender in others)
    yield (
        f"Of {PUSHES:,} pushes sent by {ours.name}, where the propensity is above 5 %, "
        f"{ours.bought:.0f} are for a product that was bought. As many pushes {beside}. "
        f"{_say_times(senders)}"
    )
    yield f"These pushes reach {write_percent(ours.reached)} of all purchases. {BOUGHT_NOTE}"
    yield from say_history(found, senders)
    if part != FINAL:
        yield f"The final window has not been opened yet: these are figures of the {part}."


def _say_times(senders: Sequence[Sender]) -> str:
    ours, *others = senders
    times = [
        f"{ours.bought / sender.bought:.1f} times as many as {sender.name}"
        for sender in others
        if sender.bought > 0 and not sender.is_ours
    ]
    return f"That is {', '.join(times)}." if times else ""


def _say_users(found: Found) -> Iterator[str]:
    leader, part = found.leader, found.telling_part
    if leader is None or part is None:
        return
    said = [
        f"{PUSHES * right:.0f} of {PUSHES:,} pushes to {users} users are bought, and they reach "
        f"{write_percent(reached)} of these users' purchases"
        for users in ("returning", "new")
        for right, reached in [_of_users(leader, part, users)]
        if right is not None and reached is not None
    ]
    if said:
        yield f"Sent where the propensity is above 5 %: {'; '.join(said)}."


def _of_users(leader: Explored, part: str, users: str) -> tuple[float | None, float | None]:
    result = leader.results[part]
    return (
        metric_of(result, "precision_when_pushed", users),
        metric_of(result, "recall_when_pushed", users),
    )


def _tabulate(found: Found, senders: Sequence[Sender]) -> Iterator[Table]:
    if senders:
        rows = tuple((s.name, f"{s.bought:.0f}", write_percent(s.reached)) for s in senders)
        headings = ("sent by", f"bought of {PUSHES:,} pushes", "purchases reached")
        yield Table("As many pushes, sent in different ways", headings, rows)
        yield from tabulate_products(found, senders[0].name)
    leader, part = found.leader, found.telling_part
    curves = curves_of(leader.results[part]) if leader and part else None
    if curves:
        best = tuple(
            (
                f"best {write_percent(gain.share)}",
                f"{PUSHES * gain.precision:.0f}",
                write_percent(gain.recall),
                f"{gain.lift:.1f}",
            )
            for gain in curves.gains
        )
        columns = ("push to the", f"bought of {PUSHES:,}", "purchases reached", "times chance")
        yield Table("Fewer pushes are righter, more reach further", columns, best)


def _draw_senders(senders: Sequence[Sender]) -> Picture:
    def _paint(axes: Axes) -> None:
        bought = [sender.bought for sender in senders]
        colours = [OURS if sender.is_ours else MUTED for sender in senders]
        axes.barh(range(len(senders)), bought, color=colours, height=0.62)
        for place, sender in enumerate(senders):
            axes.annotate(
                f"{sender.bought:.0f}",
                (sender.bought, place),
                (4, 0),
                textcoords="offset points",
                va="center",
            )
        name_rows(axes, [sender.name for sender in senders])
        axes.margins(x=0.12)
        axes.set(xlabel=f"bought of {PUSHES:,} pushes")

    ours = senders[0]
    says = "; ".join(f"{sender.name} {sender.bought:.0f}" for sender in senders)
    return Picture(
        "senders",
        _paint,
        title=f"Sent by {ours.name}: {ours.bought:.0f} of {PUSHES:,} pushes are bought",
        how="The same number of pushes, sent in different ways.",
        alt=f"Bar chart of purchases among {PUSHES:,} pushes: {says}.",
        size=(WIDTH, AROUND + 0.42 * len(senders)),
    )
