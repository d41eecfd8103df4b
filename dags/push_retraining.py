"""Retrain the model daily: when, and in which steps. What a step does is in push_ops."""

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from push_ops import schedule
from push_ops.messages import notify
from push_ops.messages.approval import ApprovePromotion
from push_ops.retraining.arrival import AwaitDataset
from push_ops.retraining.form import FORM
from push_ops.retraining.request import RetrainingRequest, read_request


@dag(
    schedule=schedule.at_or_on_delivery("0 5 * * *"),
    catchup=False,  # and no start_date: a run of an earlier day would do nothing and succeed
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=20),  # 8 of steps, 4 for data to come, 4 for a person
    deadline=notify.overdue_alert(os.environ),
    params={name: Param(**field) for name, field in FORM.items()},
    default_args=schedule.TASK_DEFAULTS | {"on_failure_callback": notify.notify_failure},
    on_failure_callback=notify.notify_timeout,
    tags=["push"],
)
def push_retraining() -> None:
    """Retrain the model that predicts who buys a product; promote it if it wins.

    0. **await_dataset** waits until the dataset is there, for some hours at most.
    1. **load** reads the dataset up to the run date and checks every row.
    2. **filter** keeps whole orders of enough items bought.
    3. **train** trains the chosen parametrisation and saves a model folder.
    4. **validate** compares it on the newest orders with the champion and with popularity.
    5. **approve** asks a person, where the form says so; otherwise it goes on at once.
    6. **promote** makes a winner the champion, which serves, and informs other DAGs.
       **Skipped**: the champion stayed. The log says why.

    Bad data or a bad form fails at once and says what to fix; disk and network trouble is retried.
    A failed run leaves the champion alone.
    """
    arrived = AwaitDataset(task_id="await_dataset", read_request=_request, doc_md="Waits for it.")

    @task(
        multiple_outputs=False,
        retries=6,  # an hour and a half, for an upload that is not renamed into place
        inlets=[schedule.FEATURE_FRAME],
        doc_md="Reads and checks the dataset.",
    )
    def load() -> dict[str, Any]:
        from push_ops.retraining import steps

        return steps.load(_request())

    @task(task_id="filter", multiple_outputs=False, doc_md="Keeps whole large orders of the frame.")
    def filter_orders(loaded: dict[str, Any]) -> dict[str, Any]:
        from push_ops.retraining import steps

        return steps.filter_orders(_request(), loaded)

    @task(
        multiple_outputs=False,
        execution_timeout=timedelta(hours=4),
        doc_md="Trains the parametrisation and saves a model folder, which does not serve yet.",
    )
    def train(filtered: dict[str, Any]) -> dict[str, Any]:
        from push_ops.retraining import steps

        return steps.train(_request(), filtered)

    @task(multiple_outputs=False, doc_md="Evaluates the challenger and says why it won or lost.")
    def validate(trained: dict[str, Any]) -> dict[str, Any]:
        from push_ops.retraining import steps

        return steps.validate(_request(), trained)

    @task(
        multiple_outputs=False,
        outlets=[schedule.CHAMPION],  # a skipped task updates none
        on_success_callback=notify.notify_promoted,
        on_skipped_callback=notify.notify_kept,
        doc_md="Promotes a winner. **Skipped**: the champion stayed.",
    )
    def promote(validated: dict[str, Any], approval: dict[str, Any] | None) -> dict[str, Any]:
        from push_ops.retraining import steps

        outcome = steps.promote(_request(), validated, **(approval or {}))
        if not outcome["promoted"]:
            raise AirflowSkipException(outcome["sentence"])
        get_current_context()["outlet_events"][schedule.CHAMPION].extra = outcome["event"]
        return outcome

    loaded = load()
    arrived >> loaded
    validated: Any = validate(train(filter_orders(loaded)))  # type: ignore[arg-type] # dicts at run time
    asks = "Asks a person where the form says so. No answer in 4 hours: rejected."
    approve = ApprovePromotion(task_id="approve", validated=validated, doc_md=asks)
    promote(validated, approve.output)  # type: ignore[arg-type] # the same


def _request() -> RetrainingRequest:
    context = get_current_context()
    run = context["dag_run"]
    return read_request(
        context["params"],
        run_id=run.run_id,
        run_date=schedule.find_run_date(run),
        run_type=run.run_type.value,
        triggered_by=run.triggering_user_name,
        environ=os.environ,
    )


push_retraining()
