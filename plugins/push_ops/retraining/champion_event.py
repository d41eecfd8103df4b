"""What does a new champion tell the DAGs that wait for one? The extra of an asset's event."""

from collections.abc import Mapping
from typing import Any

from push_model.training.gate.verdict_file import read_figures


def describe_champion(run: Mapping[str, Any]) -> dict[str, Any]:
    """Say which model serves now, and why."""
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
