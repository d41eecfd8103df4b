"""Define the form of push_exploration, and run its first and its last task."""

import json
import logging
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from push_model.exploration.entries.all import TRIALS
from push_ops.retraining.form import FORM
from push_ops.retraining.request import read_dataset, read_directory
from push_ops.retraining.run_folder import find_run_folder, require_shared

logger = logging.getLogger(__name__)

EXPLORATION_FORM: dict[str, dict[str, Any]] = {
    "dataset": FORM["dataset"],
    "min_items": FORM["min_items"],
    "size": {
        "default": "full",
        "type": "string",
        "enum": list(TRIALS),
        "values_display": {
            "small": "small: eight cheap entries, a first look",
            "full": "full: every entry, an hour of two cores on three million rows",
        },
        "title": "Entries",
        "description_md": "The models that are compared.",
    },
    "search_trials": {
        "default": None,
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": 1000,
        "title": "Trials of the search",
        "description_md": "Settings of trees that Optuna tries on the folds. Empty: "
        f"**{TRIALS['full']}** for full, **{TRIALS['small']}** for small.",
    },
    "seed": {
        "default": 0,
        "type": "integer",
        "minimum": 0,
        "maximum": 2**31 - 1,
        "title": "Seed",
        "description_md": "Seed of everything random.",
    },
}


def find_folder(run_id: str, environ: Mapping[str, str]) -> Path:
    """Return the folder that all tasks of a run read and write."""
    return find_run_folder(read_directory("PUSH_RUNS_DIR", environ), run_id).exploration


def find_planned(run_id: str, environ: Mapping[str, str]) -> Path:
    """Return that folder, which the task plan has made, maybe on another worker."""
    folder = find_folder(run_id, environ)
    require_shared(folder, "plan")
    return folder


def count_trials(form: Mapping[str, Any]) -> int:
    """Return how many trials a search may make; an empty field means the default of the size."""
    asked: int | None = form["search_trials"]
    return TRIALS[form["size"]] if asked is None else asked


def plan(
    folder: Path, form: Mapping[str, Any], *, run_date: date, environ: Mapping[str, str]
) -> list[str]:
    """Fetch and read the dataset, and return the slugs of the entries that are left to do."""
    from push_model.exploration import run  # noqa: PLC0415 - seconds to import
    from push_ops.data.fetching import at_hand  # noqa: PLC0415 - the same

    dataset = read_dataset(form["dataset"], environ, run_date)
    asked = {name: form[name] for name in ("size", "min_items", "seed")}
    with at_hand(dataset, folder.parent, until=run_date) as fetched:
        return run.plan(folder, fetched.path, until=run_date, source=fetched.facts, **asked)


def finish(folder: Path) -> dict[str, str]:
    """Choose, open the final window and write the report; return what the log names."""
    from push_model.exploration import run  # noqa: PLC0415 - as in plan
    from push_model.exploration.entries.entry import request_of  # noqa: PLC0415 - the same

    outcome, report = run.finish(folder)
    chosen = outcome.choice.chosen
    found = {
        "chosen": chosen.name,
        "parametrisation": json.dumps(request_of(chosen)),
        "report": str(report),
    }
    logger.info("Chosen: %(chosen)s, %(parametrisation)s. The report is %(report)s.", found)
    return found
