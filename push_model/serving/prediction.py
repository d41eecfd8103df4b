"""Answer requests, by the contract with the API team (docs/serving.md)."""

from __future__ import annotations

from itertools import islice
from json import JSONEncoder
from math import isfinite
from typing import TYPE_CHECKING, Any

from push_model.errors import (
    InvalidEventError,
    ModelNotFoundError,
    PushModelError,
    RequestTooLargeError,
    did_you_mean,
)
from push_model.serving.live_model import LIVE_MODELS
from push_model.serving.process import TALLY
from push_model.serving.settings import find_store, settings_of_process
from push_model.serving.users import kind_of, read_users

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from push_model.model.scoring import Model
    from push_model.serving.answer import Answer, UserId
    from push_model.serving.request import Candidates, RequestReader

_EVENT_KEYS = ("users", "threshold", "explain", "model", "details")
# So many values under unknown names are looked at for new ones; the rest are only counted.
_MOST_NAMES_READ = 1_000
_TOO_FAR = "has values too far from any real ones to give {}."
_encode = JSONEncoder(allow_nan=False).encode


def handler_predict(event: Any, _: object = None) -> dict[str, str]:
    """Answer a request for propensities.

    Parameters
    ----------
    event : dict
        ``"users"``, JSON text or a dict of features by user id, and optionally
        ``"threshold"``, ``"explain"``, ``"model"`` and ``"details"`` as in `predict`. Unchanged.
    _ : object
        The context some platforms pass to a handler; ignored.

    Returns
    -------
    dict
        ``{"statusCode": "200", "body": ...}``; the body is JSON text of what `predict` returns.
        ``"400"`` for an event that breaks the contract, ``"413"`` for one beyond a limit, ``"503"``
        if there is no champion yet, ``"500"`` if it is damaged; the body is then
        ``{"error": {"type": ..., "message": ...}}``.

    Notes
    -----
    Safe in threads. A new champion is picked up within a second. The store is the
    environment variable ``PUSH_MODELS_DIR``, default ``models``; no event can choose a path.
    """
    try:
        return {"statusCode": "200", "body": _encode(predict(**_read_event(event)))}
    except PushModelError as error:
        problem = {"type": type(error).__name__, "message": str(error)}
        return {"statusCode": _status_of(error, event), "body": _encode({"error": problem})}


def predict(
    users: str | dict[str, Any] | dict[int, Any] | dict[UserId, Any],
    *,
    threshold: float | None = None,
    explain: bool | None = None,
    model: str | None = None,
    details: bool | None = None,
    models_dir: Path | str | None = None,
) -> Answer:
    """Return the probability that each user buys a product in an order placed now.

    Parameters
    ----------
    users : str or dict
        Features by user id, or JSON text of that; at least one user. A list of features, one for
        each of several products, gives a list of propensities in the same order.
    threshold : float in [0, 1], optional
        Answer 1 if the propensity is above it, else 0.
    explain : bool, optional
        Add ``"reasons"``.
    model : str, optional
        Name of a model in the store; the champion if left out.
    details : bool, optional
        Add ``"details"``: which model answered, and how many values it did not know.
    models_dir : Path or str, optional
        The store; if left out ``PUSH_MODELS_DIR``, then ``models``.

    Returns
    -------
    Answer
        ``"prediction"``: by user id, the propensity. ``"errors"``, only if there are any: by user
        id, why that user could not be scored.

    Raises
    ------
    InvalidEventError
        If the request as a whole breaks the contract.
    RequestTooLargeError
        If it is beyond a limit (`push_model.serving.settings`).
    ModelNotFoundError
        If there is no such model, or no champion yet.
    ModelIntegrityError, ModelFormatError
        If the model is damaged, or of another format.
    """
    try:
        _check_options(threshold=threshold, explain=explain, model=model, details=details)
        settings = settings_of_process()
        asked = read_users(users, settings.limits)
        live = LIVE_MODELS.get(find_store(models_dir), model)
    except PushModelError:
        TALLY.count_failure()
        raise
    candidates = live.reader.read(asked)
    if settings.sketches_skew:
        live.sketch.add(candidates.rows)
    answer = _answer(candidates, live.loaded.model, threshold=threshold, explain=bool(explain))
    if details:
        answer["details"] = {
            "model_name": live.loaded.name,
            "model_id": live.loaded.model.model_id,
            "trained_on": live.loaded.model.trained_on,
            "ignored_features": candidates.ignored_features,
        }
    TALLY.count_answer(users=len(asked), errors=len(answer.get("errors", ())))
    _count_unknown(asked, candidates, live.reader)
    return answer


def _count_unknown(asked: dict[UserId, Any], candidates: Candidates, reader: RequestReader) -> None:
    unknown = candidates.ignored_features
    # A misspelt feature is an unknown one of a user that could not be scored.
    for user_id in candidates.errors:
        unknown += sum(1 for _ in reader.unknown_names({user_id: asked[user_id]}))
    if unknown:
        names = reader.unknown_names(asked, beside_known=True)
        TALLY.count_unknown(unknown, islice(names, _MOST_NAMES_READ))


def _answer(
    candidates: Candidates, model: Model, *, threshold: float | None, explain: bool
) -> Answer:
    answers = model.propensities(candidates.rows)
    unscorable = _find_unscorable(candidates, model, answers)
    if threshold is not None:
        answers = [int(answer > threshold) for answer in answers]
    answer: Answer = {"prediction": {}}
    prediction: dict[UserId, Any] = answer["prediction"]
    reasons: dict[UserId, Any] = {}
    errors = dict(candidates.errors)
    start = 0
    for user_id, products in candidates.places:
        own = slice(start, start + (1 if products is None else products))
        start = own.stop
        is_scored = unscorable.isdisjoint(range(own.start, own.stop)) if unscorable else True
        parts = _explain(model, candidates.rows[own]) if explain and is_scored else []
        if not is_scored:
            errors[user_id] = _TOO_FAR.format("a finite score")
        elif parts is None:
            errors[user_id] = _TOO_FAR.format("finite reasons")
        else:
            prediction[user_id] = answers[own.start] if products is None else answers[own]
            if explain:
                reasons[user_id] = parts[0] if products is None else parts
    if errors:
        answer["errors"] = errors
    if explain:
        answer["reasons"] = reasons
    return answer


def _explain(
    model: Model, rows: Sequence[Sequence[float]] | NDArray[np.float64]
) -> list[dict[str, Any]] | None:
    """Return the reasons of candidates; None if a part of one does not fit a double."""
    found = []
    for row in rows:
        try:
            reasons = model.reasons([*map(float, row)])
        except (OverflowError, ValueError):  # fsum's errors for sums beyond a double, and inf - inf
            return None
        parts = (reasons.base_value, reasons.others, *reasons.contributions.values())
        if not all(map(isfinite, parts)):
            return None
        found.append(reasons._asdict())
    return found


def _find_unscorable(
    candidates: Candidates, model: Model, propensities: list[float]
) -> frozenset[int]:
    """Return the rows with infinite or NaN log-odds; propensities between 0 and 1 rule them out."""
    doubtful = [i for i, propensity in enumerate(propensities) if not 0.0 < propensity < 1.0]
    if not doubtful:
        return frozenset()
    rows = candidates.rows
    return frozenset(i for i in doubtful if not isfinite(model.log_odds(map(float, rows[i]))))


def _read_event(event: Any) -> dict[str, Any]:
    try:
        return _check_event(event)
    except InvalidEventError:
        TALLY.count_failure()
        raise


def _check_event(event: Any) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise InvalidEventError(f"event must be a dict, got {type(event).__name__}.")
    if unknown := [key for key in event if key not in _EVENT_KEYS]:
        key = unknown[0]
        if not isinstance(key, str):
            raise InvalidEventError(f"event must have texts for keys, got {kind_of(key)}.")
        raise InvalidEventError(
            f"event has unknown key {key!r:.60}.{did_you_mean(key[:60], _EVENT_KEYS)}"
        )
    if "users" not in event:
        raise InvalidEventError("event lacks 'users', the features by user id.")
    return event


def _check_options(*, threshold: Any, explain: Any, model: Any, details: Any) -> None:
    is_number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if threshold is not None and not (is_number and 0.0 <= threshold <= 1.0):
        raise InvalidEventError("threshold must be a number from 0 to 1.")
    if not isinstance(explain, bool | None) or not isinstance(details, bool | None):
        raise InvalidEventError("explain and details must be true or false.")
    if model is not None and not isinstance(model, str):
        raise InvalidEventError("model must be the name of a model in the store.")


def _status_of(error: PushModelError, event: dict[str, Any]) -> str:
    if isinstance(error, RequestTooLargeError):
        return "413"
    if isinstance(error, InvalidEventError):
        return "400"
    if isinstance(error, ModelNotFoundError):
        # The caller must fix the name of a model, but not a missing champion.
        return "503" if event.get("model") is None else "400"
    return "500"
