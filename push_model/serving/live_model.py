"""Keep the champion of each store loaded, and replace it when it changes on the disk.

One look at a file's time and size, once a second at most, shows whether the champion changed. If
the new one is damaged, the last good one goes on serving.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from threading import Lock
from time import monotonic, time
from typing import NamedTuple

from push_model.errors import (
    InvalidEventError,
    ModelFormatError,
    ModelIntegrityError,
    ModelNotFoundError,
    PushModelError,
)
from push_model.serving.request import RequestReader
from push_model.serving.skew import Sketch
from push_model.store.folder import MANIFEST_FILE, MODEL_FILE, LoadedModel, is_folder, read_model
from push_model.store.history import LOG_FILE, find_log_faults
from push_model.store.pointer import CHAMPION_FILE, champion, model_path

logger = logging.getLogger(__name__)

# A caller that goes through a whole store, or through stores, must not keep every model.
MOST_NAMED_MODELS = 8
MOST_STORES = 8

# A look at the disk is cheap, but on a network store not free; a second late harms no push.
_CHECK_EVERY_S = 1.0


class LiveModel(NamedTuple):
    """A model in service."""

    loaded: LoadedModel
    reader: RequestReader
    sketch: Sketch
    loaded_at: float  # seconds since 1970


class Problem(NamedTuple):
    """Why a champion could not be loaded, or what is wrong with the log."""

    type: str  # of the error
    message: str
    at: float  # seconds since 1970
    model_name: str | None = None  # of the champion, if it is known


_Signature = tuple[tuple[int, int, int] | None, ...]


class _Entry(NamedTuple):
    live: LiveModel
    watched: tuple[Path, ...]
    signature: _Signature  # of the watched files, when the model was read
    is_stand_in: bool = False  # it goes on because the champion on the disk cannot serve

    def is_unchanged(self) -> bool:
        # A stand-in is always read again: the champion may be repaired without a trace in the
        # times of its files.
        return not self.is_stand_in and _signature(self.watched) == self.signature


class _Store:
    """The loaded models of one store: its champion, under None, and some named ones."""

    def __init__(self, path: str, check_every_s: float) -> None:
        self._path, self._check_every_s = path, check_every_s
        self._entries: dict[str | None, _Entry] = {}
        self._fresh_until: dict[str | None, float] = {}
        self._error: PushModelError | None = None
        self._retry_at = 0.0
        self._problem: Problem | None = None  # of the last load of the champion that failed
        self._log_problem: Problem | None = None
        self._log_signature: _Signature = ()  # of the log and the pointer, when they were read
        self._make_locks()

    def _make_locks(self) -> None:
        # Two, so that loads of named models never delay a new champion.
        self._loading_champion, self._loading_named = Lock(), Lock()

    def start_in_fork(self) -> None:
        self._make_locks()
        for entry in self._entries.values():
            entry.live.sketch.start()

    @property
    def is_degraded(self) -> bool:
        entry = self._entries.get(None)
        return entry is not None and entry.is_stand_in

    def find_problem(self) -> Problem | None:
        """Return why the champion cannot serve; else a fault of the log, or the last problem."""
        if self.is_degraded or None not in self._entries:
            return self._problem
        signature = _signature((Path(self._path) / CHAMPION_FILE, Path(self._path) / LOG_FILE))
        if signature != self._log_signature:
            self._log_problem = _find_log_problem(self._path)
            self._log_signature = signature
        return self._log_problem or self._problem

    def get(self, name: str | None) -> LiveModel:
        entry = self._entries.get(name)
        if entry is not None:
            now = monotonic()
            if now < self._fresh_until.get(name, 0.0):
                return entry.live
            if entry.is_unchanged():
                self._fresh_until[name] = now + self._check_every_s
                return entry.live
        else:
            self._repeat_fresh_error(name)
        # One thread reads the new model; the others go on with the one they have, if any.
        loading = self._loading_champion if name is None else self._loading_named
        if not loading.acquire(blocking=entry is None) and entry is not None:
            return entry.live
        try:
            return self._renew(name)
        finally:
            loading.release()

    def _repeat_fresh_error(self, name: str | None) -> None:
        """Raise the champion's error of the last second again: requests need not all retry."""
        if name is None and self._error is not None and monotonic() < self._retry_at:
            raise type(self._error)(str(self._error))

    def _renew(self, name: str | None) -> LiveModel:
        last_good = self._entries.get(name)
        if last_good is None:
            self._repeat_fresh_error(name)  # of another thread, while this one waited
        elif last_good.is_unchanged():
            return last_good.live  # another thread read it while this one waited
        now = monotonic()
        if name is None:
            entry = self._read_champion(last_good)
        else:
            entry = _read(model_path(self._path, name))
        self._entries[name] = entry
        self._fresh_until[name] = now + self._check_every_s
        # A copy, at once: a thread that loads the champion adds to the dict meanwhile.
        named = [key for key in list(self._entries) if key is not None]
        for oldest in named[:-MOST_NAMED_MODELS]:
            self._entries.pop(oldest, None)
            self._fresh_until.pop(oldest, None)
        return entry.live

    def _read_champion(self, last_good: _Entry | None) -> _Entry:
        watched: tuple[Path, ...] = (Path(self._path) / CHAMPION_FILE,)
        # Taken before the files are read: what changes meanwhile is then noticed next time.
        signature = _signature(watched)
        name = None
        try:
            name = _champion_name(self._path)
            folder = _champion_folder(self._path, name)
            # Watched even where they are absent: a store is copied in any order.
            watched += (folder / MANIFEST_FILE, folder / MODEL_FILE)
            signature += _signature(watched[1:])
            _check_is_there(folder)
            return _Entry(_read(folder).live, watched[:1], signature[:1])
        except (ModelNotFoundError, ModelIntegrityError, ModelFormatError) as error:
            self._note(error, name, last_good)
            if last_good is None:
                raise
            return _Entry(last_good.live, watched, signature, is_stand_in=True)

    def _note(self, error: PushModelError, name: str | None, last_good: _Entry | None) -> None:
        known, message = self._problem, str(error)
        self._problem = Problem(type(error).__name__, message, time(), name)
        if last_good is None:
            # Not the error itself: its traceback holds the request, and so what users did.
            self._error = type(error)(message)
            self._retry_at = monotonic() + self._check_every_s
        elif not last_good.is_stand_in or known is None or known.message != message:
            # Callers must not learn where the store is; the log is for operators.
            logger.warning(
                "The new champion of %s cannot serve, so %s goes on: %s",
                self._path,
                last_good.live.loaded.name,
                error,
            )


class LiveModels:
    """The models loaded in this process; safe to share between threads.

    A loaded model serves `check_every_s` seconds before the disk is looked at again.
    """

    def __init__(self, *, check_every_s: float = _CHECK_EVERY_S) -> None:
        self._check_every_s = check_every_s
        self._stores: dict[str, _Store] = {}

    def start_in_fork(self) -> None:
        """Replace the locks and reset the sketches that a fork copied."""
        for store in self._stores.values():
            store.start_in_fork()

    def last_problem(self, models_dir: str) -> Problem | None:
        """Return what is wrong with a store, or why its champion last could not be loaded."""
        store = self._stores.get(models_dir)
        return store.find_problem() if store else None

    def is_degraded(self, models_dir: str) -> bool:
        """Return whether an earlier champion replaces one that cannot serve."""
        store = self._stores.get(models_dir)
        return store is not None and store.is_degraded

    def get(self, models_dir: str, model_name: str | None) -> LiveModel:
        """Return a loaded model, or the champion; read again only if it changed on the disk.

        A champion that cannot be loaded is an error only if no earlier one can replace it.
        """
        store = self._stores.get(models_dir)
        if store is None:
            store = self._stores.setdefault(models_dir, _Store(models_dir, self._check_every_s))
            for oldest in list(self._stores)[:-MOST_STORES]:
                self._stores.pop(oldest, None)
        return store.get(model_name)


LIVE_MODELS = LiveModels()

if hasattr(os, "register_at_fork"):  # absent on Windows, as forks are
    # At the moment of the fork another thread may hold a lock.
    os.register_at_fork(after_in_child=LIVE_MODELS.start_in_fork)


def _champion_name(models_dir: str) -> str:
    serving = champion(models_dir)
    if serving is None:
        raise ModelNotFoundError("There is no champion in the store yet. Promote a model.")
    return serving.model_name


def _champion_folder(models_dir: str, name: str) -> Path:
    try:
        return model_path(models_dir, name)
    except InvalidEventError as error:  # here the pointer is to blame, not a request
        raise ModelIntegrityError(f"The champion cannot serve: {error}") from error


def _find_log_problem(models_dir: str) -> Problem | None:
    try:
        faults = find_log_faults(models_dir)
    except ModelIntegrityError as error:
        faults = (str(error),)
    return Problem(ModelIntegrityError.__name__, faults[0], time()) if faults else None


def _check_is_there(folder: Path) -> None:
    if not is_folder(folder):
        raise ModelIntegrityError(
            f"The champion {folder.name} is gone from the store. "
            "Restore its folder or promote another model."
        )


def _read(folder: Path) -> _Entry:
    watched = (folder / MANIFEST_FILE, folder / MODEL_FILE)
    signature = _signature(watched)
    loaded = read_model(folder)
    reader, sketch = RequestReader(loaded.model.features), Sketch(loaded.model)
    live = LiveModel(loaded, reader, sketch, loaded_at=time())
    return _Entry(live, watched, signature)


def _signature(paths: tuple[Path, ...]) -> _Signature:
    return tuple(map(_stamp, paths))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):  # a path with a NUL is none
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
