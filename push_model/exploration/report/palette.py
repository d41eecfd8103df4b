"""Which colour, dash and marker is which? None of the three stands alone."""

from push_model.exploration.report.comparing import (
    BETTER,
    BETTER_ON_MEAN,
    UNTOLD,
    WORSE,
    WORSE_ON_MEAN,
)
from push_model.reporting.picture import CHAMPION, GROUND, MUTED, OURS, SERIES, Style

#: Rows of a picture stand so many inches apart, with so many around them.
TALL_ROW, AROUND = 0.46, 0.75

VERDICTS = {
    BETTER: Style(OURS, "-", "o", OURS),
    BETTER_ON_MEAN: Style(OURS, "-", "^", GROUND),
    WORSE: Style(CHAMPION, "-", "s", CHAMPION),
    WORSE_ON_MEAN: Style(CHAMPION, "-", "v", GROUND),
    UNTOLD: Style(MUTED, "-", "o", GROUND),
}

FAMILY_NAMES = {
    "popularity": "popularity",
    "bought_before": "bought before",
    "logistic_regression": "logistic regression",
    "decision_tree": "decision tree",
    "random_forest": "random forest",
    "histogram_boosting": "histogram boosting",
    "boosted_trees": "boosted trees",
}
_OF_FAMILY = {
    "boosted_trees": SERIES[0],
    "logistic_regression": SERIES[1],
    "popularity": SERIES[2],
    "bought_before": SERIES[3],
    "decision_tree": SERIES[4],
    "random_forest": SERIES[5],
    "histogram_boosting": SERIES[6],
}


def name_family(family: str) -> str:
    """Name a family for people.

    Examples
    --------
    >>> name_family("boosted_trees"), name_family("other_kind")
    ('boosted trees', 'other kind')
    """
    return FAMILY_NAMES.get(family, family.replace("_", " "))


def style_family(family: str) -> Style:
    """Give a family's colour, the same in every picture."""
    return _OF_FAMILY.get(family, SERIES[-1])


def style_number(number: int) -> Style:
    """Give the colour of a line by its place."""
    return SERIES[number % len(SERIES)]
