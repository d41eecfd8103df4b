"""Write files and folders whole or not at all, one process at a time."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from contextlib import contextmanager
from os.path import lexists
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from push_model.errors import ModelNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LOCK_FILE = ".promotion.lock"
# A holder needs milliseconds, `prune` on a slow disk seconds: one that takes longer hangs.
LOCK_WAIT_S = 30.0

_READ_BYTES = 1 << 20
# Without it Windows rewrites line ends.
_BINARY = getattr(os, "O_BINARY", 0)
_ASIDE = re.compile(r"\..+\.\d+-[0-9a-f]{8}(\.gone)?")
_GONE = ".gone"
# The errors of file systems that cannot sync a folder, some network ones among them.
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change a folder; a process that dies releases it."""
    try:
        # Made but never removed: removing a lock file may remove another process's lock.
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError as error:
        raise ModelNotFoundError(
            f"There is no model store {folder}. Train a model into it, or name another."
        ) from error
    try:
        _wait_for_lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, folder: Path) -> None:
    import fcntl  # noqa: PLC0415 - serving must import where there is none, such as Windows

    give_up_at = monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() > give_up_at:
                raise TimeoutError(
                    f"Another process has held {folder / LOCK_FILE} for {LOCK_WAIT_S:g} s. Let it "
                    "finish, or end it: `fuser` names it. Removing the file frees nothing."
                ) from None
            sleep(0.01)
        else:
            return


def write_aside(path: Path, content: bytes) -> None:
    """Replace a file in one step: a reader finds the old content or the new."""
    aside = path.with_name(_aside_name(path))
    try:
        _write_through(aside, content)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


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


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield where to write a file that replaces another one, whole or not at all."""
    aside = path.with_name(_aside_name(path))
    try:
        yield aside
        # First it is on disk: a power cut leaves the old file or the new.
        _sync(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    _sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Append a line to a file; a half line that a crash left before it stays on its own."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _BINARY, 0o666)
    try:
        half = b"" if _ends_with_newline(descriptor) else b"\n"
        _write_all(descriptor, half + line + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _sync_folder(path.parent)


def write_folder(target: Path, files: Mapping[str, bytes]) -> bool:
    """Write a folder that appears whole or not at all; False if the name exists already."""
    aside = target.with_name(_aside_name(target))
    aside.mkdir()
    try:
        for name, content in files.items():
            _write_through(aside / name, content)
        _sync_folder(aside)
        aside.rename(target)
    except BaseException as error:
        for name in files:
            (aside / name).unlink(missing_ok=True)
        aside.rmdir()
        if isinstance(error, OSError) and lexists(target):
            return False
        raise
    _sync_folder(target.parent)
    return True


def remove_folder(target: Path) -> None:
    """Remove a folder: its name goes first, in one step, then its files."""
    aside = target.with_name(_aside_name(target) + _GONE)
    target.rename(aside)
    # Before the files go: a power cut must not bring half of the folder back under its name.
    _sync_folder(target.parent)
    remove_aside(aside)


def remove_aside(aside: Path) -> None:
    """Remove a file or folder that a crash left behind."""
    from shutil import rmtree  # noqa: PLC0415 - serving removes nothing

    if aside.is_dir() and not aside.is_symlink():
        rmtree(aside)
    else:
        aside.unlink()


def is_aside(name: str, *, gone: bool = False) -> bool:
    """Check whether a name is of something written aside, or moved aside to be removed.

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
    # A disk that is nearly full writes a part, and fails only at the next call.
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


def _sync_folder(path: Path) -> None:
    """Write a folder's own entries to the disk: power may fail after a rename."""
    try:
        _sync(path)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def read_whole(path: Path, *, most_bytes: int) -> bytes:
    """Read a regular file of limited size; anything else raises OSError."""
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
    """Check whether a path is a link that leads out of a store."""
    try:
        return path.is_symlink() and not path.resolve().is_relative_to(store.resolve())
    except RuntimeError:  # a loop of links, before Python 3.13
        return True
