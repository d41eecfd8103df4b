"""Is this a feature frame? Every way in which it is not, said at once and before training."""

import logging
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TypeVar, cast

import duckdb

from push_model.columns import HISTORY, TRAINING
from push_model.errors import DatasetError
from push_model.store.durable import move_synced
from push_model.training.data.dataset import (
    ORIGINAL_ROWS,
    ROW_NUMBER,
    refuse_missing_columns,
    write_parquet,
)
from push_model.training.data.engine import connect, reading
from push_model.training.data.frames import select_typed, to_relation
from push_model.training.data.schema_rules import day, row_rules, user, whole

Frame = TypeVar("Frame")

_FIRST_ROWS = 5
# Of others nothing is asked.
KNOWN = frozenset({*TRAINING, *HISTORY})
# What an order has one of.
_WORDS = {"order_date": "day", "user_id": "user"}
# What a value that is not of its column's type stops a query with.
_UNREADABLE = (duckdb.ConversionException, duckdb.InvalidInputException)

logger = logging.getLogger(__name__)


class Violation(NamedTuple):
    """Rows that break a rule.

    Attributes
    ----------
    column, rule : str
        What is broken, in words.
    rows : int
        How many rows break it.
    first_rows : list of int
        Numbers of the first of them; 1 is the first row below the header. Never a value.
    """

    column: str
    rule: str
    rows: int
    first_rows: list[int]


def check_schema(frame: Frame, *, source: str) -> Frame:
    """Refuse a frame that breaks the schema, listing every way in which it does.

    Notes
    -----
    A frame in order costs two passes in flat memory. Only one that is not is read again, as
    the file spells it, to say where.

    Examples
    --------
    >>> import pandas as pd
    >>> check_schema(pd.DataFrame({"order_id": [1]}), source="mine.csv")
    Traceback (most recent call last):
        ...
    push_model.errors.MissingColumnsError: mine.csv: 'abandoned_before', \
'active_snoozed', 'avg_days_to_buy_product_type', 'avg_days_to_buy_variant_id', 'count_adults' \
and 17 more are missing. Rename or add columns.
    """
    start = perf_counter()
    rows = to_relation(frame)
    refuse_missing_columns(rows.columns, TRAINING, source=source)
    with reading(source):
        checked: Frame = _check(frame, rows, source)
    logger.info("Checked %s against the schema in %.1f s.", source, perf_counter() - start)
    return checked


def write_checked(frame: Any, path: Path, *, source: str, facts: Mapping[str, str]) -> int:
    """Write a frame to a Parquet file if it keeps the schema, reading it once.

    Notes
    -----
    What is checked is the Parquet file, which is read several times faster than a CSV; only
    where it breaks a rule is `frame` read again, for the row numbers.
    """
    refuse_missing_columns(to_relation(frame).columns, TRAINING, source=source)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        try:
            rows = write_parquet(frame, aside, facts=facts)
        except DatasetError:
            rows = write_parquet(check_schema(frame, source=source), aside, facts=facts)
        if _is_broken(connect().read_parquet(str(aside))):
            check_schema(frame, source=source)
        move_synced(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return rows


def _check(frame: Any, rows: duckdb.DuckDBPyRelation, source: str) -> Any:
    original = _original(rows)
    try:
        is_broken = _is_broken(rows)
    except _UNREADABLE:
        if original is None:
            raise
        _refuse(original, source)
        return select_typed(original, rows.columns)
    if is_broken:
        if original is not None:
            _refuse(original, source)
        _refuse(rows.select(f'row_number() OVER () AS "{ROW_NUMBER}", *'), source)
    return frame


def _is_broken(rows: duckdb.DuckDBPyRelation) -> bool:
    return _breaks_row_rule(rows) or _breaks_order_rule(rows)


def _breaks_row_rule(rows: duckdb.DuckDBPyRelation) -> bool:
    broken = " OR ".join(f"({rule.broken})" for rule in row_rules(_types(rows)))
    return bool(rows.filter(broken).select("1").limit(1).fetchall())


def _breaks_order_rule(rows: duckdb.DuckDBPyRelation) -> bool:
    """Group twice: groups of one row can spill to disk, a set for each order could not."""
    facts = _facts_of_order(_types(rows))
    # Of a pair that is there twice any day and any user will do: it is broken as it is.
    told = ", ".join(f"any_value({value}) AS {column}" for column, value in facts.items())
    pairs = rows.aggregate(f"order_id, variant_id, count(*) AS n, {told}", "order_id, variant_id")
    differs = " OR ".join(f"min({column}) <> max({column})" for column in facts)
    orders = pairs.aggregate(f"max(n) > 1 OR {differs} AS broken", "order_id")
    return bool(orders.filter("broken").select("1").limit(1).fetchall())


def _facts_of_order(types: Mapping[str, str]) -> dict[str, str]:
    """Give as SQL what is the same in all rows of an order."""
    facts = {"order_date": day("order_date", types["order_date"])}
    return facts | ({"user_id": user("user_id", types["user_id"])} if "user_id" in types else {})


def _original(rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation | None:
    try:
        # Only statements that give no rows give None.
        original = cast("duckdb.DuckDBPyRelation", rows.query("frame", f"FROM {ORIGINAL_ROWS}"))
    except duckdb.CatalogException:
        return None
    # Of a column that nobody asked for nothing is asked.
    asked = [name for name in original.columns if name in {ROW_NUMBER, *rows.columns}]
    return original.select(", ".join(f'"{name}"' for name in asked))


def _refuse(rows: duckdb.DuckDBPyRelation, source: str) -> None:
    # Row numbers count rows in the file's order, which the fast pass was free to change.
    rows.query("frame", "SET preserve_insertion_order = true")
    if violations := [*_row_violations(rows), *_order_violations(rows)]:
        ways = "1 way" if len(violations) == 1 else f"{len(violations)} ways"
        raise DatasetError(
            f"{source} breaks the schema in {ways}. Mend it; row 1 is the first below the header.\n"
            f"{_as_table(violations)}"
        )


def _row_violations(rows: duckdb.DuckDBPyRelation) -> Iterator[Violation]:
    rules = row_rules({name: kind for name, kind in _types(rows).items() if name in KNOWN})
    counted = ", ".join(
        f'count_if({rule.broken}), min("{ROW_NUMBER}", {_FIRST_ROWS}) FILTER (WHERE {rule.broken})'
        for rule in rules
    )
    (found,) = rows.aggregate(counted).fetchall()
    for rule, count, first_rows in zip(rules, found[::2], found[1::2], strict=True):
        if count:
            yield Violation(rule.column, rule.words, count, first_rows)


def _order_violations(rows: duckdb.DuckDBPyRelation) -> Iterator[Violation]:
    types = _types(rows)
    facts = _facts_of_order(types)
    keys = {key: whole(key, types[key]) for key in ("order_id", "variant_id")}
    values = [f"{value} AS {column}" for column, value in {**keys, **facts}.items()]
    placed = rows.select(", ".join([f'"{ROW_NUMBER}" AS n', *values])).filter(
        "order_id IS NOT NULL AND variant_id IS NOT NULL"
    )
    twice = "row_number() OVER (PARTITION BY order_id, variant_id ORDER BY n) > 1"
    rules = [("variant_id", "must be there once", twice)]
    for column in facts:
        odd = f"{column} <> mode({column}) OVER (PARTITION BY order_id)"
        rules.append((column, f"must be one {_WORDS[column]} an order", odd))
    for column, words, broken in rules:
        marked = placed.select(f"n, {broken} AS broken").filter("broken")
        ((count, first_rows),) = marked.aggregate(f"count(*), min(n, {_FIRST_ROWS})").fetchall()
        if count:
            yield Violation(f"order_id, {column}", words, count, first_rows)


def _as_table(violations: list[Violation]) -> str:
    lines = [("column", "rule", "rows", "first rows")]
    for found in violations:
        more = ", ..." if found.rows > len(found.first_rows) else ""
        first = ", ".join(map(str, found.first_rows)) + more
        lines.append((found.column, found.rule, str(found.rows), first))
    wide = [max(len(line[at]) for line in lines) for at in range(3)]
    return "\n".join(
        f"  {column:<{wide[0]}}  {rule:<{wide[1]}}  {count:>{wide[2]}}  {first}"
        for column, rule, count, first in lines
    )


def _types(rows: duckdb.DuckDBPyRelation) -> dict[str, str]:
    return dict(zip(rows.columns, map(str, rows.types), strict=True))
