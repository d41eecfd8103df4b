"""Search for better settings of boosted trees: Optuna proposes them, the folds measure them."""

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import BaseTrial, FrozenTrial, TrialState

from push_model.exploration.entries.entry import BASE_TREES, NEEDS_MORE, Entry
from push_model.exploration.fits.protocol import CHOOSING, CLAIMING
from push_model.exploration.folder import SEARCH_FILE, Exploration, open_exploration
from push_model.exploration.work import do_work, list_left, list_missing, read_current
from push_model.store.durable import write_json
from push_model.training.parametrisation import (
    FINAL_MODEL,
    FINAL_MODEL_WITH_HISTORY,
    BoostedTrees,
    describe,
    read_parametrisation,
)

_JOURNAL_FILE = "search.journal"
# Trials before the sampler has enough to go by: the settings in use, and random draws.
STARTUP_TRIALS = 6
# From so many trials on, one that is behind the median of the others is stopped.
PRUNING_AFTER = 4
# So many of the best join the leaderboard, and those in use; the journal keeps all.
KEPT = 3
SETTINGS = (
    "iterations",
    "depth",
    "learning_rate",
    "l2_leaf_reg",
    "random_strength",
    "leaf_estimation_iterations",
)

# Trials ended, the best mean average precision (None before there is one), seconds spent.
Report = Callable[[int, float | None, float], None]


def find_more(folder: Path, *, trials: int, report_progress: Report | None = None) -> list[str]:
    """Search for better trees, and return the slugs of entries that have fits left to do."""
    if trials > 0:
        search(folder, trials=trials, report_progress=report_progress)
    return list_left(open_exploration(folder))


def search(
    folder: Path, *, trials: int, report_progress: Report | None = None
) -> tuple[Entry, ...]:
    """Try settings on the folds until so many trials have ended; a killed search continues.

    Trials read history: settings that are good with it are good without.
    The first trials have the settings in use, which stay on the leaderboard. The next are random,
    up to `STARTUP_TRIALS`; then a tree-structured Parzen estimator proposes (Bergstra et al. 2011,
    Algorithms for Hyper-Parameter Optimization, NeurIPS 24).
    """
    exploration = open_exploration(folder)
    started = monotonic()
    study = _open_study(exploration)
    while (ended := len(_ended(study))) < trials:
        trial = study.ask()
        precision = _try(exploration, trial, _entry_of(_draw_settings(trial), features="history"))
        state = TrialState.PRUNED if precision is None else TrialState.COMPLETE
        study.tell(trial, precision, state=state)
        if report_progress is not None:
            best = max((each.value or 0.0 for each in _completed(study)), default=None)
            report_progress(ended + 1, best, monotonic() - started)
    found = _find_best(study) if ended else ()
    if found:
        _write_found(exploration, study, found)
    return found


def _draw_settings(trial: BaseTrial) -> dict[str, Any]:
    """Draw settings, rounded to two digits."""
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


def _entry_of(settings: dict[str, Any], *, features: str) -> Entry:
    """Return the entry with some settings."""
    trees, depth, rate, l2, noise, steps = (settings[name] for name in SETTINGS)
    needs = NEEDS_MORE if features == "history" else 0
    size = f"{trees} trees of depth {depth}"
    written = f"{size}, rate {rate:g}, L2 {l2:g}, noise {noise:g}, steps {steps}"
    return Entry(
        name=f"found: {written}" + (", history" if needs else ""),
        question="What do the settings of a search add?",
        family="boosted_trees",
        settings=settings,
        features=features,
        neighbour=f"{BASE_TREES}, history" if needs else BASE_TREES,
        complexity=trees * 2**depth + needs,
    )


def _settings_in_use() -> list[dict[str, Any]]:
    """Return the settings of the final models, where these are boosted trees."""
    models = map(read_parametrisation, (FINAL_MODEL_WITH_HISTORY, FINAL_MODEL))
    known = [describe(model) for model in models if isinstance(model, BoostedTrees)]
    return _drop_repeated([{name: each[name] for name in SETTINGS} for each in known])


def _drop_repeated(settings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for place, each in enumerate(settings) if each not in settings[:place]]


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")


def _try(exploration: Exploration, trial: optuna.Trial, entry: Entry) -> float | None:
    """Measure an entry fold by fold; return None once it is far behind the other trials."""
    for number, fold in enumerate(exploration.folds):
        parts = [
            part
            for part in exploration.parts
            if part.train == fold.train and part.purpose != CLAIMING
        ]
        for work in list_missing(exploration, entry, parts):
            do_work(exploration, work)
        # An entry that was measured before has results of the folds to come.
        so_far = float(np.mean(_precisions(exploration, entry)[: number + 1]))
        trial.report(so_far, number)
        if trial.should_prune() and number < len(exploration.folds) - 1:
            return None
    return so_far


def _precisions(exploration: Exploration, entry: Entry) -> list[float]:
    results = read_current(exploration, [entry], purposes=(CHOOSING,))
    return [float(result.average_precision[0]) for result in results]


def _open_study(exploration: Exploration) -> optuna.Study:
    """Open the study of these grounds and this seed, or continue it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    backend = JournalFileBackend(str(exploration.folder / _JOURNAL_FILE))
    grounds = sha256(json.dumps(exploration.grounds, sort_keys=True).encode()).hexdigest()
    study = optuna.create_study(
        storage=JournalStorage(backend),
        study_name=f"{grounds[:16]} seed {exploration.seed}",
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(PRUNING_AFTER, n_warmup_steps=1),
    )
    # A study that continues must not draw the same random settings again.
    seed = exploration.seed + len(study.trials)
    study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    for settings in _settings_in_use():
        study.enqueue_trial(settings, skip_if_exists=True)
    return study


def _ended(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _completed(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _find_best(study: optuna.Study) -> tuple[Entry, ...]:
    ranked = sorted(_completed(study), key=lambda trial: (-(trial.value or 0.0), trial.number))
    drawn = [_draw_settings(optuna.trial.FixedTrial(trial.params)) for trial in ranked]
    in_use = _settings_in_use()
    kept = [
        each for place, each in enumerate(_drop_repeated(drawn)) if place < KEPT or each in in_use
    ]
    return tuple(
        _entry_of(settings, features=features)
        for features in ("history", "request")
        for settings in kept
    )


def _write_found(exploration: Exploration, study: optuna.Study, found: Sequence[Entry]) -> None:
    document = {
        "grounds": exploration.grounds,
        "in_use": len(_settings_in_use()),
        "startup_trials": STARTUP_TRIALS,
        "trials": len(_ended(study)),
        "stopped": len(_ended(study)) - len(_completed(study)),
        "entries": [entry.document() for entry in found],
    }
    write_json(exploration.folder / SEARCH_FILE, document)
