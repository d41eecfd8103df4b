"""What may a person ask of a retraining run? The trigger form, and what its presets mean."""

from dataclasses import fields
from typing import Any, NamedTuple

from push_model.training.gate.policy import Policy
from push_model.training.limited import Limits
from push_model.training.parametrisation import FAMILIES

PROMOTIONS = {
    "auto": "auto: promote when the verdict says so",
    "never": "never: train and judge, leave the champion alone",
}


class Preset(NamedTuple):
    """A parametrisation with a name that people can choose by.

    Attributes
    ----------
    title : str
        What the form shows.
    parametrisation : dict
        What `parse_parametrisation` reads.
    """

    title: str
    parametrisation: dict[str, Any]


PRESETS: dict[str, Preset] = {
    "boosted_trees": Preset(
        "Boosted trees: the most accurate",
        {"model": "boosted_trees"},
    ),
    "boosted_trees_fast": Preset(
        "Boosted trees, fast: a third of the trees, shallower",
        {"model": "boosted_trees", "iterations": 100, "depth": 4},
    ),
    "logistic_regression_l2": Preset(
        "Logistic regression, ridge (l2): uses every feature",
        {"model": "logistic_regression", "penalty": "l2", "C": 1e-3},
    ),
    "logistic_regression_l1": Preset(
        "Logistic regression, lasso (l1): keeps few features",
        {"model": "logistic_regression", "penalty": "l1", "C": 1e-3},
    ),
    "logistic_regression_elasticnet": Preset(
        "Logistic regression, elastic net: between the two",
        {"model": "logistic_regression", "penalty": "elasticnet", "C": 1e-3, "l1_ratio": 0.5},
    ),
}


def _schema_of(limits: Limits) -> dict[str, Any]:
    bounds = {
        "minimum": limits.at_least,
        "exclusiveMinimum": limits.above,
        "maximum": limits.at_most,
        "exclusiveMaximum": limits.below,
    }
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    return {"type": "integer" if limits.type is int else "number"} | given


# Rules are JSON Schema, so the page, the REST API and `dag.test()` refuse the same things. What a
# schema cannot say (which key goes with which family), the load step checks before it reads data.
# An untouched form is what the schedule runs. The page sends null for a cleared text field, and
# shows an absent object as {}.
FORM: dict[str, dict[str, Any]] = {
    "dataset": {
        "default": "",
        "type": ["string", "null"],
        "title": "Dataset",
        "description_md": "Path or URI of a feature frame: CSV, CSV.gz, Parquet or a folder of "
        "Parquet parts. Empty: the one that **PUSH_DATASET** names.",
    },
    "min_items": {
        "default": 5,
        "type": "integer",
        "minimum": 1,
        "maximum": 1000,
        "title": "Smallest order",
        "description_md": "Items **bought** that make an order large enough to learn from.",
    },
    "model": {
        "default": "boosted_trees",
        "type": "string",
        "enum": list(PRESETS),
        "values_display": {name: preset.title for name, preset in PRESETS.items()},
        "title": "Model",
        "description_md": "A ready parametrisation. Boosted trees lead on real orders.",
    },
    "model_parametrisation": {
        "default": None,
        "type": ["object", "null"],
        "properties": {"model": {"enum": sorted(FAMILIES)}},
        "title": "Own parametrisation",
        "description_md": "JSON that replaces the choice above, for example "
        '{"model": "boosted_trees", "depth": 5, "iterations": 500}. Empty: the choice above.',
    },
    "policy": {
        "default": None,
        "type": ["object", "null"],
        "properties": {
            field.name: _schema_of(field.metadata["limits"]) for field in fields(Policy)
        },
        "additionalProperties": False,
        "title": "Limits of the gate",
        "description_md": 'JSON that replaces limits of this run, for example {"margin": 0.02}. '
        "Empty: those of **PUSH_POLICY**, or the defaults.",
    },
    "promotion": {
        "default": "auto",
        "type": "string",
        "enum": list(PROMOTIONS),
        "values_display": PROMOTIONS,
        "title": "Promotion",
        "description_md": "Whether a challenger that wins becomes the champion, which serves.",
    },
}
