"""What does each task of push_exploration do? Plan, measure an entry, choose and report."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

from push_model.columns import FRAME, HISTORY
from push_model.exploration.entries.all import TRIALS
from push_ops.retraining.form import FORM
from push_ops.retraining.request import read_dataset, read_directory
from push_ops.retraining.run_folder import find_run_folder

logger = logging.getLogger(__name__)

SIZES = {
    "small": "small: eight cheap entries, a first look",
    "full": "full: every entry, an hour of two cores on three million rows",
}

EXPLORATION_FORM: dict[str, dict[str, Any]] = {
    "dataset": FORM["dataset"],
    "min_items": FORM["min_items"],
    "size": {
        "default": "full",
        "type": "string",
        "enum": list(SIZES),
        "values_display": SIZES,
        "title": "Entries",
        "description_md": "What is compared.",
    },
    "search_trials": {
        "default": None,
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": 1000,
        "title": "Trials of the search",
        "description_md": "Parametrisations of trees that Optuna tries on the folds. Empty: "
        f"**{TRIALS['full']}** for full, **{TRIALS['small']}** for small.",
    },
    "seed": {
        "default": 0,
        "type": "integer",
        "minimum": 0,
        "maximum": 2**31 - 1,
        "title": "Seed",
        "description_md": "Of everything random.",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorationRequest:
    """One exploration, fully specified.

    Attributes
    ----------
    folder : Path
        Where it is kept: the run's own folder.
    dataset : str
        URI or path of the feature frame.
    size : str
        ``"small"`` or ``"full"``.
    min_items : int
        Items bought that make an order large.
    until : date
        No row dated later is read.
    search_trials : int
        Parametrisations that the search tries.
    seed : int
        Of everything random.
    """

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
    asked = form["search_trials"]
    return ExplorationRequest(
        folder=find_run_folder(runs_dir, run_id).exploration,
        dataset=read_dataset(form["dataset"], environ, run_date),
        size=form["size"],
        min_items=form["min_items"],
        until=run_date,
        search_trials=TRIALS[form["size"]] if asked is None else asked,
        seed=form["seed"],
    )


def plan(request: ExplorationRequest) -> list[str]:
    """Read the dataset, lay out the protocol, and name the entries that are left to do."""
    from push_model.exploration.run import plan as plan_entries  # noqa: PLC0415 - seconds to import
    from push_ops.data.fetching import at_hand  # noqa: PLC0415 - the same

    columns, until = [*FRAME, *HISTORY], request.until
    with at_hand(request.dataset, request.folder.parent, columns=columns, until=until) as fetched:
        return plan_entries(
            request.folder,
            fetched.path,
            size=request.size,
            min_items=request.min_items,
            until=until,
            seed=request.seed,
            source=fetched.facts,
        )


def run_entry(request: ExplorationRequest, slug: str) -> None:
    """Fit and measure an entry on every part of the protocol but the final window."""
    from push_model.exploration.run import run_entry as measure  # noqa: PLC0415 - as in plan

    started = perf_counter()
    measure(request.folder, slug)
    logger.info("Measured %s in %.1f s.", slug, perf_counter() - started)


def search(request: ExplorationRequest) -> list[str]:
    """Search for better trees, once every entry is measured."""
    from push_model.exploration.run import find_more  # noqa: PLC0415 - as in plan

    def _report(ended: int, best: float | None, spent_s: float) -> None:
        said = "none yet" if best is None else f"{best:.4f}"
        shown = (ended, request.search_trials, said, spent_s)
        logger.info("Trial %d of %d; best AP %s; %.0f s spent.", *shown)

    return find_more(request.folder, trials=request.search_trials, report_progress=_report)


def finish(request: ExplorationRequest) -> dict[str, str]:
    """Fit again what is level, choose, open the final window once, and write the report."""
    from push_model.exploration.run import finish as claim  # noqa: PLC0415 - as in plan

    outcome = claim(request.folder)
    found = {
        "chosen": outcome.choice.chosen.name,
        "parametrisation": json.dumps(outcome.choice.document()["parametrisation"]),
        "report": str(outcome.report),
    }
    logger.info("Chosen: %(chosen)s, %(parametrisation)s. The report is %(report)s.", found)
    return found
