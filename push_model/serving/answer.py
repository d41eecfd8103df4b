"""Define the types of what `predict` and `health` return."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

UserId = str | int


class ReasonsOfCandidate(TypedDict):
    """Why a candidate's log-odds are what they are; all but `words` add up to them."""

    base_value: float
    log_odds: float
    contributions: dict[str, float]
    others: float
    words: dict[str, str]


class Details(TypedDict):
    """Which model answered, and how many values were sent under names it does not know."""

    model_name: str
    model_id: str
    trained_on: str
    ignored_features: int


class Answer(TypedDict):
    """What `predict` returns: by user id, a propensity, or a list of them for several products."""

    prediction: dict[UserId, float | list[float]]
    errors: NotRequired[dict[UserId, str]]
    reasons: NotRequired[dict[UserId, ReasonsOfCandidate | list[ReasonsOfCandidate]]]
    details: NotRequired[Details]


class LastError(TypedDict):
    """Why which champion last could not be loaded, and when (UTC)."""

    type: str
    message: str
    at: str
    model_name: str | None


class Missing(TypedDict):
    """Shares of candidates without a value."""

    trained: float
    served: float


class FeatureSkew(TypedDict):
    """How one feature as sent differs from training; `psi` is the population stability index."""

    missing: Missing
    out_of_range: float
    psi: float
    changed: bool
    says: str


class Skew(TypedDict):
    """How a sample of what was sent differs from what the model was trained on."""

    rows: int
    one_row_in: int
    features: dict[str, FeatureSkew]


class Health(TypedDict):
    """What `health` returns: the model in service, and what this process was asked so far."""

    status: Literal["ok", "degraded", "unavailable"]
    version: str
    model_name: str | None
    model_id: str | None
    trained_on: str | None
    features: list[str] | None
    age_days: int | None
    max_age_days: int | None
    is_stale: bool | None
    loaded_at: str | None
    last_error: LastError | None
    requests: int
    failed_requests: int
    users: int
    errors: int
    unknown_features: int
    unknown_feature_names: list[str]
    skew: NotRequired[Skew | None]
