"""What does it cost to follow an answer by hand? Glass-box entries against the rest."""

from collections.abc import Iterator

from push_model.exploration.report.comparing import Difference, compare
from push_model.exploration.report.found import BASELINES, Explored, Found
from push_model.exploration.report.names import name_entry
from push_model.exploration.report.topics import LINEAR, settings_of

# Questions of a tree whose every effect can still be drawn; of a single tree that can be read.
PAIRS, READABLE_DEPTH = 2, 6


def is_glass_box(entry: Explored) -> bool:
    """Say whether a person can follow an entry's answer by hand."""
    if entry.family in {*BASELINES, LINEAR}:
        return True
    depth = settings_of(entry).get("depth", settings_of(entry).get("max_depth"))
    if not isinstance(depth, int):
        return False
    if entry.family == "decision_tree":
        return depth <= READABLE_DEPTH
    return entry.family != "random_forest" and depth <= PAIRS


def find_price(found: Found) -> Difference | None:
    """Give what the best entry has above the best glass-box one of the same columns."""
    # What requests would have to hold besides is no price of glass.
    alike = [e for e in found.ranked if e.is_servable and not e.needs_history]
    for glass in filter(is_glass_box, alike):
        for other in alike:
            if not is_glass_box(other) and other.features == glass.features:
                return compare(found, other, glass, found.folds)
    return None


def say_price(found: Found) -> Iterator[str]:
    """Say the price of glass-box."""
    if price := find_price(found):
        yield (
            f"The price of glass-box: {price.sentence(found)}. "
            f"{name_entry(found, price.rival)} is the best that can be followed by hand; both can "
            "be served and read the same columns, no history among them."
        )
