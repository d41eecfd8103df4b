"""Which loaded model answers now? The champion as it stands on the disk, read once.

One look at a file's time and size, once a second at most, tells whether the champion changed. If
the new one is damaged, the last good one goes on serving.
"""

from __future__ import annotations

import logging
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
from push_model.store.pointer import CHAMPION_FILE, champion, model_path

logger = logging.getLogger(__name__)

# A caller that goes through a whole store, or through stores, must not keep every model.
MOST_NAMED_MODELS = 8
MOST_CHAMPIONS = 8

# A look at the disk is cheap, but on a network store not free; a second late harms no push.
CHECK_EVERY_S = 1.0


class LiveModel(NamedTuple):
    """A model in service.

    Attributes
    ----------
    loaded : LoadedModel
        The model and its name.
    reader : RequestReader
        Reads requests as this model needs them.
    sketch : Sketch
        What was sent to it.
    loaded_at : float
        When it was loaded, in seconds since 1970.
    """

    loaded: LoadedModel
    reader: RequestReader
    sketch: Sketch
    loaded_at: float


class Problem(NamedTuple):
    """Why a champion could not be loaded.

    Attributes
    ----------
    type, message : str
        The error's.
    at : float
        When it was met, in seconds since 1970.
    """

    type: str
    message: str
    at: float


_Signature = tuple[tuple[int, int, int] | None, ...]


class _Entry(NamedTuple):
    live: LiveModel
    watched: tuple[Path, ...]
    signature: _Signature  # of the watched files, when the model was read
    is_stand_in: bool = False  # it goes on because the champion on the disk cannot serve


class LiveModels:
    """The models loaded in this process; safe to share between threads.

    Parameters
    ----------
    check_every_s : float
        How long a loaded model serves before the disk is looked at again.
    """

    def __init__(self, *, check_every_s: float = CHECK_EVERY_S) -> None:
        self._check_every_s = check_every_s
        self._entries: dict[tuple[str, str | None], _Entry] = {}
        self._fresh_until: dict[tuple[str, str | None], float] = {}
        self._problems: dict[str, Problem] = {}
        self._errors: dict[str, PushModelError] = {}
        self._retry_at: dict[str, float] = {}
        self._make_locks()

    def _make_locks(self) -> None:
        # Apart, so that loads of named models never hold a new champion up.
        self._loading_champion, self._loading_named = Lock(), Lock()

    def start_in_fork(self) -> None:
        """Start anew what a fork copied: a lock nobody may be left to release, and sketches."""
        self._make_locks()
        for entry in self._entries.values():
            entry.live.sketch.start()

    def last_problem(self, models_dir: str) -> Problem | None:
        """Say why the champion of a store last could not be loaded, if that ever happened.

        Parameters
        ----------
        models_dir : str
            The store.

        Returns
        -------
        Problem or None
            None if every load went well.
        """
        return self._problems.get(models_dir)

    def is_degraded(self, models_dir: str) -> bool:
        """Say whether an earlier champion stands in for one that cannot serve.

        Parameters
        ----------
        models_dir : str
            The store.

        Returns
        -------
        bool
            As of the last look at the disk.
        """
        entry = self._entries.get((models_dir, None))
        return entry is not None and entry.is_stand_in

    def get(self, models_dir: str, model_name: str | None) -> LiveModel:
        """Give a loaded model, read anew only if it changed on the disk.

        Parameters
        ----------
        models_dir : str
            The store.
        model_name : str or None
            A model of it, or None for the champion.

        Returns
        -------
        LiveModel
            Whole, whatever is being promoted meanwhile.

        Raises
        ------
        ModelNotFoundError
            If there is no such model, or no champion yet.
        ModelIntegrityError, ModelFormatError
            If the model is damaged or of another format; the champion, only if no earlier one can
            stand in for it.
        InvalidEventError
            If the name is no model name.
        """
        key = (models_dir, model_name)
        entry = self._entries.get(key)
        if entry is not None:
            now = monotonic()
            if now < self._fresh_until.get(key, 0.0):
                return entry.live
            if _is_unchanged(entry):
                self._fresh_until[key] = now + self._check_every_s
                return entry.live
        elif problem := self._fresh_problem(models_dir, model_name):
            raise problem
        # One thread reads the new model; the others go on with the one they have, if any.
        loading = self._loading_champion if model_name is None else self._loading_named
        if not loading.acquire(blocking=entry is None) and entry is not None:
            return entry.live
        try:
            return self._renew(models_dir, model_name)
        finally:
            loading.release()

    def _fresh_problem(self, models_dir: str, model_name: str | None) -> Exception | None:
        """Give what hindered the champion less than a second ago: requests need not all retry."""
        if model_name is None and monotonic() < self._retry_at.get(models_dir, 0.0):
            error = self._errors[models_dir]
            return type(error)(str(error))
        return None

    def _renew(self, models_dir: str, model_name: str | None) -> LiveModel:
        key = (models_dir, model_name)
        last_good = self._entries.get(key)
        if last_good is not None and _is_unchanged(last_good):
            return last_good.live  # another thread read it while this one waited
        if last_good is None and (problem := self._fresh_problem(models_dir, model_name)):
            raise problem  # or tried to
        now = monotonic()
        if model_name is None:
            entry = self._read_champion(models_dir, last_good)
        else:
            entry = _read(model_path(models_dir, model_name))
        self._entries[key] = entry
        self._fresh_until[key] = now + self._check_every_s
        self._let_go(is_champion=model_name is None)
        return entry.live

    def _let_go(self, *, is_champion: bool) -> None:
        """Forget the models of a kind that were first loaded longest ago."""
        most = MOST_CHAMPIONS if is_champion else MOST_NAMED_MODELS
        # A copy, at once: a thread that loads the other kind adds to the dict meanwhile.
        kept = [key for key in list(self._entries) if (key[1] is None) == is_champion]
        for oldest in kept[:-most]:
            self._entries.pop(oldest, None)
            self._fresh_until.pop(oldest, None)

    def _read_champion(self, models_dir: str, last_good: _Entry | None) -> _Entry:
        watched: tuple[Path, ...] = (Path(models_dir) / CHAMPION_FILE,)
        # Taken before the files are read: what changes meanwhile is then noticed next time.
        signature = _signature(watched)
        try:
            folder = _champion_folder(models_dir)
            # Watched even where they are absent: a store is copied in any order.
            watched += (folder / MANIFEST_FILE, folder / MODEL_FILE)
            signature += _signature(watched[1:])
            _check_is_there(folder)
            return _Entry(_read(folder).live, watched[:1], signature[:1])
        except (ModelNotFoundError, ModelIntegrityError, ModelFormatError) as error:
            known = self._problems.get(models_dir)
            self._problems[models_dir] = Problem(type(error).__name__, str(error), time())
            if last_good is None:
                # Not the error itself: its traceback holds the request, and so what users did.
                self._errors[models_dir] = type(error)(str(error))
                self._retry_at[models_dir] = monotonic() + self._check_every_s
                raise
            name = last_good.live.loaded.name
            # Callers must not learn where the store lies; the log is for operators.
            if not last_good.is_stand_in or known is None or known.message != str(error):
                logger.warning(
                    "The new champion of %s cannot serve, so %s goes on: %s",
                    models_dir,
                    name,
                    error,
                )
            return _Entry(last_good.live, watched, signature, is_stand_in=True)


def _champion_folder(models_dir: str) -> Path:
    serving = champion(models_dir)
    if serving is None:
        raise ModelNotFoundError("There is no champion in the store yet. Promote a model.")
    try:
        return model_path(models_dir, serving.model_name)
    except InvalidEventError as error:  # here the pointer is to blame, not a request
        raise ModelIntegrityError(f"The champion cannot serve: {error}") from error


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


def _is_unchanged(entry: _Entry) -> bool:
    # A stand-in is never at rest: what mends the champion may leave no trace in its files' times.
    return not entry.is_stand_in and _signature(entry.watched) == entry.signature


def _signature(paths: tuple[Path, ...]) -> _Signature:
    return tuple(map(_stamp, paths))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):  # a path with a NUL is none
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
