"""Format numbers and moments for people; name metrics and scorers in the order they are shown."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

#: Metric, its heading, and its format; average precision decides.
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
    ("base_rate", "purchase rate", "{:.5f}"),
    ("rows", "rows", "{:,}"),
    ("purchases", "purchases", "{:,}"),
)

# Metrics of probabilities: a baseline gives a ranking alone.
_OF_PROBABILITIES = frozenset({
    "log_loss",
    "brier_score",
    "ece",
    "precision_when_pushed",
    "recall_when_pushed",
    "expected_per_actual",
})
BASELINES = frozenset({"popularity", "bought before"})

#: Scorers and their names on the card, in its order.
SCORERS = {
    "challenger": "this model",
    "champion": "champion",
    "popularity": "popularity",
    "bought before": "bought before",
    "before calibration": "before calibration",
}

UNKNOWN = "-"
_THOUSAND = 1000


def write_number(value: float | str | None, form: str = "") -> str:
    """Format a number, with four digits if no format is given; a dash for None, text as it is.

    Examples
    --------
    >>> write_number(0.31659, "{:.3f}"), write_number(None), write_number("any")
    ('0.317', '-', 'any')
    >>> write_number(36502.4), write_number(0.0123456)
    ('36,502', '0.01235')
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return value
    if form:
        return form.format(value)
    return f"{value:,.0f}" if abs(value) >= _THOUSAND else f"{value:.4g}"


def write_metric(metric: str, form: str, scorer: str, value: float | None) -> str:
    """Format a metric of a scorer; a dash for probability metrics of a baseline.

    Examples
    --------
    >>> write_metric("ece", "{:.2f}", "champion", 0.012), write_metric("ece", "", "popularity", 3)
    ('0.01', '-')
    """
    if scorer in BASELINES and metric in _OF_PROBABILITIES:
        return UNKNOWN
    return write_number(value, form)


def write_interval(ends: Sequence[float], form: str = "{:.3f}") -> str:
    """Format the ends of an interval.

    Examples
    --------
    >>> write_interval([0.279, 0.351])
    '0.279 to 0.351'
    """
    return " to ".join(form.format(end) for end in ends)


def name_interval(level: float) -> str:
    """Name an interval by its confidence level.

    Examples
    --------
    >>> name_interval(0.9)
    '90 % interval'
    """
    return f"{100 * level:g} % interval"


def write_percent(share: float) -> str:
    """Format a share in percent, with at least two digits.

    Examples
    --------
    >>> [write_percent(share) for share in (0.996, 0.516, 0.0999, 0.0312, 0.00071, 0.0)]
    ['100 %', '52 %', '10 %', '3.1 %', '0.071 %', '0 %']
    """
    percent = 100 * share
    if percent >= 10:  # noqa: PLR2004 - two digits stand before the point
        return f"{percent:.0f} %"
    return f"{percent:.2g} %"


def label_of(scorer: str) -> str:
    """Return the name of a scorer on the card.

    Examples
    --------
    >>> label_of("challenger"), label_of("other")
    ('this model', 'other')
    """
    return SCORERS.get(scorer, scorer)


def in_order(scorers: Iterable[str]) -> list[str]:
    """Sort scorers in the order of the card; unknown ones come last.

    Examples
    --------
    >>> in_order(["popularity", "other", "challenger"])
    ['challenger', 'popularity', 'other']
    """
    known = list(SCORERS)
    return sorted(scorers, key=lambda name: known.index(name) if name in known else len(known))


def write_moment(text: str) -> str:
    """Write a moment as a minute in UTC; another text, of a pointer written by hand, as it is.

    Examples
    --------
    >>> write_moment("2026-11-23T05:07:41+00:00")
    '2026-11-23 05:07 UTC'
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if "T" not in text:
        return text
    zoned = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return f"{zoned:%Y-%m-%d %H:%M} UTC"
