"""List the models of a store, check them, and remove old ones."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import (
    InvalidEventError,
    ModelIntegrityError,
    ModelNotFoundError,
    PromotionConflictError,
)
from push_model.store.durable import is_aside, locked, remove_aside, remove_folder
from push_model.store.folder import MANIFEST_FILE, check_folder, check_sizes, read_manifest
from push_model.store.history import earlier_champions
from push_model.store.pointer import champion, is_model_name

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT_BY_DEFAULT = 10
# Two, so that a rollback is possible after a rollback.
EARLIER_CHAMPIONS_KEPT = 2
# Far longer than a save takes, so that an older one was left by a crash.
ASIDE_MAX_AGE_S = 24 * 3600.0


class ModelSummary(NamedTuple):
    """One model of a store; None where its manifest does not say."""

    name: str
    trained_on: str | None
    family: str | None
    average_precision: float | None  # on the holdout, when it was trained
    faults: tuple[str, ...]  # as in `FolderCheck`


class Pruning(NamedTuple):
    """The models and leftovers that were removed, or would be."""

    kept: tuple[tuple[str, str], ...]  # model name and why it stays, by name
    removed: tuple[str, ...]  # model names, the oldest first
    swept: tuple[str, ...]  # what crashes left behind, as paths in the store


def model_names(models_dir: Path | str) -> tuple[str, ...]:
    """Return the names of the models of a store, without what crashes left behind."""
    try:
        with os.scandir(models_dir) as entries:
            folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelNotFoundError(
            f"There is no model store {models_dir}. Train a model into it, or name another."
        ) from error
    return tuple(sorted(filter(is_model_name, folders)))


def summarise(models_dir: Path | str, *, is_thorough: bool = True) -> tuple[ModelSummary, ...]:
    """Describe and check every model of a store; a quick check compares sizes, not digests."""
    store = Path(models_dir)
    return tuple(_summary(store / name, is_thorough=is_thorough) for name in model_names(store))


def plan_pruning(models_dir: Path | str, *, keep: int, now: float) -> Pruning:
    """Return what `prune` would remove, and remove nothing."""
    if keep < 1:
        raise InvalidEventError(
            f"keep must be at least 1, got {keep!r}: a run may be validating the newest model."
        )
    store = Path(models_dir)
    reasons = _reasons_to_stay(store, keep)
    going = [name for name in _by_age(store) if name not in reasons]
    return Pruning(tuple(sorted(reasons.items())), tuple(going), _dead_asides(store, now))


def prune(
    models_dir: Path | str,
    *,
    keep: int = KEPT_BY_DEFAULT,
    now: float,
    expected: Sequence[str] | None = None,
) -> Pruning:
    """Remove models without a reason to stay, and what crashes left behind.

    It holds the lock of promotions, so that no model goes while it is promoted. Each model loses
    its name by one rename before its files go. With `expected`, it removes these models or none.
    """
    store = Path(models_dir)
    with locked(store):
        plan = plan_pruning(store, keep=keep, now=now)
        if expected is not None and plan.removed != tuple(expected):
            raise PromotionConflictError(
                "Nothing was removed: the store changed, so other models would go now. Look at "
                "which, then prune again."
            )
        for name in plan.removed:
            remove_folder(store / name)
        for aside in plan.swept:
            remove_aside(store / aside)
    return plan


def _summary(folder: Path, *, is_thorough: bool) -> ModelSummary:
    faults = check_folder(folder).faults if is_thorough else check_sizes(folder)
    try:
        manifest = read_manifest(folder)
    except ModelIntegrityError:
        return ModelSummary(folder.name, None, None, None, faults)
    precision = _find(manifest, "metrics", "holdout", "model", "average_precision")
    texts = (_find(manifest, *keys) for keys in (("trained_on",), ("parametrisation", "model")))
    trained_on, family = (text if isinstance(text, str) else None for text in texts)
    is_number = type(precision) in {int, float}
    return ModelSummary(folder.name, trained_on, family, precision if is_number else None, faults)


def _find(document: Any, *keys: str) -> Any:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _reasons_to_stay(store: Path, keep: int) -> dict[str, str]:
    """Return why each model that stays does; the strongest reason counts."""
    models = _by_age(store)
    reasons = dict.fromkeys(models[-keep:], f"one of the newest {keep}")
    # A folder without a manifest may be anything, and belong to anybody.
    reasons |= {
        name: "has no manifest: not known to be a model"
        for name in model_names(store)
        if name not in models
    }
    for name in islice(earlier_champions(store), EARLIER_CHAMPIONS_KEPT):
        reasons[_real_name(store, name)] = "an earlier champion to go back to"
    if serving := champion(store):
        reasons[_real_name(store, serving.model_name)] = "the champion"
    return reasons


def _by_age(store: Path) -> list[str]:
    """Return the models that have a manifest, the oldest first."""
    aged = []
    for name in model_names(store):
        manifest = store / name / MANIFEST_FILE
        if manifest.is_file():
            aged.append((manifest.stat().st_mtime_ns, name))
    return [name for _, name in sorted(aged)]


def _real_name(store: Path, name: str) -> str:
    """Return the name of the folder itself: a champion may be a link to it."""
    return (store / name).resolve().name


def _dead_asides(store: Path, now: float) -> tuple[str, ...]:
    folders = ["", *model_names(store)]
    asides = [
        path.relative_to(store)
        for folder in folders
        for path in (store / folder).iterdir()
        if is_aside(path.name)
    ]
    return tuple(sorted(str(aside) for aside in asides if _is_dead(store / aside, now)))


def _is_dead(aside: Path, now: float) -> bool:
    # One that was to be removed has no writer left, for only the holder of the lock removes.
    if is_aside(aside.name, gone=True):
        return True
    try:
        return now - aside.lstat().st_mtime > ASIDE_MAX_AGE_S
    except FileNotFoundError:  # its writer finished meanwhile
        return False
