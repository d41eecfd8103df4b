"""Define pydantic models of requests and answers, for the OpenAPI page and for clients.

The request's features are read from the package, so a new feature needs no line here.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model
from pydantic.json_schema import SkipJsonSchema

from push_model.columns import BY_NAME, FEATURES, Column

Propensity = Annotated[float, Field(ge=0.0, le=1.0, description="With a threshold, 0 or 1.")]
MODEL_NAME = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
Count = Annotated[int, Field(ge=0)]


def _field(column: Column) -> Any:
    kind = float if column.type == "number" else int
    meaning = f"{column.meaning}; null: {column.missing}"
    return kind | None, Field(ge=column.minimum, le=column.maximum, description=meaning)


Features = create_model(
    "Features",
    __doc__="One user and one product. All features must be there; others are ignored.",
    __config__=ConfigDict(extra="allow"),
    **{name: _field(BY_NAME[name]) for name in FEATURES},
)


_OneOrSeveral = Features | list[Features]  # type: ignore[valid-type]  # made at run time


class Users(RootModel[Annotated[dict[str, _OneOrSeveral], Field(min_length=1)]]):
    """By user id, the features of a product, or a list of them for several products."""


class Options(BaseModel):
    """The options of a request."""

    model_config = ConfigDict(extra="forbid")

    threshold: Annotated[float, Field(ge=0.0, le=1.0)] | SkipJsonSchema[None] = Field(
        None, description="Answer 1 if the propensity is above it, else 0."
    )
    explain: bool = Field(default=False, description="Add reasons.")
    model: Annotated[str, Field(pattern=MODEL_NAME)] | SkipJsonSchema[None] = Field(
        None, description="A model's name in the store; the champion if left out."
    )
    details: bool = Field(default=False, description="Add details.")


class Reasons(BaseModel):
    """The log-odds, split into parts; `words` describes the features for people."""

    base_value: float
    log_odds: float
    contributions: dict[str, float]
    others: float
    words: dict[str, str]


class Details(BaseModel):
    """Which model answered, and how many values it did not know."""

    model_name: str
    model_id: str
    trained_on: str
    ignored_features: Count


class Answer(BaseModel):
    """By user id, a propensity, or a list of them for several products."""

    model_config = ConfigDict(extra="forbid")

    prediction: dict[str, Propensity | list[Propensity]]
    errors: dict[str, str] | SkipJsonSchema[None] = Field(
        None, description="By user id, why that user is not in prediction; only if there are any."
    )
    reasons: dict[str, Reasons | list[Reasons]] | SkipJsonSchema[None] = Field(
        None, description="By user id, if asked for."
    )
    details: Details | SkipJsonSchema[None] = Field(None, description="If asked for.")


class Problem(BaseModel):
    """What went wrong, and what to do about it."""

    type: str
    message: str


class Failure(BaseModel):
    """The answer when the whole request failed."""

    model_config = ConfigDict(extra="forbid")

    error: Problem


class LastError(Problem):
    """Why which champion last could not be loaded, and when."""

    at: str
    model_name: str | None


class Status(BaseModel):
    """The health of serving in this process, and its counts so far."""

    model_config = ConfigDict(extra="forbid")

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
    requests: Count
    failed_requests: Count
    users: Count
    errors: Count
    unknown_features: Count
    unknown_feature_names: list[str]
    skew: dict[str, Any] | None = Field(None, description="Only with details=true.")
