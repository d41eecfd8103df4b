"""What does an entry read of a row? Sets of inputs, by name."""

from collections.abc import Collection
from typing import NamedTuple

from push_model.columns import FEATURES, HISTORY
from push_model.exploration.rates import BY
from push_model.preparation import Log, Product, Step
from push_model.training.estimators import LINEAR_STEPS, RATIOS, FeaturePreparer

_THREE = ("ordered_before", "abandoned_before", "global_popularity")
_HOUSEHOLD = frozenset({
    "count_adults",
    "count_children",
    "count_babies",
    "count_pets",
    "people_ex_baby",
})

INTERACTIONS: tuple[Step, ...] = (
    *LINEAR_STEPS,
    Product("log_popularity_squared", "log_global_popularity", "log_global_popularity"),
    Product("log_popularity_if_bought", "log_global_popularity", "ordered_before"),
    Product("log_popularity_squared_if_bought", "log_popularity_squared", "ordered_before"),
    Log("log_variant_gap_ratio", "variant_gap_ratio", 1e-2),
    Log("log_product_type_gap_ratio", "product_type_gap_ratio", 1e-2),
)


class FeatureSet(NamedTuple):
    """How a `FeaturePreparer` is made.

    Attributes
    ----------
    features : tuple of str
        What is read of a row.
    derived : tuple of Step or None
        Steps that make new inputs; None for those that the family has by default.
    only : tuple of str or None
        Inputs to hand on; None for all.
    never_is_missing : bool
        Whether a frame's number for "never bought" is made missing.
    """

    features: tuple[str, ...] = FEATURES
    derived: tuple[Step, ...] | None = None
    only: tuple[str, ...] | None = None
    never_is_missing: bool = True


# "history" is built by `make_pipeline` itself, "splines" and "categories" add to the default.
FEATURE_SETS: dict[str, FeatureSet] = {
    "request": FeatureSet(),
    "history": FeatureSet(),
    "splines": FeatureSet(),
    "categories": FeatureSet(),
    "three columns": FeatureSet(derived=(), only=_THREE),
    "four columns": FeatureSet(derived=(), only=(*_THREE, "set_as_regular")),
    "raw columns": FeatureSet(derived=()),
    "no ratios": FeatureSet(derived=()),
    "log interactions": FeatureSet(derived=INTERACTIONS),
    "never as a number": FeatureSet(derived=RATIOS, never_is_missing=False),
    "no household": FeatureSet(tuple(name for name in FEATURES if name not in _HOUSEHOLD)),
    "no order number": FeatureSet(tuple(name for name in FEATURES if name != "user_order_seq")),
}


def make_preparer(name: str, default: FeaturePreparer) -> FeaturePreparer:
    """Make what turns rows into the inputs of a feature set.

    Parameters
    ----------
    name : str
        A key of `FEATURE_SETS`.
    default : FeaturePreparer
        That of the family, as `make_pipeline` built it.

    Returns
    -------
    FeaturePreparer
        Unfitted; `default` itself where the set is the family's own.

    Examples
    --------
    >>> make_preparer("three columns", FeaturePreparer()).only
    ('ordered_before', 'abandoned_before', 'global_popularity')
    """
    wanted = FEATURE_SETS[name]
    if wanted == FeatureSet():
        return default
    return FeaturePreparer(
        derived=default.derived if wanted.derived is None else wanted.derived,
        features=wanted.features,
        only=wanted.only,
        never_is_missing=wanted.never_is_missing,
    )


def lacking_columns(name: str, present: Collection[str]) -> list[str]:
    """List what a frame lacks for a feature set, beyond what every feature frame has.

    Parameters
    ----------
    name : str
        A key of `FEATURE_SETS`.
    present : collection of str
        Columns of the frame.

    Returns
    -------
    list of str
        Sorted; empty where the set can be used.

    Examples
    --------
    >>> lacking_columns("categories", ["variant_id", "vendor"])
    ['product_type']
    """
    needed = {"history": HISTORY, "categories": BY}.get(name, ())
    return sorted(set(needed) - set(present))
