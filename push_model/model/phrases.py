"""Put the value of a feature into words."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Values = Mapping[str, float]

# What one unit of normalised_price is worth.
_POUNDS = 36.89

_SMALLEST = 0.01

_FLAGS = {
    "ordered_before": ("bought before", "not bought before"),
    "abandoned_before": ("left in the cart since the last order", "not left in the cart"),
    "active_snoozed": ("snoozed", "not snoozed"),
    "set_as_regular": ("marked a regular product", "not marked a regular product"),
}

_AMOUNTS = {
    "user_order_seq": "would be order number {}",
    "global_popularity": "in {:.2%} of recent orders",
    "avg_days_to_buy_variant_id": "usually bought every {} days",
    "avg_days_to_buy_product_type": "this kind usually bought every {} days",
    "std_days_to_buy_variant_id": "bought give or take {} days",
    "std_days_to_buy_product_type": "this kind bought give or take {} days",
}

# In the singular and in the plural.
_COUNTS = {
    "count_adults": ("{} adult in the household", "{} adults in the household"),
    "count_children": ("{} child in the household", "{} children in the household"),
    "count_babies": ("{} baby in the household", "{} babies in the household"),
    "count_pets": ("{} pet in the household", "{} pets in the household"),
    "people_ex_baby": (
        "{} person in the household, babies apart",
        "{} people in the household, babies apart",
    ),
    "earlier_orders": ("{} earlier order", "{} earlier orders"),
    "orders_with_variant": ("in {} earlier order", "in {} earlier orders"),
    "orders_with_vendor": ("this maker in {} earlier order", "this maker in {} earlier orders"),
    "orders_since_variant": ("bought {} order ago", "bought {} orders ago"),
    "orders_since_vendor": ("this maker bought {} order ago", "this maker bought {} orders ago"),
}

_RECENCIES = {
    "days_since_purchase_variant_id": ("bought", "avg_days_to_buy_variant_id"),
    "days_since_purchase_product_type": ("this kind bought", "avg_days_to_buy_product_type"),
}


def describe(name: str, values: Values, *, missing: str) -> str:
    """Return what the value of a feature means.

    Examples
    --------
    >>> values = {"days_since_purchase_variant_id": 34.0, "avg_days_to_buy_variant_id": 30.0}
    >>> describe("days_since_purchase_variant_id", values, missing="never bought")
    'bought 34 days ago, usually every 30'
    """
    value = values[name]
    if isnan(value):
        return missing
    if name in _RECENCIES:
        return _describe_recency(value, *_RECENCIES[name], values)
    if name in _FLAGS:
        is_set, is_not = _FLAGS[name]
        return is_set if value else is_not
    if name in _COUNTS:
        written = _number(value)
        return _COUNTS[name][written != "1"].format(written)
    if name in _AMOUNTS:
        return _AMOUNTS[name].format(value if "%" in _AMOUNTS[name] else _number(value))
    return _SPECIAL[name](value) if name in _SPECIAL else f"{name} is {value:g}"


def _describe_recency(days: float, bought: str, usual: str, values: Values) -> str:
    usual_days = values.get(usual, float("nan"))
    written = _number(days)
    ago = f"{bought} {written} {'day' if written == '1' else 'days'} ago"
    return ago if isnan(usual_days) else f"{ago}, usually every {_number(usual_days)}"


def _number(value: float) -> str:
    """Write three significant digits at least, and never an exponent."""
    if 0.0 < value < _SMALLEST:
        return f"less than {_SMALLEST:g}"
    return f"{value:.0f}" if value >= 100.0 else f"{value:.3g}"  # noqa: PLR2004 - three digits


def _describe_price(price: float) -> str:
    return f"costs {price * _POUNDS:.2f} GBP"


def _describe_discount(discount: float) -> str:
    """Compare with the list price, as a shop does; the feature is a share of the current price."""
    if discount <= -1.0:
        return "without a list price"
    off = discount / (1.0 + discount)
    if abs(off) < _SMALLEST / 2:
        return "not discounted"
    return f"{off:.0%} off" if off > 0.0 else f"{-off:.0%} dearer than its list price"


_SPECIAL: dict[str, Callable[[float], str]] = {
    "normalised_price": _describe_price,
    "discount_pct": _describe_discount,
}
