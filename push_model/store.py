"""Which model serves? The champion pointer of a model store, and the log of its moves."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.durable import read_whole, write_aside
from push_model.errors import InvalidEventError, ModelIntegrityError, PromotionConflictError
from push_model.model_folder import read_model

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAMPION_FILE = "champion.json"
# A pointer is a few hundred bytes; a verdict inside makes it some thousands.
MOST_POINTER_BYTES = 2**20
LOG_FILE = "promotions.jsonl"
LOCK_FILE = ".promotion.lock"

# No dot, so that it is neither hidden nor ".." nor one of the files above, and no separator.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")

_POINTER_COMPLAINT = (
    f"The store's {CHAMPION_FILE} does not name a champion. "
    f"It was damaged; restore it from the last line of {LOG_FILE}."
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
    """

    model_name: str
    promoted_at: str
    by: str


def model_path(models_dir: Path | str, model_name: str) -> Path:
    """Give the folder of a model, in the store and nowhere else.

    Parameters
    ----------
    models_dir : Path or str
        The store.
    model_name : str
        Name of a model; it need not exist. Anything at all may come.

    Returns
    -------
    Path
        Its folder.

    Raises
    ------
    InvalidEventError
        If the name is no plain name, or a link leads out of the store.
    ModelIntegrityError
        If the store cannot be looked into.

    Examples
    --------
    >>> model_path("models", "push_2026_11_23").name
    'push_2026_11_23'
    """
    if not isinstance(model_name, str) or not _NAME.fullmatch(model_name):
        raise InvalidEventError(
            "A model name must be 1 to 100 letters, digits, '_' or '-', the first a letter or "
            "digit. It names a folder of the store, never a path."
        )
    store = Path(models_dir)
    folder = store / model_name
    try:
        leads_out = folder.is_symlink() and not folder.resolve().is_relative_to(store.resolve())
    except RuntimeError:  # what Path says of a link that leads to itself, before Python 3.13
        leads_out = True
    except OSError as error:
        raise ModelIntegrityError(
            f"Model {model_name!r} cannot be looked at ({error.strerror}). Let this process read "
            "the store."
        ) from None
    if leads_out:
        raise InvalidEventError(f"Model {model_name!r} is a link that leads out of the store.")
    return folder


def champion(models_dir: Path | str) -> Champion | None:
    """Say which model serves.

    Parameters
    ----------
    models_dir : Path or str
        The store.

    Returns
    -------
    Champion or None
        None while nothing was promoted yet.

    Raises
    ------
    ModelIntegrityError
        If the pointer is there but cannot be read.
    """
    path = Path(models_dir) / CHAMPION_FILE
    try:
        pointer = json.loads(read_whole(path, most_bytes=MOST_POINTER_BYTES))
        found = Champion(*(pointer[field] for field in Champion._fields))
        is_sound = all(isinstance(value, str) for value in found)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelIntegrityError(
            f"{CHAMPION_FILE} cannot be read ({error.strerror}). Let this process read the store."
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelIntegrityError(_POINTER_COMPLAINT) from error
    if not is_sound or not _NAME.fullmatch(found.model_name):
        raise ModelIntegrityError(_POINTER_COMPLAINT)
    return found


def promote(
    models_dir: Path | str,
    model_name: str,
    *,
    expected: str | None,
    verdict: Any,
    reason: str,
    promoted_at: str,
    by: str,
) -> Champion:
    """Make a model the champion, if the champion is still the one it was compared with.

    Parameters
    ----------
    models_dir : Path or str
        The store.
    model_name : str
        The model to promote. Promoting the champion again changes nothing.
    expected : str or None
        Name of the champion it was compared with; None where there was none.
    verdict : object
        What the gate found, JSON-able; goes into the log.
    reason : str
        Why, in a sentence; goes into the log.
    promoted_at : str
        ISO 8601; goes into the log.
    by : str
        Who promotes; goes into the log.

    Returns
    -------
    Champion
        The model now in service.

    Raises
    ------
    PromotionConflictError
        If the champion changed meanwhile.
    ModelNotFoundError, ModelIntegrityError, ModelFormatError
        If the model does not load. The champion stays.

    Notes
    -----
    The log is written first, then the pointer moves by one rename. A crash between the two
    leaves the old champion and a logged intent; promoting again completes it.
    """
    store = Path(models_dir)
    read_model(model_path(store, model_name))
    with _lock(store):
        serving = champion(store)
        if serving and serving.model_name == model_name:
            return serving
        before = serving.model_name if serving else None
        if before != expected:
            raise PromotionConflictError(
                f"The champion changed since validation: it was {expected!r}, now it is {before!r}."
                f" Validate {model_name!r} against it."
            )
        moved = Champion(model_name, promoted_at, by)
        entry = {"from": before, "to": model_name, "verdict": verdict, "reason": reason}
        _append(store / LOG_FILE, {**entry, "promoted_at": promoted_at, "by": by})
        write_aside(store / CHAMPION_FILE, _json_line(moved._asdict()))
        return moved


@contextmanager
def _lock(store: Path) -> Iterator[None]:
    """Let one promotion at a time compare and move; a process that dies lets go."""
    import fcntl  # noqa: PLC0415 - serving must import where there is none, such as Windows

    with (store / LOCK_FILE).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _append(log: Path, entry: dict[str, Any]) -> None:
    line = _json_line(entry)
    with log.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            # A crash can leave half a line; it stays as it is, on a line of its own.
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _json_line(value: dict[str, Any]) -> bytes:
    return f"{json.dumps(value, sort_keys=True, allow_nan=False)}\n".encode()
