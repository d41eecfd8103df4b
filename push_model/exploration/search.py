"""Which parametrisation of boosted trees ranks best? Optuna asks, the folds answer."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from push_model.exploration.entries.entry import Entry
from push_model.exploration.entries.inputs import lacking_columns
from push_model.exploration.entries.searched import (
    draw_settings,
    entry_of,
    keep_once,
    settings_in_use,
)
from push_model.exploration.fits.protocol import CHOOSING, CLAIMING
from push_model.exploration.fits.result import write_json
from push_model.exploration.folder import SEARCH_FILE, Exploration, open_exploration
from push_model.exploration.work import do_work, list_missing, read_current

JOURNAL_FILE = "search.journal"
# Trials before the sampler has anything to go by: what is in use, and draws at random.
STARTUP_TRIALS = 6
# Trials whose median is one to be behind of.
PRUNING_AFTER = 4
# The leaderboard shows the best of them, and those in use; the journal keeps all.
KEPT = 3

# Trials ended, the best mean average precision (None before there is one), seconds spent.
Report = Callable[[int, float | None, float], None]


def search(
    folder: Path, *, trials: int, report_progress: Report | None = None
) -> tuple[Entry, ...]:
    """Try parametrisations on the folds until the budget is spent.

    Notes
    -----
    Trials read history where the frame has it: settings that are good with it are good without.
    The first have the settings in use, which stay even when they are not among the best: settings
    that lead with history may be behind without it. The others are drawn, at random up to
    `STARTUP_TRIALS`, then by a tree-structured Parzen estimator [1]_. A trial that is behind the
    median of the others after two folds or three is given up. What a trial measured is kept as any
    result is, so that nothing is fitted twice.

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
            trial = _ask(study, place=ended)
            precision = _try(exploration, trial, entry_of(draw_settings(trial), features=features))
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
    """Give the feature sets that what a search finds is tried with."""
    lacks = lacking_columns("history", exploration.facts["frame"]["columns"])
    return ("request",) if lacks else ("request", "history")


def _ask(study: optuna.Study, *, place: int) -> optuna.Trial:
    """Ask for a trial; the first have the settings in use."""
    known = settings_in_use()[place : place + 1]
    # A search that was killed between the two may have left one waiting: the same, by its place.
    if known and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial(known[0])
    return study.ask()


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
        pruner=optuna.pruners.MedianPruner(PRUNING_AFTER, n_warmup_steps=1),
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
    drawn = [draw_settings(optuna.trial.FixedTrial(trial.params)) for trial in ranked]
    in_use = settings_in_use()
    kept = [each for place, each in enumerate(keep_once(drawn)) if place < KEPT or each in in_use]
    return tuple(
        entry_of(settings, features=features)
        for features in reversed(searchable(exploration))
        for settings in kept
    )


def _write_found(exploration: Exploration, study: optuna.Study) -> None:
    """Write down what was found, for these grounds alone, and what it took."""
    document = {
        "grounds": exploration.grounds,
        "sampler": "TPE",
        "in_use": len(settings_in_use()),
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
