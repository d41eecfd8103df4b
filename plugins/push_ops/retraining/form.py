"""What may a person ask of a retraining run? The trigger form, and what its presets mean."""

from typing import Any

from push_model.training.fit_request import MOST_HOLDOUT_DAYS
from push_model.training.gate.policy import Policy
from push_model.training.parametrisation import FAMILIES, PRESETS

PROMOTIONS = {
    "auto": "auto: promote when the verdict says so, but never in a backfill",
    "manual": "manual: a winner waits for a person to approve it",
    "never": "never: train and judge, leave the champion alone",
}


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
        "Parquet parts; **{yyyymmdd}** stands for the run date. Empty: the one that "
        "**PUSH_DATASET** names.",
    },
    "min_items": {
        "default": 5,
        "type": "integer",
        "minimum": 1,
        "maximum": 1000,
        "title": "Smallest order",
        "description_md": "Items **bought** that make an order large enough to learn from.",
    },
    "holdout_days": {
        "default": None,
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": MOST_HOLDOUT_DAYS,
        "title": "Days held out",
        "description_md": "How many of the newest days judge the model. Empty: the newest tenth of "
        "the orders.",
    },
    "model": {
        "default": "final_model",
        "type": "string",
        "enum": list(PRESETS),
        "values_display": {name: preset.title for name, preset in PRESETS.items()},
        "title": "Model",
        "description_md": "A ready parametrisation. **docs/exploration.md** says why the final "
        "model is what it is.",
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
        "properties": Policy.model_json_schema()["properties"],
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
        "description_md": "Whether a challenger that wins becomes the champion, which serves. "
        "**manual**: the task **approve** asks, and takes no answer in 4 hours for a no.",
    },
}
