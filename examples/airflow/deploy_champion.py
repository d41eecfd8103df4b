"""Deploy a new champion: a DAG of the API team, started by the asset.

Copy it into your DAGs folder and replace `deploy` by your own deployment.
"""

import logging
from typing import Any

from airflow.sdk import Asset, dag, task

CHAMPION = Asset("push_champion")

logger = logging.getLogger(__name__)


@dag(schedule=CHAMPION, max_active_runs=1, tags=["push"])
def deploy_champion() -> None:
    """Start when push_retraining changed the champion; a run that keeps it starts nothing."""

    @task(inlets=[CHAMPION])
    def deploy(triggering_asset_events: Any = None) -> dict[str, Any]:
        # Several if the champion changed again before this run began: the last one serves.
        champion: dict[str, Any] = triggering_asset_events[CHAMPION][-1].extra
        logger.info("%(model_name)s serves after %(champion_before)s: %(headline)s", champion)
        return {name: champion[name] for name in ("model_name", "model_path", "average_precision")}

    deploy()


deploy_champion()
