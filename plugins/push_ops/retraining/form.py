"""Define the form of a retraining run: its fields, their defaults and what each accepts.

The rules are JSON Schema, so the page, the REST API and `dag.test()` refuse the same input. What a
schema cannot express (which key goes with which family), the first task checks. An untouched form
is what the schedule runs. The page sends null for a cleared text field, and {} for an empty object.
"""

from typing import Any

from push_model.training.fit_request import FitRequest
from push_model.training.gate.policy import FORM_LIMITS, Policy
from push_model.training.parametrisation import FAMILIES, PRESETS

_PROMOTIONS = {
    "auto": "auto: promote when the verdict says so, but never in a backfill",
    "manual": "manual: a person must approve a winner",
    "never": "never: train and evaluate, leave the champion alone",
}
# The page shows a section closed.
_ADVANCED = "Advanced (JSON)"
_FIT = FitRequest.model_json_schema()["properties"]
_LIMITS = {name: Policy.model_json_schema()["properties"][name] for name in FORM_LIMITS}
#: The limit that is a setting of the installation otherwise.
MAX_AGE = "max_age_days"
_OLDEST = {"type": "integer", "minimum": 1, "description": "Days that a champion may be old."}

FORM: dict[str, dict[str, Any]] = {
    "dataset": {
        "default": "",
        "type": ["string", "null"],
        "title": "Dataset",
        "description_md": "Path or URI of a feature frame: CSV, CSV.gz, Parquet or a folder of "
        "Parquet parts; **{yyyymmdd}** stands for the run date. Empty: the one that "
        "**PUSH_DATASET** names.",
    },
    "promotion": {
        "default": "auto",
        "type": "string",
        "enum": list(_PROMOTIONS),
        "values_display": _PROMOTIONS,
        "title": "Promotion",
        "description_md": "Whether a challenger that wins becomes the champion, which serves. "
        "**manual**: a person must approve within 4 hours, else the champion stays.",
    },
    "min_items": {
        **_FIT["min_items"],
        "title": "Smallest order",
        "description_md": "Items **bought** in an order that counts for training.",
    },
    "holdout_days": {
        **_FIT["holdout_days"]["anyOf"][0],
        "type": ["integer", "null"],
        "default": None,
        "title": "Days held out",
        "description_md": "How many of the newest days evaluate the model. Empty: the newest tenth "
        "of the orders.",
    },
    "model": {
        "default": "final_model",
        "type": "string",
        "enum": list(PRESETS),
        "values_display": {name: preset.title for name, preset in PRESETS.items()},
        "title": "Model",
        "description_md": "A named parametrisation. **docs/exploration.md** says why the final "
        "model was chosen.",
    },
    "model_parametrisation": {
        "default": None,
        "type": ["object", "null"],
        "properties": {"model": {"enum": sorted(FAMILIES)}},
        "section": _ADVANCED,
        "title": "Own parametrisation",
        "description_md": "JSON that replaces the field **Model**, for example "
        '{"model": "boosted_trees", "depth": 5, "iterations": 500}. Empty: that field.',
    },
    "policy": {
        "default": None,
        "type": ["object", "null"],
        "properties": {**_LIMITS, MAX_AGE: _OLDEST},
        "additionalProperties": False,
        "section": _ADVANCED,
        "title": "Limits of the gate",
        "description_md": 'JSON that replaces limits for this run, for example {"margin": 0.02}: '
        f"{', '.join(f'**{name}**' for name in (*_LIMITS, MAX_AGE))}. Empty: those of "
        "**PUSH_POLICY** and **PUSH_MAX_AGE_DAYS**, or the defaults.",
    },
}
