"""List the entries of an exploration.

An entry differs from its neighbour in what its question names, so that their paired difference
answers the question.
"""

from dataclasses import replace
from typing import Any

from push_model.errors import InvalidEventError
from push_model.exploration.entries.entry import BASE_LINE, Entry
from push_model.exploration.entries.lines import LINES
from push_model.exploration.entries.trees import OTHER_TREES, SYMMETRIC_TREES, trees

# Trials of the search by size, unless another number is given.
TRIALS = {"small": 0, "full": 14}

_RULES = (
    Entry(
        name="popularity",
        question="How good is a list of best-sellers, the same for every user?",
        family="popularity",
    ),
    Entry(
        name="bought before",
        question="How good is 'products you bought before, popular first'?",
        family="bought_before",
        neighbour="popularity",
        complexity=1,
    ),
)

ENTRIES: tuple[Entry, ...] = (*_RULES, *LINES, *OTHER_TREES, *SYMMETRIC_TREES)

_FEW_TREES: dict[str, Any] = {"iterations": 40, "depth": 4, "learning_rate": 0.2}

_SMALL: tuple[Entry, ...] = (
    *_RULES,
    LINES[0],
    replace(next(entry for entry in LINES if entry.name == BASE_LINE), neighbour=LINES[0].name),
    OTHER_TREES[0],
    trees(
        "few trees",
        "What do trees add to a linear model?",
        settings=_FEW_TREES,
        neighbour=BASE_LINE,
    ),
    trees(
        "few trees, depth 2",
        "Are pairs of features enough?",
        settings=_FEW_TREES | {"depth": 2},
        neighbour="few trees",
    ),
    trees(
        "few trees, calibrated",
        "Does Platt scaling improve the calibration of trees?",
        settings=_FEW_TREES,
        treatment="calibrated",
        neighbour="few trees",
    ),
)


def choose_entries(size: str) -> tuple[Entry, ...]:
    """Return the entries of an exploration.

    Examples
    --------
    >>> len(choose_entries("small"))
    8
    """
    if size not in TRIALS:
        raise InvalidEventError(f"size must be one of {list(TRIALS)}, got {size!r}.")
    return _SMALL if size == "small" else ENTRIES
