"""How is a number written for people? The metrics, in the order and form they are shown in."""

from collections.abc import Iterable
from typing import Any

# Metric, its heading, and how it is written; AP leads.
SHOWN_METRICS = (
    ("average_precision", "average precision", "{:.4f}"),
    ("roc_auc", "ROC-AUC", "{:.4f}"),
    ("log_loss", "log loss", "{:.5f}"),
    ("brier_score", "Brier score", "{:.5f}"),
    ("ece", "ECE", "{:.5f}"),
    ("precision_at_1pct", "precision at best 1 %", "{:.3f}"),
    ("recall_at_5pct", "recall at best 5 %", "{:.3f}"),
    ("lift_at_5pct", "lift at best 5 %", "{:.2f}"),
    ("precision_when_pushed", "precision where p > 0.05", "{:.3f}"),
    ("recall_when_pushed", "recall where p > 0.05", "{:.3f}"),
    ("expected_per_actual", "expected / actual purchases", "{:.3f}"),
    ("base_rate", "base rate", "{:.5f}"),
    ("rows", "rows", "{:,}"),
    ("purchases", "purchases", "{:,}"),
)

#: What only propensities can be held to; a baseline's score promises nothing.
OF_PROPENSITIES = frozenset({
    "log_loss",
    "brier_score",
    "ece",
    "precision_when_pushed",
    "recall_when_pushed",
    "expected_per_actual",
})
BASELINES = frozenset({"popularity", "bought before"})

#: Scorers as the card names them, in its order.
SCORERS = {
    "challenger": "this model",
    "champion": "champion",
    "popularity": "popularity",
    "bought before": "bought before",
    "before calibration": "before calibration",
}

UNKNOWN = "-"


def write_number(value: Any, form: str = "{:.4g}") -> str:
    """Write a number; a dash where there is none, and text as it is.

    Examples
    --------
    >>> write_number(0.31659, "{:.3f}"), write_number(None), write_number("any")
    ('0.317', '-', 'any')
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return form.format(value)


def write_interval(ends: Any, form: str = "{:.3f}") -> str:
    """Write an interval, or nothing where there is none.

    Examples
    --------
    >>> write_interval([0.279, 0.351])
    '0.279 to 0.351'
    """
    return " to ".join(write_number(end, form) for end in ends) if ends else ""


def name_interval(level: float | None) -> str:
    """Name an interval by how sure it is; a level that is not known is not made up.

    Examples
    --------
    >>> name_interval(0.9), name_interval(None)
    ('90 % interval', 'interval')
    """
    return "interval" if level is None else f"{100 * level:g} % interval"


def write_percent(share: float) -> str:
    """Write a share in percent, with two digits at least.

    Examples
    --------
    >>> write_percent(0.516), write_percent(0.0312), write_percent(0.00071)
    ('52 %', '3.1 %', '0.071 %')
    """
    percent = 100 * share
    if percent >= 10:  # noqa: PLR2004 - two digits stand before the point
        return f"{percent:.0f} %"
    return f"{percent:.2g} %"


def label_of(scorer: str) -> str:
    """Name a scorer as the card does.

    Examples
    --------
    >>> label_of("challenger"), label_of("other")
    ('this model', 'other')
    """
    return SCORERS.get(scorer, scorer)


def in_order(scorers: Iterable[str]) -> list[str]:
    """Sort scorers as the card shows them; one it does not know comes last.

    Examples
    --------
    >>> in_order(["popularity", "other", "challenger"])
    ['challenger', 'popularity', 'other']
    """
    known = list(SCORERS)
    return sorted(scorers, key=lambda name: known.index(name) if name in known else len(known))
