"""Which model serves, and where does it lie? The champion pointer of a model store."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from push_model.errors import InvalidEventError, ModelIntegrityError
from push_model.store.durable import leads_out, read_whole, write_aside

CHAMPION_FILE = "champion.json"
# A pointer is a few hundred bytes; a verdict inside makes it some thousands.
MOST_POINTER_BYTES = 2**20

# No dot, so that it is neither hidden nor ".." nor a file of the store, and no separator.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")

_POINTER_COMPLAINT = (
    f"The store's {CHAMPION_FILE} does not name a champion. "
    "It was damaged; push-model rollback --reason ... restores the last champion."
)


class Champion(NamedTuple):
    """The model in service.

    Attributes
    ----------
    model_name : str
        Its name in the store.
    promoted_at : str
        When it was promoted, ISO 8601.
    by : str
        Who promoted it: a person or a run.
    line : int or None
        The line of the promotion log that says so; None if the pointer was written by hand.
    """

    model_name: str
    promoted_at: str
    by: str
    line: int | None = None


def is_model_name(name: object) -> bool:
    """Say whether a model may be called so.

    Examples
    --------
    >>> is_model_name("push_2026_11_23"), is_model_name("../push_2026_11_23")
    (True, False)
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def model_path(models_dir: Path | str, model_name: str) -> Path:
    """Give the folder of a model, in the store and nowhere else.

    Examples
    --------
    >>> model_path("models", "push_2026_11_23").name
    'push_2026_11_23'
    """
    if not is_model_name(model_name):
        raise InvalidEventError(
            "A model name must be 1 to 100 letters, digits, '_' or '-', the first a letter or "
            "digit. It names a folder of the store, never a path."
        )
    store = Path(models_dir)
    folder = store / model_name
    try:
        is_outside = leads_out(folder, store)
    except OSError as error:
        raise ModelIntegrityError(
            f"Model {model_name!r} cannot be looked at ({error.strerror}). Let this process read "
            "the store."
        ) from None
    if is_outside:
        raise InvalidEventError(f"Model {model_name!r} is a link that leads out of the store.")
    return folder


def champion(models_dir: Path | str) -> Champion | None:
    """Say which model serves."""
    path = Path(models_dir) / CHAMPION_FILE
    try:
        pointer = json.loads(read_whole(path, most_bytes=MOST_POINTER_BYTES))
        name, promoted_at, by = pointer["model_name"], pointer["promoted_at"], pointer["by"]
        found = Champion(name, promoted_at, by, _read_line_number(pointer.get("line")))
        is_sound = all(isinstance(value, str) for value in found[:3])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelIntegrityError(
            f"{CHAMPION_FILE} cannot be read ({error.strerror}). Let this process read the store."
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelIntegrityError(_POINTER_COMPLAINT) from error
    if not is_sound or not is_model_name(found.model_name):
        raise ModelIntegrityError(_POINTER_COMPLAINT)
    return found


def look(models_dir: Path | str) -> tuple[Champion | None, bool]:
    """Say which model serves, or that it cannot be said."""
    try:
        return champion(models_dir), False
    except ModelIntegrityError:
        return None, True


def write_champion(models_dir: Path, serving: Champion) -> None:
    """Move the pointer, in one moment."""
    content = json.dumps(serving._asdict(), sort_keys=True, allow_nan=False)
    write_aside(models_dir / CHAMPION_FILE, f"{content}\n".encode())


def _read_line_number(value: Any) -> int | None:
    # Serving needs no log, so a number that is none must not stop it.
    return value if type(value) is int and value > 0 else None
