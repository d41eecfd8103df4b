"""Read what a retraining run is to do: from its form, from Airflow and from the installation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from push_model.errors import InvalidEventError, did_you_mean
from push_model.serving.settings import expand_home, read_max_age_days, read_setting
from push_model.training.gate.policy import Policy, read_installed_policy, read_policy
from push_model.training.parametrisation import Parametrisation, read_parametrisation
from push_ops.retraining.form import FORM, MAX_AGE

#: Airflow's type of a run of a past day.
BACKFILL = "backfill"

# A delivery that comes later than this leaves too little of the day to act on a bad one.
_WAIT_S = 4 * 60 * 60
# Longer than an upload pauses.
_SETTLE_S = 30

_FORMATS = {"yyyymmdd": "%Y%m%d", "yyyy": "%Y", "mm": "%m", "dd": "%d"}
_BRACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PLACEHOLDER = re.compile(r"(\w+)(?:-(\d{1,3}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRequest:
    """One retraining run, fully specified."""

    run_id: str
    run_date: date  # no row dated later is read; the model is named after it
    dataset: str  # with the run date in place of its placeholders
    min_items: int  # bought, in an order that counts
    holdout_days: int | None = None  # None: the newest tenth of the orders
    parametrisation: Parametrisation
    policy: Policy
    promotion: str  # "auto", "manual" or "never", as `settle_promotion` returns it
    max_age_days: int  # a run that keeps an older champion fails
    # The limits that the form changed, as a verdict has them.
    changed_limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    runs_dir: Path
    models_dir: Path
    requested_by: str  # for the promotion log
    wait_s: int = _WAIT_S  # how long a daily file is waited for
    settle_s: int = _SETTLE_S  # how long the dataset must not have been written to
    is_daily: bool = False  # whether the dataset is named after the run date
    is_of_form: bool = False  # whether the form names the dataset
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
    """Read the form of a run; the installation's settings stand for what it leaves empty.

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
    _require_known(form)
    pattern = _choose_dataset(form["dataset"], environ)
    return RetrainingRequest(
        run_id=run_id,
        run_date=run_date,
        dataset=_name_of_day(pattern, run_date),
        is_daily=_is_daily(pattern),
        is_of_form=bool((form["dataset"] or "").strip()),
        min_items=form["min_items"],
        holdout_days=form["holdout_days"],
        parametrisation=read_parametrisation(form["model_parametrisation"] or form["model"]),
        **_read_limits(form["policy"] or {}, environ),
        promotion=settle_promotion(form["promotion"], run_type),
        runs_dir=read_directory("PUSH_RUNS_DIR", environ),
        models_dir=read_directory("PUSH_MODELS_DIR", environ),
        requested_by=triggered_by or run_type,
        wait_s=_read_seconds("PUSH_DATASET_WAIT_S", environ, default=_WAIT_S),
        settle_s=_read_seconds("PUSH_DATASET_SETTLE_S", environ, default=_SETTLE_S),
        is_backfill=run_type == BACKFILL,
    )


def settle_promotion(promotion: str, run_type: str) -> str:
    """Return how a run promotes; "auto" means "never" in a backfill."""
    return "never" if promotion == "auto" and run_type == BACKFILL else promotion


def read_dataset(given: str | None, environ: Mapping[str, str], run_date: date) -> str:
    """Return the dataset of a run: the form's or the installation's."""
    return _name_of_day(_choose_dataset(given, environ), run_date)


def read_directory(variable: str, environ: Mapping[str, str]) -> Path:
    """Return a folder that all tasks share."""
    # No default: a folder relative to a worker's current directory would be lost with it.
    if value := environ.get(variable, "").strip():
        return Path(expand_home(value, variable)).absolute()
    raise InvalidEventError(
        f"{variable} is not set. Set it, where Airflow's tasks run, to a folder that all share."
    )


def _is_daily(pattern: str) -> bool:
    """Check whether the name of a dataset holds the run date.

    Examples
    --------
    >>> _is_daily("data/frame_{yyyymmdd}.csv"), _is_daily("data/frame.csv")
    (True, False)
    """
    return any(found[1] is not None for found in _BRACE.finditer(pattern))


def _name_of_day(pattern: str, day: date) -> str:
    """Return the name of a dataset on a day.

    Examples
    --------
    >>> _name_of_day("data/{yyyy}/feature_frame_{yyyymmdd-1}.csv", date(2021, 3, 1))
    'data/2021/feature_frame_20210228.csv'
    """

    def _put(found: re.Match[str]) -> str:
        if found[0] in {"{{", "}}"}:
            return found[0][0]
        placeholder = _PLACEHOLDER.fullmatch(found[1] or "")
        if placeholder is None or placeholder[1] not in _FORMATS:
            raise InvalidEventError(
                f"dataset {pattern!r} holds {found[0]!r}. Known placeholders: "
                f"{[f'{{{name}}}' for name in _FORMATS]}, and {{yyyymmdd-1}} for the day before. "
                "Write a brace of the name itself twice."
            )
        moved = day - timedelta(days=int(placeholder[2] or 0))
        return moved.strftime(_FORMATS[placeholder[1]])

    return _BRACE.sub(_put, pattern)


def _choose_dataset(given: str | None, environ: Mapping[str, str]) -> str:
    dataset = (given or "").strip() or environ.get("PUSH_DATASET", "").strip()
    if not dataset:
        raise InvalidEventError(
            "The form names no dataset and PUSH_DATASET is not set. Name a dataset in the form, "
            "or set PUSH_DATASET where Airflow's tasks run."
        )
    # It would end up in logs and manifests.
    if "@" in re.split("[/?#]", dataset.partition("://")[2])[0]:
        raise InvalidEventError(
            "The dataset's URI holds a user or a password. Keep them in an Airflow connection "
            "and name that: conn://CONNECTION?table=... (docs/datasets.md)."
        )
    return dataset


def _read_limits(given: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the limits as fields of a request: the form's, else the installation's."""
    limits, usual_age = dict(given), read_max_age_days(environ)
    oldest = limits.pop(MAX_AGE, usual_age)
    installed = read_installed_policy(environ).model_dump()
    policy = read_policy({**installed, **limits})
    usual = {**installed, MAX_AGE: usual_age}
    changed = {
        name: {"value": value, "usual": usual[name]}
        for name, value in {**policy.model_dump(), MAX_AGE: oldest}.items()
        if value != usual[name]
    }
    return {"policy": policy, "max_age_days": oldest, "changed_limits": changed}


def _require_known(form: Mapping[str, Any]) -> None:
    # Airflow adds the keys that a run's conf has and the form lacks.
    for name in form:
        if name not in FORM:
            raise InvalidEventError(
                f"The run's conf has unknown key {name!r}.{did_you_mean(name, FORM)} "
                f"It takes {list(FORM)}. Start a new run."
            )


def _read_seconds(variable: str, environ: Mapping[str, str], *, default: int) -> int:
    return read_setting(variable, environ.get(variable) or str(default))
