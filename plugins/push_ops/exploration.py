"""Read the form of push_exploration, and run its first and its last task."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from push_model.columns import FRAME, HISTORY
from push_model.exploration.entries.all import TRIALS
from push_ops.retraining.form import FORM
from push_ops.retraining.request import read_dataset, read_directory
from push_ops.retraining.run_folder import find_run_folder

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorationRequest:
    """One exploration, fully specified."""

    folder: Path
    dataset: str
    size: str
    min_items: int
    until: date
    search_trials: int
    seed: int


def read_exploration(
    form: Mapping[str, Any], *, run_id: str, run_date: date, environ: Mapping[str, str]
) -> ExplorationRequest:
    """Read the trigger form of an exploration."""
    runs_dir = read_directory("PUSH_RUNS_DIR", environ)
    trials = form["search_trials"]
    return ExplorationRequest(
        folder=find_run_folder(runs_dir, run_id).exploration,
        dataset=read_dataset(form["dataset"], environ, run_date),
        size=form["size"],
        min_items=form["min_items"],
        until=run_date,
        search_trials=TRIALS[form["size"]] if trials is None else trials,
        seed=form["seed"],
    )


def plan(request: ExplorationRequest) -> list[str]:
    """Fetch and read the dataset, and return the slugs of the entries that are left to do."""
    from push_model.exploration import run  # noqa: PLC0415 - seconds to import
    from push_ops.data.fetching import at_hand  # noqa: PLC0415 - the same

    columns, until = [*FRAME, *HISTORY], request.until
    with at_hand(request.dataset, request.folder.parent, columns=columns, until=until) as fetched:
        return run.plan(
            request.folder,
            fetched.path,
            size=request.size,
            min_items=request.min_items,
            until=until,
            seed=request.seed,
            source=fetched.facts,
        )


def finish(request: ExplorationRequest) -> dict[str, str]:
    """Choose, open the final window and write the report; return what the log names."""
    from push_model.exploration import run  # noqa: PLC0415 - as in plan
    from push_model.exploration.entries.entry import request_of  # noqa: PLC0415 - the same

    outcome, report = run.finish(request.folder)
    chosen = outcome.choice.chosen
    found = {
        "chosen": chosen.name,
        "parametrisation": json.dumps(request_of(chosen)),
        "report": str(report),
    }
    logger.info("Chosen: %(chosen)s, %(parametrisation)s. The report is %(report)s.", found)
    return found
