"""What does a new champion tell the DAGs that wait for one? The extra of an asset's event."""

from collections.abc import Mapping
from typing import Any

from push_model.training.gate.verdict import Verdict


def describe_champion(run: Mapping[str, Any]) -> dict[str, Any]:
    """Say which model serves now, and why."""
    verdict = run["verdict"]
    return {
        **{key: run[key] for key in ("model_name", "model_path")},
        "champion_before": verdict["champion_name"],
        **{key: verdict[key] for key in ("decision", "claim", "headline")},
        "average_precision": {
            scorer: interval._asdict()
            for scorer, interval in Verdict
            .from_document(verdict)
            .by_scorer("average_precision")
            .items()
        },
        **{key: run[key] for key in ("dataset", "run_id", "run_date")},
    }
