"""Change the champion: by verdict, by force, or back again; one process at a time, and logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from push_model.errors import InvalidEventError, ModelNotFoundError, PromotionConflictError
from push_model.store.durable import LOCK_FILE, locked
from push_model.store.folder import read_model, require_whole
from push_model.store.history import (
    LOG_FILE,
    append_to_log,
    copy_to_log,
    earlier_champions,
    former_champions,
    history,
)
from push_model.store.pointer import (
    CHAMPION_FILE,
    Champion,
    champion,
    find_champion,
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

    The pointer moves by one rename, then the log gets a copy of it. After a crash, the same
    promotion again completes whichever of the two is missing.
    """
    store = Path(models_dir)
    folder = model_path(store, model_name)
    if forced:
        _require_reason(reason, "A forced promotion")
    with locked(store):
        read_model(folder)
        serving, is_damaged = find_champion(store) if forced else (champion(store), False)
        number = copy_to_log(store, serving)
        if serving and serving.model_name == model_name:
            return serving
        if not is_damaged:
            _require_unchanged(serving, expected, expected_line, model_name)
        kind = "forced" if forced else "verdict"
        before = serving.model_name if serving else None
        return _move(
            store,
            Champion(model_name, promoted_at, by, number, kind, before, reason, verdict),
        )


def rollback(
    models_dir: Path | str,
    *,
    to: str | None = None,
    expected_line: int | None = None,
    reason: str,
    promoted_at: str,
    by: str,
) -> Champion:
    """Go back to an earlier champion, if each of its files is what was saved."""
    store = Path(models_dir)
    _require_reason(reason, "A rollback")
    seen = find_champion(store)
    with locked(store):
        serving, is_damaged = find_champion(store)
        line = serving.line if serving else None
        if (serving, is_damaged) != seen or expected_line not in {None, line}:
            raise PromotionConflictError(
                "The champion changed while this rollback waited. Look at `push-model history`, "
                "and roll back again if that is still right."
            )
        number = copy_to_log(store, serving)
        if serving and serving.model_name == to:
            return serving
        target = _rollback_target(store, to)
        before = serving.model_name if serving else None
        return _move(store, Champion(target, promoted_at, by, number, "rollback", before, reason))


def _require_unchanged(
    serving: Champion | None, expected: str | None, expected_line: int | None, model_name: str
) -> None:
    before, line = (serving.model_name, serving.line) if serving else (None, None)
    if before != expected:
        raise PromotionConflictError(
            f"The champion changed since validation: it was {expected!r}, now it is {before!r}."
            f" Validate {model_name!r} against it."
        )
    if expected_line not in {None, line}:
        raise PromotionConflictError(
            f"The champion changed since validation: {before!r} was replaced and came back. "
            f"Look at `push-model history` for why before {model_name!r} is validated again."
        )


def _rollback_target(store: Path, to: str | None) -> str:
    if to is None:
        for name in earlier_champions(store):
            return name
        raise ModelNotFoundError(
            "No former champion is intact. `push-model models` lists what there is; "
            "`push-model promote NAME --reason ...` makes one of them champion."
        )
    folder = model_path(store, to)
    if to not in former_champions(history(store), rolled_back_over=True):
        raise InvalidEventError(
            f"{to!r} never was champion, so there is no way back to it. "
            f"Promote it: push-model promote {to} --reason ..."
        )
    require_whole(folder)
    return to


def _move(store: Path, moved: Champion) -> Champion:
    write_champion(store, moved)
    append_to_log(store, moved)
    return moved


def _require_reason(reason: str, what: str) -> None:
    if not reason.strip():
        raise InvalidEventError(f"{what} needs a reason: say in a sentence why.")
