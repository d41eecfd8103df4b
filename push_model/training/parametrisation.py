"""Define the model families, their hyper-parameters, and the parametrisations that have a name."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from push_model.errors import InvalidEventError, did_you_mean
from push_model.training.parsing import Settings, parse

_EVENT_KEY = "model_parametrisation"
#: Names the report that chose the final models, docs/exploration/report.md.
REPORT = "2022-03-14-51e07cb8"

# "request": the 19 features that every request holds. "history": also what the user's earlier
# orders hold, which requests must then send.
Features = Literal["request", "history"]


class BoostedTrees(Settings):
    """CatBoost's symmetric trees on log loss: the most accurate family on this frame."""

    model: Literal["boosted_trees"] = "boosted_trees"
    iterations: int = Field(300, ge=1, le=5000)
    # Serving keeps a tree's answers in one byte.
    depth: int = Field(6, ge=1, le=8)
    learning_rate: float = Field(0.1, ge=1e-6, le=1)
    l2_leaf_reg: float = Field(3.0, ge=0, le=1e6)
    # Noise on split scores, against over-fitting.
    random_strength: float = Field(1.0, ge=0, le=1e6)
    # Newton steps to a tree's leaf values: more steps learn faster and take longer.
    leaf_estimation_iterations: int = Field(10, ge=1, le=100)
    # Thresholds a feature may be cut at.
    border_count: int = Field(254, ge=1, le=254)
    features: Features = "request"


class LogisticRegression(Settings):
    """Scikit-learn's logistic regression on standardised inputs."""

    model: Literal["logistic_regression"] = "logistic_regression"
    penalty: Literal["l2", "l1", "elasticnet"] = "l2"
    # Inverse strength of the penalty.
    C: float = Field(1e-3, gt=0, le=1e12)
    # Share of l1 in the penalty; counts for "elasticnet" only.
    l1_ratio: float = Field(0.5, ge=0, le=1)
    max_iter: int = Field(1000, ge=1, le=100_000)
    features: Features = "request"


Parametrisation = BoostedTrees | LogisticRegression
FAMILIES: dict[str, type[BoostedTrees] | type[LogisticRegression]] = {
    "boosted_trees": BoostedTrees,
    "logistic_regression": LogisticRegression,
}
_TaggedParametrisation = Annotated[Parametrisation, Field(discriminator="model")]

#: What the exploration of real orders chose: reads what every request holds.
FINAL_MODEL: dict[str, Any] = {
    "model": "boosted_trees",
    "iterations": 210,
    "depth": 6,
    "learning_rate": 0.1,
    "l2_leaf_reg": 13.0,
    "random_strength": 0.63,
    "leaf_estimation_iterations": 10,
    "features": "request",
}
#: What it chose with history, which requests must then send.
FINAL_MODEL_WITH_HISTORY: dict[str, Any] = {
    "model": "boosted_trees",
    "iterations": 190,
    "depth": 5,
    "learning_rate": 0.092,
    "l2_leaf_reg": 77.0,
    "random_strength": 0.25,
    "leaf_estimation_iterations": 10,
    "features": "history",
}


class _Preset(NamedTuple):
    """A parametrisation that people choose by name."""

    title: str  # what a form shows
    parametrisation: dict[str, Any]


PRESETS: dict[str, _Preset] = {
    "final_model": _Preset(
        "Final model: boosted trees, chosen on real orders",
        FINAL_MODEL,
    ),
    "final_model_with_history": _Preset(
        "Final model with history: the most accurate; the API must send it",
        FINAL_MODEL_WITH_HISTORY,
    ),
    "boosted_trees_fast": _Preset(
        "Boosted trees, fast: fewer and shallower trees",
        {"model": "boosted_trees", "iterations": 100, "depth": 4},
    ),
    "logistic_regression_l2": _Preset(
        "Logistic regression, ridge (l2): uses every feature",
        {"model": "logistic_regression", "penalty": "l2", "C": 1e-3},
    ),
    "logistic_regression_l1": _Preset(
        "Logistic regression, lasso (l1): keeps few features",
        {"model": "logistic_regression", "penalty": "l1", "C": 1e-3},
    ),
    "logistic_regression_elasticnet": _Preset(
        "Logistic regression, elastic net: between the two",
        {"model": "logistic_regression", "penalty": "elasticnet", "C": 1e-3, "l1_ratio": 0.5},
    ),
}


def read_parametrisation(given: object, *, place: str = _EVENT_KEY) -> Parametrisation:
    """Read a parametrisation, by name or written out; `place` names it in messages.

    Examples
    --------
    >>> read_parametrisation("final_model_with_history").features
    'history'
    >>> read_parametrisation({"model": "boosted_trees", "depth": 4}).depth
    4
    >>> read_parametrisation({"model": "boosted_trees", "lerning_rate": 0.1})
    Traceback (most recent call last):
    push_model.errors.InvalidEventError: ... 'lerning_rate'. Did you mean 'learning_rate'? ...
    """
    if isinstance(given, str):
        given = _find_by_name(given, place)
    return parse(
        _TaggedParametrisation,
        given,
        place=place,
        example='{"model": "boosted_trees", "depth": 6}',
    )


def describe(parametrisation: Parametrisation) -> dict[str, Any]:
    """Write a parametrisation out in full, as `read_parametrisation` reads it.

    Examples
    --------
    >>> describe(LogisticRegression(C=1e-4))["model"]
    'logistic_regression'
    """
    return parametrisation.model_dump()


def _find_by_name(name: str, place: str) -> Mapping[str, Any]:
    if name in PRESETS:
        return PRESETS[name].parametrisation
    if name in FAMILIES:
        return {"model": name}
    names = [*PRESETS, *FAMILIES]
    raise InvalidEventError(
        f"{place} has no preset named {name!r}.{did_you_mean(name, names)} "
        f"It must be one of {names}, or an object."
    )
