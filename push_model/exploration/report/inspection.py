"""What does the chosen model lean on, and where does it err? Looked at once, kept as aggregates."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from push_model.evaluation.card_slices import measure_slices
from push_model.evaluation.importances import (
    SHOWN_DEPENDENCES,
    Importance,
    measure_importances,
    trace_dependence,
)
from push_model.evaluation.scorers import score
from push_model.exploration.fits.result import result_path, write_json
from push_model.exploration.folder import open_exploration
from push_model.exploration.report.found import FINAL, USUAL_TEST, Found
from push_model.exploration.report.one_product import measure_products
from push_model.exploration.report.reading import INSPECTION_FILE, read_found
from push_model.exploration.report.texts import make_slug
from push_model.model.scoring import Model
from push_model.training.data.split import Window, is_inside

# Candidates whose reasons are averaged: enough for two digits, few enough for seconds.
REASONED_ROWS = 400
#: Groups of fewer orders are not shown: they would say more of people than of the model.
LEAST_ORDERS = 20
# Nor are values that fewer users share with none beyond them.
LEAST_USERS = 20


def inspect_chosen(folder: Path) -> bool:
    """Look at the chosen model on orders it has not seen, and keep what was seen."""
    exploration, found = open_exploration(folder), read_found(folder)
    model_file = _find_model(folder, found)
    if model_file is None:
        return False
    document = model_file.read_bytes()
    known = {"entry": model_file.parent.name, "model_sha256": hashlib.sha256(document).hexdigest()}
    if found.inspection.items() >= known.items():
        return False
    part = next(part for part in exploration.parts if model_file.name == f"{part.slug}.model.json")
    window = Window(part.train.end, part.judged.end)
    rows = exploration.read_rows()
    rows = rows[is_inside(rows, window)].reset_index(drop=True)
    seen = inspect(Model.from_document(json.loads(document)), rows, seed=exploration.seed)
    write_json(folder / INSPECTION_FILE, known | {"window": str(window)} | seen)
    return True


def _find_model(folder: Path, found: Found) -> Path | None:
    """Find the chosen model that leaves the most orders to look at."""
    if found.chosen is None:
        return None
    for part in (USUAL_TEST, FINAL):
        path = result_path(folder, found.chosen.slug, make_slug(part))
        if path.with_suffix(".model.json").exists():
            return path.with_suffix(".model.json")
    return None


def inspect(model: Model, rows: pd.DataFrame, *, seed: int) -> dict[str, Any]:
    """Look at a model on rows it has not seen."""
    importances = measure_importances(model, rows, seed=seed)
    propensities = score(model, rows)
    return {
        "orders": int(rows["order_id"].nunique()),
        "shuffled": [found._asdict() for found in importances],
        "reasons": measure_reasons(model, rows, seed=seed),
        "dependences": list(_trace(model, rows, importances, seed=seed)),
        "slices": list(_slice(rows, propensities)),
        "one_product": measure_products(rows, propensities),
    }


def measure_reasons(model: Model, rows: pd.DataFrame, *, seed: int) -> dict[str, float]:
    """Average how far each feature moves the log-odds of a candidate.

    Notes
    -----
    Nearly all candidates are hopeless for the same few reasons; drawing half from the best tenth
    says what tells the good from the best, too.
    """
    rng = np.random.default_rng(seed)
    values = rows[list(model.feature_names)].to_numpy(dtype=np.float64)
    best_first = np.argsort(-score(model, rows), kind="stable")
    half = REASONED_ROWS // 2
    drawn = [
        rng.permutation(len(rows))[:half],
        rng.permutation(best_first[: len(rows) // 10])[:half],
    ]
    sizes = dict.fromkeys(model.feature_names, 0.0)
    picked = values[np.concatenate(drawn)].tolist()
    for row in picked:
        reasons = model.reasons(row, top=len(sizes))
        for name, share in reasons.contributions.items():
            sizes[name] += abs(share) / len(picked)
    return dict(sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])))


def _trace(
    model: Model, rows: pd.DataFrame, importances: tuple[Importance, ...], *, seed: int
) -> Iterator[dict[str, Any]]:
    for importance in importances[:SHOWN_DEPENDENCES]:
        name = importance.feature
        if traced := trace_dependence(model, rows, name, seed=seed, least_users=LEAST_USERS):
            yield traced._asdict()


def _slice(rows: pd.DataFrame, propensities: NDArray[np.float64]) -> Iterator[dict[str, Any]]:
    for found in measure_slices(rows, {"challenger": propensities}):
        if (found.orders or 0) >= LEAST_ORDERS:
            names = ("slice", "rows", "orders", "purchases", "average_precision")
            shown = {name: getattr(found, name) for name in names}
            yield {**shown, "expected_per_actual": found.expected_per_actual}
