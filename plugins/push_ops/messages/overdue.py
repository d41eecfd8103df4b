"""When is a run overdue? Airflow's own deadline of a DAG, where the installation asks for one."""

from collections.abc import Mapping
from datetime import timedelta

# airflow.sdk has them too, but its types do not name them.
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from push_model.serving.settings import read_setting
from push_ops.messages.notify import tell_overdue

VARIABLE = "PUSH_OVERDUE_HOURS"


def overdue_alert(environ: Mapping[str, str]) -> DeadlineAlert | None:
    """Say when people hear that a run has not ended; the run goes on."""
    if not (value := environ.get(VARIABLE, "").strip()):
        return None
    hours = read_setting(VARIABLE, value)
    return DeadlineAlert(
        # Not the logical date, which lies years back in a backfill and is absent in other runs.
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=hours),
        callback=AsyncCallback(tell_overdue, kwargs={"hours": hours}),
    )
