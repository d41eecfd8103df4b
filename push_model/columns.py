"""What is each column of a feature frame, and what does the model make of it?

The one table behind the schema check, the request check, the pipeline and the docs.
"""

from typing import NamedTuple


class Column(NamedTuple):
    """One column of the feature frame.

    Attributes
    ----------
    name : str
        Its name in the frame and in a request.
    role : str
        ``"key"`` and ``"time"`` place a row, ``"category"`` describes it, ``"feature"``
        goes into the model, ``"history"`` does where a model asks for it, ``"outcome"`` is what
        the model predicts.
    type : str
        ``"integer"``, ``"number"``, ``"flag"`` (0 or 1), ``"text"`` or ``"day"``.
    minimum, maximum : float or None
        Smallest and largest legal value, both included; None where there is no limit.
    meaning : str
        What the value says.
    missing : str
        What a missing value says; empty where a value must be given.
    known : str
        When the value is known. A feature must be known before the order is placed.
    """

    name: str
    role: str
    type: str
    minimum: float | None = None
    maximum: float | None = None
    meaning: str = ""
    missing: str = ""
    known: str = "before the order"


# A century, in days: longer gaps are a unit mistake (hours or seconds), not patience.
LONGEST_GAP_DAYS = 36_500.0
# No household or price in the data comes near these; beyond them a column is in the wrong unit.
LARGEST_HOUSEHOLD = 50.0
LARGEST_RATIO = 1_000.0

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
    Column(
        "ordered_before",
        "feature",
        "flag",
        0.0,
        1.0,
        "the user bought this product before",
        "not known to have bought it",
    ),
    Column(
        "abandoned_before",
        "feature",
        "flag",
        0.0,
        1.0,
        "put in a cart and left there since the last order",
        "not known to have left it",
    ),
    Column(
        "active_snoozed",
        "feature",
        "flag",
        0.0,
        1.0,
        "the user snoozed this regular product",
        "not known to be snoozed",
    ),
    Column(
        "set_as_regular",
        "feature",
        "flag",
        0.0,
        1.0,
        "the user marked it a regular product",
        "not known to be a regular",
    ),
    Column(
        "normalised_price",
        "feature",
        "number",
        0.0,
        LARGEST_RATIO,
        "price / 36.89 GBP",
        "a product of typical price",
    ),
    Column(
        "discount_pct",
        "feature",
        "number",
        -1.0,
        LARGEST_RATIO,
        "(compare-at price - price) / price, a ratio",
        "a product of typical discount",
    ),
    Column("vendor", "category", "text", meaning="maker of the product"),
    Column(
        "global_popularity",
        "feature",
        "number",
        0.0,
        1.0,
        "share of recent past orders that held the product",
        "a product of typical popularity",
    ),
    Column(
        "count_adults",
        "feature",
        "number",
        0.0,
        LARGEST_HOUSEHOLD,
        "adults in the household",
        "an unknown household",
    ),
    Column(
        "count_children",
        "feature",
        "number",
        0.0,
        LARGEST_HOUSEHOLD,
        "children in the household",
        "an unknown household",
    ),
    Column(
        "count_babies",
        "feature",
        "number",
        0.0,
        LARGEST_HOUSEHOLD,
        "babies in the household",
        "an unknown household",
    ),
    Column(
        "count_pets",
        "feature",
        "number",
        0.0,
        LARGEST_HOUSEHOLD,
        "pets in the household",
        "an unknown household",
    ),
    Column(
        "people_ex_baby",
        "feature",
        "number",
        0.0,
        LARGEST_HOUSEHOLD,
        "people in the household, babies apart",
        "an unknown household",
    ),
    Column(
        "days_since_purchase_variant_id",
        "feature",
        "number",
        0.0,
        LONGEST_GAP_DAYS,
        "days since the user last bought this product",
        "never bought",
    ),
    Column(
        "avg_days_to_buy_variant_id",
        "feature",
        "number",
        0.0,
        LONGEST_GAP_DAYS,
        "mean days between two purchases of this product",
        "a product of typical gap",
    ),
    Column(
        "std_days_to_buy_variant_id",
        "feature",
        "number",
        0.0,
        LONGEST_GAP_DAYS,
        "standard deviation of those days",
        "a product of typical spread",
    ),
    Column(
        "days_since_purchase_product_type",
        "feature",
        "number",
        0.0,
        LONGEST_GAP_DAYS,
        "days since the user last bought this kind of product",
        "never bought",
    ),
    Column(
        "avg_days_to_buy_product_type",
        "feature",
        "number",
        0.0,
        LONGEST_GAP_DAYS,
        "mean days between two purchases of this kind",
        "a kind of typical gap",
    ),
    Column(
        "std_days_to_buy_product_type",
        "feature",
        "number",
        0.0,
        LONGEST_GAP_DAYS,
        "standard deviation of those days",
        "a kind of typical spread",
    ),
)


def _orders_with(word: str, what: str) -> tuple[Column, Column]:
    return (
        Column(
            f"orders_with_{word}",
            "history",
            "integer",
            0.0,
            1e6,
            f"how many of those held {what}",
            "none of them",
        ),
        Column(
            f"orders_since_{word}",
            "history",
            "integer",
            1.0,
            1e6,
            f"orders since the last that held {what}, this one counted",
            "never bought",
        ),
    )


# No column of the published frame: derived from a user's earlier orders, or given by who has them.
_HISTORY: tuple[Column, ...] = (
    Column(
        "earlier_orders",
        "history",
        "integer",
        0.0,
        1e6,
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

#: What a user's earlier orders say of a product; a model may ask for them besides.
HISTORY: tuple[str, ...] = tuple(column.name for column in _HISTORY)

#: What training reads of a frame: it places rows, learns from them, and skips the rest.
TRAINING: tuple[str, ...] = ("variant_id", "order_id", "order_date", "outcome", *FEATURES)

# What judging reads beyond that: users are counted, and product types looked at apart.
JUDGING: tuple[str, ...] = (*TRAINING, "user_id", "product_type")
