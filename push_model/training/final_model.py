"""Which parametrisations did the exploration of real orders choose? docs/exploration says why."""

from typing import Any

#: The report that chose them says so in its section on protocol and data.
REPORT = "2022-03-14 00000000"

#: Reads what every request holds.
FINAL_MODEL: dict[str, Any] = {
    "model": "boosted_trees",
    "iterations": 150,
    "depth": 6,
    "learning_rate": 0.1,
}

#: Reads besides what the user's earlier orders held, which requests must then send, too.
FINAL_MODEL_WITH_HISTORY: dict[str, Any] = {
    "model": "boosted_trees",
    "iterations": 150,
    "depth": 6,
    "learning_rate": 0.1,
    "features": "history",
}
