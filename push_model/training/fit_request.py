"""Read a `handler_fit` event into a checked, frozen request."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from push_model.columns import MIN_ITEMS
from push_model.errors import InvalidEventError
from push_model.serving.settings import expand_home
from push_model.training.parametrisation import Parametrisation, read_parametrisation
from push_model.training.parsing import Day, Settings, Text, parse

_MAX_SEED = 2**31 - 1
# Three years: a shop that holds out more has no orders left to train on.
_MOST_HOLDOUT_DAYS = 1000
# The store takes 100 letters; another model of the same name needs room for its number.
_LONGEST_NAME = 90


def _read_name(name: str) -> str:
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"must have at most {_LONGEST_NAME} letters")
    return name


def _expand(models_dir: str) -> str:
    return expand_home(models_dir, 'event["models_dir"]', error=InvalidEventError)


class FitRequest(Settings):
    """One training, fully specified."""

    parametrisation: Annotated[Parametrisation, BeforeValidator(read_parametrisation)] = Field(
        alias="model_parametrisation"
    )
    # No row dated later is read.
    training_date: Day
    dataset: Text = Field(
        default_factory=lambda given: f"data/feature_frame_{given['training_date']:%Y%m%d}.csv"
    )
    model_name: Annotated[Text, AfterValidator(_read_name)] = Field(
        default_factory=lambda given: f"push_{given['training_date']:%Y_%m_%d}"
    )
    models_dir: Annotated[Text, AfterValidator(_expand)] = "models"
    # Items bought that make an order large.
    min_items: int = Field(MIN_ITEMS, ge=1, le=1000)
    # How many of the newest days evaluate the model; None for the newest tenth of the orders.
    holdout_days: int | None = Field(None, ge=1, le=_MOST_HOLDOUT_DAYS)
    seed: int = Field(0, ge=0, le=_MAX_SEED)


def read_fit_request(event: Mapping[str, Any], *, today: date) -> FitRequest:
    """Read a `handler_fit` event; it is not changed, and null counts as left out.

    Examples
    --------
    >>> event = {"model_parametrisation": {"model": "boosted_trees"}}
    >>> read_fit_request(event, today=date(2021, 3, 4)).model_name
    'push_2021_03_04'
    """
    example = '{"model_parametrisation": "final_model", "dataset": "data/feature_frame.csv"}'
    given: object = event
    if isinstance(event, Mapping):
        given = {key: value for key, value in event.items() if value is not None}
        given = {"training_date": today, **given}
    return parse(FitRequest, given, place="event", example=example)
