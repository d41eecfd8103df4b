"""What does an entry read of a row? Sets of inputs, by name."""

from collections.abc import Collection
from typing import NamedTuple

from push_model.columns import FEATURES, HISTORY
from push_model.exploration.entries.rates import BY
from push_model.model.preparation import Log, Product, Ratio, Step
from push_model.training.estimators import LINEAR_STEPS, RATIOS, SHARE, FeaturePreparer

_THREE = ("ordered_before", "abandoned_before", "global_popularity")
_OF_PRODUCT = ("earlier_orders", "orders_with_variant", "orders_since_variant")
# Of the user, whatever the product: the same in all rows of an order.
CADENCE = ("days_since_order", "usual_days_between_orders")
LATENESS = Ratio("lateness", *CADENCE)
_OF_KIND = ("orders_with_product_type", "orders_since_product_type")
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


# "history" is built by `make_pipeline` itself; what follows it adds to the default.
FEATURE_SETS: dict[str, FeatureSet] = {
    "request": FeatureSet(),
    "history": FeatureSet(),
    "splines": FeatureSet(),
    "categories": FeatureSet(),
    "season": FeatureSet(),
    "price in its kind": FeatureSet(),
    "three columns": FeatureSet(derived=(), only=_THREE),
    "four columns": FeatureSet(derived=(), only=(*_THREE, "set_as_regular")),
    "raw columns": FeatureSet(derived=()),
    "no ratios": FeatureSet(derived=()),
    "log interactions": FeatureSet(derived=INTERACTIONS),
    "never as a number": FeatureSet(derived=RATIOS, never_is_missing=False),
    "no household": FeatureSet(tuple(name for name in FEATURES if name not in _HOUSEHOLD)),
    "history of the product": FeatureSet((*FEATURES, *_OF_PRODUCT)),
    "history by kind, too": FeatureSet((*FEATURES, *HISTORY, *_OF_KIND)),
    "history and cadence": FeatureSet((*FEATURES, *HISTORY, *CADENCE), (*RATIOS, SHARE, LATENESS)),
    "no order number": FeatureSet(tuple(name for name in FEATURES if name != "user_order_seq")),
}

# Columns read beside a preparer's, or by the family's own.
_BEYOND = {"history": HISTORY, "categories": BY, "price in its kind": ("product_type",)}


def make_preparer(name: str, default: FeaturePreparer) -> FeaturePreparer:
    """Make what turns rows into the inputs of a feature set.

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

    Examples
    --------
    >>> lacking_columns("categories", ["variant_id", "vendor"])
    ['product_type']
    """
    more = _BEYOND.get(name, FEATURE_SETS[name].features)
    return sorted(set(more) - set(FEATURES) - set(present))
