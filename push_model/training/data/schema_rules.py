"""Write the rules of `push_model.columns` as SQL."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from push_model.columns import BY_NAME, Column

_NUMERIC = (
    "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT FLOAT DOUBLE"
)
_NUMBERS = frozenset([*_NUMERIC.split(), "BOOLEAN"])
_DAYS = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})


class _Rule(NamedTuple):
    """A rule that each row must keep."""

    column: str
    words: str
    broken: str  # SQL, true for a row that breaks the rule


def row_rules(types: Mapping[str, str]) -> list[_Rule]:
    """List the rules of each row by itself.

    Examples
    --------
    >>> [rule.words for rule in row_rules({"outcome": "DOUBLE"})]
    ['must be given', 'must be finite', 'must be 0 or 1']
    """
    return [
        _Rule(name, words, broken)
        for name, column in BY_NAME.items()
        if name in types
        for words, broken in _rules_of(column, types[name])
    ]


def whole(name: str, source_type: str) -> str:
    """Write a key as the whole number it is, or NULL."""
    return f"TRY_CAST({_plain(name, source_type)} AS BIGINT)"


def day(name: str, source_type: str) -> str:
    """Write a day as a date, or NULL."""
    return f"TRY_CAST({_plain(name, source_type)} AS DATE)"


def user(name: str, source_type: str) -> str:
    """Write a user as the whole number it is, or as its text."""
    number = whole(name, source_type)
    if source_type in _NUMBERS:
        return number
    # Another loader may name users by text.
    return f'coalesce(CAST({number} AS VARCHAR), CAST("{name}" AS VARCHAR))'


def _plain(name: str, source_type: str) -> str:
    # Any other type is judged by what it prints: a date is not a number.
    plain = source_type in _NUMBERS | _DAYS | {"VARCHAR"} or source_type.startswith("DECIMAL")
    return f'"{name}"' if plain else f'CAST("{name}" AS VARCHAR)'


def _rules_of(column: Column, source_type: str) -> Iterator[tuple[str, str]]:
    if column.type == "day":
        yield from _day_rules(column, source_type)
    elif column.type != "text":
        yield from _number_rules(column, source_type)


def _day_rules(column: Column, source_type: str) -> Iterator[tuple[str, str]]:
    given = f'"{column.name}" IS NOT NULL'
    if column.name == "order_date":
        yield "must be given", f"NOT ({given})"
    if source_type not in _DAYS:
        text = f'TRY_CAST(CAST("{column.name}" AS VARCHAR) AS DATE)'
        yield "must be a day, yyyy-mm-dd", f"{given} AND {text} IS NULL"


def _number_rules(column: Column, source_type: str) -> Iterator[tuple[str, str]]:
    is_number = source_type in _NUMBERS or source_type.startswith("DECIMAL")
    text = f'CAST("{column.name}" AS VARCHAR)'
    number = f'CAST("{column.name}" AS DOUBLE)' if is_number else f"TRY_CAST({text} AS DOUBLE)"
    if column.role not in {"feature", "history"}:
        yield "must be given", f'"{column.name}" IS NULL OR isnan({number})'
    if not is_number:
        yield "must be a number, is text", f'"{column.name}" IS NOT NULL AND {number} IS NULL'
    yield "must be finite", f"isinf({number})"
    # NaN and infinity are not compared.
    for words, broken in _limits(column, number):
        yield words, f"isfinite({number}) AND {broken}"


def _limits(column: Column, number: str) -> Iterator[tuple[str, str]]:
    if column.type == "flag":
        yield "must be 0 or 1", f"{number} NOT IN (0, 1)"
        return
    if column.type == "integer":
        yield "must be a whole number", f"{number} % 1 <> 0"
    if column.minimum is not None:
        yield f"must be >= {column.minimum:g}", f"{number} < {column.minimum!r}"
    if column.maximum is not None:
        yield f"must be <= {column.maximum:g}", f"{number} > {column.maximum!r}"
