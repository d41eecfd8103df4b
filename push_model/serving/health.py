"""Report the health of serving in this process: the model, its age, the last error, the counts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from time import time
from typing import TYPE_CHECKING, Literal

from push_model._version import __version__
from push_model.errors import InvalidSettingError, PushModelError
from push_model.serving.live_model import LIVE_MODELS, Problem
from push_model.serving.process import TALLY
from push_model.serving.settings import find_store, settings_of_process

if TYPE_CHECKING:
    from pathlib import Path

    from push_model.serving.answer import Health, LastError
    from push_model.serving.live_model import LiveModel
    from push_model.serving.settings import Settings


def health(*, details: bool = False, models_dir: Path | str | None = None) -> Health:
    """Report how serving is in this process; loads the champion if no request did before.

    Parameters
    ----------
    details : bool
        Add ``"skew"``: how the values sent differ from those the model was trained on.
    models_dir : Path or str, optional
        The store; if left out ``PUSH_MODELS_DIR``, then ``models``.

    Returns
    -------
    Health
        ``"status"`` is ``"ok"``; ``"degraded"`` if the champion on the disk cannot serve and the
        last good one goes on; ``"unavailable"`` if nothing can be served. Counts are of this
        process; times are in UTC.

    Notes
    -----
    Never raises: ``"last_error"`` says what is wrong. Holds no feature's value.
    """
    store, settings, refused = _read_settings(models_dir)
    live = _find_live_model(store) if settings else None
    problem = refused or LIVE_MODELS.last_problem(store) or _age_problem(settings)
    trained_on = live.loaded.model.trained_on if live else None
    age = age_in_days(trained_on, datetime.now(UTC).date()) if trained_on else None
    most = settings.max_age_days if settings else None
    counts = TALLY.counts()
    found: Health = {
        "status": _status_of(live, is_degraded=LIVE_MODELS.is_degraded(store)),
        "version": __version__,
        "model_name": live.loaded.name if live else None,
        "model_id": live.loaded.model.model_id if live else None,
        "trained_on": trained_on,
        "features": list(live.loaded.model.feature_names) if live else None,
        "age_days": age,
        "max_age_days": most,
        "is_stale": age > most if age is not None and most is not None else None,
        "loaded_at": _format_time(live.loaded_at) if live else None,
        "last_error": _last_error(problem) if problem else None,
        "requests": counts.requests,
        "failed_requests": counts.failed_requests,
        "users": counts.users,
        "errors": counts.errors,
        "unknown_features": counts.unknown_features,
        "unknown_feature_names": list(counts.unknown_feature_names),
    }
    if details:
        is_sketching = settings is not None and settings.sketches_skew
        found["skew"] = live.sketch.report() if live and is_sketching else None
    return found


def age_in_days(trained_on: str, on: date) -> int | None:
    """Count the days since a model was trained.

    Parameters
    ----------
    trained_on : str
        Its training date, ``"yyyy-mm-dd"``.
    on : date
        The day up to which to count.

    Returns
    -------
    int or None
        Below 0 for a model of a later day; None if the training date is not a date.

    Examples
    --------
    >>> age_in_days("2026-01-05", date(2026, 2, 14))
    40
    >>> age_in_days("2026-06-31", date(2026, 7, 1)) is None
    True
    """
    try:
        return (on - date.fromisoformat(trained_on)).days
    except ValueError:  # a document may hold the 31st of June
        return None


def _read_settings(
    models_dir: Path | str | None,
) -> tuple[str, Settings | None, Problem | None]:
    """Return store and settings, or the problem that makes every request fail."""
    try:
        return find_store(models_dir), settings_of_process(), None
    except InvalidSettingError as error:
        return "", None, Problem(type(error).__name__, str(error), time())


def _age_problem(settings: Settings | None) -> Problem | None:
    if settings is None or settings.max_age_fault is None:
        return None
    return Problem(InvalidSettingError.__name__, settings.max_age_fault, time())


def _find_live_model(store: str) -> LiveModel | None:
    try:
        return LIVE_MODELS.get(store, None)
    except PushModelError:
        return None


def _status_of(
    live: LiveModel | None, *, is_degraded: bool
) -> Literal["ok", "degraded", "unavailable"]:
    if live is None:
        return "unavailable"
    return "degraded" if is_degraded else "ok"


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _last_error(problem: Problem) -> LastError:
    return {
        "type": problem.type,
        "message": problem.message,
        "at": _format_time(problem.at),
        "model_name": problem.model_name,
    }
