"""Define each column of a feature frame and its use in the model.

The one table behind the schema check, the request check, the pipeline and the docs.
"""

from typing import NamedTuple


class Column(NamedTuple):
    """One column of the feature frame."""

    name: str  # in the frame and in a request
    # "key" and "time" place a row, "category" describes it, "feature" goes into the model,
    # "history" does in models that need it, "outcome" is what the model predicts.
    role: str
    type: str  # "integer", "number", "flag" (0 or 1), "text" or "day"
    minimum: float | None = None  # smallest legal value, included; None for no limit
    maximum: float | None = None
    meaning: str = ""
    missing: str = ""  # what a missing value means; empty where a value must be given
    known: str = "before the order"  # a feature must be known before the order is placed


# A century, in days: longer gaps are a wrong unit (hours or seconds).
_LONGEST_GAP_DAYS = 36_500.0
# Far above any household or price in the data; values beyond are in the wrong unit.
_LARGEST_HOUSEHOLD = 50.0
_LARGEST_RATIO = 1_000.0


def _flag(name: str, meaning: str, missing: str) -> Column:
    return Column(name, "feature", "flag", 0.0, 1.0, meaning, missing)


def _number(
    name: str, maximum: float, meaning: str, missing: str, *, minimum: float = 0.0
) -> Column:
    return Column(name, "feature", "number", minimum, maximum, meaning, missing)


def _household(name: str, people: str) -> Column:
    return _number(name, _LARGEST_HOUSEHOLD, f"{people} in the household", "an unknown household")


def _cadence(column: str, product: str, kind: str) -> tuple[Column, ...]:
    most = _LONGEST_GAP_DAYS
    since = f"days since the user last bought {product}"
    mean = f"mean days between two purchases of {kind}"
    spread = "standard deviation of those days"
    what = kind.removeprefix("this ")
    return (
        _number(f"days_since_purchase_{column}", most, since, "never bought"),
        _number(f"avg_days_to_buy_{column}", most, mean, f"a {what} of typical gap"),
        _number(f"std_days_to_buy_{column}", most, spread, f"a {what} of typical spread"),
    )


def _history(name: str, minimum: float, meaning: str, missing: str) -> Column:
    return Column(name, "history", "integer", minimum, 1e6, meaning, missing)


def _orders_with(word: str, what: str) -> tuple[Column, Column]:
    since = f"orders since the last that held {what}, this one counted"
    return (
        _history(f"orders_with_{word}", 0.0, f"how many of those held {what}", "none of them"),
        _history(f"orders_since_{word}", 1.0, since, "never bought"),
    )


COLUMNS: tuple[Column, ...] = (
    Column("variant_id", "key", "integer", meaning="product"),
    Column("product_type", "category", "text", meaning="kind of product"),
    Column("order_id", "key", "integer", meaning="order"),
    Column("user_id", "key", "integer", meaning="user"),
    Column("created_at", "time", "day", meaning="moment the order was placed"),
    Column("order_date", "time", "day", meaning="day the order was placed"),
    Column(
        "user_order_seq",
        "feature",
        "integer",
        1.0,
        1e6,
        "this would be the user's nth order",
        "a user with a typical number of orders",
    ),
    Column("outcome", "outcome", "flag", 0.0, 1.0, "1 bought, 0 not", known="after the order"),
    _flag("ordered_before", "the user bought this product before", "not known to have bought it"),
    _flag(
        "abandoned_before",
        "put in a cart and left there since the last order",
        "not known to have left it",
    ),
    _flag("active_snoozed", "the user snoozed this regular product", "not known to be snoozed"),
    _flag("set_as_regular", "the user marked it a regular product", "not known to be a regular"),
    _number("normalised_price", _LARGEST_RATIO, "price / 36.89 GBP", "a product of typical price"),
    _number(
        "discount_pct",
        _LARGEST_RATIO,
        "(compare-at price - price) / price, a ratio",
        "a product of typical discount",
        minimum=-1.0,
    ),
    Column("vendor", "category", "text", meaning="maker of the product"),
    _number(
        "global_popularity",
        1.0,
        "share of recent past orders that held the product",
        "a product of typical popularity",
    ),
    _household("count_adults", "adults"),
    _household("count_children", "children"),
    _household("count_babies", "babies"),
    _household("count_pets", "pets"),
    _number(
        "people_ex_baby",
        _LARGEST_HOUSEHOLD,
        "people in the household, babies apart",
        "an unknown household",
    ),
    *_cadence("variant_id", "this product", "this product"),
    *_cadence("product_type", "this kind of product", "this kind"),
)

# Not in the published frame: derived from a user's earlier orders, or part of a richer dataset.
_HISTORY: tuple[Column, ...] = (
    _history(
        "earlier_orders",
        0.0,
        "earlier orders of the user of which it is known what they held",
        "one",
    ),
    *_orders_with("variant", "this product"),
    *_orders_with("vendor", "anything of this vendor"),
)

BY_NAME: dict[str, Column] = {column.name: column for column in (*COLUMNS, *_HISTORY)}

#: The 27 columns of the published frame, in its order.
FRAME: tuple[str, ...] = tuple(column.name for column in COLUMNS)

#: The 19 columns the model reads, in the order it reads them.
FEATURES: tuple[str, ...] = tuple(c.name for c in COLUMNS if c.role == "feature")

#: A user's earlier orders of a product; some models need them, too.
HISTORY: tuple[str, ...] = tuple(column.name for column in _HISTORY)

#: The columns that training reads.
TRAINING: tuple[str, ...] = ("variant_id", "order_id", "order_date", "outcome", *FEATURES)

# The columns that evaluation reads: it counts users and evaluates product types separately.
JUDGING: tuple[str, ...] = (*TRAINING, "user_id", "product_type")

#: The columns that a dataset must have: history is derived from vendors, too.
DELIVERED: tuple[str, ...] = (*JUDGING, "vendor")

#: Smallest order, in items bought, that the business delivers at a profit.
MIN_ITEMS = 5
