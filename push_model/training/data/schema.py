"""Check that a dataset is a feature frame, and list every way in which it is not."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import duckdb

from push_model.errors import SchemaError
from push_model.training.data.casts import day, types_of, user, whole
from push_model.training.data.dataset import ROW_NUMBER, Dataset, number_rows
from push_model.training.data.frames import (
    USERS_ARE_TEXT,
    UnreadableError,
    UsersAreTextError,
    open_copy,
    reading,
    select_typed,
    write_parquet,
)
from push_model.training.data.parquet_rows import name_rows
from push_model.training.data.schema_rules import row_rules

_FIRST_ROWS = 5
# What an order has one of.
_WORDS = {"order_date": "day", "user_id": "user"}


class BrokenRule(NamedTuple):
    """A rule that some rows break; it names places, never values."""

    column: str
    rule: str
    rows: int
    first_rows: list[str]  # numbers of the first of them; in a folder ``part:number``


def write_checked(dataset: Dataset, path: Path, *, facts: Mapping[str, str]) -> int:
    """Write a dataset to a new Parquet file, check that, and return its number of rows.

    The Parquet file is what is checked: it is read several times faster than a CSV. Only where
    it breaks a rule is the dataset read again, as it is spelt, for the numbers of the rows.
    """
    rows = _write_typed(dataset, path, facts)
    copy = open_copy(path)
    if _is_broken(copy):
        _refuse_broken_rules(dataset)
        # A loader's own types may hide what the copy shows.
        _refuse(number_rows(copy), dataset)
        raise SchemaError(f"{dataset.name} breaks the schema in rows that cannot be listed.")
    return rows


def _refuse_broken_rules(dataset: Dataset) -> None:
    """Raise the list of every rule that a dataset breaks, if any."""
    # Only the columns that were loaded are checked.
    loaded = {ROW_NUMBER, *dataset.rows.columns}
    names = [name for name in dataset.original.columns if name in loaded]
    original = dataset.original.select(", ".join(f'"{name}"' for name in names))
    # Row numbers count rows in the file's order, which a reader is free to change.
    original.query("frame", "SET preserve_insertion_order = true")
    with tempfile.TemporaryDirectory() as folder, reading(dataset.name):
        # Each rule is a query of its own: a text would be parsed for each.
        copy = Path(folder) / "original.parquet"
        write_parquet(original, copy, facts={}, source=dataset.name)
        _refuse(open_copy(copy), dataset)


def _write_typed(dataset: Dataset, path: Path, facts: Mapping[str, str]) -> int:
    name, columns = dataset.name, dataset.rows.columns
    try:
        return _write_users(dataset.rows, path, facts, name)
    except UnreadableError:
        _refuse_broken_rules(dataset)
    # The value is in a row dated later, which a CSV reader parses before it is left out.
    with reading(name):
        rows = select_typed(dataset.original, columns)
    return _write_users(rows, path, facts, name)


def _write_users(
    rows: duckdb.DuckDBPyRelation, path: Path, facts: Mapping[str, str], source: str
) -> int:
    """Write rows, with users as whole numbers if all are: they take less room than text."""
    if types_of(rows).get("user_id") != "VARCHAR":
        return write_parquet(rows, path, facts=facts, source=source)
    number = 'TRY_CAST("user_id" AS BIGINT)'
    # Not 007: as a number it would be the user 7.
    strict = (
        f'CASE WHEN "user_id" IS NULL OR CAST({number} AS VARCHAR) = "user_id" THEN {number} '
        f"ELSE error('{USERS_ARE_TEXT}') END AS user_id"
    )
    others = [f'"{name}"' for name in rows.columns if name != "user_id"]
    try:
        whole_users = rows.select(", ".join([*others, strict]))
        return write_parquet(whole_users, path, facts=facts, source=source)
    except UsersAreTextError:
        return write_parquet(rows, path, facts=facts, source=source)


def _is_broken(rows: duckdb.DuckDBPyRelation) -> bool:
    return _breaks_row_rule(rows) or _breaks_order_rule(rows)


def _breaks_row_rule(rows: duckdb.DuckDBPyRelation) -> bool:
    broken = " OR ".join(f"({rule.broken})" for rule in row_rules(types_of(rows)))
    return bool(rows.filter(broken).select("1").limit(1).fetchall())


def _breaks_order_rule(rows: duckdb.DuckDBPyRelation) -> bool:
    """Check what an order has one of."""
    facts = _facts_of_order(types_of(rows))
    differs = " OR ".join(f"min({value}) <> max({value})" for value in facts.values())
    if user := facts.get("user_id"):
        differs += f" OR count({user}) NOT IN (0, count(*))"
    orders = rows.aggregate(f"{differs} AS broken", "order_id")
    # Groups of one row can spill to disk, a set for each order could not.
    pairs = rows.aggregate("count(*) > 1 AS broken", "order_id, variant_id")
    return any(found.filter("broken").select("1").limit(1).fetchall() for found in (orders, pairs))


def _facts_of_order(types: Mapping[str, str]) -> dict[str, str]:
    """Return, as SQL, the values that all rows of an order share."""
    facts = {"order_date": day("order_date", types["order_date"])}
    if "user_id" in types:
        facts["user_id"] = user("user_id", types["user_id"])
    return facts


def _refuse(rows: duckdb.DuckDBPyRelation, dataset: Dataset) -> None:
    broken = [
        BrokenRule(column, rule, count, _name_rows(dataset, first_rows))
        for column, rule, count, first_rows in [*_row_violations(rows), *_order_violations(rows)]
    ]
    if broken:
        ways = "1 way" if len(broken) == 1 else f"{len(broken)} ways"
        error = SchemaError(
            f"{dataset.name} breaks the schema in {ways}. Fix it; row 1 is the first below the "
            f"header.\n{_as_table(broken)}"
        )
        error.broken = tuple(broken)
        raise error


def _name_rows(dataset: Dataset, numbers: list[int]) -> list[str]:
    snapshot = dataset.snapshot
    if snapshot is None or len(snapshot.files) == 1:
        return [str(number) for number in numbers]
    return name_rows(snapshot, numbers)


def _row_violations(rows: duckdb.DuckDBPyRelation) -> Iterator[tuple[str, str, int, list[int]]]:
    rules = row_rules(types_of(rows))
    counted = ", ".join(
        f'count_if({rule.broken}), min("{ROW_NUMBER}", {_FIRST_ROWS}) FILTER (WHERE {rule.broken})'
        for rule in rules
    )
    (found,) = rows.aggregate(counted).fetchall()
    for rule, count, first_rows in zip(rules, found[::2], found[1::2], strict=True):
        if count:
            yield rule.column, rule.words, count, first_rows


def _order_violations(rows: duckdb.DuckDBPyRelation) -> Iterator[tuple[str, str, int, list[int]]]:
    types = types_of(rows)
    facts = _facts_of_order(types)
    keys = {key: whole(key, types[key]) for key in ("order_id", "variant_id")}
    values = [f"{value} AS {column}" for column, value in {**keys, **facts}.items()]
    placed = rows.select(", ".join([f'"{ROW_NUMBER}" AS n', *values])).filter(
        "order_id IS NOT NULL AND variant_id IS NOT NULL"
    )
    twice = "row_number() OVER (PARTITION BY order_id, variant_id ORDER BY n) > 1"
    rules = [("variant_id", "must be there once", twice)]
    for column in facts:
        # A day that is missing breaks a rule of its own.
        differs = "IS DISTINCT FROM" if column == "user_id" else "<>"
        odd = f"{column} {differs} mode({column}) OVER (PARTITION BY order_id)"
        rules.append((column, f"must be one {_WORDS[column]} an order", odd))
    for column, words, broken in rules:
        marked = placed.select(f"n, {broken} AS broken").filter("broken")
        ((count, first_rows),) = marked.aggregate(f"count(*), min(n, {_FIRST_ROWS})").fetchall()
        if count:
            yield f"order_id, {column}", words, count, first_rows


def _as_table(broken: list[BrokenRule]) -> str:
    lines = [("column", "rule", "rows", "first rows")]
    for found in broken:
        more = ", ..." if found.rows > len(found.first_rows) else ""
        first = ", ".join(found.first_rows) + more
        lines.append((found.column, found.rule, str(found.rows), first))
    wide = [max(len(line[at]) for line in lines) for at in range(3)]
    return "\n".join(
        f"  {column:<{wide[0]}}  {rule:<{wide[1]}}  {count:>{wide[2]}}  {first}"
        for column, rule, count, first in lines
    )
