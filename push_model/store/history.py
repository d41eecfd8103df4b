"""Which models served before, and to which of them can one go back?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from push_model.errors import InvalidEventError, ModelIntegrityError, ModelNotFoundError
from push_model.store.inventory import require_whole
from push_model.store.log import LogLine, former_champions, read_moves, tell_effects
from push_model.store.pointer import look, model_path

if TYPE_CHECKING:
    from collections.abc import Iterator


def history(models_dir: Path | str) -> tuple[LogLine, ...]:
    """Tell every change of the champion, and whether it took effect."""
    pointer = look(models_dir)
    while True:
        moves, before = read_moves(models_dir), pointer
        pointer = look(models_dir)
        # Else it moved meanwhile, and a line that came true would seem to be cut short.
        if pointer == before:
            serving, is_damaged = pointer
            return tell_effects(moves, serving, is_damaged=is_damaged)


def earlier_champions(models_dir: Path | str) -> Iterator[str]:
    """Give the champions before the present one that are whole, the latest first."""
    store = Path(models_dir)
    serving, _ = look(store)
    for name in former_champions(history(store)):
        if serving and name == serving.model_name:
            continue
        try:
            require_whole(model_path(store, name))
        except (InvalidEventError, ModelNotFoundError, ModelIntegrityError):
            continue
        yield name


def rollback_target(models_dir: Path | str, *, to: str | None = None) -> str:
    """Name the model a rollback would go to."""
    store = Path(models_dir)
    if to is not None:
        folder = model_path(store, to)
        if to not in former_champions(history(store), gone_back_over=True):
            raise InvalidEventError(
                f"{to!r} never was champion, so there is no way back to it. "
                f"Promote it: push-model promote {to} --reason ..."
            )
        require_whole(folder)
        return to
    for name in earlier_champions(store):
        return name
    raise ModelNotFoundError(
        "No champion before the present one is whole. `push-model models` lists what there is; "
        "`push-model promote NAME --reason ...` makes one of them champion."
    )
