"""Which lines are compared? How much to hold them back, and what they may look at."""

from typing import Any

from push_model.exploration.entries.entry import (
    CALIBRATION,
    HISTORIES,
    NEEDS_MORE,
    ORDER_SHARES,
    Entry,
)

BASE_LINE = "ridge, C 1e-3"
# Without a penalty, as far as the checked range goes.
NO_PENALTY = 1e12
# Settled, after 65, the lasso of C 1e-2 had the same average precision to four digits.
SAGA_ITERATIONS = 20

_BASE: dict[str, Any] = {"penalty": "l2", "C": 1e-3}


def line(name: str, question: str, *, inputs: int = 26, **differs: Any) -> Entry:
    """Make an entry of logistic regression."""
    settings = _BASE | differs.pop("settings", {})
    weights = inputs + CALIBRATION * (differs.get("treatment") == "calibrated")
    weights += NEEDS_MORE * (differs.get("features") in HISTORIES)
    given: dict[str, Any] = {"neighbour": BASE_LINE, "complexity": weights} | differs
    return Entry(
        name=name, question=question, family="logistic_regression", settings=settings, **given
    )


LINES = (
    line(
        "line on three columns",
        "How far do bought before, left in the cart and popularity go?",
        features="three columns",
        neighbour="bought before",
        inputs=3,
    ),
    line(
        "line on four columns",
        "What does the user's own 'regular' add to three columns?",
        features="four columns",
        neighbour="line on three columns",
        inputs=4,
    ),
    line(
        "line on raw columns",
        "What do the other columns add as they are?",
        features="raw columns",
        neighbour="line on four columns",
        inputs=19,
    ),
    line(
        BASE_LINE,
        "What do logs, ratios and products add to raw columns?",
        neighbour="line on raw columns",
    ),
    *(
        line(
            f"ridge, C {shown}",
            f"Is a penalty of C {shown} better than 1e-3?",
            settings={"C": float(shown)},
        )
        for shown in ("1e-8", "1e-6", "1e-5", "1e-4", "1e-2", "1")
    ),
    line(
        "line without a penalty",
        "What happens to a line that nothing holds back?",
        settings={"C": NO_PENALTY},
    ),
    *(
        line(
            f"lasso, C {shown}",
            "Can a line do with fewer inputs?",
            settings={"penalty": "l1", "C": float(shown), "max_iter": SAGA_ITERATIONS},
        )
        for shown in ("1e-4", "1e-3", "1e-2")
    ),
    *(
        line(
            f"elastic net, C {shown}",
            "Is half lasso, half ridge better than either?",
            settings={
                "penalty": "elasticnet",
                "C": float(shown),
                "l1_ratio": 0.5,
                "max_iter": SAGA_ITERATIONS,
            },
        )
        for shown in ("1e-4", "1e-3", "1e-2")
    ),
    line(
        "line with interactions",
        "What do popularity's square and its products with bought before add?",
        features="log interactions",
        inputs=31,
    ),
    line(
        "line on splines",
        "What would bending each input freely add?",
        features="splines",
        inputs=90,
    ),
    line(
        "ridge, calibrated",
        "Does a line through the log-odds make a line's propensities more honest?",
        treatment="calibrated",
    ),
    line(
        "ridge, class weights",
        "Does weighting purchases up help a line to rank?",
        treatment="class weights",
    ),
    *(
        line(
            f"ridge, {treatment}",
            "Are there orders enough for a line?",
            # A penalty is weighed against the sum of the rows' losses: as many times the C.
            settings={"C": _BASE["C"] / share},
            treatment=treatment,
        )
        for treatment, share in ORDER_SHARES.items()
    ),
    line(
        "ridge, history",
        "What would the user's history with the product be worth to a line?",
        features="history",
        inputs=30,
    ),
)
