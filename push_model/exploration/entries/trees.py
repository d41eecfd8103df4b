"""Which trees are compared? Their size, what holds them back, and what they may look at."""

from typing import Any

from push_model.exploration.entries.entry import (
    CALIBRATION,
    HISTORIES,
    NEEDS_MORE,
    ORDER_SHARES,
    Entry,
)
from push_model.exploration.entries.lines import BASE_LINE

BASE_TREES = "trees"

# One Newton step a leaf, where CatBoost takes ten: sooner fitted, and what it costs is asked.
_BASE: dict[str, Any] = {
    "iterations": 80,
    "depth": 6,
    "learning_rate": 0.3,
    "leaf_estimation_iterations": 1,
}
# A quarter of the rows a tree: the full ones take four times as long for nothing.
_FOREST: dict[str, Any] = {"n_estimators": 40, "max_samples": 0.25}


def trees(name: str, question: str, **differs: Any) -> Entry:
    """Make an entry of symmetric trees."""
    settings = _BASE | differs.pop("settings", {})
    leaves = settings["iterations"] * 2 ** settings["depth"]
    leaves += CALIBRATION * (differs.get("treatment") == "calibrated")
    leaves += NEEDS_MORE * (differs.get("features") in HISTORIES)
    given: dict[str, Any] = {"neighbour": BASE_TREES, "complexity": leaves} | differs
    return Entry(name=name, question=question, family="boosted_trees", settings=settings, **given)


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
        settings=_FOREST | {"max_depth": 10},
        neighbour="decision tree, depth 6",
        complexity=40 * 2**10,
    ),
    Entry(
        name="random forest, grown out",
        question="Does a forest need its depth capped?",
        family="random_forest",
        settings=_FOREST,
        neighbour="random forest, depth 10",
        complexity=40 * 20_000,
    ),
    Entry(
        name="histogram boosting",
        question="Are symmetric trees any worse than scikit-learn's free-shaped ones?",
        family="histogram_boosting",
        # At the rate of the symmetric trees its leaves run away: few purchases, nothing averaged.
        # Stopping early would hold out rows at random, of orders that it also learns from.
        settings={"max_iter": 100, "learning_rate": 0.1, "early_stopping": False},
        neighbour=BASE_TREES,
        complexity=100 * 31,
    ),
)

SYMMETRIC_TREES = (
    trees(BASE_TREES, "What do trees add to the best line?", neighbour=BASE_LINE),
    trees("trees, depth 4", "Do fewer questions a tree do?", settings={"depth": 4}),
    trees("trees, depth 8", "Do more questions a tree help?", settings={"depth": 8}),
    trees(
        "trees, pairs only",
        "What does a model cost whose every effect can be drawn (depth 2, 320 trees)?",
        settings={"depth": 2, "iterations": 320},
    ),
    trees("trees, 40", "Do half as many trees do?", settings={"iterations": 40}),
    trees("trees, 160", "Do twice as many trees help?", settings={"iterations": 160}),
    trees(
        "trees, 160 at half the rate",
        "Are more, smaller steps better?",
        settings={"iterations": 160, "learning_rate": 0.15},
    ),
    trees("trees, rate 0.6", "Do larger steps do?", settings={"learning_rate": 0.6}),
    trees("trees, L2 30", "Does a stronger penalty on leaves help?", settings={"l2_leaf_reg": 30}),
    trees("trees, L2 0.3", "Does a weaker one?", settings={"l2_leaf_reg": 0.3}),
    trees(
        "trees, half the rows a tree",
        "Does drawing half of the rows for each tree help?",
        settings={"subsample": 0.5},
    ),
    trees(
        "trees, ten steps a leaf",
        "Is a leaf better for ten Newton steps than for one?",
        settings={"leaf_estimation_iterations": 10},
    ),
    trees(
        "trees, monotone",
        "What does it cost that popularity, a regular and a cart can only raise a propensity?",
        settings={"is_monotone": True},
    ),
    trees(
        "trees, never as a number",
        "What is it worth that 'never bought' is missing and no number of days?",
        features="never as a number",
    ),
    trees("trees, no ratios", "What are gaps over usual gaps worth?", features="no ratios"),
    trees(
        "trees, categories",
        "What do rates by product, kind and vendor, as known on the day, add?",
        features="categories",
    ),
    trees(
        "trees, season",
        "Do the month and the weekday of the order say what is bought?",
        features="season",
    ),
    trees(
        "trees, price in its kind",
        "Does a price say more beside the usual price of its kind?",
        features="price in its kind",
    ),
    trees("trees, no household", "What is the household worth?", features="no household"),
    trees(
        "trees, no order number",
        "What is it worth to know which order of the user's this is?",
        features="no order number",
    ),
    trees(
        "trees, calibrated",
        "Does a line through the log-odds make trees more honest?",
        treatment="calibrated",
    ),
    trees(
        "trees, class weights",
        "Does weighting purchases up help to rank, and what does it do to propensities?",
        treatment="class weights",
    ),
    trees(
        "trees, a tenth of the negatives",
        "Can most of what was not bought be left out?",
        treatment="a tenth of the negatives",
    ),
    *(
        trees(
            f"trees, {treatment}",
            "Are there orders enough, or would more of them make better trees?",
            treatment=treatment,
        )
        for treatment in ORDER_SHARES
    ),
    trees(
        "trees, history",
        "What would the user's history with the product and its vendor be worth?",
        features="history",
    ),
    trees(
        "trees, history of the product",
        "Does the user's history with the vendor add to that with the product?",
        features="history of the product",
        neighbour="trees, history",
    ),
    trees(
        "trees, history by kind, too",
        "Would the user's history with the kind of product add to it?",
        features="history by kind, too",
        neighbour="trees, history",
    ),
    trees(
        "trees, history and cadence",
        "Does it help to know how long users usually wait, and have waited?",
        features="history and cadence",
        neighbour="trees, history",
    ),
)
