"""CSV files as programs, editors and people write them."""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tests.training.data.shapes.shape import VENDOR, Shape, same

Rows = Callable[[pd.DataFrame], pd.DataFrame]
_CUT = "DATASET has no line end after its last line: it may be cut short."
_NOT_UTF8 = "DATASET is not in UTF-8. Export it again, in UTF-8."
_NOT_GZIP = "DATASET is cut short, or was never gzip. Deliver it again."
_NO_HEADER = "DATASET names no column of a feature frame in its first line. Begin with the header."


def write_bytes(change: Callable[[bytes], bytes] = bytes, name: str = "frame.csv"):
    """Return how to write a CSV file and change its bytes."""

    def write(rows: pd.DataFrame, folder: Path) -> Path:
        path = folder / name
        path.write_bytes(change(rows.to_csv(index=False).encode()))
        return path

    return write


def write_rows(spell: Rows = same, **options: object):
    """Return how to write a CSV file of rows that are spelt in some way."""

    def write(rows: pd.DataFrame, folder: Path) -> Path:
        spell(rows).to_csv(folder / "frame.csv", **{"index": False, **options})
        return folder / "frame.csv"

    return write


def _lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda text: b"\n".join(change(text.split(b"\n")))


def _in_line(number: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return _lines(lambda lines: [*lines[:number], change(lines[number]), *lines[number + 1 :]])


def _in_rows(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return _lines(lambda lines: [lines[0], *map(change, lines[1:-1]), b""])


def _header(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return _in_line(0, change)


def _vendor(value: str) -> Rows:
    return lambda rows: rows.assign(vendor=rows["vendor"].replace(VENDOR, value))


def _as_text(column: str, change: Callable[[str], str]) -> Rows:
    return lambda rows: rows.assign(**{column: rows[column].map(lambda v: change(repr(float(v))))})


def _two_members(text: bytes) -> bytes:
    middle = len(text) // 2
    return gzip.compress(text[:middle]) + gzip.compress(text[middle:])


_ENDS = [
    Shape("CSV: LF", write_bytes()),
    Shape("CSV: CRLF", write_bytes(lambda text: text.replace(b"\n", b"\r\n"))),
    Shape("CSV: CR alone", write_bytes(lambda text: text.replace(b"\n", b"\r"))),
    Shape("CSV: CRLF after the header alone", write_bytes(_header(lambda line: line + b"\r"))),
    Shape("CSV: CRLF after the last line alone", write_bytes(lambda text: text[:-1] + b"\r\n")),
    Shape("CSV: LF and CRLF", write_bytes(lambda text: text.replace(b"\n", b"\r\n", 30))),
    Shape(
        "CSV: LF, CRLF and CR",
        write_bytes(lambda text: text.replace(b"\n", b"\r\n", 40).replace(b"\r\n", b"\r", 20)),
    ),
    Shape("CSV: a blank last line", write_bytes(lambda text: text + b"\n")),
    Shape("CSV: blank last lines with CRLF", write_bytes(lambda text: text + b"\r\n\r\n")),
    Shape("CSV: blank lines between", write_bytes(lambda text: text.replace(b"\n", b"\n\n"))),
    Shape("CSV: no last line end", write_bytes(lambda text: text[:-1]), refused=_CUT),
    Shape("CSV: cut in a row", write_bytes(lambda text: text[:-30]), refused=_CUT),
    Shape(
        "CSV: cut in a row, then a line end",
        write_bytes(lambda text: text[:-60] + b"\n"),
        refused="values in its last line where its header names 27: it is cut short",
    ),
]
_BYTES = [
    Shape("CSV: byte order mark", write_rows(encoding="utf-8-sig")),
    Shape("CSV: UTF-16", write_rows(encoding="utf-16"), refused=_NOT_UTF8),
    Shape(
        "CSV: UTF-16 without a mark",
        write_rows(lambda rows: rows.assign(vendor="x"), encoding="utf-16-le"),
        refused=_NOT_UTF8,
    ),
    Shape("CSV: Latin-1", write_rows(encoding="latin-1"), refused=_NOT_UTF8),
    Shape("CSV: Windows-1252", write_rows(encoding="cp1252"), refused=_NOT_UTF8),
    Shape(
        "CSV: NUL in a number",
        write_bytes(_in_line(9, lambda line: line[:-3] + b"\0" + line[-3:])),
        refused="std_days_to_buy_product_type must be a number, is text 1 9",
    ),
    Shape(
        "CSV: a block of NUL at its end",
        write_bytes(lambda text: text[:-500] + b"\0" * 500),
        refused=_CUT,
    ),
    Shape("CSV: letters beyond Latin", write_rows(), rows=_vendor("東京 🛒 Ω")),
]
_QUOTES = [
    Shape("CSV: all quoted", write_rows(quoting=csv.QUOTE_ALL)),
    Shape("CSV: all text quoted", write_rows(quoting=csv.QUOTE_NONNUMERIC)),
    Shape("CSV: a line end in quotes", write_rows(), rows=_vendor("one\ntwo")),
    Shape("CSV: CRLF in quotes", write_rows(), rows=_vendor("one\r\ntwo, three")),
    Shape("CSV: a quoted value of quotes", write_rows(), rows=_vendor('""')),
    Shape(
        "CSV: quotes opened and not closed",
        write_bytes(_in_line(5, lambda line: line.replace(b",", b',"', 1))),
        refused="DATASET has quotes in line 6 that are not closed, or not doubled. Fix it.",
    ),
]
_COUNTS = [
    Shape(
        "CSV: a value without end",
        write_bytes(
            _in_line(1, lambda line: line.replace(b",", b',"' + b"0" * 200_000 + b'",', 1))
        ),
        refused="DATASET ends inside quotes: it is cut short. Deliver it again.",
    ),
    Shape(
        "CSV: a comma more in each row",
        write_bytes(_in_rows(lambda line: line + b",")),
        refused="DATASET has 28 values in line 2 where its header names 27. Fix it.",
    ),
    Shape(
        "CSV: a comma more in a middle row",
        write_bytes(_in_line(30, lambda line: line + b",")),
        refused="DATASET has 28 values in line 31 where its header names 27. Fix it.",
    ),
    Shape(
        "CSV: a comma more within a row",
        write_bytes(_in_line(30, lambda line: line.replace(b",", b",,", 1))),
        refused="DATASET has 28 values in line 31 where its header names 27. Fix it.",
    ),
    Shape(
        "CSV: a comma less in a middle row",
        write_bytes(_in_line(30, lambda line: line.replace(b",", b"", 1))),
        refused="DATASET has 26 values in line 31 where its header names 27. Fix it.",
    ),
    Shape(
        "CSV: a comma less in the last row",
        write_bytes(_in_line(64, lambda line: line.replace(b",", b"", 1))),
        refused="DATASET has 26 values in its last line where its header names 27",
    ),
    Shape(
        "CSV: a comma more in header and rows",
        write_bytes(_lines(lambda lines: [line + b"," if line else line for line in lines])),
    ),
    Shape(
        "CSV: a line of a sum at the end",
        write_bytes(lambda text: text + b"64 rows\n"),
        refused="DATASET has 1 values in its last line where its header names 27",
    ),
    Shape(
        "CSV: a comment before the header",
        write_bytes(lambda text: b"# made by shop\n" + text),
        refused=_NO_HEADER,
    ),
]
_DIALECTS = [
    Shape("CSV: semicolons", write_rows(sep=";"), refused="separates its columns with semicolons"),
    Shape(
        "CSV: semicolons, decimal commas",
        write_rows(sep=";", decimal=","),
        refused="DATASET separates its columns with semicolons. Write commas between them, and "
        "decimal points in numbers.",
    ),
    Shape("CSV: tabs", write_rows(sep="\t"), refused="DATASET separates its columns with tabs."),
    Shape("CSV: bars", write_rows(sep="|"), refused="separates its columns with vertical bars."),
    Shape(
        "CSV: a line sep=,",
        write_bytes(lambda text: b"sep=,\n" + text),
        refused="DATASET begins with a line 'sep=', which only Excel reads.",
    ),
    Shape(
        "CSV: a line sep=; and semicolons",
        write_bytes(lambda text: b"sep=;\n" + text.replace(b",", b";")),
        refused="DATASET begins with a line 'sep=', which only Excel reads.",
    ),
    Shape(
        "CSV: decimal commas in quotes",
        write_rows(_as_text("normalised_price", lambda text: text.replace(".", ","))),
        refused="normalised_price must be a number, is text 64",
    ),
    Shape(
        "CSV: thousands separated",
        write_rows(_as_text("days_since_purchase_variant_id", lambda _: "1,234")),
        refused="days_since_purchase_variant_id must be a number, is text 64",
    ),
    Shape(
        "CSV: spaces after commas",
        write_bytes(lambda text: text.replace(b",", b", ")),
        refused="DATASET: 'abandoned_before', ",
    ),
    Shape(
        "CSV: spaces around numbers",
        write_rows(_as_text("normalised_price", lambda text: f" {text} ")),
    ),
    Shape("CSV: scientific notation", write_rows(float_format="%.17e")),
]
_HEADERS = [
    Shape(
        "CSV: a column there twice",
        write_bytes(_header(lambda line: line.replace(b"vendor", b"outcome"))),
        refused="DATASET names column(s) 'outcome' twice, capital letters aside. Rename or drop "
        "one.",
    ),
    Shape(
        "CSV: names in capitals",
        write_bytes(_header(bytes.upper)),
        refused="DATASET: 'abandoned_before', ",
    ),
    Shape(
        "CSV: a column in both cases",
        write_rows(lambda rows: rows.assign(OUTCOME=0.5, Order_Id=1)),
        refused="DATASET names column(s) 'OUTCOME', 'Order_Id', 'order_id', 'outcome' twice, "
        "capital letters aside. Rename or drop one.",
    ),
    Shape("CSV: no header", write_rows(header=False), refused=_NO_HEADER),
    Shape(
        "CSV: a header alone",
        write_rows(lambda rows: rows.head(0)),
        refused="DATASET has a header but no rows. Export it again.",
    ),
    Shape("CSV: empty", write_bytes(lambda _: b""), refused="DATASET is empty."),
    Shape("CSV: line ends alone", write_bytes(lambda _: b"\n\n"), refused="DATASET is empty."),
    Shape("CSV: a mark alone", write_bytes(lambda _: b"\xef\xbb\xbf"), refused=_CUT),
    Shape(
        "CSV: a page of HTML",
        write_bytes(lambda _: b"<html>\n<p>\n</html>\n"),
        refused=_NO_HEADER,
    ),
    Shape("CSV: an index", write_rows(index=True)),
    Shape("CSV: a named index", write_rows(index=True, index_label="index")),
    Shape("CSV: other columns", write_rows(lambda rows: rows.assign(note="a, b", n=2))),
    Shape(
        "CSV: two columns without a name",
        write_rows(lambda rows: rows.assign(**{"": 1}), index=True),
    ),
    Shape("CSV: columns in another order", write_rows(lambda rows: rows[rows.columns[::-1]])),
    Shape("CSV: rows in another order", write_rows(lambda rows: rows[::-1])),
    Shape(
        "CSV: names in quotes",
        write_bytes(_header(lambda line: b'"' + line.replace(b",", b'","') + b'"')),
    ),
]
_NAMES = [
    Shape("CSV: .CSV", write_bytes(name="FRAME.CSV")),
    Shape("CSV: .csv.gz", write_bytes(gzip.compress, "frame.csv.gz")),
    Shape("CSV: .CSV.GZ", write_bytes(gzip.compress, "FRAME.CSV.GZ")),
    Shape("CSV: gzip in two members", write_bytes(_two_members, "frame.csv.gz")),
    Shape(
        "CSV: gzip of CR lines",
        write_bytes(lambda text: gzip.compress(text.replace(b"\n", b"\r")), "frame.csv.gz"),
    ),
    Shape(
        "CSV: gzip cut short",
        write_bytes(lambda text: gzip.compress(text)[:-9], "frame.csv.gz"),
        refused=_NOT_GZIP,
    ),
    Shape(
        "CSV: gzip cut between members",
        write_bytes(lambda text: _two_members(text)[:-40], "frame.csv.gz"),
        refused=_NOT_GZIP,
    ),
    Shape("CSV: gzip by name alone", write_bytes(name="frame.csv.gz"), refused=_NOT_GZIP),
    Shape("CSV: gzip not by name", write_bytes(gzip.compress), refused=_NOT_UTF8),
    Shape(
        "CSV: Parquet by name",
        write_bytes(name="frame.parquet"),
        refused="DATASET is not Parquet. Export it again.",
    ),
    Shape(
        "CSV: a name of Excel",
        write_bytes(name="frame.xlsx"),
        refused="DATASET cannot be read. Give a .csv, .csv.gz, .parquet or .pq file",
    ),
]

SHAPES = [*_ENDS, *_BYTES, *_QUOTES, *_COUNTS, *_DIALECTS, *_HEADERS, *_NAMES]
