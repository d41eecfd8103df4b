"""How does the champion change? By verdict, by force, or back again: one at a time, and logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from push_model.errors import InvalidEventError, PromotionConflictError
from push_model.store.folder import read_model
from push_model.store.history import history, rollback_target
from push_model.store.lock import LOCK_FILE, locked
from push_model.store.log import LOG_FILE, Kind, Move, append_move
from push_model.store.pointer import (
    CHAMPION_FILE,
    Champion,
    champion,
    look,
    model_path,
    write_champion,
)

__all__ = [
    "CHAMPION_FILE",
    "LOCK_FILE",
    "LOG_FILE",
    "Champion",
    "champion",
    "history",
    "model_path",
    "promote",
    "rollback",
]


def promote(
    models_dir: Path | str,
    model_name: str,
    *,
    expected: str | None,
    expected_line: int | None = None,
    verdict: Any,
    reason: str,
    promoted_at: str,
    by: str,
    forced: bool = False,
) -> Champion:
    """Make a model the champion, if the champion is still the one it was compared with.

    Notes
    -----
    The log is written first, then the pointer moves by one rename. A crash between the two
    leaves the old champion and a logged intent; promoting again completes it.
    """
    store = Path(models_dir)
    folder = model_path(store, model_name)
    if forced:
        _require_reason(reason, "A forced promotion")
    with locked(store):
        read_model(folder)
        serving, is_damaged = look(store) if forced else (champion(store), False)
        if serving and serving.model_name == model_name:
            return serving
        before = serving.model_name if serving else None
        if before != expected and not is_damaged:
            raise PromotionConflictError(
                f"The champion changed since validation: it was {expected!r}, now it is {before!r}."
                f" Validate {model_name!r} against it."
            )
        if expected_line not in {None, _line_of(serving)}:
            raise PromotionConflictError(
                f"The champion changed since validation: {before!r} went, and was brought back. "
                f"Look at `push-model history` for why before {model_name!r} is validated again."
            )
        kind: Kind = "forced" if forced else "verdict"
        facts = (model_name, promoted_at, by, reason, verdict)
        return _move(store, Move(kind, before, *facts, _line_of(serving), mends=is_damaged))


def rollback(
    models_dir: Path | str, *, to: str | None = None, reason: str, promoted_at: str, by: str
) -> Champion:
    """Go back to an earlier champion, if each of its files is what was saved."""
    store = Path(models_dir)
    _require_reason(reason, "A rollback")
    seen = look(store)
    with locked(store):
        serving, is_damaged = look(store)
        if (serving, is_damaged) != seen:
            raise PromotionConflictError(
                "The champion changed while this rollback waited. Look at `push-model history`, "
                "and roll back again if that is still right."
            )
        if serving and serving.model_name == to:
            return serving
        target = rollback_target(store, to=to)
        before = serving.model_name if serving else None
        facts = (target, promoted_at, by, reason, None)
        return _move(store, Move("rollback", before, *facts, _line_of(serving), mends=is_damaged))


def _line_of(serving: Champion | None) -> int | None:
    return serving.line if serving else None


def _move(store: Path, move: Move) -> Champion:
    number = append_move(store, move)
    moved = Champion(move.to, move.promoted_at, move.by, number)
    write_champion(store, moved)
    return moved


def _require_reason(reason: str, what: str) -> None:
    if not reason.strip():
        raise InvalidEventError(f"{what} needs a reason: say in a sentence why.")
