"""Which entries are there to compare, and what does each of them ask?

Entries are data. Each but the first of its kind differs from its neighbour by one thing, so that
their paired difference answers its question.

The full list on the real-orders frame of docs/exploration.md: the estimate is measured there.
"""

from dataclasses import replace
from typing import Any

from push_model.errors import InvalidEventError
from push_model.exploration.entry import NEEDS_MORE, Entry

SIZES = ("small", "full")

# Without a penalty, as far as the checked range goes.
NO_PENALTY = 1e12

BASE_LINE = "ridge, C 1e-3"
BASE_TREES = "trees"
_TREES: dict[str, Any] = {"iterations": 150, "depth": 6, "learning_rate": 0.1}
_LINE: dict[str, Any] = {"penalty": "l2", "C": 1e-3}
_LINE_INPUTS = 26
# A slope and an intercept.
_CALIBRATION = 2

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


def _line(name: str, question: str, **differs: Any) -> Entry:
    settings = _LINE | differs.pop("settings", {})
    given: dict[str, Any] = {"neighbour": BASE_LINE, "complexity": _LINE_INPUTS} | differs
    return Entry(
        name=name, question=question, family="logistic_regression", settings=settings, **given
    )


def _trees(name: str, question: str, **differs: Any) -> Entry:
    settings = _TREES | differs.pop("settings", {})
    leaves = settings["iterations"] * 2 ** settings["depth"]
    given: dict[str, Any] = {"neighbour": BASE_TREES, "complexity": leaves} | differs
    return Entry(name=name, question=question, family="boosted_trees", settings=settings, **given)


LINES = (
    _line(
        "line on three columns",
        "How far do bought before, left in the cart and popularity go?",
        features="three columns",
        neighbour="bought before",
        complexity=3,
    ),
    _line(
        "line on four columns",
        "What does the user's own 'regular' add to three columns?",
        features="four columns",
        neighbour="line on three columns",
        complexity=4,
    ),
    _line(
        "line on raw columns",
        "What do the other columns add as they are?",
        features="raw columns",
        neighbour="line on four columns",
        complexity=19,
    ),
    _line(
        BASE_LINE,
        "What do logs, ratios and products add to raw columns?",
        neighbour="line on raw columns",
    ),
    *(
        _line(
            f"ridge, C {shown}",
            f"Is a penalty of C {shown} better than 1e-3?",
            settings={"C": float(shown)},
        )
        for shown in ("1e-8", "1e-6", "1e-5", "1e-4", "1e-2", "1")
    ),
    _line(
        "line without a penalty",
        "What happens to a line that nothing holds back?",
        settings={"C": NO_PENALTY},
    ),
    _line(
        "lasso, C 1e-3",
        "Can a line do with fewer inputs?",
        settings={"penalty": "l1", "max_iter": 40},
    ),
    _line(
        "elastic net, C 1e-3",
        "Is half lasso, half ridge better than either?",
        settings={"penalty": "elasticnet", "l1_ratio": 0.5, "max_iter": 40},
    ),
    _line(
        "line with interactions",
        "What do popularity's square and its products with bought before add?",
        features="log interactions",
        complexity=31,
    ),
    _line(
        "line on splines",
        "What would bending each input freely add?",
        features="splines",
        complexity=90,
    ),
    _line(
        "ridge, calibrated",
        "Does a line through the log-odds make a line's propensities more honest?",
        treatment="calibrated",
        complexity=_LINE_INPUTS + _CALIBRATION,
    ),
    _line(
        "ridge, class weights",
        "Does weighting purchases up help a line to rank?",
        treatment="class weights",
    ),
    _line(
        "ridge, history",
        "What would the user's history with the product be worth to a line?",
        features="history",
        complexity=_LINE_INPUTS + 4 + NEEDS_MORE,
    ),
)

OTHER_TREES = (
    Entry(
        name="decision tree, depth 6",
        question="How far does a single tree go?",
        family="decision_tree",
        settings={"max_depth": 6},
        neighbour="bought before",
        complexity=2**6,
    ),
    Entry(
        name="decision tree, grown out",
        question="What does a tree learn that nothing stops?",
        family="decision_tree",
        neighbour="decision tree, depth 6",
        complexity=100_000,
    ),
    Entry(
        name="random forest, depth 10",
        question="What does averaging many trees add to one?",
        family="random_forest",
        settings={"max_depth": 10},
        neighbour="decision tree, depth 6",
        complexity=60 * 2**10,
    ),
    Entry(
        name="random forest, grown out",
        question="Does a forest need its depth capped?",
        family="random_forest",
        neighbour="random forest, depth 10",
        complexity=60 * 20_000,
    ),
    Entry(
        name="histogram boosting",
        question="Are symmetric trees any worse than scikit-learn's free-shaped ones?",
        family="histogram_boosting",
        settings={"max_iter": 150, "learning_rate": 0.1},
        neighbour=BASE_TREES,
        complexity=150 * 31,
    ),
)

SYMMETRIC_TREES = (
    _trees(BASE_TREES, "What do trees add to the best line?", neighbour=BASE_LINE),
    _trees("trees, depth 4", "Do fewer questions a tree do?", settings={"depth": 4}),
    _trees("trees, depth 8", "Do more questions a tree help?", settings={"depth": 8}),
    _trees(
        "trees, pairs only",
        "What does a model cost whose every effect can be drawn (depth 2, 600 trees)?",
        settings={"depth": 2, "iterations": 600},
    ),
    _trees("trees, 75", "Do half as many trees do?", settings={"iterations": 75}),
    _trees("trees, 300", "Do twice as many trees help?", settings={"iterations": 300}),
    _trees(
        "trees, 300 at half the rate",
        "Are more, smaller steps better?",
        settings={"iterations": 300, "learning_rate": 0.05},
    ),
    _trees("trees, rate 0.2", "Do larger steps do?", settings={"learning_rate": 0.2}),
    _trees("trees, L2 30", "Does a stronger penalty on leaves help?", settings={"l2_leaf_reg": 30}),
    _trees("trees, L2 0.3", "Does a weaker one?", settings={"l2_leaf_reg": 0.3}),
    _trees(
        "trees, half the rows a tree",
        "Does drawing half of the rows for each tree help?",
        settings={"subsample": 0.5},
    ),
    _trees(
        "trees, monotone",
        "What does it cost that popularity, a regular and a cart can only raise a propensity?",
        settings={"is_monotone": True},
    ),
    _trees(
        "trees, never as a number",
        "What is it worth that 'never bought' is missing and no number of days?",
        features="never as a number",
    ),
    _trees("trees, no ratios", "What are gaps over usual gaps worth?", features="no ratios"),
    _trees(
        "trees, categories",
        "What do rates by product, kind and vendor, as known on the day, add?",
        features="categories",
    ),
    _trees("trees, no household", "What is the household worth?", features="no household"),
    _trees(
        "trees, no order number",
        "What is it worth to know which order of the user's this is?",
        features="no order number",
    ),
    _trees(
        "trees, calibrated",
        "Does a line through the log-odds make trees more honest?",
        treatment="calibrated",
        complexity=_TREES["iterations"] * 2 ** _TREES["depth"] + _CALIBRATION,
    ),
    _trees(
        "trees, class weights",
        "Does weighting purchases up help to rank, and what does it do to propensities?",
        treatment="class weights",
    ),
    _trees(
        "trees, a tenth of the negatives",
        "Can most of what was not bought be left out?",
        treatment="a tenth of the negatives",
    ),
    _trees(
        "trees, history",
        "What would the user's history with the product be worth?",
        features="history",
        complexity=_TREES["iterations"] * 2 ** _TREES["depth"] + NEEDS_MORE,
    ),
)

ENTRIES: tuple[Entry, ...] = (*RULES, *LINES, *OTHER_TREES, *SYMMETRIC_TREES)

_FEW_TREES: dict[str, Any] = {"iterations": 40, "depth": 4, "learning_rate": 0.2}

SMALL: tuple[Entry, ...] = (
    *RULES,
    LINES[0],
    replace(next(entry for entry in LINES if entry.name == BASE_LINE), neighbour=LINES[0].name),
    OTHER_TREES[0],
    _trees(
        "few trees",
        "What do trees add to a line?",
        settings=_FEW_TREES,
        neighbour=BASE_LINE,
    ),
    _trees(
        "few trees, depth 2",
        "Do pairs of inputs do?",
        settings=_FEW_TREES | {"depth": 2},
        neighbour="few trees",
    ),
    _trees(
        "few trees, calibrated",
        "Does a line through the log-odds make trees more honest?",
        settings=_FEW_TREES,
        treatment="calibrated",
        neighbour="few trees",
        complexity=_FEW_TREES["iterations"] * 2 ** _FEW_TREES["depth"] + _CALIBRATION,
    ),
)


def choose_entries(size: str) -> tuple[Entry, ...]:
    """Give the entries of an exploration.

    Parameters
    ----------
    size : str
        ``"small"``: eight cheap ones, for a first look. ``"full"``: all.

    Returns
    -------
    tuple of Entry
        Names are all different.

    Raises
    ------
    InvalidEventError
        If there is no such size.

    Examples
    --------
    >>> len(choose_entries("small"))
    8
    """
    if size not in SIZES:
        raise InvalidEventError(f"size must be one of {list(SIZES)}, got {size!r}.")
    return SMALL if size == "small" else ENTRIES
