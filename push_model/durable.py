"""How does a file reach the disk whole? Written aside, synced, renamed."""

from __future__ import annotations

import errno
import os
import stat
from os.path import lexists
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_READ_BYTES = 1 << 20


def write_aside(path: Path, content: bytes) -> None:
    """Replace a file in one moment: whoever reads it finds the old content or the new.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    content : bytes
        Its new content, on the disk when this returns.
    """
    aside = path.with_name(_aside_name(path))
    try:
        _write_through(aside, content)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def move_synced(aside: Path, path: Path) -> None:
    """Rename a file once it is on disk, so that a power cut leaves the old one or the new.

    Parameters
    ----------
    aside : Path
        The finished file.
    path : Path
        Where it goes, in the same folder; replaced if there.
    """
    _sync(aside)
    aside.replace(path)
    _sync(path.parent)


def write_folder(target: Path, files: Mapping[str, bytes]) -> bool:
    """Write a folder that appears whole or not at all.

    Parameters
    ----------
    target : Path
        The folder, in a folder that exists.
    files : mapping of str to bytes
        Content by file name.

    Returns
    -------
    bool
        False when another writer took the name meanwhile; nothing is left behind then.
    """
    aside = target.with_name(_aside_name(target))
    aside.mkdir()
    try:
        for name, content in files.items():
            _write_through(aside / name, content)
        _sync(aside)
        aside.rename(target)
    except BaseException as error:
        for name in files:
            (aside / name).unlink(missing_ok=True)
        aside.rmdir()
        if isinstance(error, OSError) and lexists(target):
            return False
        raise
    _sync(target.parent)
    return True


def _aside_name(path: Path) -> str:
    return f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}"


def _write_through(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    """Put a file, or a folder's own entries, on the disk: power may fail after the rename."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_whole(path: Path, *, most_bytes: int) -> bytes:
    """Read a file whole, if it is one and not beyond a size.

    Parameters
    ----------
    path : Path
        The file.
    most_bytes : int
        The largest that is read.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    OSError
        If it cannot be read, is too large, or is no regular file: a named pipe would never end.
    """
    # Without O_NONBLOCK even opening a pipe waits for its writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if found.st_size > most_bytes:
            raise OSError(errno.EFBIG, f"larger than {most_bytes:,} bytes")
        return b"".join(iter(lambda: os.read(descriptor, _READ_BYTES), b""))
    finally:
        os.close(descriptor)
