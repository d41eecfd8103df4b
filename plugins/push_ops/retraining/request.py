"""What was this run asked to do? Form, run and installation, read once and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from push_model.errors import InvalidEventError
from push_model.serving.settings import read_max_age_days
from push_model.training.gate.policy import Policy, read_policy, read_policy_file
from push_model.training.parametrisation import Parametrisation, read_parametrisation
from push_ops.retraining.daily import is_daily, name_of_day

#: Airflow's type of a run of a day gone by.
BACKFILL = "backfill"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRequest:
    """One retraining run, fully specified.

    Attributes
    ----------
    run_id : str
        Airflow's name of the run.
    run_date : date
        No row dated later is read; the model is named after it.
    dataset : str
        URI or path of the feature frame, with the run date in it where its name has a place
        for that.
    min_items : int
        Items bought that make an order large.
    holdout_days : int or None
        How many of the newest days judge the model; None for the newest tenth of the orders.
    parametrisation : BoostedTrees or LogisticRegression
        Model family and hyper-parameters.
    policy : Policy
        Limits of the gate.
    promotion : str
        ``"auto"``, ``"manual"`` or ``"never"``, as `settle_promotion` gives it.
    max_age_days : int
        How old the champion may be before a run that leaves it fails.
    runs_dir, models_dir : Path
        Where run folders and model folders are kept.
    requested_by : str
        Who or what started the run, for the promotion log.
    is_daily : bool, default=False
        Whether the dataset is named after the run date, and so may be still to come.
    is_backfill : bool, default=False
        Whether Airflow was asked to run days gone by.
    """

    run_id: str
    run_date: date
    dataset: str
    min_items: int
    holdout_days: int | None = None
    parametrisation: Parametrisation
    policy: Policy
    promotion: str
    max_age_days: int
    runs_dir: Path
    models_dir: Path
    requested_by: str
    is_daily: bool = False
    is_backfill: bool = False


def read_request(
    form: Mapping[str, Any],
    *,
    run_id: str,
    run_date: date,
    run_type: str,
    triggered_by: str | None,
    environ: Mapping[str, str],
) -> RetrainingRequest:
    """Read the trigger form of a run; what it leaves empty, the installation says.

    Examples
    --------
    >>> form = {"dataset": "frame.csv", "min_items": 5, "holdout_days": None,
    ...         "model": "boosted_trees_fast",
    ...         "model_parametrisation": None, "policy": None, "promotion": "auto"}
    >>> environ = {"PUSH_RUNS_DIR": "/srv/runs", "PUSH_MODELS_DIR": "/srv/models"}
    >>> read_request(form, run_id="manual", run_date=date(2021, 3, 4),
    ...              run_type="manual", triggered_by="ana", environ=environ).parametrisation.depth
    4
    """
    dataset = choose_dataset(form["dataset"], environ)
    return RetrainingRequest(
        run_id=run_id,
        run_date=run_date,
        dataset=name_of_day(dataset, run_date),
        is_daily=is_daily(dataset),
        min_items=form["min_items"],
        holdout_days=form["holdout_days"],
        parametrisation=read_parametrisation(form["model_parametrisation"] or form["model"]),
        policy=_policy(form["policy"], environ),
        promotion=settle_promotion(form["promotion"], run_type),
        max_age_days=read_max_age_days(environ),
        runs_dir=read_directory("PUSH_RUNS_DIR", environ),
        models_dir=read_directory("PUSH_MODELS_DIR", environ),
        requested_by=triggered_by or run_type,
        is_backfill=run_type == BACKFILL,
    )


def settle_promotion(asked: str, run_type: str) -> str:
    """Say what a run may do to the champion."""
    return "never" if asked == "auto" and run_type == BACKFILL else asked


def read_dataset(given: str | None, environ: Mapping[str, str], run_date: date) -> str:
    """Read which dataset a run is about."""
    return name_of_day(choose_dataset(given, environ), run_date)


def choose_dataset(given: str | None, environ: Mapping[str, str]) -> str:
    """Read how a run's dataset is named, before the run date is put in."""
    dataset = (given or "").strip() or environ.get("PUSH_DATASET", "").strip()
    if not dataset:
        raise InvalidEventError(
            "The form names no dataset and PUSH_DATASET is not set. Name a dataset in the form, "
            "or set PUSH_DATASET where Airflow's tasks run."
        )
    # It would end up in logs and manifests.
    if "://" in dataset and "@" in urlsplit(dataset).netloc:
        raise InvalidEventError(
            "The dataset's URI holds a user or a password. Keep them in an Airflow connection "
            "and name that: conn://CONNECTION?table=... (docs/datasets.md)."
        )
    return dataset


def _policy(given: Mapping[str, Any] | None, environ: Mapping[str, str]) -> Policy:
    file = environ.get("PUSH_POLICY", "").strip()
    return read_policy({**(read_policy_file(Path(file)) if file else {}), **(given or {})})


def read_directory(variable: str, environ: Mapping[str, str]) -> Path:
    """Read where a folder is that all tasks share."""
    # No default: a folder relative to a worker's current directory would be lost with it.
    if value := environ.get(variable, "").strip():
        return Path(value).absolute()
    raise InvalidEventError(
        f"{variable} is not set. Set it, where Airflow's tasks run, to a folder that all of "
        "them share."
    )
