"""Read settings into frozen pydantic models, with errors in plain sentences."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    TypeAdapter,
    ValidationError,
)

from push_model.errors import InvalidEventError, did_you_mean

_Value = TypeVar("_Value")

# Only the written form: date.fromisoformat also reads 20210304 and week dates.
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RULES = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "literal_error": "must be {expected}",
    "greater_than": "must be > {gt:g}",
    "greater_than_equal": "must be >= {ge:g}",
    "less_than": "must be < {lt:g}",
    "less_than_equal": "must be <= {le:g}",
    "value_error": "{error}",
}


class Settings(BaseModel):
    """Values that are read once: frozen, without unknown keys, without conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def parse(kind: type[_Value] | Any, document: object, *, place: str, example: str) -> _Value:
    """Read a document as a `Settings` class, or as a union of such classes.

    Examples
    --------
    >>> from pydantic import Field
    >>> class Trees(Settings):
    ...     depth: int = Field(6, ge=1, le=8)
    >>> parse(Trees, {"depth": 9}, place="model", example='{"depth": 6}')
    Traceback (most recent call last):
    push_model.errors.InvalidEventError: model["depth"] must be <= 8, got 9.
    >>> parse(Trees, {"dept": 9}, place="model", example='{"depth": 6}')
    Traceback (most recent call last):
    push_model.errors.InvalidEventError: model has unknown key 'dept'. Did you mean 'depth'? ...
    """
    if not isinstance(document, Mapping):
        raise InvalidEventError(
            f"{place} must be an object such as {example}, got {type(document).__name__}."
        )
    adapter = TypeAdapter(kind)
    try:
        value: _Value = adapter.validate_python(dict(document))
    except ValidationError as error:
        found = error.errors(include_url=False)
    else:
        return value
    # A mistyped key first: the others may only follow from it.
    found.sort(key=lambda one: one["type"] not in _UNKNOWN)
    # Raised here: an error that has pydantic's for its context, and is within it, is never freed.
    raise _explain(found[0], place, adapter.json_schema(), example)


def read_day(value: object, name: str) -> date:
    """Read a day written as yyyy-mm-dd.

    Examples
    --------
    >>> read_day("2021-03-04", "--until")
    datetime.date(2021, 3, 4)
    """
    try:
        return _read_day(value)
    except ValueError as error:
        raise InvalidEventError(f"{name} {error}, got {value!r}.") from None


def _read_day(value: object) -> date:
    if type(value) is date:
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError('must be text "yyyy-mm-dd"')


def _read_text(value: str) -> str:
    if not value.strip():
        raise ValueError("must be text that is not empty")
    return value


#: Fields of `Settings`: a day as `read_day` reads it, and text that is not blank.
Day = Annotated[date, BeforeValidator(_read_day)]
Text = Annotated[str, AfterValidator(_read_text)]

_UNKNOWN = frozenset({"extra_forbidden", "invalid_key"})


def _explain(found: Any, place: str, schema: Mapping[str, Any], example: str) -> InvalidEventError:
    kind, facts = found["type"], found.get("ctx", {})
    if isinstance(cause := facts.get("error"), InvalidEventError):
        return cause
    if kind.startswith("union_tag"):
        return _explain_tag(found, place, schema)
    key = found["loc"][-1]
    if kind in _UNKNOWN:
        known = list(_properties(found["loc"], schema))
        return InvalidEventError(
            f"{place} has unknown key {key!r}.{did_you_mean(key, known)} It takes {known}."
        )
    if kind == "missing":
        return InvalidEventError(f'{place} lacks "{key}". Example: {example}.')
    # Nothing else can come of the fields that `Settings` are made of.
    rule = _RULES[kind].format(**facts)
    return InvalidEventError(f'{place}["{key}"] {rule}, got {found["input"]!r:.100}.')


def _explain_tag(found: Any, place: str, schema: Mapping[str, Any]) -> InvalidEventError:
    key, known = schema["discriminator"]["propertyName"], [*schema["discriminator"]["mapping"]]
    if found["type"] == "union_tag_not_found":
        return InvalidEventError(f'{place} lacks "{key}": choose one of {known}.')
    value = found["input"][key]
    return InvalidEventError(
        f'{place}["{key}"] must be one of {known}, got {value!r}.{did_you_mean(value, known)}'
    )


def _properties(location: tuple[Any, ...], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the keys known at a location; of a union, those of the class that was chosen."""
    if "properties" in schema:
        return dict(schema["properties"])
    class_name = schema["discriminator"]["mapping"][location[0]].rpartition("/")[2]
    return dict(schema["$defs"][class_name]["properties"])
