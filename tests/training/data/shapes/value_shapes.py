"""Days, ids and missing values as programs and countries spell them, in CSV and in Parquet."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from push_model.columns import FEATURES
from tests.training.data.shapes.csv_shapes import write_rows
from tests.training.data.shapes.folder_shapes import partitioned
from tests.training.data.shapes.parquet_shapes import with_column, write_table
from tests.training.data.shapes.shape import Shape, same

Rows = Callable[[pd.DataFrame], pd.DataFrame]
_NOT_A_DAY = "order_date must be a day, yyyy-mm-dd 64"
_TOO_EARLY = "order_date must be a day from 2000 on 64"
_NOT_EXACT = "must be exact: an integer of 64 bits, not a rounded float"


def _in_both(
    name: str, spell: Rows = same, rows: Rows = same, refused: str = ""
) -> Iterator[Shape]:
    """Yield a shape for CSV and for Parquet; `spell` writes columns as text."""

    def write(given: pd.DataFrame, folder: Path) -> Path:
        return write_table()(spell(given), folder)

    yield Shape(f"{name}, CSV", write_rows(spell), rows, refused)
    yield Shape(f"{name}, Parquet", write, rows, refused)


def _days(spelling: str, column: str = "order_date") -> Rows:
    return lambda rows: rows.assign(**{column: rows[column].dt.strftime(spelling)})


def _days_in_turn(spellings: list[str]) -> Rows:
    """Return how to spell the days of each order in another way."""

    def spell(rows: pd.DataFrame) -> pd.DataFrame:
        turns = pd.factorize(rows["order_id"])[0] % len(spellings)
        spelt = [
            day.strftime(spellings[n]) for day, n in zip(rows["order_date"], turns, strict=True)
        ]
        return rows.assign(order_date=spelt)

    return spell


def _more_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Repeat the rows as other orders: 32 orders in all."""
    return pd.concat([rows.assign(order_id=rows["order_id"] + 100 * n) for n in range(4)])


def _in_turn(column: str, words: list[str]) -> Rows:
    return lambda rows: rows.assign(**{column: (words * len(rows))[: len(rows)]})


def _moments(hour: str) -> Rows:
    return lambda rows: rows.assign(order_date=rows["order_date"] + pd.Timedelta(hour))


def _set(**values: object) -> Rows:
    return lambda rows: rows.assign(**values)


def _add(name: str, number: int) -> Rows:
    return lambda rows: rows.assign(**{name: rows[name] + number})


def _as(name: str, kind: object) -> Rows:
    return lambda rows: rows.assign(**{name: rows[name].astype(kind)})


def _users(name: Callable[[int], object]) -> Rows:
    return lambda rows: rows.assign(user_id=[name(user) for user in rows["user_id"]])


def _missing_features(word: object) -> Rows:
    def spell(rows: pd.DataFrame) -> pd.DataFrame:
        texts = rows[list(FEATURES)].astype(object)
        return rows.assign(**texts.where(texts.notna(), word).astype(str))

    return spell


def _later(rows: pd.DataFrame) -> pd.DataFrame:
    """Add rows dated after the run date, with values that no row may have."""
    later = rows.assign(order_date=pd.Timestamp("2021-03-03"), order_id=1, discount_pct=999.0)
    return pd.concat([rows, later])


def _some_missing(column: str) -> Rows:
    return lambda rows: rows.assign(**{column: rows[column].where(rows["order_id"] % 2 == 0)})


def _text_of_user(user: int) -> str:
    kinds = (
        *(f"7f0e2a52-93ab-4c4e-8f6b-{user:012x}", f"{user:064x}", f"9{user:025}", f"00{user}"),
        *(f"+{user}", f'{user}, "x"', f" {user}", f"{user}é", str(user)),
    )
    return kinds[user % len(kinds)]


_SPELT_DAYS = {
    "yyyy-mm-dd": "%Y-%m-%d",
    "yyyy-m-d": "%Y-%-m-%-d",
    "yyyy/mm/dd": "%Y/%m/%d",
    "with midnight": "%Y-%m-%d 00:00:00",
    "with an hour": "%Y-%m-%d 12",
    "with a time": "%Y-%m-%d 23:59:59",
    "with hour and minute": "%Y-%m-%d 23:59",
    "with T": "%Y-%m-%dT23:59:59",
    "with T and Z": "%Y-%m-%dT23:59:59Z",
    "with a space and Z": "%Y-%m-%d 23:59:59Z",
    "with UTC": "%Y-%m-%d 23:59:59 UTC",
    "with fractions": "%Y-%m-%d 23:59:59.999999",
    "with nine fractions and Z": "%Y-%m-%dT23:59:59.999999999Z",
    "with milliseconds and Z": "%Y-%m-%dT23:59:59.999Z",
    "with an offset of 0": "%Y-%m-%d 23:59:59+00:00",
    "with an offset east": "%Y-%m-%d 23:59:59+01:00",
    "with an offset of hours": "%Y-%m-%d 12:00:00+09",
    "with an offset without a colon": "%Y-%m-%dT12:00:00+0530",
}
_NO_DAYS = {
    "day first with dots": "%d.%m.%Y",
    "day first with slashes": "%d/%m/%Y",
    "day first with dashes": "%d-%m-%Y",
    "month first": "%m/%d/%Y",
    "two digits of the year": "%y-%m-%d",
    "yyyymmdd": "%Y%m%d",
    "in words": "%d %B %Y",
    "seconds since 1970": "1602000000",
    "milliseconds since 1970": "1602000000000",
    "days since 1970": "18540",
    "a number of Excel": "44109",
    "yyyy-dd-mm": "%Y-13-%d",
    "month alone": "%Y-%m",
    "with a name of a zone": "%Y-%m-%d 12:00:00 Europe/Berlin",
    "with another word behind": "%Y-%m-%d 12:00:00 pm",
    "30th of February": "2021-02-30",
    "two digits of the year and spaces": "%y-%m-%d  ",
    "with spaces between": "%Y %m %d",
    "with backslashes": "%Y\\%m\\%d",
    "with spaces between and a time": "%Y %m %d 12:00:00",
}
_DAYS = [
    *_in_both("days: each spelling", _days_in_turn([*_SPELT_DAYS.values()]), _more_rows),
    *_in_both(
        "days: no spelling of ours",
        _days_in_turn([*_NO_DAYS.values()]),
        _more_rows,
        refused="order_date must be a day, yyyy-mm-dd",
    ),
    *(
        shape
        for words, spelling in _SPELT_DAYS.items()
        for shape in _in_both(f"days: {words}", _days(spelling))
    ),
    *(
        shape
        for words, spelling in _NO_DAYS.items()
        for shape in _in_both(f"days: {words}", _days(spelling), refused=_NOT_A_DAY)
    ),
    *_in_both(
        "days: moments of the day before in UTC",
        lambda rows: _days("%Y-%m-%d 00:30:00+02:00")(_moments("24h")(rows)),
    ),
    *_in_both("days: moments of pandas", rows=_moments("23h 59min 59.5s")),
    *_in_both(
        "days: moments with a zone",
        lambda rows: rows.assign(
            order_date=rows["order_date"].dt.tz_localize("UTC").dt.tz_convert("America/Los_Angeles")
        ),
        _moments("3h"),
    ),
    *_in_both(
        "days: some missing", _some_missing("order_date"), refused="order_date must be given 40"
    ),
    *_in_both(
        "days: empty text",
        lambda rows: _days("%Y-%m-%d")(rows).assign(order_date=""),
        refused="order_date must be given 64",
    ),
    *_in_both("days: moments of orders that are not moments", _set(created_at="soon")),
    *(
        shape
        for day in ("0021-03-02", "-2021-3-02", "1970-01-01", "1999-12-31 23:59:59")
        for shape in _in_both(
            f"days: {day}", _set(order_date=day), refused="order_date must be a day"
        )
    ),
    Shape(
        "days: before 2000, Parquet",
        write_table(with_column("order_date", [date(1970, 1, 1)])),
        refused=_TOO_EARLY,
    ),
    *_in_both("days: rows dated later", _later),
    *_in_both(
        "days: all rows dated later",
        lambda rows: rows.assign(order_date=pd.Timestamp("2021-03-03")),
        refused="No orders on or before 2021-03-02 in DATASET.",
    ),
    *_in_both(
        "days: two of one order",
        lambda rows: rows.assign(
            order_date=rows["order_date"].where(
                rows["variant_id"] > rows["variant_id"].min(), pd.Timestamp("2020-12-01")
            )
        ),
        refused="order_id, order_date must be one day an order 8",
    ),
]
_KEYS = [
    *_in_both("keys: beyond 2^53", rows=_add("order_id", 2**53 + 1)),
    *_in_both(
        "keys: up to 2^63-1",
        rows=lambda rows: rows.assign(
            order_id=2**63 - 1 - (rows["order_id"] - rows["order_id"].min())
        ),
    ),
    *_in_both("keys: negative", rows=lambda rows: rows.assign(order_id=-rows["order_id"])),
    *_in_both(
        "keys: beyond 2^63",
        lambda rows: rows.assign(order_id=rows["order_id"].astype("uint64") + np.uint64(2**63)),
        refused=f"order_id {_NOT_EXACT} 64",
    ),
    *_in_both("keys: with a fraction of 0", _as("order_id", float)),
    *_in_both(
        "keys: text with a fraction of 0",
        lambda rows: rows.assign(order_id=rows["order_id"].astype(str) + ".0"),
    ),
    *_in_both(
        "keys: fractions",
        lambda rows: rows.assign(variant_id=rows["variant_id"] + 0.5),
        refused="variant_id must be a whole number 64",
    ),
    *_in_both(
        "keys: rounded floats",
        lambda rows: rows.assign(order_id=(rows["order_id"] + 2.0**60)),
        refused=f"order_id {_NOT_EXACT} 64",
    ),
    *_in_both(
        "keys: leading zeros",
        lambda rows: rows.assign(order_id="00" + rows["order_id"].astype(str)),
    ),
    *_in_both(
        "keys: words",
        lambda rows: rows.assign(order_id="order-" + rows["order_id"].astype(str)),
        refused="order_id must be a number, is text 64",
    ),
    *_in_both(
        "keys: with exponents",
        lambda rows: rows.assign(order_id=rows["order_id"].map("{:.5E}".format)),
        refused=f"order_id {_NOT_EXACT} 64",
    ),
    *_in_both(
        "keys: with underscores",
        lambda rows: rows.assign(order_id=rows["order_id"].map("{:_}".format)),
        refused="order_id must be a number, is text 64",
    ),
    *(
        Shape(
            f"keys: rounded floats of single precision, {name}",
            write_table(with_column(name, [2.0**24], pa.float32())),
            refused=f"{name} {_NOT_EXACT} 64",
        )
        for name in ("order_id", "variant_id", "user_id")
    ),
    *_in_both("keys: some missing", _some_missing("order_id"), refused="order_id must be given 40"),
    *_in_both(
        "keys: a row twice",
        lambda rows: pd.concat([rows, rows[:3]]),
        refused="order_id, variant_id must be there once 3 65, 66, 67",
    ),
]
_USERS = [
    *_in_both("users: each kind of text", rows=_users(_text_of_user)),
    *_in_both("users: UUIDs", rows=_users(lambda user: f"7f0e2a52-93ab-4c4e-8f6b-{user:012x}")),
    *_in_both("users: hashes", rows=_users(lambda user: f"{user:064x}")),
    *_in_both("users: digits beyond 2^63", rows=_users(lambda user: f"9{user:025}")),
    *_in_both("users: words with commas and quotes", rows=_users(lambda user: f'{user}, "x"')),
    *_in_both("users: leading zeros", rows=_users(lambda user: f"00{user}")),
    *_in_both("users: digits as text", _as("user_id", str)),
    *_in_both("users: a sign before", rows=_users(lambda user: f"+{user}")),
    *_in_both("users: some words", rows=_users(lambda user: str(user) if user % 2 else f"u{user}")),
    *_in_both("users: beyond 2^53", rows=_add("user_id", 2**53 + 1)),
    *_in_both("users: negative", rows=lambda rows: rows.assign(user_id=-rows["user_id"])),
    *_in_both("users: with a fraction of 0", _as("user_id", float)),
    *_in_both(
        "users: all missing", rows=lambda rows: rows.assign(user_id=pd.array([None] * 64, "Int64"))
    ),
    *_in_both(
        "users: some missing",
        rows=lambda rows: _some_missing("user_id")(rows.astype({"user_id": "Int64"})),
    ),
    *_in_both(
        "users: some missing, as floats of pandas",
        _as("user_id", float),
        lambda rows: _some_missing("user_id")(rows.astype({"user_id": "Int64"})),
    ),
    *(
        shape
        for word in ("NaN", "nan")
        for shape in _in_both(
            f"users: {word!r}",
            _set(user_id=word),
            lambda rows: rows.assign(user_id=pd.array([None] * 64, "Int64")),
        )
    ),
    *(
        shape
        for word in ("None", "NULL", "null", "<NA>", "NA", " ", "NAN")
        for shape in _in_both(
            f"users: {word!r}",
            _set(user_id=word),
            refused="user_id must be empty where it is missing 64",
        )
    ),
    *_in_both(
        "users: with exponents", _set(user_id="2.80018E+12"), refused=f"user_id {_NOT_EXACT} 64"
    ),
    *_in_both("users: digits and one letter", rows=_users(lambda user: f"{user}e12")),
    *_in_both(
        "users: missing in some rows of an order",
        lambda rows: rows.assign(
            user_id=rows["user_id"]
            .astype("Int64")
            .where(rows["variant_id"] > rows["variant_id"].min())
        ),
        refused="order_id, user_id must be one user an order 8",
    ),
    *_in_both(
        "users: two of one order",
        lambda rows: rows.assign(
            user_id=rows["user_id"].where(rows["variant_id"] > rows["variant_id"].min(), 7)
        ),
        refused="order_id, user_id must be one user an order 8",
    ),
    Shape(
        "users: beyond 2^63 of a whole type, Parquet",
        write_table(with_column("user_id", [2**63 + 1], pa.uint64())),
        _set(user_id=str(2**63 + 1)),
    ),
    Shape(
        "users: of 128 bits, Parquet",
        write_table(with_column("user_id", [b"\x7f" + b"\x01" * 15], pa.uuid())),
        _set(user_id="7f010101-0101-0101-0101-010101010101"),
    ),
    Shape(
        "users: rounded floats, Parquet",
        write_table(with_column("user_id", [2.0**60])),
        refused=f"user_id {_NOT_EXACT} 64",
    ),
    Shape(
        "users: leading zeros in folders' names",
        partitioned("user_id", lambda user: f"user_id={user}"),
        _users(lambda user: f"007{user}"),
    ),
]
_WORDS = ["NULL", "null", "None", "NA", "N/A", "<NA>", "\\N", "-", "?", " ", "#N/A"]
_MISSING = [
    *_in_both(
        "missing: each word",
        _in_turn("discount_pct", ["", "NaN", "nan", "NAN", "-nan"]),
        _set(discount_pct=None),
    ),
    *_in_both(
        "missing: no word of ours",
        _in_turn("discount_pct", _WORDS),
        refused="discount_pct must be a number, is text 64",
    ),
    *(
        shape
        for word in ("", "NaN", "nan", "NAN", "-nan")
        for shape in _in_both(f"missing: {word!r}", _missing_features(word))
    ),
    *(
        shape
        for word in _WORDS
        for shape in _in_both(
            f"missing: {word!r}",
            _missing_features(word),
            refused="discount_pct must be a number, is text 10",
        )
    ),
    *_in_both("missing: 'inf'", _missing_features("inf"), refused="discount_pct must be finite 10"),
    *_in_both(
        "missing: in each row", rows=lambda rows: rows.assign(discount_pct=None, count_pets=np.nan)
    ),
]
_NUMBERS = [
    *_in_both(
        "flags: words",
        lambda rows: rows.assign(outcome=(rows["outcome"] == 1).map(str)),
        refused="outcome must be a number, is text 64",
    ),
    *_in_both("flags: 2", _set(outcome=2), refused="outcome must be 0 or 1 64"),
    *_in_both(
        "numbers: scientific",
        lambda rows: rows.assign(
            normalised_price=rows["normalised_price"].map(lambda price: f"{price:.17e}")
        ),
    ),
    *_in_both(
        "numbers: signs and points alone",
        _set(discount_pct="+.5", count_pets="3."),
        _set(discount_pct=0.5, count_pets=3.0),
    ),
    *_in_both(
        "numbers: in per cent",
        _set(discount_pct="50%"),
        refused="discount_pct must be a number, is text 64",
    ),
    *_in_both(
        "numbers: with a currency",
        _set(normalised_price="£0.50"),
        refused="normalised_price must be a number, is text 64",
    ),
    *_in_both(
        "numbers: hexadecimal",
        _set(count_pets="0x10"),
        refused="count_pets must be a number, is text 64",
    ),
    *_in_both(
        "numbers: with underscores",
        _set(days_since_purchase_variant_id="1_0"),
        refused="days_since_purchase_variant_id must be a number, is text 64",
    ),
    *_in_both(
        "numbers: with a space for thousands",
        _set(days_since_purchase_variant_id="1 000"),
        refused="days_since_purchase_variant_id must be a number, is text 64",
    ),
    *_in_both(
        "numbers: fractions of days",
        _set(count_adults=1.5, user_order_seq=2.5),
        refused="user_order_seq must be a whole number 64",
    ),
    *_in_both(
        "numbers: beyond their limits",
        _set(global_popularity=1.5, days_since_purchase_variant_id=-1),
        refused="days_since_purchase_variant_id must be >= 0 64",
    ),
    *_in_both(
        "numbers: beyond a double",
        _set(normalised_price="1e999"),
        refused="normalised_price must be",
    ),
    *_in_both("text: numbers", rows=_set(vendor="7", product_type="0012")),
    *_in_both(
        "text: words of missing",
        _set(vendor="NULL", product_type="NaN"),
        _set(vendor="NULL", product_type=None),
    ),
    *_in_both("text: two lines", rows=_set(vendor="a\nb", product_type="c\r\nd")),
    *_in_both("text: spaces around", rows=_set(vendor=" a ", product_type="\tb")),
    *_in_both("text: empty", _set(vendor=""), _set(vendor=None)),
    *_in_both(
        "history: of its own",
        rows=_set(
            earlier_orders=3,
            orders_with_variant=1,
            orders_since_variant=2,
            orders_with_vendor=1,
            orders_since_vendor=2,
        ),
    ),
    *_in_both("history: broken", _set(earlier_orders=-3), refused="earlier_orders must be >= 0 64"),
]
SHAPES = [*_DAYS, *_KEYS, *_USERS, *_MISSING, *_NUMBERS]
