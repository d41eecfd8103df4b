"""In what does an entry differ from its neighbour? Topics, so that like stands beside like."""

from typing import Any

from push_model.exploration.entries.entry import NEEDS_MORE
from push_model.exploration.report.found import Explored, Found
from push_model.training.parametrisation import FAMILIES

LINEAR = "logistic_regression"
TREES = frozenset({"decision_tree", "random_forest", "histogram_boosting", "boosted_trees"})

FAMILY, COLUMNS, PENALTY, SETTINGS, TREATMENT, SEVERAL = (
    "Families: rules, lines, trees",
    "Columns: what is read of a row",
    "Lines: how strongly they are held back",
    "Trees: size and settings, one at a time",
    "Calibration, weights and drawing of rows",
    "Several settings at once: the search",
)
TOPICS = (FAMILY, COLUMNS, PENALTY, SETTINGS, TREATMENT, SEVERAL)


def find_topic(entry: Explored, neighbour: Explored) -> str:
    """Say in which respect two entries differ."""
    if entry.family != neighbour.family:
        return FAMILY
    if entry.features != neighbour.features:
        return COLUMNS
    if entry.treatment != neighbour.treatment:
        return TREATMENT
    if entry.family == LINEAR:
        return PENALTY
    return SETTINGS if len(find_changes(entry, neighbour)) <= 2 else SEVERAL  # noqa: PLR2004 - trees go with rate


def find_changes(entry: Explored, neighbour: Explored) -> dict[str, tuple[Any, Any]]:
    """Give the settings in which two entries of a family differ."""
    ours, theirs = settings_of(entry), settings_of(neighbour)
    return {
        name: (theirs.get(name), ours.get(name))
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    }


def settings_of(entry: Explored) -> dict[str, Any]:
    """Give an entry's settings, those it leaves to its family included."""
    family = FAMILIES.get(entry.family)
    fields = family.model_fields if family else {}
    defaults = {
        name: field.default for name, field in fields.items() if name not in {"model", "features"}
    }
    return {**defaults, **entry.settings}


def write_settings(entry: Explored) -> str:
    """Write out the settings that an entry gives."""
    given = (f"{name} {write_setting(value)}" for name, value in entry.settings.items())
    return ", ".join(given) or "the family's own"


def write_setting(value: Any) -> str:
    """Write a setting's value.

    Examples
    --------
    >>> write_setting(0.05), write_setting(240)
    ('0.05', '240')
    """
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def count_numbers(entry: Explored) -> int:
    """Count the leaves or weights of an entry."""
    added = NEEDS_MORE if entry.needs_history and entry.complexity >= NEEDS_MORE else 0
    return entry.complexity - added


def find_unconverged(found: Found, entry: Explored) -> list[str]:
    """Name the folds on which a fit stopped at its limit of iterations."""
    return [fold for fold in found.folds if entry.results[fold].facts.get("converged") is False]
