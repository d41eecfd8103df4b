"""Which parametrisation of boosted trees ranks best? Optuna asks, the folds answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

Report = Callable[[float | None, float], None]


def search(
    folder: Path,
    *,
    seconds: float | None = None,
    trials: int | None = None,
    features: str = "request",
    report_progress: Report | None = None,
) -> tuple[Entry, ...]:
    """Try parametrisations on the folds until the budget is spent.

    Parameters
    ----------
    folder : Path
        The exploration folder. A search that was killed goes on where it was.
    seconds : float, optional
        No trial starts later than this after the call.
    trials : int, optional
        Trials that the folder's search comes to in all, those of former calls counted.
    features : str
        ``"request"`` or ``"history"``.
    report_progress : callable, optional
        Called after each trial with the best mean average precision so far (None before there is
        one) and the seconds spent.

    Returns
    -------
    tuple of Entry
        The best five, the best first; they are on the leaderboard from now on.

    Notes
    -----
    A trial that is behind the median of the others after as many folds is given up. What a trial
    measured is kept as any result is, so that nothing is fitted twice.
    """
    exploration = open_exploration(folder)
    started = monotonic()
    with _quiet():
        study = _open_study(exploration, features)
        while _has_budget(study, started, seconds, trials):
            trial = study.ask()
            entry = entry_of(_draw(trial), features=features)
            precision = _try(exploration, trial, entry)
            state = TrialState.PRUNED if precision is None else TrialState.COMPLETE
            study.tell(trial, precision, state=state)
            _write_best(folder, study, features)
            if report_progress is not None:
                report_progress(_best_so_far(study), monotonic() - started)
        return _best(study, features)


def searchable(exploration: Exploration) -> tuple[str, ...]:
    """Give the feature sets that a search can be made with.

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
        "depth": trial.suggest_int("depth", 3, 8),
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
        done = _precisions(exploration, entry)
        trial.report(float(np.mean(done)), number)
        if trial.should_prune() and number < len(exploration.folds) - 1:
            return None
    return float(np.mean(done))


def _precisions(exploration: Exploration, entry: Entry) -> list[float]:
    results = read_current(exploration, [entry], purposes=(CHOOSING,))
    return [float(result.average_precision[0]) for result in results]


def _open_study(exploration: Exploration, features: str) -> optuna.Study:
    """Open the search of these rows and this seed, and take up what a killed one left."""
    backend = JournalFileBackend(str(exploration.folder / JOURNAL_FILE))
    frame = exploration.facts["frame"]["sha256"]
    name = f"{features} {frame[:16]} seed {exploration.seed}"
    study = optuna.create_study(
        storage=JournalStorage(backend),
        study_name=name,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS),
    )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    # A sampler seeded alike would draw again what it drew before the kill.
    seed = exploration.seed + len(study.get_trials(deepcopy=False))
    study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
    return study


def _has_budget(
    study: optuna.Study, started: float, seconds: float | None, trials: int | None
) -> bool:
    if seconds is not None and monotonic() - started >= seconds:
        return False
    return trials is None or len(_ended(study, TrialState.COMPLETE, TrialState.PRUNED)) < trials


def _ended(study: optuna.Study, *states: TrialState) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=states)


def _best_so_far(study: optuna.Study) -> float | None:
    return max((trial.value or 0.0 for trial in _ended(study, TrialState.COMPLETE)), default=None)


def _best(study: optuna.Study, features: str) -> tuple[Entry, ...]:
    ended = sorted(
        _ended(study, TrialState.COMPLETE), key=lambda trial: (-(trial.value or 0.0), trial.number)
    )
    entries = (entry_of(_draw(optuna.trial.FixedTrial(t.params)), features=features) for t in ended)
    return tuple({entry.slug: entry for entry in entries}.values())[:KEPT]


def _write_best(folder: Path, study: optuna.Study, features: str) -> None:
    found = [entry for entry in open_exploration(folder).found if entry.features != features]
    entries = [*found, *_best(study, features)]
    write_json(folder / SEARCH_FILE, {"entries": [entry.document() for entry in entries]})


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's own lines out of ours, and its setting as it was."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
