"""Check that a dataset is a feature frame, and list every way in which it is not."""

import logging
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import duckdb

from push_model.columns import HISTORY, TRAINING
from push_model.errors import DatasetError
from push_model.store.durable import move_synced
from push_model.training.data.dataset import (
    ROW_NUMBER,
    Dataset,
    number_rows,
    refuse_missing_columns,
)
from push_model.training.data.frames import connect, reading, select_typed, write_parquet
from push_model.training.data.schema_rules import day, row_rules, user, whole

_FIRST_ROWS = 5
# Other columns are not checked.
_KNOWN = frozenset({*TRAINING, *HISTORY})
# What an order has one of.
_WORDS = {"order_date": "day", "user_id": "user"}
# Errors of a query that meets a value which is not of its column's type.
_UNREADABLE = (duckdb.ConversionException, duckdb.InvalidInputException)

logger = logging.getLogger(__name__)


class _Violation(NamedTuple):
    column: str
    rule: str
    rows: int
    first_rows: list[int]  # numbers of the first of them; never a value


def check_schema(dataset: Dataset) -> Dataset:
    """Refuse a dataset that breaks the schema, listing every way in which it does.

    A good dataset takes two passes in flat memory. Only a broken one is read again, as the file
    spells it, to list the rows.

    Examples
    --------
    >>> import pandas as pd
    >>> check_schema(Dataset.from_frame(pd.DataFrame({"order_id": [1]}), name="mine.csv"))
    Traceback (most recent call last):
        ...
    push_model.errors.MissingColumnsError: mine.csv: 'abandoned_before', \
'active_snoozed', 'avg_days_to_buy_product_type', 'avg_days_to_buy_variant_id', 'count_adults' \
and 17 more are missing. Rename or add columns.
    """
    start = perf_counter()
    refuse_missing_columns(dataset.rows.columns, TRAINING, source=dataset.name)
    with reading(dataset.name):
        checked = _check(dataset)
    logger.info("Checked %s against the schema in %.1f s.", dataset.name, perf_counter() - start)
    return checked


def write_checked(dataset: Dataset, path: Path, *, facts: Mapping[str, str]) -> int:
    """Write a dataset to a Parquet file if it keeps the schema, and return its number of rows.

    The Parquet file is what is checked: it is read several times faster than a CSV. Only where
    it breaks a rule is the dataset read again, for the row numbers.
    """
    refuse_missing_columns(dataset.rows.columns, TRAINING, source=dataset.name)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        try:
            rows = write_parquet(dataset.rows, aside, facts=facts, source=dataset.name)
        except DatasetError:
            rows = write_parquet(check_schema(dataset).rows, aside, facts=facts)
        if _is_broken(connect().read_parquet(str(aside))):
            check_schema(dataset)
        move_synced(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return rows


def _check(dataset: Dataset) -> Dataset:
    # Only the columns that were loaded are checked.
    loaded = {ROW_NUMBER, *dataset.rows.columns}
    names = [name for name in dataset.original.columns if name in loaded]
    original = dataset.original.select(", ".join(f'"{name}"' for name in names))
    try:
        is_broken = _is_broken(dataset.rows)
    except _UNREADABLE:
        _refuse(original, dataset.name)
        # The value is in a row dated later, which a CSV reader parses before it is left out.
        return Dataset(dataset.name, select_typed(original, dataset.rows.columns), original)
    if is_broken:
        _refuse(original, dataset.name)
        _refuse(number_rows(dataset.rows), dataset.name)
    return dataset


def _is_broken(rows: duckdb.DuckDBPyRelation) -> bool:
    return _breaks_row_rule(rows) or _breaks_order_rule(rows)


def _breaks_row_rule(rows: duckdb.DuckDBPyRelation) -> bool:
    broken = " OR ".join(f"({rule.broken})" for rule in row_rules(_types(rows)))
    return bool(rows.filter(broken).select("1").limit(1).fetchall())


def _breaks_order_rule(rows: duckdb.DuckDBPyRelation) -> bool:
    """Check what an order has one of.

    It groups twice: groups of one row can spill to disk, a set for each order could not.
    """
    facts = _facts_of_order(_types(rows))
    # A pair that is there twice is broken already: any of its days and users will do.
    values = ", ".join(f"any_value({value}) AS {column}" for column, value in facts.items())
    pairs = rows.aggregate(f"order_id, variant_id, count(*) AS n, {values}", "order_id, variant_id")
    differs = " OR ".join(f"min({column}) <> max({column})" for column in facts)
    orders = pairs.aggregate(f"max(n) > 1 OR {differs} AS broken", "order_id")
    return bool(orders.filter("broken").select("1").limit(1).fetchall())


def _facts_of_order(types: Mapping[str, str]) -> dict[str, str]:
    """Return, as SQL, the values that all rows of an order share."""
    facts = {"order_date": day("order_date", types["order_date"])}
    return facts | ({"user_id": user("user_id", types["user_id"])} if "user_id" in types else {})


def _refuse(rows: duckdb.DuckDBPyRelation, source: str) -> None:
    # Row numbers count rows in the file's order, which the fast pass was free to change.
    rows.query("frame", "SET preserve_insertion_order = true")
    if violations := [*_row_violations(rows), *_order_violations(rows)]:
        ways = "1 way" if len(violations) == 1 else f"{len(violations)} ways"
        raise DatasetError(
            f"{source} breaks the schema in {ways}. Fix it; row 1 is the first below the header.\n"
            f"{_as_table(violations)}"
        )


def _row_violations(rows: duckdb.DuckDBPyRelation) -> Iterator[_Violation]:
    rules = row_rules({name: kind for name, kind in _types(rows).items() if name in _KNOWN})
    counted = ", ".join(
        f'count_if({rule.broken}), min("{ROW_NUMBER}", {_FIRST_ROWS}) FILTER (WHERE {rule.broken})'
        for rule in rules
    )
    (found,) = rows.aggregate(counted).fetchall()
    for rule, count, first_rows in zip(rules, found[::2], found[1::2], strict=True):
        if count:
            yield _Violation(rule.column, rule.words, count, first_rows)


def _order_violations(rows: duckdb.DuckDBPyRelation) -> Iterator[_Violation]:
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
            yield _Violation(f"order_id, {column}", words, count, first_rows)


def _as_table(violations: list[_Violation]) -> str:
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
