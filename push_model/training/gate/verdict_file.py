"""What do the figures of a written verdict say? Read without what measured them."""

from collections.abc import Mapping
from typing import Any

#: In the folder of a run.
VERDICT_FILE = "verdict.json"


def read_figures(verdict: Mapping[str, Any], metric: str) -> dict[str, tuple[float, float, float]]:
    """Read a metric of the holdout with its interval.

    Parameters
    ----------
    verdict : mapping
        What `Verdict.document` gave.
    metric : str
        Such as ``"average_precision"``.

    Returns
    -------
    dict of str to tuple of float
        By scorer that has an interval of it: estimate, lower and upper end. Empty where nothing
        was measured.

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
