"""The challenger and the champion as the gate compares them.

A folder holds two models. The final one is trained on all orders and serves; the evaluated one is
trained in the same way without the newest orders, so that they can test it (docs/adr/0012).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from push_model.errors import ModelFormatError, ModelIntegrityError, ModelNotFoundError
from push_model.model.scoring import Model
from push_model.store.folder import read_manifest, read_model
from push_model.store.promotion import Champion, champion, model_path
from push_model.training.data.split import Split
from push_model.training.gate.verdict import Finding

#: The evaluated model of a folder; model format 1 fixes the name.
EVALUATED_FILE = "validated.json"

_UNREADABLE = (ModelNotFoundError, ModelIntegrityError, ModelFormatError)

logger = logging.getLogger(__name__)


class Candidate(NamedTuple):
    """One model folder: a challenger or a champion."""

    path: Path
    manifest: Mapping[str, Any]
    final: Model
    evaluated: Model  # the final model where the folder holds no other


class Lead(NamedTuple):
    """The average precision of a model as a multiple of popularity's, on one holdout."""

    multiple: float
    orders: int


@dataclass(frozen=True, slots=True)
class CurrentChampion:
    """The champion of a store, as far as it can be read."""

    pointer: Champion | None  # None: nothing was promoted yet
    candidate: Candidate | None = None  # None: there is nothing to compare with
    trained_on: str = ""  # else the day of its promotion
    complaint: Finding | None = None  # what hinders a comparison


@dataclass(frozen=True, slots=True)
class TrainingWindow:
    """What a model was trained on; days are written yyyy-mm-dd."""

    start: str
    end: str  # not within
    orders: int
    rows: int
    purchases: int
    min_items: int
    unseen_from: str  # first day of the holdout
    fewest_items: int | None = field(default=None, compare=False)  # no manifest says it

    @property
    def base_rate(self) -> float:
        """Share bought."""
        return self.purchases / max(1, self.rows)


def read_candidate(folder: Path | str) -> Candidate:
    """Read both models of a folder, each only if its bytes are those that were saved."""
    loaded, manifest = read_model(folder), read_manifest(folder)
    has_evaluated = EVALUATED_FILE in manifest["files"]
    evaluated = read_model(folder, file=EVALUATED_FILE).model if has_evaluated else loaded.model
    return Candidate(loaded.path, manifest, loaded.model, evaluated)


def read_champion(models_dir: str) -> CurrentChampion:
    """Read the champion of a store."""
    pointer = champion(models_dir)
    if pointer is None:
        return CurrentChampion(None)
    folder = model_path(models_dir, pointer.model_name)
    try:
        candidate = read_candidate(folder)
    except _UNREADABLE as error:
        logger.warning("The champion %s cannot be read: %s", pointer.model_name, error)
        return CurrentChampion(
            pointer, None, _trained_on(folder, pointer), _complain(pointer, folder, error)
        )
    return CurrentChampion(pointer, candidate, candidate.final.trained_on)


def find_veto(challenger: Candidate, current: CurrentChampion, *, run_date: date) -> Finding | None:
    """Find what keeps the champion, whatever the figures of the challenger."""
    ours, theirs = challenger.final.trained_on, current.trained_on
    if is_champion(challenger, current):
        sentence = "Nothing new: the same model as the champion."
    # A later champion was trained on these very orders, so no comparison is fair; and a backfill
    # must not replace it by an older model.
    elif theirs > str(run_date):
        sentence = f"The champion was trained on {theirs}, later than this run's {run_date}."
    elif theirs > ours:
        sentence = (
            f"The champion was trained on {theirs}, later than the challenger's {ours}. Check "
            "that the two are not swapped."
        )
    else:
        return None
    return _finding("newer than the champion", sentence, passed=False, is_needed=True)


def is_champion(challenger: Candidate, current: CurrentChampion) -> bool:
    """Check whether a challenger is the champion itself, number for number."""
    theirs = current.candidate
    return theirs is not None and theirs.final.model_id == challenger.final.model_id


def read_training_window(manifest: Mapping[str, Any]) -> TrainingWindow | None:
    """Read what a model was trained on; None if its manifest does not say it."""
    if "windows" not in manifest:
        return None
    window = manifest["windows"]["train"]
    return TrainingWindow(
        window["start"],
        window["end"],
        window["orders"],
        window["rows"],
        window["purchases"],
        manifest["min_items"],
        manifest["windows"]["holdout"]["start"],
    )


def read_lead(manifest: Mapping[str, Any]) -> Lead | None:
    """Read how far a model led popularity on its own holdout; None if its manifest lacks it."""
    try:
        measured = manifest["metrics"]["holdout"]
        ours, popular = (measured[name]["average_precision"] for name in ("model", "popularity"))
        return Lead(ours / popular, manifest["windows"]["holdout"]["orders"])
    except (KeyError, ZeroDivisionError):
        return None


def count_training_window(split: Split, *, min_items: int) -> TrainingWindow:
    """Count what a model trained on a split would have been trained on."""
    window, rows = split.windows.train, split.train
    return TrainingWindow(
        str(window.start),
        str(window.end),
        int(rows["order_id"].nunique()),
        len(rows),
        int(rows["outcome"].sum()),
        min_items,
        str(split.windows.holdout.start),
        fewest_items=min(
            # Counted here once more: a filter cannot prove itself.
            int(part.groupby("order_id")["outcome"].sum().min())
            for part in (rows, split.holdout)
        ),
    )


def changed_versions(now: Mapping[str, Any], then: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the libraries whose version differs between two manifests that both tell versions.

    Examples
    --------
    >>> changed_versions({"versions": {"numpy": "2.4"}}, {"versions": {"numpy": "2.3"}})
    ('numpy 2.3 -> 2.4',)
    >>> changed_versions({"versions": {"numpy": "2.4"}}, {})
    ()
    """
    newer, older = (manifest.get("versions", {}) for manifest in (now, then))
    if not older:
        return ()
    return tuple(
        f"{name} {older.get(name, 'absent')} -> {newer.get(name, 'absent')}"
        for name in sorted({*newer, *older})
        if newer.get(name) != older.get(name)
    )


def _complain(pointer: Champion, folder: Path, error: Exception) -> Finding:
    name, serves = pointer.model_name, _serves(folder)
    sentence = (
        f"The champion {name} serves, but its evaluated model cannot be read: {error} "
        "Or promote by hand."
        if serves
        else f"The champion {name} cannot be read and is not compared with: {error}"
    )
    return _finding("readable champion", sentence, passed=None, is_needed=serves)


def _serves(folder: Path) -> bool:
    try:
        read_model(folder)
    except _UNREADABLE:
        return False
    return True


def _trained_on(folder: Path, pointer: Champion) -> str:
    try:
        return str(read_manifest(folder)["trained_on"])
    except (ModelIntegrityError, KeyError):
        return pointer.promoted_at[: len("yyyy-mm-dd")]


def _finding(rule: str, sentence: str, *, passed: bool | None, is_needed: bool) -> Finding:
    return Finding(rule, "data", passed, None, None, sentence, is_needed)
