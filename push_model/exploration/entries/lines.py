"""List the linear models: their penalties, and the features they read."""

from typing import Any

from push_model.exploration.entries.entry import (
    BASE_LINE,
    CALIBRATION,
    HISTORIES,
    NEEDS_MORE,
    ORDER_SHARES,
    Entry,
)

# The weakest penalty that a parametrisation may have.
_NO_PENALTY = 1e12
# After 65 iterations the lasso of C 1e-2 converged, with the same average precision to 4 digits.
_SAGA_ITERATIONS = 20

_BASE: dict[str, Any] = {"penalty": "l2", "C": 1e-3}


def _line(name: str, question: str, *, inputs: int = 26, **differs: Any) -> Entry:
    """Make an entry of logistic regression."""
    settings = _BASE | differs.pop("settings", {})
    weights = inputs + CALIBRATION * (differs.get("treatment") == "calibrated")
    weights += NEEDS_MORE * (differs.get("features") in HISTORIES)
    given: dict[str, Any] = {"neighbour": BASE_LINE, "complexity": weights} | differs
    return Entry(
        name=name, question=question, family="logistic_regression", settings=settings, **given
    )


LINES = (
    _line(
        "line on three columns",
        "How good are 'bought before', 'left in the cart' and popularity alone?",
        features="three columns",
        neighbour="bought before",
        inputs=3,
    ),
    _line(
        "line on four columns",
        "What does 'marked as regular' add to three columns?",
        features="four columns",
        neighbour="line on three columns",
        inputs=4,
    ),
    _line(
        "line on raw columns",
        "What do the other columns add, unchanged?",
        features="raw columns",
        neighbour="line on four columns",
        inputs=19,
    ),
    _line(
        BASE_LINE,
        "What do logs, ratios and products add to raw columns?",
        neighbour="line on raw columns",
    ),
    *(
        _line(
            f"ridge, C {shown}",
            f"Is a penalty of C {shown} better than 1e-3?",
            settings={"C": float(shown)},
        )
        for shown in ("1e-8", "1e-6", "1e-5", "1e-4", "1e-2", "1")
    ),
    _line(
        "line without a penalty",
        "Does a linear model need a penalty?",
        settings={"C": _NO_PENALTY},
    ),
    *(
        _line(
            f"lasso, C {shown}",
            "Are fewer features enough for a linear model?",
            settings={"penalty": "l1", "C": float(shown), "max_iter": _SAGA_ITERATIONS},
        )
        for shown in ("1e-4", "1e-3", "1e-2")
    ),
    *(
        _line(
            f"elastic net, C {shown}",
            "Is elastic net better than ridge?",
            settings={
                "penalty": "elasticnet",
                "C": float(shown),
                "l1_ratio": 0.5,
                "max_iter": _SAGA_ITERATIONS,
            },
        )
        for shown in ("1e-4", "1e-3", "1e-2")
    ),
    _line(
        "line with interactions",
        "What do squared popularity and its products with 'bought before' add?",
        features="log interactions",
        inputs=31,
    ),
    _line(
        "line on splines",
        "What do splines of each feature add?",
        features="splines",
        inputs=90,
    ),
    _line(
        "ridge, calibrated",
        "Does Platt scaling improve the calibration of a linear model?",
        treatment="calibrated",
    ),
    _line(
        "ridge, class weights",
        "Do class weights improve the ranking of a linear model?",
        treatment="class weights",
    ),
    *(
        _line(
            f"ridge, {treatment}",
            "Would fewer orders do for a linear model?",
            # The loss is a sum over rows: with fewer rows, C must rise for an equal penalty.
            settings={"C": _BASE["C"] / share},
            treatment=treatment,
        )
        for treatment, share in ORDER_SHARES.items()
    ),
    _line(
        "ridge, history",
        "What does purchase history add to a linear model?",
        features="history",
        inputs=30,
    ),
)
