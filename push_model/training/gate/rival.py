"""Against whom is a challenger judged, and is the match a fair one?"""

import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from push_model.errors import ModelFormatError, ModelIntegrityError, ModelNotFoundError
from push_model.store.folder import read_manifest, read_model
from push_model.store.promotion import Champion, champion, model_path
from push_model.training.gate.contender import Contender, read_contender
from push_model.training.gate.verdict import Finding

logger = logging.getLogger(__name__)

_UNREADABLE = (ModelNotFoundError, ModelIntegrityError, ModelFormatError)


@dataclass(frozen=True, slots=True)
class Rival:
    """The champion, as far as it can be read.

    Attributes
    ----------
    serving : Champion or None
        What the pointer says; None while nothing was promoted yet.
    contender : Contender or None
        Its models; None where there is none to compare with.
    trained_on : str
        Its training date, or the day of its promotion where no file tells; empty without one.
    complaint : Finding or None
        What hinders a comparison.
    """

    serving: Champion | None
    contender: Contender | None = None
    trained_on: str = ""
    complaint: Finding | None = None


def read_rival(models_dir: str) -> Rival:
    """Read the champion of a store."""
    serving = champion(models_dir)
    if serving is None:
        return Rival(None)
    name, folder = serving.model_name, model_path(models_dir, serving.model_name)
    try:
        contender = read_contender(folder)
    except _UNREADABLE as error:
        logger.warning("The champion %s cannot be read: %s", name, error)
        return Rival(serving, None, _trained_on(folder, serving), _complain(name, folder, error))
    return Rival(serving, contender, contender.loaded.model.trained_on)


def _complain(name: str, folder: Path, error: Exception) -> Finding:
    serves = _serves(folder)
    said = (
        f"The champion {name} serves, and its judged twin cannot be read: {error} Or promote "
        "by hand."
        if serves
        else f"The champion {name} cannot be read, so it was left out: {error}"
    )
    return _finding("compared with the champion", said, passed=None, is_needed=serves)


def _serves(folder: Path) -> bool:
    try:
        read_model(folder)
    except _UNREADABLE:
        return False
    return True


def _trained_on(folder: Path, serving: Champion) -> str:
    try:
        return str(read_manifest(folder)["trained_on"])
    except (ModelIntegrityError, KeyError):
        return serving.promoted_at[: len("yyyy-mm-dd")]


def is_champion(challenger: Contender, rival: Rival) -> bool:
    """Tell whether a challenger is the champion itself, number for number."""
    theirs = rival.contender
    if theirs is None:
        return False
    return theirs.loaded.model.model_id == challenger.loaded.model.model_id


def settle(challenger: Contender, rival: Rival, *, run_date: date) -> Finding | None:
    """Find what keeps the champion, whatever its figures are."""
    if rival.serving is None:
        return None
    ours, theirs = challenger.loaded.model.trained_on, rival.trained_on
    sentence = None
    if is_champion(challenger, rival):
        sentence = "Nothing new: the same model as the champion."
    # Of a later champion these orders are the past it learnt from: no comparison is fair, and a
    # backfill must not take serving back in time.
    elif theirs > str(run_date):
        sentence = f"The champion was trained on {theirs}, later than this run's {run_date}."
    elif theirs > ours:
        sentence = (
            f"The champion was trained on {theirs}, later than the challenger's {ours}. Are the "
            "two swapped?"
        )
    if sentence is None:
        return None
    return _finding("newer than the champion", sentence, passed=False, is_needed=True)


def _finding(rule: str, sentence: str, *, passed: bool | None, is_needed: bool) -> Finding:
    return Finding(rule, "data", passed, None, None, sentence, is_needed)
