"""Add the page "Push models" to Airflow: in its navigation, and as a tab of each run.

Every Airflow process executes this file. The page itself is built where Airflow serves pages alone.
"""

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from push_ops.page import PREFIX


class PushModels(AirflowPlugin):
    """The page, and where Airflow shows it."""

    name = "push_models"
    external_views = [  # noqa: RUF012 - Airflow's base class has it so
        {
            "name": "Push",  # Airflow cuts a longer word than "Push mo"
            "destination": "nav",
            "href": f"{PREFIX}/",
            "url_route": PREFIX,
            "nav_top_level": True,
        },
        # Airflow shows it on the runs of every DAG; on those of others it says so.
        {
            "name": "Verdict",
            "destination": "dag_run",
            "href": f"{PREFIX}/run?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
            "url_route": "push-verdict",
        },
    ]

    @cached_property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override] # a list, made late
        """Build the page: a second and 40 MB that no scheduler and no worker pays."""
        from push_ops.page.app import make_app  # noqa: PLC0415

        return [{"app": make_app(), "url_prefix": f"/{PREFIX}", "name": "Push models"}]
