"""Write files and folders that appear whole on the disk or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from os.path import lexists
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_READ_BYTES = 1 << 20
# Without it Windows rewrites line ends.
_BINARY = getattr(os, "O_BINARY", 0)
_ASIDE = re.compile(r"\..+\.\d+-[0-9a-f]{8}(\.gone)?")
_GONE = ".gone"
# What file systems that cannot sync a folder say of it, some network ones among them.
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP)


def write_aside(path: Path, content: bytes) -> None:
    """Replace a file in one moment: whoever reads it finds the old content or the new."""
    aside = path.with_name(_aside_name(path))
    try:
        _write_through(aside, content)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file whole or not at all, and make its folder; NaN raises ValueError."""
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aside(path, f"{text}\n".encode())


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises OSError if it cannot be read, ValueError if it is not JSON."""
    content = path.read_bytes()
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error


def move_synced(aside: Path, path: Path) -> None:
    """Rename a file once it is on disk, so that a power cut leaves the old one or the new."""
    _sync(aside)
    aside.replace(path)
    sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Add a line to a file of lines, and nothing to the line before it."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _BINARY, 0o666)
    try:
        half = b"" if _ends_with_newline(descriptor) else b"\n"
        _write_all(descriptor, half + line + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def write_folder(target: Path, files: Mapping[str, bytes]) -> bool:
    """Write a folder that appears whole or not at all."""
    aside = target.with_name(_aside_name(target))
    aside.mkdir()
    try:
        for name, content in files.items():
            _write_through(aside / name, content)
        sync_folder(aside)
        aside.rename(target)
    except BaseException as error:
        for name in files:
            (aside / name).unlink(missing_ok=True)
        aside.rmdir()
        if isinstance(error, OSError) and lexists(target):
            return False
        raise
    sync_folder(target.parent)
    return True


def remove_folder(target: Path) -> None:
    """Remove a folder that disappears whole, whatever then hinders the removal of its files."""
    aside = target.with_name(_aside_name(target) + _GONE)
    target.rename(aside)
    # Before its files go: a power cut must not bring half of the folder back under its name.
    sync_folder(target.parent)
    remove_aside(aside)


def remove_aside(aside: Path) -> None:
    """Remove what a crash left behind."""
    from shutil import rmtree  # noqa: PLC0415 - serving removes nothing

    if aside.is_dir() and not aside.is_symlink():
        rmtree(aside)
    else:
        aside.unlink()


def is_aside(name: str, *, gone: bool = False) -> bool:
    """Say whether a file or folder was written aside, or moved aside to be removed.

    Examples
    --------
    >>> is_aside(".champion.json.4711-0badcafe"), is_aside("champion.json")
    (True, False)
    """
    return _ASIDE.fullmatch(name) is not None and (not gone or name.endswith(_GONE))


def _aside_name(path: Path) -> str:
    return f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}"


def _write_through(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        _write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    # A disk that is nearly full takes a part, and says so only the next time.
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _ends_with_newline(descriptor: int) -> bool:
    if not os.fstat(descriptor).st_size:
        return True
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) == b"\n"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Put a folder's own entries on the disk: power may fail after a rename."""
    try:
        _sync(path)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def read_whole(path: Path, *, most_bytes: int) -> bytes:
    """Read a file whole, if it is one and not beyond a size."""
    # Without O_NONBLOCK even opening a pipe waits for its writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if found.st_size > most_bytes:
            raise OSError(errno.EFBIG, f"larger than {most_bytes:,} bytes")
        return b"".join(iter(lambda: os.read(descriptor, _READ_BYTES), b""))
    finally:
        os.close(descriptor)


def leads_out(path: Path, store: Path) -> bool:
    """Say whether a link leads out of a store."""
    try:
        return path.is_symlink() and not path.resolve().is_relative_to(store.resolve())
    except RuntimeError:  # what Path says of a loop, before Python 3.13
        return True
