"""What does the report say? The finding, the numbers to remember, and section after section."""

from collections.abc import Iterator

from push_model.exploration.report.comparing import compare, measure
from push_model.exploration.report.costs import compose_costs
from push_model.exploration.report.decision import compose_decision
from push_model.exploration.report.errors import compose_errors
from push_model.exploration.report.finalists import compose_curves
from push_model.exploration.report.found import POPULARITY, Found, metric_of, name_part
from push_model.exploration.report.leaning import compose_leaning
from push_model.exploration.report.learning import compose_learning
from push_model.exploration.report.names import name_entry
from push_model.exploration.report.neighbours import compose_neighbours
from push_model.exploration.report.palette import name_family
from push_model.exploration.report.paths import compose_paths
from push_model.exploration.report.protocol import compose_protocol
from push_model.exploration.report.pushes import compare_senders
from push_model.exploration.report.sales import compose_sales
from push_model.exploration.report.tree_settings import compose_trees
from push_model.exploration.report.users import compose_users
from push_model.reporting.numbers import write_percent
from push_model.reporting.section import Content, Tile

SECTIONS = (
    compose_sales,
    compose_decision,
    compose_neighbours,
    compose_paths,
    compose_trees,
    compose_learning,
    compose_curves,
    compose_users,
    compose_leaning,
    compose_errors,
    compose_costs,
    compose_protocol,
)


def compose(found: Found) -> Content:
    """Say what an exploration found."""
    part = found.telling_part
    frame = found.facts.get("frame") or {}
    days = f"{frame.get('first_day', '-')} to {frame.get('last_day', '-')}"
    return Content(
        name=f"Which model is the best, and how is it known? {len(found.ranked)} entries compared",
        decision="promote" if found.chosen else "inconclusive",
        headline=_say_chosen(found),
        sentence=f"Orders of {days}. "
        + (f"These figures are of the {name_part(part)}." if part else "Nothing is measured yet."),
        whose="",
        tiles=tuple(_tiles(found)),
        sections=tuple(compose_section(found) for compose_section in SECTIONS),
    )


def _say_chosen(found: Found) -> str:
    if found.chosen is None:
        return "Nothing is chosen yet"
    return f"Chosen: {name_entry(found, found.chosen)} ({name_family(found.chosen.family)})"


def _tiles(found: Found) -> Iterator[Tile]:
    leader, part = found.leader, found.telling_part
    if leader is None or part is None:
        return
    result = leader.results[part]
    level = measure(found, leader, [part])
    if level:
        says = f"average precision, {100 * (1 - found.alpha):.0f} % interval "
        yield Tile(f"{level.estimate:.4f}", f"{says}{level.low:.4f} to {level.high:.4f}")
    if gain := compare(found, leader, found.baseline(POPULARITY), [part]):
        yield Tile(f"{gain.gain.estimate:+.4f}", "average precision above popularity")
    for sender in compare_senders(found)[:1]:
        yield Tile(f"{sender.bought:.0f} of 1,000", "pushes where p > 0.05 are bought")
        yield Tile(write_percent(sender.reached), "of all purchases get such a push")
    if (recall := metric_of(result, "recall_when_pushed", "new")) is not None:
        yield Tile(write_percent(recall), "of new users' purchases get such a push")
