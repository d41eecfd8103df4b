"""What does a new champion tell the DAGs that wait for one? The extra of an asset's event."""

from collections.abc import Mapping
from typing import Any

from push_model.training.gate.verdict_file import read_figures


def describe_champion(run: Mapping[str, Any]) -> dict[str, Any]:
    """Say which model serves now, and why.

    Parameters
    ----------
    run : mapping
        What ``verdict.json`` of the run that promoted it holds.

    Returns
    -------
    dict
        JSON-able: ``"model_name"``, ``"model_path"`` and ``"champion_before"`` (None for the
        first); ``"decision"``, ``"claim"`` and ``"headline"`` of the verdict;
        ``"average_precision"`` of the holdout, by scorer, each with its ``"estimate"`` and
        interval, ``"low"`` to ``"high"``; the ``"dataset"`` it was trained on, with its SHA-256;
        ``"run_id"`` and ``"run_date"``.
    """
    verdict = run["verdict"]
    return {
        **{key: run[key] for key in ("model_name", "model_path")},
        "champion_before": verdict["champion_name"],
        **{key: verdict[key] for key in ("decision", "claim", "headline")},
        "average_precision": {
            scorer: dict(zip(("estimate", "low", "high"), figures, strict=True))
            for scorer, figures in read_figures(verdict, "average_precision").items()
        },
        **{key: run[key] for key in ("dataset", "run_id", "run_date")},
    }
