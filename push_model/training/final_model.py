"""Which parametrisations did the exploration of real orders choose? See docs/exploration.md."""

from typing import Any

#: Names the report that chose them, docs/exploration/report.md.
REPORT = "2022-03-14-51e07cb8"

#: Reads what every request holds.
FINAL_MODEL: dict[str, Any] = {
    "model": "boosted_trees",
    "iterations": 210,
    "depth": 6,
    "learning_rate": 0.1,
    "l2_leaf_reg": 13.0,
    "random_strength": 0.63,
    "leaf_estimation_iterations": 10,
    "features": "request",
}

#: Reads besides what the user's earlier orders held, which requests must then send, too.
FINAL_MODEL_WITH_HISTORY: dict[str, Any] = {
    "model": "boosted_trees",
    "iterations": 190,
    "depth": 5,
    "learning_rate": 0.092,
    "l2_leaf_reg": 77.0,
    "random_strength": 0.25,
    "leaf_estimation_iterations": 10,
    "features": "history",
}
