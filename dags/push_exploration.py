"""Which model is the best on these data? One task an entry; what each does is in push_ops."""

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import Param, dag, get_current_context, task

from push_ops.exploration import EXPLORATION_FORM, ExplorationRequest, read_exploration
from push_ops.retries import TASK_DEFAULTS

# Nothing to map over skips a mapped task: all of it was done before, or nothing was found.
AFTER_WORK_OR_NONE = "none_failed"


@dag(
    schedule=None,
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=17),
    params={name: Param(**field) for name, field in EXPLORATION_FORM.items()},
    default_args=TASK_DEFAULTS,
    tags=["push"],
)
def push_exploration() -> None:
    """Compare models on one dataset, choose one by a fixed rule, and write a report.

    1. **plan** reads the dataset up to the run date and lays out folds and final window.
    2. **entry** fits and measures one model; a task for each, on all workers at once.
    3. **search** tries further trees on the folds, and **found** measures the best in full.
    4. **finish** fits again what is level, chooses, opens the final window for the chosen alone,
       and writes the report.

    Cleared tasks go on where they were. Nothing that serves is touched.
    """

    @task(multiple_outputs=False, doc_md="Reads the dataset and lays out the protocol.")
    def plan() -> list[str]:
        from push_ops import exploration

        return exploration.plan(_request())

    @task(
        map_index_template="{{ entry_name }}",
        execution_timeout=timedelta(hours=2),
        doc_md="Fits and measures one entry on every fold.",
    )
    def entry(slug: str) -> None:
        from push_ops import exploration

        get_current_context()["entry_name"] = slug  # type: ignore[typeddict-unknown-key] # the label
        exploration.run_entry(_request(), slug)

    @task(
        trigger_rule=AFTER_WORK_OR_NONE,
        execution_timeout=timedelta(hours=6),
        multiple_outputs=False,
        doc_md="Tries parametrisations of trees; goes on where a killed one was.",
    )
    def search() -> list[str]:
        from push_ops import exploration

        return exploration.search(_request())

    @task(
        trigger_rule=AFTER_WORK_OR_NONE,
        execution_timeout=timedelta(hours=6),
        multiple_outputs=False,
        doc_md="Fits again what is level, chooses by the rule and writes the report.",
    )
    def finish() -> dict[str, str]:
        from push_ops import exploration

        return exploration.finish(_request())

    found = search()
    entry.expand(slug=plan()) >> found
    entry.override(task_id="found").expand(slug=found) >> finish()


def _request() -> ExplorationRequest:
    context = get_current_context()
    run = context["dag_run"]
    return read_exploration(
        context["params"],
        run_id=run.run_id,
        run_date=(run.logical_date or run.run_after).date(),
        environ=os.environ,
    )


push_exploration()
