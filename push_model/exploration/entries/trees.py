"""List the trees: their size, their penalties, and the features they read."""

from typing import Any

from push_model.exploration.entries.entry import (
    BASE_LINE,
    BASE_TREES,
    CALIBRATION,
    HISTORIES,
    NEEDS_MORE,
    ORDER_SHARES,
    Entry,
)

# One Newton step a leaf, where CatBoost's default is ten: faster, and an entry compares both.
_BASE: dict[str, Any] = {
    "iterations": 80,
    "depth": 6,
    "learning_rate": 0.3,
    "leaf_estimation_iterations": 1,
}
# A quarter of the rows a tree: all rows take four times as long and gain nothing.
_FOREST: dict[str, Any] = {"n_estimators": 40, "max_samples": 0.25}


def trees(name: str, question: str, **differs: Any) -> Entry:
    """Return an entry of symmetric boosted trees."""
    settings = _BASE | differs.pop("settings", {})
    leaves = settings["iterations"] * 2 ** settings["depth"]
    leaves += CALIBRATION * (differs.get("treatment") == "calibrated")
    leaves += NEEDS_MORE * (differs.get("features") in HISTORIES)
    given: dict[str, Any] = {"neighbour": BASE_TREES, "complexity": leaves} | differs
    return Entry(name=name, question=question, family="boosted_trees", settings=settings, **given)


OTHER_TREES = (
    Entry(
        name="decision tree, depth 6",
        question="How good is a single tree?",
        family="decision_tree",
        settings={"max_depth": 6},
        neighbour="bought before",
        complexity=2**6,
    ),
    Entry(
        name="decision tree, grown out",
        question="Does a tree need a depth limit?",
        family="decision_tree",
        neighbour="decision tree, depth 6",
        complexity=100_000,
    ),
    Entry(
        name="random forest, depth 10",
        question="What does averaging many trees add?",
        family="random_forest",
        settings=_FOREST | {"max_depth": 10},
        neighbour="decision tree, depth 6",
        complexity=40 * 2**10,
    ),
    Entry(
        name="random forest, grown out",
        question="Does a forest need a depth limit?",
        family="random_forest",
        settings=_FOREST,
        neighbour="random forest, depth 10",
        complexity=40 * 20_000,
    ),
    Entry(
        name="histogram boosting",
        question="Is scikit-learn's histogram boosting better than symmetric trees?",
        family="histogram_boosting",
        # At the rate of the symmetric trees its leaves diverge on few purchases. Early stopping
        # would hold out random rows of orders that it is also trained on.
        settings={"max_iter": 100, "learning_rate": 0.1, "early_stopping": False},
        neighbour=BASE_TREES,
        complexity=100 * 31,
    ),
)

SYMMETRIC_TREES = (
    trees(BASE_TREES, "What do boosted trees add to a linear model?", neighbour=BASE_LINE),
    trees("trees, depth 4", "Are shallower trees enough?", settings={"depth": 4}),
    trees("trees, depth 8", "Do deeper trees help?", settings={"depth": 8}),
    trees(
        "trees, pairs only",
        "Are pairs of features enough (depth 2, 320 trees)?",
        settings={"depth": 2, "iterations": 320},
    ),
    trees("trees, 40", "Are half as many trees enough?", settings={"iterations": 40}),
    trees("trees, 160", "Do twice as many trees help?", settings={"iterations": 160}),
    trees(
        "trees, 160 at half the rate",
        "Are more, smaller steps better?",
        settings={"iterations": 160, "learning_rate": 0.15},
    ),
    trees("trees, rate 0.6", "Does a higher learning rate help?", settings={"learning_rate": 0.6}),
    trees("trees, L2 30", "Does a stronger penalty on leaves help?", settings={"l2_leaf_reg": 30}),
    trees("trees, L2 0.3", "Does a weaker penalty on leaves help?", settings={"l2_leaf_reg": 0.3}),
    trees(
        "trees, half the rows a tree",
        "Does half of the rows for each tree help?",
        settings={"subsample": 0.5},
    ),
    trees(
        "trees, ten steps a leaf",
        "Are ten Newton steps a leaf better than one?",
        settings={"leaf_estimation_iterations": 10},
    ),
    trees(
        "trees, monotone",
        "Do monotone effects help: popularity, regular and cart can only raise the propensity?",
        settings={"is_monotone": True},
    ),
    trees(
        "trees, never as a number",
        "Does 'never bought' as a number of days, not as missing, help?",
        features="never as a number",
    ),
    trees(
        "trees, no ratios",
        "Are days since a purchase enough without the ratio to the usual gap?",
        features="no ratios",
    ),
    trees(
        "trees, categories",
        "What do purchase rates by product, type and vendor add?",
        features="categories",
    ),
    trees(
        "trees, season",
        "What do month and weekday of the order add?",
        features="season",
    ),
    trees(
        "trees, price in its kind",
        "What does the price relative to its product type add?",
        features="price in its kind",
    ),
    trees(
        "trees, no household",
        "Is the model as good without the household?",
        features="no household",
    ),
    trees(
        "trees, no order number",
        "Is the model as good without the user's order number?",
        features="no order number",
    ),
    trees(
        "trees, calibrated",
        "Does Platt scaling improve the calibration of trees?",
        treatment="calibrated",
    ),
    trees(
        "trees, class weights",
        "Do class weights improve the ranking of trees?",
        treatment="class weights",
    ),
    trees(
        "trees, a tenth of the negatives",
        "Is a tenth of the unbought candidates enough?",
        treatment="a tenth of the negatives",
    ),
    *(
        trees(
            f"trees, {treatment}",
            "Would fewer orders do for trees?",
            treatment=treatment,
        )
        for treatment in ORDER_SHARES
    ),
    trees(
        "trees, history",
        "What does purchase history add: the user's orders of the product and its vendor?",
        features="history",
    ),
    trees(
        "trees, history of the product",
        "Is history of the product enough, without the vendor?",
        features="history of the product",
        neighbour="trees, history",
    ),
    trees(
        "trees, history by kind, too",
        "What does history of the product type add?",
        features="history by kind, too",
        neighbour="trees, history",
    ),
    trees(
        "trees, history and cadence",
        "What does the time between a user's orders add?",
        features="history and cadence",
        neighbour="trees, history",
    ),
)
