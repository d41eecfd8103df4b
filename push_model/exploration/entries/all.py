"""Which entries are there to compare, and what does each of them ask?

Entries are data. Each but the first of its kind differs from its neighbour in what its question
names, so that their paired difference answers it.
"""

from dataclasses import replace
from typing import Any

from push_model.errors import InvalidEventError
from push_model.exploration.entries.entry import Entry
from push_model.exploration.entries.lines import BASE_LINE, LINES
from push_model.exploration.entries.trees import OTHER_TREES, SYMMETRIC_TREES, trees

SIZES = ("small", "full")
# Trials that a search comes to where nobody says otherwise.
TRIALS = {"small": 0, "full": 14}

RULES = (
    Entry(
        name="popularity",
        question="What does a shelf of best-sellers reach, the same for everybody?",
        family="popularity",
    ),
    Entry(
        name="bought before",
        question="What does 'what you bought before, popular first' reach without any model?",
        family="bought_before",
        neighbour="popularity",
        complexity=1,
    ),
)


ENTRIES: tuple[Entry, ...] = (*RULES, *LINES, *OTHER_TREES, *SYMMETRIC_TREES)

_FEW_TREES: dict[str, Any] = {"iterations": 40, "depth": 4, "learning_rate": 0.2}

SMALL: tuple[Entry, ...] = (
    *RULES,
    LINES[0],
    replace(next(entry for entry in LINES if entry.name == BASE_LINE), neighbour=LINES[0].name),
    OTHER_TREES[0],
    trees(
        "few trees",
        "What do trees add to a line?",
        settings=_FEW_TREES,
        neighbour=BASE_LINE,
    ),
    trees(
        "few trees, depth 2",
        "Do pairs of inputs do?",
        settings=_FEW_TREES | {"depth": 2},
        neighbour="few trees",
    ),
    trees(
        "few trees, calibrated",
        "Does a line through the log-odds make trees more honest?",
        settings=_FEW_TREES,
        treatment="calibrated",
        neighbour="few trees",
    ),
)


def choose_entries(size: str) -> tuple[Entry, ...]:
    """Give the entries of an exploration.

    Examples
    --------
    >>> len(choose_entries("small"))
    8
    """
    if size not in SIZES:
        raise InvalidEventError(f"size must be one of {list(SIZES)}, got {size!r}.")
    return SMALL if size == "small" else ENTRIES
