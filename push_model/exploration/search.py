"""Which parametrisation of boosted trees ranks best? Optuna asks, the folds answer."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from push_model.exploration.entry import NEEDS_MORE, Entry
from push_model.exploration.folder import SEARCH_FILE, Exploration, open_exploration
from push_model.exploration.inputs import lacking_columns
from push_model.exploration.protocol import CHOOSING, CLAIMING
from push_model.exploration.result import write_json
from push_model.exploration.tree_entries import BASE_TREES
from push_model.exploration.work import do_work, list_missing, read_current

JOURNAL_FILE = "search.journal"
# Trials that draw at random before the sampler has anything to go by.
STARTUP_TRIALS = 6
# The leaderboard shows the best of them; the journal keeps all.
KEPT = 5
SETTINGS = ("iterations", "depth", "learning_rate", "l2_leaf_reg", "random_strength")

# Trials ended, the best mean average precision (None before there is one), seconds spent.
Report = Callable[[int, float | None, float], None]


def search(
    folder: Path, *, trials: int, report_progress: Report | None = None
) -> tuple[Entry, ...]:
    """Try parametrisations on the folds until the budget is spent.

    Parameters
    ----------
    folder : Path
        The exploration folder. A search that was killed goes on where it was, and ends as it would
        have ended.
    trials : int
        Trials that the folder's search comes to in all, those of former calls counted.
    report_progress : callable, optional
        Called after each trial with the number of trials ended, the best mean average precision so
        far (None before there is one) and the seconds spent.

    Returns
    -------
    tuple of Entry
        The best five with each set of features that can be searched with, the best first. They
        belong to the exploration from now on.

    Notes
    -----
    Trials read history where the frame has it: settings that are good with it are good without.
    The first `STARTUP_TRIALS` are drawn at random, the others by a tree-structured Parzen estimator
    [1]_. A trial that is behind the median of the others after as many folds is given up. What a
    trial measured is kept as any result is, so that nothing is fitted twice.

    References
    ----------
    .. [1] Bergstra et al. (2011), Algorithms for Hyper-Parameter Optimization, NeurIPS 24.
    """
    exploration = open_exploration(folder)
    *_, features = searchable(exploration)
    started = monotonic()
    with _quiet():
        study = _open_study(exploration, features)
        while (ended := len(_ended(study))) < trials:
            # Seeded by its place, a trial is drawn alike whether or not a search was killed before.
            study.sampler = optuna.samplers.TPESampler(
                seed=exploration.seed + ended, n_startup_trials=STARTUP_TRIALS
            )
            trial = study.ask()
            precision = _try(exploration, trial, entry_of(_draw(trial), features=features))
            state = TrialState.PRUNED if precision is None else TrialState.COMPLETE
            study.tell(trial, precision, state=state)
            _write_found(exploration, study)
            if report_progress is not None:
                report_progress(ended + 1, _best_so_far(study), monotonic() - started)
        # A search that was killed between a trial's end and its writing has one to write down.
        if ended:
            _write_found(exploration, study)
        return _best(study, exploration)


def searchable(exploration: Exploration) -> tuple[str, ...]:
    """Give the feature sets that what a search finds is tried with.

    Parameters
    ----------
    exploration : Exploration
        Opened.

    Returns
    -------
    tuple of str
        ``"request"``, and ``"history"`` where the frame has it.
    """
    lacks = lacking_columns("history", exploration.facts["frame"]["columns"])
    return ("request",) if lacks else ("request", "history")


def entry_of(settings: dict[str, Any], *, features: str) -> Entry:
    """Make an entry of what a trial asks for.

    Parameters
    ----------
    settings : dict
        Hyper-parameters of boosted trees.
    features : str
        ``"request"`` or ``"history"``.

    Returns
    -------
    Entry
        Named after its settings: the same ones are the same entry, whichever trial asks.
    """
    trees, depth, rate, l2, noise = (settings[name] for name in SETTINGS)
    needs = NEEDS_MORE if features == "history" else 0
    told = f"{trees} trees of depth {depth}, rate {rate:g}, L2 {l2:g}, noise {noise:g}"
    return Entry(
        name=f"found: {told}" + (", history" if needs else ""),
        question="What does a search of the whole range find?",
        family="boosted_trees",
        settings=settings,
        features=features,
        neighbour=f"{BASE_TREES}, history" if needs else BASE_TREES,
        complexity=trees * 2**depth + needs,
    )


def _draw(trial: optuna.trial.BaseTrial) -> dict[str, Any]:
    """Draw settings; two digits are plenty, and can be said."""
    return {
        "iterations": trial.suggest_int("iterations", 80, 320, step=10),
        "depth": trial.suggest_int("depth", 4, 7),
        "learning_rate": _two_digits(trial.suggest_float("learning_rate", 0.02, 0.3, log=True)),
        "l2_leaf_reg": _two_digits(trial.suggest_float("l2_leaf_reg", 0.5, 200.0, log=True)),
        "random_strength": _two_digits(
            trial.suggest_float("random_strength", 0.05, 20.0, log=True)
        ),
    }


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")


def _try(exploration: Exploration, trial: optuna.Trial, entry: Entry) -> float | None:
    """Measure an entry fold by fold; None where it is given up."""
    for number, fold in enumerate(exploration.folds):
        judged_too = [
            part
            for part in exploration.parts
            if part.train == fold.train and part.purpose != CLAIMING
        ]
        for work in list_missing(exploration, entry, judged_too):
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


def _open_study(exploration: Exploration, features: str) -> optuna.Study:
    """Open the search on these grounds and with this seed, and take up what a killed one left."""
    backend = JournalFileBackend(str(exploration.folder / JOURNAL_FILE))
    grounds = sha256(json.dumps(exploration.grounds, sort_keys=True).encode()).hexdigest()
    study = optuna.create_study(
        storage=JournalStorage(backend),
        study_name=f"{features} {grounds[:16]} seed {exploration.seed}",
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS),
    )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _ended(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _completed(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _best_so_far(study: optuna.Study) -> float | None:
    return max((trial.value or 0.0 for trial in _completed(study)), default=None)


def _best(study: optuna.Study, exploration: Exploration) -> tuple[Entry, ...]:
    ranked = sorted(_completed(study), key=lambda trial: (-(trial.value or 0.0), trial.number))
    drawn = [_draw(optuna.trial.FixedTrial(trial.params)) for trial in ranked]
    found: list[Entry] = []
    for features in reversed(searchable(exploration)):
        entries = (entry_of(settings, features=features) for settings in drawn)
        found += [*{entry.slug: entry for entry in entries}.values()][:KEPT]
    return tuple(found)


def _write_found(exploration: Exploration, study: optuna.Study) -> None:
    """Write down what was found, for these grounds alone, and what it took."""
    document = {
        "grounds": exploration.grounds,
        "sampler": "TPE",
        "startup_trials": STARTUP_TRIALS,
        "trials": len(_ended(study)),
        "pruned": len(_ended(study)) - len(_completed(study)),
        "entries": [entry.document() for entry in _best(study, exploration)],
    }
    write_json(exploration.folder / SEARCH_FILE, document)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's own lines out of ours, and its setting as it was."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
