"""Write a column of any source type as its own type, in SQL.

Each function returns an expression that is NULL where the value cannot be of that type.
"""

from typing import TYPE_CHECKING

from push_model.columns import BY_NAME

if TYPE_CHECKING:
    import duckdb

_INTEGERS = frozenset({
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER"),
})
# Some of their values need more than 64 bits.
_LARGE_INTEGERS = frozenset({"UBIGINT", "HUGEINT", "UHUGEINT"})
# From here on, neighbouring whole numbers are the same float.
_INEXACT = {"FLOAT": 2**24, "DOUBLE": 2**53}
# A cast to a number would also take 1_000 and 0x10, as source code has them.
_WHOLE = r"\s*[+-]?[0-9]+"
_NUMBER = r"(?i)\s*[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|nan|inf|infinity)\s*"
_DAY = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
_HOUR = _DAY + r"[ T]\d{1,2}"
_MOMENT = _DAY + r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
_ZONE = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)"
# What a strict cast fails with.
NOT_OF_ITS_TYPE = "a value is not of the type of its column"


def types_of(rows: "duckdb.DuckDBPyRelation") -> dict[str, str]:
    """Return the type of each column, as DuckDB calls it."""
    return dict(zip(rows.columns, map(str, rows.types), strict=True))


def quote(name: str) -> str:
    """Write the name of a column in SQL."""
    return '"' + name.replace('"', '""') + '"'


def typed(name: str, source_type: str) -> str:
    """Cast a column of the feature frame to its own type; what does not fit is an error.

    A user stays a whole number where the source has whole numbers, and is text otherwise.

    Examples
    --------
    >>> typed("discount_pct", "FLOAT")
    'CAST("discount_pct" AS DOUBLE)'
    """
    column = BY_NAME.get(name)
    if column is None:
        return quote(name)
    if column.type == "text":
        return text(name, source_type)
    casts = {"user_id": user, "order_date": day, "created_at": moment}
    of_role = whole if column.role == "key" else number
    cast = casts.get(name, of_role)(name, source_type)
    if cast == quote(name) or _always_casts(name, column.role, source_type):
        return cast
    is_missing = f"NOT ({is_given(name, source_type)})"
    if source_type in _INEXACT:
        is_missing += f" OR isnan({quote(name)})"
    return f"CASE WHEN {is_missing} THEN NULL ELSE coalesce({cast}, error('{NOT_OF_ITS_TYPE}')) END"


def is_number(source_type: str) -> bool:
    """Check whether a type of DuckDB is one of numbers."""
    numbers = _INTEGERS | _LARGE_INTEGERS | _INEXACT.keys()
    return source_type in numbers or source_type.startswith("DECIMAL")


def is_given(name: str, source_type: str) -> str:
    """Write whether a value is there; an empty text is not."""
    value = quote(name) if is_number(source_type) else _plain(name, source_type)
    return f"{value} IS NOT NULL"


def number(name: str, source_type: str) -> str:
    """Write a number as a double."""
    if source_type == "DOUBLE":
        return quote(name)
    if is_number(source_type):
        return f"CAST({quote(name)} AS DOUBLE)"
    written = _plain(name, source_type)
    is_number_in_text = f"regexp_full_match({written}, '{_NUMBER}')"
    return f"CASE WHEN {is_number_in_text} THEN TRY_CAST({written} AS DOUBLE) END"


def whole(name: str, source_type: str) -> str:
    """Write a key as the whole number it is; a float that may be rounded is none.

    Text with an exponent is none either: a spreadsheet keeps six digits of it.
    """
    column = quote(name)
    if source_type == "BIGINT":
        return column
    if source_type in _INTEGERS:
        return f"CAST({column} AS BIGINT)"
    if source_type in _LARGE_INTEGERS:
        return f"TRY_CAST({column} AS BIGINT)"
    if source_type in _INEXACT:
        return _whole_float(f"CAST({column} AS DOUBLE)", source_type)
    if source_type.startswith("DECIMAL"):
        return f"CASE WHEN {column} % 1 = 0 THEN TRY_CAST({column} AS BIGINT) END"
    written = _plain(name, source_type)
    return f"""CASE
        WHEN regexp_full_match({written}, '{_WHOLE}\\s*') THEN TRY_CAST({written} AS BIGINT)
        WHEN regexp_full_match({written}, '{_WHOLE}\\.0*\\s*')
            THEN {_whole_float(f"TRY_CAST({written} AS DOUBLE)", "DOUBLE")}
        END"""


def day(name: str, source_type: str) -> str:
    """Write a day; of a moment with a zone or an offset, it is the day in UTC."""
    if source_type == "DATE":
        return quote(name)
    return f"CAST({moment(name, source_type)} AS DATE)"


def moment(name: str, source_type: str) -> str:
    """Write a moment in UTC; one without a zone is taken as it is."""
    if source_type == "DATE":
        return f"CAST({quote(name)} AS TIMESTAMP)"
    if source_type.startswith("TIMESTAMP"):
        # Not by the session's time zone, which is the host's.
        has_zone = source_type.endswith("TIME ZONE") or "TZ" in source_type
        return f"{quote(name)} AT TIME ZONE 'UTC'" if has_zone else quote(name)
    written = _plain(name, source_type)
    # The first two are the usual ways, and quicker to tell than a pattern is to match.
    return f"""CASE
        WHEN {written} LIKE '____-__-__' THEN TRY_CAST({written} AS DATE)
        WHEN {written} LIKE '____-__-_____:__:__' THEN TRY_CAST({written} AS TIMESTAMP)
        WHEN regexp_full_match({written}, '{_DAY}') THEN TRY_CAST({written} AS DATE)
        WHEN regexp_full_match({written}, '{_HOUR}') THEN TRY_CAST({written} || ':00' AS TIMESTAMP)
        WHEN regexp_full_match({written}, '{_MOMENT}') THEN TRY_CAST({written} AS TIMESTAMP)
        WHEN regexp_full_match({written}, '{_MOMENT}{_ZONE}')
            THEN TRY_CAST({written} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
        END"""


def text(name: str, source_type: str) -> str:
    """Write a text; an empty one is missing, as it is in a CSV, and so is NaN of pandas."""
    column = _as_text(name, source_type)
    return f"CASE WHEN {column} NOT IN ('', 'NaN', 'nan') THEN {column} END"


def user(name: str, source_type: str) -> str:
    """Write a user as a whole number where the source has such, and as text otherwise."""
    if source_type in _INTEGERS | _INEXACT.keys():
        return whole(name, source_type)
    written = text(name, source_type)
    # pandas writes whole numbers as 12.0 where some are missing.
    return (
        f"CASE WHEN contains({written}, '.') AND regexp_full_match({written}, '-?[0-9]+\\.0+') "
        f"THEN split_part({written}, '.', 1) ELSE {written} END"
    )


def _always_casts(name: str, role: str, source_type: str) -> bool:
    """Check whether no value of a type can fail to be what a column of this role holds."""
    if role == "key":
        return source_type in _INTEGERS or (name == "user_id" and source_type not in _INEXACT)
    if role == "time":
        return source_type.startswith(("DATE", "TIMESTAMP"))
    return is_number(source_type)


def _whole_float(value: str, source_type: str) -> str:
    is_exact = f"{value} % 1 = 0 AND abs({value}) < {_INEXACT[source_type]}"
    return f"CASE WHEN {is_exact} THEN CAST({value} AS BIGINT) END"


def _plain(name: str, source_type: str) -> str:
    """Write any value as text, NULL where it is empty."""
    return f"nullif({_as_text(name, source_type)}, '')"


def _as_text(name: str, source_type: str) -> str:
    column = quote(name)
    if source_type == "BLOB":
        # Some writers do not mark text as text. What is not UTF-8 stays as its bytes, escaped.
        return f"coalesce(TRY(decode({column})), CAST({column} AS VARCHAR))"
    return column if source_type == "VARCHAR" else f"CAST({column} AS VARCHAR)"
