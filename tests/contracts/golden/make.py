"""How are the golden vectors of a model format made? Once, when the format is released.

    python tests/contracts/golden/make.py format-1

Never again for the same format: what these files say is what every later release must answer.
"""

import json
import sys
from pathlib import Path

import numpy as np

from push_model.columns import FEATURES
from push_model.model.scoring import Model
from push_model.store.folder import FORMAT, document_bytes
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.parametrisation import BoostedTrees, LogisticRegression
from tests.frames import make_frame

FAMILIES = (BoostedTrees(iterations=12, depth=4), LogisticRegression())
CANDIDATES = 40
SHARE_MISSING = 0.2


def main() -> None:
    """Train a small model of each family on an invented frame, and write down its answers."""
    folder = Path(__file__).parent / f"format-{FORMAT}"
    if sys.argv[1:] != [folder.name] or folder.exists():
        sys.exit(f"Say which format is released, {folder.name}; one that is there stays as it is.")
    folder.mkdir()
    frame = make_frame(orders=60, seed=3)
    holes = np.random.default_rng(3).random((len(frame), len(FEATURES))) < SHARE_MISSING
    frame[list(FEATURES)] = frame[list(FEATURES)].astype(float).mask(holes)
    for family in FAMILIES:
        pipeline = make_pipeline(family, seed=0).fit(frame, frame["outcome"])
        document = export_model(pipeline, family, trained_on="2026-01-05", rows=frame)
        (folder / f"{family.model}.json").write_bytes(document_bytes(document))
        rows = frame.sample(CANDIDATES, random_state=0)[list(FEATURES)].to_numpy().tolist()
        vectors = [answer(Model.from_document(document), row) for row in rows]
        text = "[\n" + ",\n".join(map(json.dumps, vectors)) + "\n]\n"
        (folder / f"{family.model}.vectors.json").write_text(text, "utf-8")


def answer(model: Model, row: list[float]) -> dict[str, object]:
    """Give a candidate as JSON, null for missing, and what the model answers."""
    features = [None if value != value else value for value in row]  # noqa: PLR0124 - NaN alone
    return {
        "features": dict(zip(FEATURES, features, strict=True)),
        "log_odds": model.log_odds(row),
        "propensity": model.propensity(row),
    }


if __name__ == "__main__":
    main()
