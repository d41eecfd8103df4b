"""Which parametrisations have a name of their own? The final models, and what is beside them."""

from typing import Any, NamedTuple

from push_model.errors import InvalidEventError, did_you_mean
from push_model.training.final_model import FINAL_MODEL, FINAL_MODEL_WITH_HISTORY
from push_model.training.parametrisation import (
    EVENT_KEY,
    FAMILIES,
    Parametrisation,
    parse_parametrisation,
)


class Preset(NamedTuple):
    """A parametrisation with a name that people can choose by.

    Attributes
    ----------
    title : str
        What a form shows.
    parametrisation : dict
        What `parse_parametrisation` reads.
    """

    title: str
    parametrisation: dict[str, Any]


PRESETS: dict[str, Preset] = {
    "final_model": Preset(
        "Final model: boosted trees, chosen on real orders",
        FINAL_MODEL,
    ),
    "final_model_with_history": Preset(
        "Final model with history: the most accurate; the API must send it",
        FINAL_MODEL_WITH_HISTORY,
    ),
    "boosted_trees_fast": Preset(
        "Boosted trees, fast: fewer and shallower trees",
        {"model": "boosted_trees", "iterations": 100, "depth": 4},
    ),
    "logistic_regression_l2": Preset(
        "Logistic regression, ridge (l2): uses every feature",
        {"model": "logistic_regression", "penalty": "l2", "C": 1e-3},
    ),
    "logistic_regression_l1": Preset(
        "Logistic regression, lasso (l1): keeps few features",
        {"model": "logistic_regression", "penalty": "l1", "C": 1e-3},
    ),
    "logistic_regression_elasticnet": Preset(
        "Logistic regression, elastic net: between the two",
        {"model": "logistic_regression", "penalty": "elasticnet", "C": 1e-3, "l1_ratio": 0.5},
    ),
}


def read_parametrisation(given: object) -> Parametrisation:
    """Read a parametrisation, by name or written out.

    Examples
    --------
    >>> read_parametrisation("final_model_with_history").features
    'history'
    >>> read_parametrisation("boosted_tree")
    Traceback (most recent call last):
    push_model.errors.InvalidEventError: ... 'boosted_tree'. Did you mean 'boosted_trees'? ...
    """
    if not isinstance(given, str):
        return parse_parametrisation(given)
    if given in PRESETS:
        return parse_parametrisation(PRESETS[given].parametrisation)
    if given in FAMILIES:
        return parse_parametrisation({"model": given})
    names = [*PRESETS, *FAMILIES]
    raise InvalidEventError(
        f"{EVENT_KEY} is no known name: {given!r}.{did_you_mean(given, names)} "
        f"It must be one of {names}, or an object."
    )
