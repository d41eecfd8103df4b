"""Which parametrisations did the exploration of real orders choose? See docs/exploration.md."""

from typing import Any

#: Names the report that chose them, docs/exploration/report.md.
REPORT = "2022-03-14-87e0d2e1"

#: Reads what every request holds.
FINAL_MODEL: dict[str, Any] = {
    "model": "boosted_trees",
    "iterations": 240,
    "depth": 5,
    "learning_rate": 0.22,
    "l2_leaf_reg": 160.0,
    "random_strength": 0.5,
    "features": "request",
}

#: Reads besides what the user's earlier orders held, which requests must then send, too.
FINAL_MODEL_WITH_HISTORY: dict[str, Any] = FINAL_MODEL | {"features": "history"}
