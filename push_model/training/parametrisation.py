"""Which model was asked for? Model families and their hyper-parameters, checked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from push_model.errors import InvalidEventError, did_you_mean
from push_model.training.bounds import limited, read_limited

EVENT_KEY = "model_parametrisation"
FEATURE_SETS = ("request", "history")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostedTrees:
    """CatBoost's symmetric trees on log loss: the most accurate family on this frame.

    Attributes
    ----------
    iterations : int
        Number of trees, 1 to 5,000.
    depth : int
        Questions a tree asks, 1 to 8: serving keeps a tree's answers in one byte.
    learning_rate : float
        Share of each tree's correction that is kept, 0.000001 to 1.
    l2_leaf_reg : float
        L2 penalty on leaf values, 0 or more.
    random_strength : float
        Noise on split scores against over-fitting, 0 or more.
    leaf_estimation_iterations : int
        Newton steps to a tree's leaf values, 1 to 100; many learn faster, and cost more.
    border_count : int
        Thresholds a feature may be cut at, 1 to 254.
    features : str
        ``"request"``: the 19 features that every request holds. ``"history"``: besides them what
        the user's earlier orders say of the product, which requests must then send, too.
    """

    model: ClassVar[str] = "boosted_trees"

    iterations: int = limited(300, at_least=1, at_most=5000)
    depth: int = limited(6, at_least=1, at_most=8)
    learning_rate: float = limited(0.1, at_least=1e-6, at_most=1)
    l2_leaf_reg: float = limited(3.0, at_least=0, at_most=1e6)
    random_strength: float = limited(1.0, at_least=0, at_most=1e6)
    leaf_estimation_iterations: int = limited(10, at_least=1, at_most=100)
    border_count: int = limited(254, at_least=1, at_most=254)
    features: str = limited("request", choices=FEATURE_SETS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticRegression:
    """Scikit-learn's logistic regression on standardised inputs.

    Attributes
    ----------
    penalty : str
        ``"l2"``, ``"l1"`` or ``"elasticnet"``.
    C : float
        Inverse strength of the penalty, above 0.
    l1_ratio : float
        Share of l1 in the penalty, 0 to 1; counts for ``"elasticnet"`` only.
    max_iter : int
        Most passes of the solver, 1 to 100,000.
    features : str
        As for `BoostedTrees`.
    """

    model: ClassVar[str] = "logistic_regression"

    penalty: str = limited("l2", choices=("l2", "l1", "elasticnet"))
    C: float = limited(1e-3, above=0, at_most=1e12)
    l1_ratio: float = limited(0.5, at_least=0, at_most=1)
    max_iter: int = limited(1000, at_least=1, at_most=100_000)
    features: str = limited("request", choices=FEATURE_SETS)


Parametrisation = BoostedTrees | LogisticRegression
FAMILIES: dict[str, type[BoostedTrees] | type[LogisticRegression]] = {
    family.model: family for family in (BoostedTrees, LogisticRegression)
}


def parse_parametrisation(document: object) -> Parametrisation:
    """Read a model parametrisation, refusing what is unknown or out of range.

    Examples
    --------
    >>> parse_parametrisation({"model": "boosted_trees", "depth": 4}).depth
    4
    >>> parse_parametrisation({"model": "boosted_trees", "lerning_rate": 0.1})
    Traceback (most recent call last):
    push_model.errors.InvalidEventError: ... 'lerning_rate'. Did you mean 'learning_rate'? ...
    """
    if not isinstance(document, Mapping):
        raise InvalidEventError(
            f"{EVENT_KEY} must be an object such as "
            f'{{"model": "boosted_trees", "depth": 6}}, got {type(document).__name__}.'
        )
    family = _find_family(document)
    values = {key: value for key, value in document.items() if key != "model"}
    return read_limited(family, values, EVENT_KEY, also=("model",))


def describe(parametrisation: Parametrisation) -> dict[str, Any]:
    """Write a parametrisation out in full, as `parse_parametrisation` reads it.

    Examples
    --------
    >>> describe(LogisticRegression(C=1e-4))["model"]
    'logistic_regression'
    """
    return {"model": parametrisation.model, **asdict(parametrisation)}


def _find_family(
    document: Mapping[str, Any],
) -> type[BoostedTrees] | type[LogisticRegression]:
    if "model" not in document:
        raise InvalidEventError(f'{EVENT_KEY} lacks "model": choose one of {sorted(FAMILIES)}.')
    name = document["model"]
    if not isinstance(name, str) or name not in FAMILIES:
        raise InvalidEventError(
            f'{EVENT_KEY}["model"] must be one of {sorted(FAMILIES)}, '
            f"got {name!r}.{did_you_mean(name, FAMILIES)}"
        )
    return FAMILIES[name]
