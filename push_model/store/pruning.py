"""Which models may go? All but the champion, those to go back to, and the newest."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import NamedTuple

from push_model.errors import InvalidEventError
from push_model.store.durable import is_aside, remove_aside, remove_folder
from push_model.store.folder import MANIFEST_FILE
from push_model.store.history import earlier_champions
from push_model.store.inventory import model_names
from push_model.store.lock import locked
from push_model.store.pointer import champion

KEPT_BY_DEFAULT = 10
# Two, so that a rollback is possible after a rollback.
EARLIER_CHAMPIONS_KEPT = 2
# Far longer than a save takes, so that what is older was left by a crash.
ASIDE_MAX_AGE_S = 24 * 3600.0


class Pruning(NamedTuple):
    """What was removed, or would be.

    Attributes
    ----------
    kept : tuple of (str, str)
        Model name and why it stays, by name.
    removed : tuple of str
        Model names, the oldest first.
    swept : tuple of str
        What crashes left behind, by its path in the store.
    """

    kept: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]
    swept: tuple[str, ...]


def plan_pruning(models_dir: Path | str, *, keep: int, now: float) -> Pruning:
    """Say what `prune` would do, and do nothing."""
    if keep < 1:
        raise InvalidEventError(
            f"keep must be at least 1, got {keep!r}: a run may be judging the newest model."
        )
    store = Path(models_dir)
    reasons = _reasons_to_stay(store, keep)
    going = [name for name in _by_age(store) if name not in reasons]
    return Pruning(tuple(sorted(reasons.items())), tuple(going), _dead_asides(store, now))


def prune(models_dir: Path | str, *, keep: int = KEPT_BY_DEFAULT, now: float) -> Pruning:
    """Remove the models nothing speaks for, and what crashes left behind.

    Notes
    -----
    It holds the lock under which models are promoted, so none goes that is being promoted. Each
    model loses its name by one rename before its files go.
    """
    store = Path(models_dir)
    with locked(store):
        plan = plan_pruning(store, keep=keep, now=now)
        for name in plan.removed:
            remove_folder(store / name)
        for aside in plan.swept:
            remove_aside(store / aside)
    return plan


def _reasons_to_stay(store: Path, keep: int) -> dict[str, str]:
    """Say why each model that stays does; the weightiest reason counts."""
    models = _by_age(store)
    reasons = dict.fromkeys(models[-keep:], f"one of the newest {keep}")
    # A folder without a manifest may be anything of anybody's.
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
    """Name the models that have a manifest, the oldest first."""
    aged = []
    for name in model_names(store):
        manifest = store / name / MANIFEST_FILE
        if manifest.is_file():
            aged.append((manifest.stat().st_mtime_ns, name))
    return [name for _, name in sorted(aged)]


def _real_name(store: Path, name: str) -> str:
    """Name the folder itself: a champion may be a link to it."""
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
