"""Read and move the champion pointer, `champion.json`: the one record of which model serves."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from push_model.errors import InvalidEventError, ModelIntegrityError
from push_model.store.durable import leads_out, read_whole, write_aside

CHAMPION_FILE = "champion.json"
# A pointer with its verdict is some thousand bytes.
MOST_POINTER_BYTES = 2**20

# No dot, so that it is neither hidden nor ".." nor a file of the store, and no separator.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")

# Of the rest of the move, so that no damage names another model.
_DIGEST = "sha256"

_POINTER_COMPLAINT = (
    f"The store's {CHAMPION_FILE} does not name a champion. "
    "It was damaged; push-model rollback --reason ... restores the last champion."
)
_CHANGED_COMPLAINT = (
    f"The store's {CHAMPION_FILE} does not match its SHA-256. It was damaged or edited; "
    "push-model rollback --reason ... restores the last champion."
)


class Champion(NamedTuple):
    """A model in service, and the move that made it champion."""

    model_name: str
    promoted_at: str  # ISO 8601
    by: str  # a person or a run
    line: int | None = None  # number of the move, unique in a store; None if written by hand
    # "verdict" of the gate, "forced" by a person, "rollback"; "unknown" if written by hand
    kind: str = "unknown"
    before: str | None = None  # the champion until then; None if there was none or it was unknown
    reason: str = ""
    verdict: Any = None  # of the gate; None for a forced promotion and a rollback

    def document(self) -> dict[str, Any]:
        """Return the move as the pointer holds it."""
        fields = self._asdict()
        return {"from": fields.pop("before"), **fields}


def is_model_name(name: object) -> TypeGuard[str]:
    """Check whether a model may have this name.

    Examples
    --------
    >>> is_model_name("push_2026_11_23"), is_model_name("../push_2026_11_23")
    (True, False)
    """
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def model_path(models_dir: Path | str, model_name: str) -> Path:
    """Return the folder of a model, in the store and nowhere else.

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
    """Return the champion; None if nothing was promoted yet."""
    path = Path(models_dir) / CHAMPION_FILE
    try:
        fields = json.loads(read_whole(path, most_bytes=MOST_POINTER_BYTES))
        serving = parse_move(fields)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelIntegrityError(
            f"{CHAMPION_FILE} cannot be read ({error.strerror}). Let this process read the store."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelIntegrityError(_POINTER_COMPLAINT) from error
    if serving is None:
        raise ModelIntegrityError(_POINTER_COMPLAINT)
    if not is_as_written(fields):
        raise ModelIntegrityError(_CHANGED_COMPLAINT)
    return serving


def find_champion(models_dir: Path | str) -> tuple[Champion | None, bool]:
    """Return the champion and whether its pointer file is damaged."""
    try:
        return champion(models_dir), False
    except ModelIntegrityError:
        return None, True


def write_champion(models_dir: Path, serving: Champion) -> None:
    """Move the pointer in one step: this is the promotion."""
    write_aside(models_dir / CHAMPION_FILE, move_bytes(serving.document()) + b"\n")


def move_bytes(fields: dict[str, Any]) -> bytes:
    """Write a move as one line of JSON, with its digest."""
    return _write_line({**fields, _DIGEST: sha256(_write_line(fields)).hexdigest()})


def is_as_written(fields: dict[str, Any]) -> bool:
    """Check a move against its digest, if it has one: older releases wrote none, nor do people."""
    rest = {name: value for name, value in fields.items() if name != _DIGEST}
    return fields.get(_DIGEST) in {None, sha256(_write_line(rest)).hexdigest()}


def _write_line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True).encode()


def parse_move(fields: Any) -> Champion | None:
    """Read a move from JSON, of the pointer or of the log; None if it is not one.

    A pointer needs its first three fields alone: an older release wrote no more, and serving must
    not stop for the others.
    """
    if not isinstance(fields, dict):
        return None
    name, at, by = fields.get("model_name"), fields.get("promoted_at"), fields.get("by")
    if not is_model_name(name) or not isinstance(at, str) or not isinstance(by, str):
        return None
    texts = {key: fields[key] for key in ("kind", "reason") if isinstance(fields.get(key), str)}
    line, before = fields.get("line"), fields.get("from")
    return Champion(
        name,
        at,
        by,
        line if type(line) is int and line > 0 else None,
        before=before if isinstance(before, str) else None,
        verdict=fields.get("verdict"),
        **texts,
    )
