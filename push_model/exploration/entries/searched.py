"""Which parametrisations may a search try, where does it start, and what entries do they make?"""

from collections.abc import Sequence
from typing import Any

from optuna.trial import BaseTrial

from push_model.exploration.entries.entry import NEEDS_MORE, Entry
from push_model.exploration.entries.trees import BASE_TREES
from push_model.training.parametrisation import (
    FINAL_MODEL,
    FINAL_MODEL_WITH_HISTORY,
    BoostedTrees,
    describe,
    read_parametrisation,
)

SETTINGS = (
    "iterations",
    "depth",
    "learning_rate",
    "l2_leaf_reg",
    "random_strength",
    "leaf_estimation_iterations",
)


def draw_settings(trial: BaseTrial) -> dict[str, Any]:
    """Draw settings; two digits are plenty, and can be said."""
    return {
        "iterations": trial.suggest_int("iterations", 80, 240, step=10),
        "depth": trial.suggest_int("depth", 4, 7),
        "learning_rate": _two_digits(trial.suggest_float("learning_rate", 0.05, 0.4, log=True)),
        "l2_leaf_reg": _two_digits(trial.suggest_float("l2_leaf_reg", 1.0, 100.0, log=True)),
        "random_strength": _two_digits(trial.suggest_float("random_strength", 0.1, 5.0, log=True)),
        "leaf_estimation_iterations": trial.suggest_categorical(
            "leaf_estimation_iterations", [1, 10]
        ),
    }


def entry_of(settings: dict[str, Any], *, features: str) -> Entry:
    """Make an entry of what a trial asks for."""
    trees, depth, rate, l2, noise, steps = (settings[name] for name in SETTINGS)
    needs = NEEDS_MORE if features == "history" else 0
    size = f"{trees} trees of depth {depth}"
    told = f"{size}, rate {rate:g}, L2 {l2:g}, noise {noise:g}, steps {steps}"
    return Entry(
        name=f"found: {told}" + (", history" if needs else ""),
        question="What does a search of the whole range find?",
        family="boosted_trees",
        settings=settings,
        features=features,
        neighbour=f"{BASE_TREES}, history" if needs else BASE_TREES,
        complexity=trees * 2**depth + needs,
    )


def settings_in_use() -> list[dict[str, Any]]:
    """Give the settings of the final models, where these are boosted trees."""
    models = map(read_parametrisation, (FINAL_MODEL_WITH_HISTORY, FINAL_MODEL))
    known = [describe(model) for model in models if isinstance(model, BoostedTrees)]
    return keep_once([{name: each[name] for name in SETTINGS} for each in known])


def keep_once(settings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the first of equal settings."""
    return [each for place, each in enumerate(settings) if each not in settings[:place]]


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")
