"""Which models are in the store, and is every file of them what was saved?"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import ModelFormatError, ModelIntegrityError, ModelNotFoundError
from push_model.store.durable import is_aside, read_whole
from push_model.store.folder import MANIFEST_FILE, MODEL_FILE, is_folder, read_model
from push_model.store.pointer import is_model_name

if TYPE_CHECKING:
    from collections.abc import Mapping

# Written for people from the rest, and again by the gate: they may change after the save.
DERIVED_FILES = frozenset({"card.html", "card.md"})
MOST_MANIFEST_BYTES = 2**24
# No separator: a manifest must not have files outside its folder read.
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class FolderCheck(NamedTuple):
    """What a model folder holds, against what was saved.

    Attributes
    ----------
    faults : tuple of str
        A sentence for each damage; none if the model is whole.
    checked : int
        How many files were read and are what the manifest says.
    unlisted : tuple of str
        Files the manifest does not vouch for; no fault. The model card is among them.
    """

    faults: tuple[str, ...]
    checked: int
    unlisted: tuple[str, ...]


class ModelSummary(NamedTuple):
    """A model of the store in a line.

    Attributes
    ----------
    name : str
        Its name.
    trained_on : str or None
        Its training date.
    family : str or None
        Its parametrisation's model.
    average_precision : float or None
        On the holdout, when it was trained.
    faults : tuple of str
        As in `FolderCheck`.
    """

    name: str
    trained_on: str | None
    family: str | None
    average_precision: float | None
    faults: tuple[str, ...]


def model_names(models_dir: Path | str) -> tuple[str, ...]:
    """Name the models of a store; what a crash left behind is none."""
    try:
        with os.scandir(models_dir) as entries:
            folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelNotFoundError(
            f"There is no model store {models_dir}. Train a model into it, or name another."
        ) from error
    return tuple(sorted(filter(is_model_name, folders)))


def summarise(models_dir: Path | str) -> tuple[ModelSummary, ...]:
    """Describe every model of a store, and check it."""
    return tuple(_summary(Path(models_dir) / name) for name in model_names(models_dir))


def check_folder(folder: Path) -> FolderCheck:
    """Check every file of a model folder against its manifest, then read the model."""
    if not is_folder(folder):
        raise ModelNotFoundError(f"There is no model folder {folder.name} in the store.")
    try:
        listed = _listed(folder, _read_manifest(folder))
    except ModelIntegrityError as error:
        return FolderCheck((str(error),), 0, tuple(sorted(_files_of(folder) - {MANIFEST_FILE})))
    faults = [fault for name in listed if (fault := _fault(folder / name, listed[name]))]
    checked = len(listed) - len(faults)
    if not faults:
        faults = _reading_faults(folder)
    unlisted = _files_of(folder) - listed.keys() - {MANIFEST_FILE}
    return FolderCheck(tuple(faults), checked, tuple(sorted(unlisted)))


def require_whole(folder: Path) -> None:
    """Refuse a model folder that is not, file by file, what was saved."""
    if faults := check_folder(folder).faults:
        raise ModelIntegrityError(faults[0])


def _summary(folder: Path) -> ModelSummary:
    faults = check_folder(folder).faults
    try:
        manifest = _read_manifest(folder)
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


def _read_manifest(folder: Path) -> Any:
    try:
        content = read_whole(folder / MANIFEST_FILE, most_bytes=MOST_MANIFEST_BYTES)
        return json.loads(content)
    except OSError as error:
        raise ModelIntegrityError(
            f"{folder.name}/{MANIFEST_FILE} cannot be read ({error.strerror}). "
            "Restore it or retrain."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelIntegrityError(
            f"{folder.name}/{MANIFEST_FILE} is not JSON. Restore it or retrain."
        ) from error


def _listed(folder: Path, manifest: Any) -> Mapping[str, str]:
    """Give the digest of each file the manifest vouches for, derived ones left out."""
    files = _find(manifest, "files")
    digests = {
        name: _find(file, "sha256")
        for name, file in (files.items() if isinstance(files, dict) else ())
        if name not in DERIVED_FILES
    }
    are_names = all(map(_FILE_NAME.fullmatch, digests))
    if MODEL_FILE not in digests or not are_names or not all(map(_is_text, digests.values())):
        raise ModelIntegrityError(
            f"{folder.name}/{MANIFEST_FILE} does not give the SHA-256 of each file. "
            "It changed after it was saved; restore it or retrain."
        )
    return digests


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _fault(path: Path, expected: str) -> str | None:
    where = f"{path.parent.name}/{path.name}"
    if path.exists() and not path.is_file():  # a named pipe would never end
        return f"{where} is no regular file. Restore it or retrain."
    try:
        found = _digest(path)
    except OSError as error:
        return f"{where} cannot be read ({error.strerror}). Restore it or retrain."
    if found == expected:
        return None
    return (
        f"{where} does not match its manifest: SHA-256 is {found[:16]}..., expected "
        f"{expected[:16]}.... It changed after it was saved; restore it or retrain."
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reading_faults(folder: Path) -> list[str]:
    try:
        read_model(folder)
    except (ModelIntegrityError, ModelFormatError) as error:
        return [str(error)]
    return []


def _files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not is_aside(path.name)}
