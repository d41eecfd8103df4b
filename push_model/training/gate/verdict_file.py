"""What do the figures of a written verdict say? Read without what measured them."""

from collections.abc import Mapping
from typing import Any

#: In the folder of a run.
VERDICT_FILE = "verdict.json"


def read_figures(verdict: Mapping[str, Any], metric: str) -> dict[str, tuple[float, float, float]]:
    """Read a metric of the holdout with its interval.

    Examples
    --------
    >>> verdict = {"metrics": {"challenger": {"average_precision": 0.3}},
    ...            "intervals": {"challenger": {"average_precision": [0.2, 0.4]}}}
    >>> read_figures(verdict, "average_precision")
    {'challenger': (0.3, 0.2, 0.4)}
    """
    return {
        scorer: (verdict["metrics"][scorer][metric], *intervals[metric])
        for scorer, intervals in verdict.get("intervals", {}).items()
        if metric in intervals
    }
