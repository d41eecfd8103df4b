"""Train the benchmarks' model: 300 symmetric trees of depth 6, from a made-up frame.

python benchmarks/trained_store.py FOLDER
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from push_model.columns import BY_NAME, FEATURES
from push_model.store.folder import document_bytes, write_model_folder
from push_model.store.promotion import promote
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.parametrisation import BoostedTrees

ROWS = 50_000
SHARE_MISSING = 0.1
TREES = BoostedTrees(iterations=300, depth=6)


def main() -> None:
    """Train and make a model store with this champion alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    frame = invent_frame(np.random.default_rng(0))
    save_champion(fit_trees(frame), frame, parser.parse_args().folder)


def fit_trees(frame: pd.DataFrame) -> Pipeline:
    """Fit the trees on a frame."""
    return make_pipeline(TREES, seed=0).fit(frame, frame["outcome"])


def save_champion(pipeline: Pipeline, frame: pd.DataFrame, store: str) -> Path:
    """Export a fitted pipeline into a store and make it the champion."""
    document = export_model(pipeline, TREES, trained_on="2021-03-04", rows=frame)
    folder = write_model_folder(store, "benchmark", {"model.json": document_bytes(document)}, {})
    facts = {"verdict": None, "reason": "", "promoted_at": "", "by": "benchmark"}
    promote(store, folder.name, expected=None, **facts)
    return folder


def invent_frame(rng: np.random.Generator) -> pd.DataFrame:
    """Draw a frame in every feature's range, with gaps, and an outcome to learn."""
    frame = pd.DataFrame({name: _draw(name, rng) for name in FEATURES})
    score = 2 * frame["ordered_before"] + 9 * frame["global_popularity"] - 5
    score += np.sin(frame["days_since_purchase_variant_id"] / 9)
    frame["outcome"] = (rng.random(ROWS) < 1 / (1 + np.exp(-score))).astype(int)
    return frame.mask((rng.random(frame.shape) < SHARE_MISSING) & (frame.columns != "outcome"))


def _draw(name: str, rng: np.random.Generator) -> np.ndarray:
    column = BY_NAME[name]
    if column.type == "number":
        return rng.uniform(column.minimum, min(column.maximum, 80.0), ROWS).round(4)
    return rng.integers(int(column.minimum), int(min(column.maximum, 12)) + 1, ROWS).astype(float)


if __name__ == "__main__":
    main()
