"""Small sound model documents with every part in them, for damage to start from."""

from __future__ import annotations

from tests.forests import MADE, NAMES, STEPS, make_forest, make_line, make_model_document

_INPUTS = (*NAMES, *MADE)
_SEEN = {"missing": 0.5, "minimum": 0.0, "maximum": 9.0, "borders": [1.0], "shares": [0.2, 0.3]}


def _with_seen(document: dict) -> dict:
    first, *others = document["features"]
    return {**document, "features": [first | {"seen": _SEEN}, *others]}


FOREST = _with_seen(
    make_model_document(
        make_forest(
            borders=[[0.5, 2.0], [10.0], [], [1.5], [0.0], [-1.0]],
            missing_is_above=[False, True, False, False, True, False],
            trees=[
                {
                    "splits": [[0, 1], [3, 0]],
                    "leaves": [0.5, 1.0, -2.0, 3.0],
                    "weights": [4, 3, 2, 1],
                },
                {"splits": [], "leaves": [0.25], "weights": [10]},
                {"splits": [[5, 0]], "leaves": [0.5, -0.5], "weights": [0, 0]},
            ],
        ),
        steps=STEPS,
        inputs=_INPUTS,
    )
)
LINE = _with_seen(
    make_model_document(
        make_line(weights=[2.0, -0.5, 0.0, 1.0, 0.1, -3.0], centers=[1.0, 4.0, 0.0, 0.5, 1.0, 0.0]),
        steps=STEPS,
        inputs=_INPUTS,
    )
)
SAMPLES = (FOREST, LINE)
