"""Write the rules of `push_model.columns` as SQL."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from push_model.columns import BY_NAME, Column
from push_model.training.data.casts import day, is_given, is_number, number, quote, text, whole

# A float rounds what needs more than 53 bits, and no integer type of ours has more than 64.
_EXACT = "must be exact: an integer of 64 bits, not a rounded float"
# Spelt by a spreadsheet or by pandas, such as 2.80018E+12: the last digits are lost.
_EXPONENT = r"[+-]?[0-9](\.[0-9]+)?[eE]\+[0-9]{2,}"
# What programs write for a missing value. Read as users, all their orders would be one user's.
_NO_USER = ("none", "null", "<na>", "na")
# Nothing was sold online before; what is older is a misread year or a placeholder.
_FIRST_DAY = "2000-01-01"


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


def _rules_of(column: Column, source_type: str) -> Iterator[tuple[str, str]]:
    if column.name == "user_id":
        yield from _user_rules(column.name, source_type)
    elif column.type == "day":
        yield from _day_rules(column.name, source_type)
    elif column.type != "text":
        yield from _number_rules(column, source_type)


def _user_rules(name: str, source_type: str) -> Iterator[tuple[str, str]]:
    if source_type in {"FLOAT", "DOUBLE"}:
        yield _EXACT, f"isfinite({quote(name)}) AND {whole(name, source_type)} IS NULL"
    elif not is_number(source_type):
        user = text(name, source_type)
        words = ", ".join(f"'{word}'" for word in ("", "nan", *_NO_USER))
        yield "must be empty where it is missing", f"lower(trim({user}, ' \t')) IN ({words})"
        yield _EXACT, f"regexp_full_match({user}, '{_EXPONENT}')"


def _day_rules(name: str, source_type: str) -> Iterator[tuple[str, str]]:
    given = is_given(name, source_type)
    if name == "order_date":
        yield "must be given", f"NOT ({given})"
    value = day(name, source_type)
    yield "must be a day, yyyy-mm-dd", f"{given} AND {value} IS NULL"
    yield "must be a day from 2000 on", f"{value} < DATE '{_FIRST_DAY}'"


def _number_rules(column: Column, source_type: str) -> Iterator[tuple[str, str]]:
    given, value = is_given(column.name, source_type), number(column.name, source_type)
    if column.role == "key" and source_type == "BIGINT":
        # As every copy has it: nothing else can be wrong, and each rule takes time.
        yield "must be given", f"NOT ({given})"
        return
    if column.role not in {"feature", "history"}:
        yield "must be given", f"NOT ({given}) OR isnan({value})"
    if not is_number(source_type):
        yield "must be a number, is text", f"{given} AND {value} IS NULL"
    yield "must be finite", f"isinf({value})"
    # NaN and infinity are not compared.
    for words, broken in _limits(column, value):
        yield words, f"isfinite({value}) AND {broken}"
    if column.role == "key":
        is_whole = f"isfinite({value}) AND {value} % 1 = 0"
        yield _EXACT, f"{is_whole} AND {whole(column.name, source_type)} IS NULL"


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
