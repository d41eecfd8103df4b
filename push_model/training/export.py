"""Export a fitted pipeline as a model document, equal to the pipeline."""

import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from push_model.columns import BY_NAME
from push_model.errors import ModelIntegrityError
from push_model.model.scoring import Model
from push_model.store.folder import FORMAT, model_id_of
from push_model.training.calibration import CalibratedClassifier, Line
from push_model.training.parametrisation import Parametrisation
from push_model.training.train_distribution import measure_seen

# What the last digit of a propensity may differ by: the trainer adds up in another order.
TOLERANCE = 1e-12

Document = dict[str, Any]


def export_model(
    pipeline: Pipeline,
    parametrisation: Parametrisation,
    *,
    trained_on: str,
    rows: pd.DataFrame | None = None,
) -> Document:
    """Write a fitted pipeline out as a model document (docs/model-format.md)."""
    prepare = pipeline.named_steps["prepare"]
    classifier, line = _take_apart(pipeline.named_steps["classify"])
    if isinstance(classifier, CatBoostClassifier):
        scorer = _symmetric_trees(classifier, line, n_inputs=len(prepare.inputs_))
    else:
        scorer = _linear(pipeline.named_steps["scale"], classifier, line)
    names = prepare.features
    seen = {} if rows is None else measure_seen(rows, prepare.steps_, names)
    document = {
        "format": FORMAT,
        "trained_on": trained_on,
        "family": parametrisation.model,
        "features": [_feature(name, seen.get(name)) for name in names],
        "steps": [step.document() for step in prepare.steps_],
        "inputs": list(prepare.inputs_),
        "scorer": scorer,
    }
    return {**document, "model_id": model_id_of(document)}


def check_equal(document: Mapping[str, Any], pipeline: Pipeline, frame: pd.DataFrame) -> None:
    """Refuse an exported model whose scores differ from its pipeline's."""
    model = Model.from_document(dict(document))
    columns = {name: frame[name].to_numpy(dtype=np.float64) for name in model.feature_names}
    served = np.asarray(model.propensities_of_columns(columns))
    trained = pipeline.predict_proba(frame)[:, 1]
    gap = float(np.max(np.abs(served - trained), initial=0.0))
    if not gap <= TOLERANCE:
        raise ModelIntegrityError(
            f"The exported model differs from its pipeline by {gap:.3g} on {len(frame)} rows "
            f"(at most {TOLERANCE:g} is allowed). Nothing was saved; report this with the "
            "parametrisation and the library versions."
        )


def _float64_border(border: float) -> float:
    """Move a border so that plain doubles compare as CatBoost's float32 values do.

    Rounding to float32 sends a double above the border only past the midpoint of the border and
    the next float32. The midpoint itself goes to whichever of the two has an even last bit
    (IEEE 754, round half to even).

    Examples
    --------
    >>> value = 0.1 + 1e-10
    >>> value > 0.1, bool(np.float32(value) > np.float32(0.1))
    (True, False)
    >>> value > _float64_border(float(np.float32(0.1)))
    False
    """
    lower = np.float32(border)
    upper = np.nextafter(lower, np.float32(np.inf))
    midpoint = (float(lower) + float(upper)) / 2
    goes_up = np.float32(midpoint) > lower
    return math.nextafter(midpoint, -math.inf) if goes_up else midpoint


def _feature(name: str, seen: Mapping[str, Any] | None) -> Document:
    column = BY_NAME[name]
    return {
        "name": name,
        "type": column.type,
        "minimum": column.minimum,
        "maximum": column.maximum,
        "missing": column.missing,
        "seen": seen,
    }


def _take_apart(classifier: Any) -> tuple[Any, Line]:
    if isinstance(classifier, CalibratedClassifier):
        return classifier.classifier, Line(classifier.slope, classifier.intercept)
    return classifier, Line()


def _symmetric_trees(classifier: CatBoostClassifier, line: Line, *, n_inputs: int) -> Document:
    saved = _saved_json(classifier)
    float_features = {f["flat_feature_index"]: f for f in saved["features_info"]["float_features"]}
    scale, (bias,) = saved["scale_and_bias"]
    used = _used_borders(saved["oblivious_trees"], n_inputs)
    index_of = [{border: i for i, border in enumerate(borders)} for borders in used]
    return {
        "kind": "symmetric_trees",
        "scale": line.slope * float(scale),
        "bias": line.slope * float(bias) + line.intercept,
        "borders": [[_float64_border(border) for border in borders] for borders in used],
        "missing_is_above": [
            float_features.get(i, {}).get("nan_value_treatment") == "AsTrue"
            for i in range(n_inputs)
        ],
        "trees": [_tree(tree, index_of) for tree in saved["oblivious_trees"]],
    }


def _saved_json(classifier: CatBoostClassifier) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        classifier.save_model(str(path), format="json")
        return json.loads(path.read_text("utf-8"))


def _used_borders(trees: Sequence[Mapping[str, Any]], n_inputs: int) -> list[list[float]]:
    """List the borders that some tree uses; CatBoost saves unused ones, too."""
    used: list[set[float]] = [set() for _ in range(n_inputs)]
    for tree in trees:
        for split in tree["splits"]:
            used[split["float_feature_index"]].add(split["border"])
    return [sorted(borders) for borders in used]


def _tree(tree: Mapping[str, Any], index_of: Sequence[Mapping[float, int]]) -> Document:
    splits = [(split["float_feature_index"], split["border"]) for split in tree["splits"]]
    return {
        "splits": [[feature, index_of[feature][border]] for feature, border in splits],
        "leaves": tree["leaf_values"],
        "weights": tree["leaf_weights"],
    }


def _linear(scaler: StandardScaler, classifier: LogisticRegression, line: Line) -> Document:
    """Fold the standardisation into the weights; a missing value counts as the mean."""
    weights = line.slope * (classifier.coef_[0] / scaler.scale_)
    return {
        "kind": "linear",
        "intercept": line.slope * float(classifier.intercept_[0]) + line.intercept,
        "weights": [float(weight) for weight in weights],
        "centers": [float(centre) for centre in scaler.mean_],
    }
