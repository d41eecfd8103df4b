"""Is this model folder what was saved? Write one so that it is, read one only if it is."""

from __future__ import annotations

import json
from hashlib import sha256
from os.path import lexists
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from push_model.errors import ModelFormatError, ModelIntegrityError, ModelNotFoundError
from push_model.model.format import FORMAT
from push_model.model.scoring import Model
from push_model.store.durable import leads_out, read_whole, write_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FORMAT",
    "LoadedModel",
    "document_bytes",
    "model_id_of",
    "read_manifest",
    "read_model",
    "write_model_folder",
]

MODEL_FILE = "model.json"
MANIFEST_FILE = "manifest.json"
# A hundred times the file of 300 trees; what is larger would be read into memory in vain.
MOST_BYTES = 64 * 2**20


class LoadedModel(NamedTuple):
    """A model and where it came from.

    Attributes
    ----------
    name : str
        Its name in the store.
    model : Model
        Ready to score.
    path : Path
        Its folder.
    """

    name: str
    model: Model
    path: Path


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
    """Give the id of a model: a digest of all its document says but the id itself.

    Examples
    --------
    >>> model_id_of({"bias": 0}) == model_id_of({"bias": 0, "model_id": "any"})
    True
    """
    rest = {key: value for key, value in document.items() if key != "model_id"}
    return sha256(document_bytes(rest)).hexdigest()[:16]


def read_model(folder: Path | str, *, file: str = MODEL_FILE) -> LoadedModel:
    """Read the model of a folder, if its bytes are those that were saved."""
    path = Path(folder)
    if not is_folder(path):
        raise ModelNotFoundError(f"There is no model folder {path.name} in the store.")
    content = read_vouched_for(path, file)
    try:
        return LoadedModel(path.name, Model.from_document(_parse(content)), path)
    except ModelFormatError as error:
        raise ModelFormatError(f"{path.name}/{file}: {error}") from error


def read_vouched_for(folder: Path, file: str) -> bytes:
    """Read a file of a model folder, if its bytes are those that were saved."""
    expected = _digest_expected(folder, file)
    content = _read_bytes(folder / file)
    if (found := sha256(content).hexdigest()) != expected:
        raise ModelIntegrityError(
            f"{folder.name}/{file} does not match its manifest: SHA-256 is {found[:16]}..., "
            f"expected {expected[:16]}.... It changed after it was saved; restore it or retrain."
        )
    return content


def read_manifest(folder: Path | str) -> dict[str, Any]:
    """Read what the manifest of a model folder says."""
    path = Path(folder)
    manifest = _load_manifest(path)
    if not isinstance(manifest, dict):
        raise ModelIntegrityError(
            f"{path.name}/{MANIFEST_FILE} is no JSON object. It changed after it was saved; "
            "restore it or retrain."
        )
    return manifest


def is_folder(path: Path) -> bool:
    """Say whether a model folder is there."""
    try:
        return path.is_dir()
    except OSError as error:
        raise ModelIntegrityError(
            f"{path.name} cannot be looked at ({error.strerror}). Let this process read the store."
        ) from None


def write_model_folder(
    models_dir: Path | str,
    model_name: str,
    files: Mapping[str, bytes],
    facts: Mapping[str, Any],
) -> Path:
    """Save a model folder whole or not at all, and never over another."""
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
    """Give what the manifest's JSON says; None where it is no JSON."""
    try:
        return json.loads(_read_bytes(path / MANIFEST_FILE))
    except (ValueError, RecursionError):
        return None


def _digest_expected(path: Path, file: str) -> str:
    try:
        digest = _load_manifest(path)["files"][file]["sha256"]
    except (KeyError, TypeError):
        digest = None
    if not isinstance(digest, str):
        raise ModelIntegrityError(
            f"{path.name}/{MANIFEST_FILE} gives no SHA-256 of {file}. "
            "It changed after it was saved; restore it or retrain."
        )
    return digest


def _read_bytes(path: Path) -> bytes:
    # A link may lead to another place of the store, as mounted volumes have it, and no further.
    if leads_out(path, path.parent.parent):
        raise ModelIntegrityError(
            f"{path.parent.name}/{path.name} is a link that leads out of the store. "
            "Restore it or retrain."
        )
    try:
        return read_whole(path, most_bytes=MOST_BYTES)
    except OSError as error:
        raise ModelIntegrityError(
            f"{path.parent.name}/{path.name} cannot be read ({error.strerror}). "
            "Restore it or retrain."
        ) from error


def _parse(content: bytes) -> Any:
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFormatError("A model document must be strict JSON; retrain.") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
