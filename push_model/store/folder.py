"""Write, read and check model folders; a manifest holds the digest of each file."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from os.path import lexists
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import ModelFormatError, ModelIntegrityError, ModelNotFoundError
from push_model.model.document import FORMAT
from push_model.model.scoring import Model
from push_model.store.durable import is_aside, leads_out, read_whole, write_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FORMAT",
    "FolderCheck",
    "LoadedModel",
    "check_folder",
    "check_sizes",
    "document_bytes",
    "model_id_of",
    "read_manifest",
    "read_model",
    "require_whole",
    "write_model_folder",
]

MODEL_FILE = "model.json"
MANIFEST_FILE = "manifest.json"
# A hundred times the file of 300 trees; a larger file is not worth reading into memory.
MOST_BYTES = 64 * 2**20
# Written for people from the other files; the gate writes them again after the save.
_DERIVED_FILES = frozenset({"card.html", "card.md"})
# No separator: a manifest must not have files outside its folder read.
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class LoadedModel(NamedTuple):
    """A model that is ready to score, its name in the store, and its folder."""

    name: str
    model: Model
    path: Path


class FolderCheck(NamedTuple):
    """The state of a model folder compared with its manifest."""

    faults: tuple[str, ...]  # a sentence for each damage; empty if the model is whole
    checked: int  # files that match the manifest
    unlisted: tuple[str, ...]  # files without a digest, such as the model card; not a fault


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """Write a model document in its one form: keys sorted, no spaces, UTF-8.

    Examples
    --------
    >>> document_bytes({"scale": 1.0, "bias": 0})
    b'{"bias":0,"scale":1.0}'
    """
    try:
        text = json.dumps(
            document, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
        )
        return text.encode()
    except (TypeError, ValueError) as error:
        raise ModelFormatError(f"The model document cannot be written as JSON: {error}.") from error


def model_id_of(document: Mapping[str, Any]) -> str:
    """Return the id of a model: a digest of its document without the id itself.

    Examples
    --------
    >>> model_id_of({"bias": 0}) == model_id_of({"bias": 0, "model_id": "any"})
    True
    """
    rest = {key: value for key, value in document.items() if key != "model_id"}
    return sha256(document_bytes(rest)).hexdigest()[:16]


def write_model_folder(
    models_dir: Path | str,
    model_name: str,
    files: Mapping[str, bytes],
    facts: Mapping[str, Any],
) -> Path:
    """Write a model folder whole or not at all, and never over another.

    The same model again is the same folder. Another model of that name gets a number.
    """
    store = Path(models_dir)
    store.mkdir(parents=True, exist_ok=True)
    content = {**files, MANIFEST_FILE: _manifest(files, facts)}
    number = 1
    while True:
        target = store / (model_name if number == 1 else f"{model_name}_{number}")
        if not lexists(target) and write_folder(target, content):
            return target
        if _holds(target, files):
            return target
        number += 1


def read_model(folder: Path | str, *, file: str = MODEL_FILE) -> LoadedModel:
    """Read the model of a folder, if its bytes are those that were saved."""
    path = Path(folder)
    _require_folder(path)
    content = read_vouched_for(path, file)
    try:
        return LoadedModel(path.name, Model.from_document(_parse(content)), path)
    except ModelFormatError as error:
        raise ModelFormatError(f"{path.name}/{file}: {error}") from error


def read_vouched_for(folder: Path, file: str) -> bytes:
    """Read a file of a model folder, if its bytes are those that were saved."""
    try:
        digest = _load_manifest(folder)["files"][file]["sha256"]
    except (KeyError, TypeError):
        digest = None
    if not isinstance(digest, str):
        raise ModelIntegrityError(
            f"{folder.name}/{MANIFEST_FILE} gives no SHA-256 of {file}. "
            "It changed after it was saved; restore it or retrain."
        )
    content = _read_bytes(folder / file)
    if (found := sha256(content).hexdigest()) != digest:
        raise ModelIntegrityError(
            f"{folder.name}/{file} does not match its manifest: SHA-256 is {found[:16]}..., "
            f"expected {digest[:16]}.... It changed after it was saved; restore it or retrain."
        )
    return content


def read_manifest(folder: Path | str) -> dict[str, Any]:
    """Read the manifest of a model folder."""
    path = Path(folder)
    manifest = _load_manifest(path)
    if not isinstance(manifest, dict):
        raise ModelIntegrityError(
            f"{path.name}/{MANIFEST_FILE} is not a JSON object. It changed after it was saved; "
            "restore it or retrain."
        )
    return manifest


def check_folder(folder: Path) -> FolderCheck:
    """Check every file of a model folder against its manifest, then read the model."""
    _require_folder(folder)
    try:
        found = [path.name for path in folder.iterdir()]
    except OSError as error:
        return FolderCheck((_refuse(folder.name, error),), 0, ())
    names = {name for name in found if not is_aside(name)} - {MANIFEST_FILE}
    try:
        listed = _listed(folder)
    except ModelIntegrityError as error:
        return FolderCheck((str(error),), 0, tuple(sorted(names)))
    faults = [fault for name in listed if (fault := _fault(read_vouched_for, folder, name))]
    checked = len(listed) - len(faults)
    if not faults and (fault := _fault(read_model, folder)):
        faults = [fault]
    return FolderCheck(tuple(faults), checked, tuple(sorted(names - listed)))


def check_sizes(folder: Path) -> tuple[str, ...]:
    """Return what is wrong with a model folder at a glance: no file is read but its manifest."""
    try:
        names, files = sorted(_listed(folder)), read_manifest(folder)["files"]
        return tuple(fault for name in names if (fault := _lost(folder, name, files[name])))
    except ModelIntegrityError as error:
        return (str(error),)


def require_whole(folder: Path) -> None:
    """Refuse a model folder with a file that is not what was saved."""
    if faults := check_folder(folder).faults:
        raise ModelIntegrityError(faults[0])


def is_folder(path: Path) -> bool:
    """Check whether a model folder is there."""
    try:
        return path.is_dir()
    except OSError as error:
        raise ModelIntegrityError(
            f"{path.name} cannot be looked at ({error.strerror}). Let this process read the store."
        ) from None


def _require_folder(path: Path) -> None:
    if not is_folder(path):
        raise ModelNotFoundError(f"There is no model folder {path.name} in the store.")


def _fault(read: Any, *arguments: Any) -> str | None:
    try:
        read(*arguments)
    except (ModelIntegrityError, ModelFormatError) as error:
        return str(error)
    return None


def _lost(folder: Path, name: str, listed: Any) -> str | None:
    try:
        size = (folder / name).stat().st_size
    except OSError as error:
        return _refuse(f"{folder.name}/{name}", error)
    expected = listed.get("bytes") if isinstance(listed, dict) else None
    if expected in {None, size}:
        return None
    return (
        f"{folder.name}/{name} holds {size} bytes, {expected} were saved. It changed after it was "
        "saved; restore it or retrain."
    )


def _listed(folder: Path) -> set[str]:
    """Return the files that the manifest has a digest for, derived ones left out."""
    files = read_manifest(folder).get("files")
    names = set(files) - _DERIVED_FILES if isinstance(files, dict) else set()
    if MODEL_FILE not in names or not all(map(_FILE_NAME.fullmatch, names)):
        raise ModelIntegrityError(
            f"{folder.name}/{MANIFEST_FILE} does not give the SHA-256 of each file. "
            "It changed after it was saved; restore it or retrain."
        )
    return names


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    try:
        whole = {name: read_vouched_for(folder, name) for name in files}
        return whole[MODEL_FILE] == files[MODEL_FILE]
    except ModelIntegrityError:
        return False


def _manifest(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> bytes:
    digests = {
        name: {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in files.items()
    }
    try:
        text = json.dumps({**facts, "files": digests}, sort_keys=True, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ModelFormatError(f"The manifest cannot be written as JSON: {error}.") from error
    return f"{text}\n".encode()


def _load_manifest(path: Path) -> Any:
    """Return the manifest's JSON; None where it is not JSON."""
    try:
        return json.loads(_read_bytes(path / MANIFEST_FILE))
    except (ValueError, RecursionError):
        return None


def _read_bytes(path: Path) -> bytes:
    # A link may lead to another place of the store, as mounted volumes have it, and no further.
    name = f"{path.parent.name}/{path.name}"
    try:
        if leads_out(path, path.parent.parent):
            raise ModelIntegrityError(
                f"{name} is a link that leads out of the store. Restore it or retrain."
            )
        return read_whole(path, most_bytes=MOST_BYTES)
    except OSError as error:
        raise ModelIntegrityError(_refuse(name, error)) from error


def _refuse(name: str, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"{name} cannot be read by this process. Let its user read the store."
    return f"{name} cannot be read ({error.strerror}). Restore it or retrain."


def _parse(content: bytes) -> Any:
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFormatError("A model document must be strict JSON; retrain.") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
