"""What is an entry called here? Those that were chosen go by the names of what is served."""

from collections.abc import Iterable
from itertools import combinations

from push_model.exploration.report.found import Explored, Found
from push_model.exploration.report.topics import write_setting

FINAL_MODEL = "final model"
# How a search names what it found: by all its settings, which no picture has room for.
SEARCHED = "found: "
# Told of a searched entry beside its size: as few as it takes to call no other one the same.
TOLD = (
    ("rate", "learning_rate"),
    ("L2", "l2_leaf_reg"),
    ("noise", "random_strength"),
    ("steps", "leaf_estimation_iterations"),
)


def find_aliases(found: Found) -> dict[str, str]:
    """Give the short names of the chosen entries."""
    chosen, plain = found.chosen, found.chosen_request_only
    if chosen is None:
        return {}
    aliases = {chosen.name: f"{FINAL_MODEL}, with history" if chosen.needs_history else FINAL_MODEL}
    if plain:
        is_taken = FINAL_MODEL in aliases.values()
        aliases[plain.name] = f"{FINAL_MODEL}, for plain requests" if is_taken else FINAL_MODEL
    return aliases


def name_entry(found: Found, entry: Explored) -> str:
    """Name an entry for a sentence or a table."""
    return find_aliases(found).get(entry.name, entry.name)


def label_entry(found: Found, entry: Explored) -> str:
    """Name an entry for a picture, where room is short."""
    if entry.name in find_aliases(found) or not entry.name.startswith(SEARCHED):
        return name_entry(found, entry)
    others = [
        other
        for other in found.entries.values()
        if other.name.startswith(SEARCHED) and other.name != entry.name
    ]
    choices = [told for size in range(len(TOLD)) for told in combinations(TOLD, size)]
    telling = (t for t in choices if _tell(entry, t) not in {_tell(other, t) for other in others})
    return _tell(entry, next(telling, TOLD))


def _tell(entry: Explored, told: Iterable[tuple[str, str]]) -> str:
    settings = entry.settings
    size = f"{settings.get('iterations')} x depth {settings.get('depth')}"
    more = [f"{word} {write_setting(settings.get(name))}" for word, name in told]
    return ", ".join([size, *more, *(["history"] if entry.needs_history else [])])
