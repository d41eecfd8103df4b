"""Define pydantic models of requests and answers, and the page that describes them.

The request's features are read from the package, so a new feature needs no line here.
"""

from html import escape
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


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: auto; padding: 1rem }}
section {{ overflow-x: auto }}
table {{ border-collapse: collapse }}
th, td {{ border-bottom: 1px solid #8886; padding: .3rem .8rem .3rem 0; text-align: left }}
td {{ min-width: 8rem }}
</style>
<h1>{title}</h1>
<p>For programs: <a href="openapi.json">openapi.json</a></p>
{sections}
</html>
"""
_LIMITS = {"minimum": "≥", "maximum": "≤", "pattern": "like"}


def write_page(document: dict[str, Any]) -> str:
    """Write an OpenAPI document as a page of HTML that loads nothing else."""
    sections = [
        _write_section(f"{method.upper()} {path}", operation, _rows_of(operation))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    for name, schema in document["components"]["schemas"].items():
        fields = schema.get("properties") or {"value": {**schema, "description": ""}}
        rows = [(key, each, each.get("description", "")) for key, each in fields.items()]
        sections.append(_write_section(name, schema, rows))
    title = escape("{title} {version}".format_map(document["info"]))
    return _PAGE.format(title=title, sections="\n".join(sections))


def _rows_of(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any], str]]:
    options = operation.get("parameters", [])
    rows = [(each["name"], each["schema"], each.get("description", "")) for each in options]
    bodies = {"body": operation.get("requestBody", {"content": {}}), **operation["responses"]}
    return rows + [
        (name, content["schema"], body.get("description", ""))
        for name, body in bodies.items()
        for content in body["content"].values()
    ]


def _write_section(
    name: str, about: dict[str, Any], rows: list[tuple[str, dict[str, Any], str]]
) -> str:
    cells = [
        f'<tr><th scope="row">{escape(key)}</th><td>{_write_type(schema)}</td>'
        f"<td>{escape(meaning)}</td></tr>"
        for key, schema, meaning in rows
    ]
    heading, intro = escape(name), escape(about.get("description", ""))
    # An id holds no space.
    start = f'<section id="{heading.replace(" ", "-")}"><h2>{heading}</h2><p>{intro}</p>'
    return f"{start}<table>{''.join(cells)}</table></section>"


def _write_type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_write_type, schema["anyOf"]))
    if "items" in schema:
        return f"list of {_write_type(schema['items'])}"
    if isinstance(values := schema.get("additionalProperties"), dict):
        return f"object of {_write_type(values)}"
    if "enum" in schema:
        return escape(" or ".join(map(repr, schema["enum"])))
    limits = [
        f"{sign} {schema[key]}".removesuffix(".0") for key, sign in _LIMITS.items() if key in schema
    ]
    return escape(", ".join([schema.get("type", "any"), *limits]))
