"""Compare models on one dataset, one task an entry, and write a report."""

import logging
import os
from datetime import timedelta
from pathlib import Path

from airflow.sdk import Param, dag, get_current_context, task

from push_ops import exploration
from push_ops.schedule import TASK_DEFAULTS, find_run_date

# A mapped task without anything to map over is skipped.
AFTER_WORK_OR_NONE = "none_failed"

logger = logging.getLogger(__name__)


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=17),
    params={name: Param(**field) for name, field in exploration.EXPLORATION_FORM.items()},
    default_args=TASK_DEFAULTS,
    tags=["push"],
)
def push_exploration() -> None:
    """Compare models on one dataset, choose one by a fixed rule, and write a report.

    1. **plan** reads the dataset up to the run date and lays out folds and final window.
    2. **entry** trains and measures one model; one task each, on all workers at once.
    3. **search** tries further trees on the folds, and **found** measures the best in full.
    4. **finish** refits tied models, chooses, opens the final window and writes the report.

    Cleared tasks continue where they stopped. The champion is not changed.
    """

    @task(multiple_outputs=False, doc_md="Reads the dataset and lays out the protocol.")
    def plan() -> list[str]:
        context = get_current_context()
        run = context["dag_run"]
        form = context["params"]
        folder = exploration.find_folder(run.run_id, os.environ)
        return exploration.plan(folder, form, run_date=find_run_date(run), environ=os.environ)

    @task(
        map_index_template="{{ entry_name }}",
        execution_timeout=timedelta(hours=2),
        doc_md="Trains and measures one entry on every fold.",
    )
    def entry(slug: str) -> None:
        from push_model.exploration import run

        get_current_context()["entry_name"] = slug  # type: ignore[typeddict-unknown-key] # the label
        run.run_entry(_planned(), slug)

    @task(
        trigger_rule=AFTER_WORK_OR_NONE,
        execution_timeout=timedelta(hours=6),
        multiple_outputs=False,
        doc_md="Tries settings of trees; continues where a killed search stopped.",
    )
    def search() -> list[str]:
        from push_model.exploration.search import find_more

        trials = exploration.count_trials(get_current_context()["params"])
        return find_more(_planned(), trials=trials, report_progress=_log_trial)

    @task(
        trigger_rule=AFTER_WORK_OR_NONE,
        execution_timeout=timedelta(hours=6),
        multiple_outputs=False,
        doc_md="Refits tied models, chooses by the rule and writes the report.",
    )
    def finish() -> dict[str, str]:
        return exploration.finish(_planned())

    found = search()
    entry.expand(slug=plan()) >> found
    entry.override(task_id="found").expand(slug=found) >> finish()


def _planned() -> Path:
    return exploration.find_planned(get_current_context()["dag_run"].run_id, os.environ)


def _log_trial(ended: int, best: float | None, spent_s: float) -> None:
    logger.info("Trial %d; best average precision %s; %.0f s spent.", ended, best, spent_s)


push_exploration()
