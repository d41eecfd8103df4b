"""What did the event ask to be trained? Read once, checked, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from push_model.errors import InvalidEventError, did_you_mean
from push_model.training.data.orders import MIN_ITEMS
from push_model.training.days import MOST_HOLDOUT_DAYS, read_day
from push_model.training.parametrisation import Parametrisation
from push_model.training.presets import read_parametrisation

KEYS = (
    "model_parametrisation",
    "dataset",
    "min_items",
    "holdout_days",
    "training_date",
    "model_name",
    "models_dir",
    "seed",
)
MAX_SEED = 2**31 - 1
# The store takes 100 letters; another model of the same name needs room for its number.
LONGEST_NAME = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRequest:
    """One training, fully specified.

    Attributes
    ----------
    parametrisation : BoostedTrees or LogisticRegression
        Model family and hyper-parameters.
    dataset : str
        URI or path of the feature frame. Default ``data/feature_frame_yyyymmdd.csv``,
        with the training date.
    training_date : date
        Run date: no row dated later is read. Default today (UTC).
    model_name : str
        Default ``push_yyyy_mm_dd``, with the training date.
    models_dir : str
        Where model folders are kept. Default ``models``.
    min_items : int
        Items bought that make an order large. Default 5.
    holdout_days : int or None
        How many of the newest days judge the model. Default None: the newest tenth of the orders.
    seed : int
        Seed of everything random. Default 0.
    """

    parametrisation: Parametrisation
    dataset: str
    training_date: date
    model_name: str
    models_dir: str
    min_items: int
    holdout_days: int | None
    seed: int


def read_fit_request(event: Mapping[str, Any], *, today: date) -> FitRequest:
    """Read a `handler_fit` event; it is not changed.

    Examples
    --------
    >>> event = {"model_parametrisation": {"model": "boosted_trees"}}
    >>> read_fit_request(event, today=date(2021, 3, 4)).model_name
    'push_2021_03_04'
    """
    if not isinstance(event, Mapping):
        raise InvalidEventError(f"The event must be an object, got {type(event).__name__}.")
    for key in event:
        if key not in KEYS:
            raise InvalidEventError(
                f"The event has unknown key {key!r}.{did_you_mean(key, KEYS)} "
                f"handler_fit takes {list(KEYS)}."
            )
    given = {key: value for key, value in event.items() if value is not None}
    if "model_parametrisation" not in given:
        raise InvalidEventError(
            'The event lacks "model_parametrisation", for example "final_model".'
        )
    day = today
    if "training_date" in given:
        day = read_day(given["training_date"], 'event["training_date"]')
    if len(str(given.get("model_name", ""))) > LONGEST_NAME:
        raise InvalidEventError(f'event["model_name"] must have at most {LONGEST_NAME} letters.')
    return FitRequest(
        parametrisation=read_parametrisation(given["model_parametrisation"]),
        dataset=_text(given, "dataset", f"data/feature_frame_{day:%Y%m%d}.csv"),
        training_date=day,
        model_name=_text(given, "model_name", f"push_{day:%Y_%m_%d}"),
        models_dir=_text(given, "models_dir", "models"),
        min_items=_whole(given, "min_items", MIN_ITEMS, at_least=1, at_most=1000),
        holdout_days=_whole(given, "holdout_days", 1, at_least=1, at_most=MOST_HOLDOUT_DAYS)
        if "holdout_days" in given
        else None,
        seed=_whole(given, "seed", 0, at_least=0, at_most=MAX_SEED),
    )


def _text(given: Mapping[str, Any], key: str, default: str) -> str:
    value = given.get(key, default)
    if not isinstance(value, str) or not value.strip():
        raise InvalidEventError(f'event["{key}"] must be text that is not empty, got {value!r}.')
    return value


def _whole(given: Mapping[str, Any], key: str, default: int, *, at_least: int, at_most: int) -> int:
    value = given.get(key, default)
    if type(value) is not int or not at_least <= value <= at_most:
        raise InvalidEventError(
            f'event["{key}"] must be a whole number from {at_least} to {at_most}, got {value!r}.'
        )
    return value
