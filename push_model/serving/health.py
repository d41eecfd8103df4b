"""How is serving in this process? The model, its age, the last error, and what was asked so far."""

from __future__ import annotations

from datetime import UTC, datetime
from time import time
from typing import TYPE_CHECKING, Literal

from push_model._version import __version__
from push_model.errors import InvalidSettingError, PushModelError
from push_model.serving.age import age_in_days, max_age_days_of_process
from push_model.serving.live_model import Problem
from push_model.serving.process import LIVE_MODELS, TALLY, models_dir_of_process, sketches_skew
from push_model.serving.settings import limits_of_process

if TYPE_CHECKING:
    from pathlib import Path

    from push_model.serving.answer import Health, LastError
    from push_model.serving.live_model import LiveModel


def health(*, details: bool = False, models_dir: Path | str | None = None) -> Health:
    """Say how serving is in this process; loads the champion if nothing did before.

    Parameters
    ----------
    details : bool
        Add ``"skew"``: how what was sent differs from what the model was trained on.
    models_dir : Path or str, optional
        The store; where left out ``PUSH_MODELS_DIR``, then ``models``.

    Returns
    -------
    Health
        ``"status"`` is ``"ok"``; ``"degraded"`` where the champion on the disk cannot serve and the
        last good one goes on; ``"unavailable"`` where nothing can be served. Counts are of this
        process; moments are in UTC.

    Notes
    -----
    Never raises: what is wrong stands in ``"last_error"``. Holds no feature's value.
    """
    store = str(models_dir or models_dir_of_process())
    refused = _find_unusable_setting()
    live = None if refused else _find_live_model(store)
    problem = refused or LIVE_MODELS.last_problem(store)
    trained_on = live.loaded.model.trained_on if live else None
    age = age_in_days(trained_on, datetime.now(UTC).date()) if trained_on else None
    most, unread = _read_max_age()
    problem = problem or unread
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
        "loaded_at": _moment(live.loaded_at) if live else None,
        "last_error": _last_error(problem) if problem else None,
        "requests": counts.requests,
        "failed_requests": counts.failed_requests,
        "users": counts.users,
        "errors": counts.errors,
        "unknown_features": counts.unknown_features,
        "unknown_feature_names": list(counts.unknown_feature_names),
    }
    if details:
        found["skew"] = live.sketch.report() if live and sketches_skew() else None
    return found


def _find_unusable_setting() -> Problem | None:
    """Say which setting makes every request fail, if one does."""
    try:
        limits_of_process()
        sketches_skew()
    except InvalidSettingError as error:
        return Problem(type(error).__name__, str(error), time())
    return None


def _read_max_age() -> tuple[int | None, Problem | None]:
    """Say how old a model may be; a setting that cannot be read hinders no answer."""
    try:
        return max_age_days_of_process(), None
    except InvalidSettingError as error:
        return None, Problem(type(error).__name__, str(error), time())


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


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _last_error(problem: Problem) -> LastError:
    return {"type": problem.type, "message": problem.message, "at": _moment(problem.at)}
