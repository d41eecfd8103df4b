"""Folders of Parquet parts as Spark, Hive, Flink and others leave them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.training.data.shapes.csv_shapes import write_bytes
from tests.training.data.shapes.parquet_shapes import (
    NUMBERS,
    Change,
    cast,
    coded,
    to_table,
    with_column,
    write_table,
)
from tests.training.data.shapes.shape import Shape, same

Write = Callable[[pd.DataFrame, Path], Path]
_STAGED = "DATASET is still being written: it holds "
_TWO = ("part-0.parquet", "part-1.parquet")


def parts(*names: str, changes: Sequence[Change] = (), beside: Callable[[Path], object] = same):
    """Return how to write rows as parts of a folder; `changes` are of the first parts."""

    def write(rows: pd.DataFrame, folder: Path) -> Path:
        table, root = to_table(rows), folder / "frame"
        size = -(-table.num_rows // len(names))
        for number, name in enumerate(names):
            change = changes[number] if number < len(changes) else same
            _write(change(table.slice(number * size, size)), root / name)
        beside(root)
        return root

    return write


def partitioned(name: str, spell: Callable[[object], str], part: str = "part-0.parquet"):
    """Return how to write a folder for each value of a column, which the files then lack."""

    def write(rows: pd.DataFrame, folder: Path) -> Path:
        for value, some in rows.groupby(name, dropna=False, sort=False):
            _write(to_table(some.drop(columns=name)), folder / "frame" / spell(value) / part)
        return folder / "frame"

    return write


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def _leave(*names: str, content: bytes = b"not data"):
    """Return how to leave files and, where a name ends in /, folders beside the parts."""

    def leave(root: Path) -> None:
        for name in names:
            path = root / name
            if name.endswith("/"):
                path.mkdir(parents=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    return leave


def _leave_rows(*names: str):
    """Return how to leave rows of another day beside the parts: they must not be read."""

    def leave(root: Path) -> None:
        table = pq.ParquetFile(next(root.rglob("*.parquet"))).read()
        for name in names:
            _write(with_column("order_id", range(table.num_rows))(table), root / name)

    return leave


def _inside(name: str, rows: pd.DataFrame, folder: Path) -> Path:
    _leave(name)(folder)
    return parts("outcome=1/a.parquet")(rows, folder) / "outcome=1"


def _empty_part(root: Path) -> None:
    _write(pq.ParquetFile(root / "part-0.parquet").read().slice(0, 0), root / "part-2.parquet")


def _drop(*names: str) -> Change:
    return lambda table: table.drop_columns(list(names))


def _day(value: pd.Timestamp) -> str:
    return f"order_date={value:%Y-%m-%d}"


def _halves(change: Callable[[pd.DataFrame], pd.DataFrame]):
    def both(rows: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([change(rows[:32]), rows[32:]])

    return both


def _round(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(discount_pct=0.0)


def _single(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: rows[name].astype("float32").astype(float) for name in NUMBERS})


def _text_users(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(user_id="u-" + rows["user_id"].astype(str))


def _link_part(root: Path) -> None:
    (root / "part-1.parquet").rename(root.parent / "elsewhere.parquet")
    (root / "part-1.parquet").symlink_to(root.parent / "elsewhere.parquet")


def _link_folder(root: Path) -> None:
    (root / "b").rename(root.parent / "elsewhere")
    (root / "b").symlink_to(root.parent / "elsewhere")


def _to_link(write: Write) -> Write:
    def linked(rows: pd.DataFrame, folder: Path) -> Path:
        path = write(rows, folder)
        link = folder / f"link-{path.name}"
        link.symlink_to(path)
        return link

    return linked


_PARTS = [
    Shape("folder: one part", parts("part-0.parquet")),
    Shape("folder: two parts", parts(*_TWO)),
    Shape("folder: parts written in another order", parts("z.parquet", "b.PARQUET", "a.pq")),
    Shape("folder: nested", parts("a/part-0.parquet", "a/b/part-0.parquet", "c/part-0.parquet")),
    Shape("folder: as many parts as rows", parts(*(f"{row:03}.parquet" for row in range(64)))),
    Shape("folder: an empty part", parts(*_TWO, beside=_empty_part)),
    Shape(
        "folder: called frame.csv",
        lambda rows, folder: parts(*_TWO)(rows, folder).rename(folder / "frame.csv"),
    ),
    Shape(
        "folder: called frame.parquet",
        lambda rows, folder: parts(*_TWO)(rows, folder).rename(folder / "frame.parquet"),
    ),
    Shape(
        "folder: of one day by its name",
        lambda rows, folder: parts(*_TWO)(rows, folder).rename(folder / "order_date=2021-03-02"),
    ),
]
_PARTITIONS = [
    Shape("partitions: day", partitioned("order_date", _day)),
    Shape(
        "partitions: day, percent-encoded",
        partitioned("order_date", lambda value: f"order_date={value:%Y-%m-%d} 00%3A00%3A00"),
    ),
    Shape(
        "partitions: day below another folder",
        partitioned("order_date", lambda value: f"year=2020/x/{_day(value)}"),
    ),
    Shape(
        "partitions: vendor, percent-encoded",
        partitioned(
            "vendor",
            lambda value: (
                "vendor="
                + (
                    quote(value, safe="")
                    if isinstance(value, str)
                    else "__HIVE_DEFAULT_PARTITION__"
                )
            ),
        ),
    ),
    Shape("partitions: user", partitioned("user_id", lambda value: f"user_id={value}")),
    Shape("partitions: order", partitioned("order_id", lambda value: f"order_id={value}")),
    Shape("partitions: outcome", partitioned("outcome", lambda value: f"outcome={value:g}")),
    Shape(
        "partitions: discount, some missing",
        partitioned(
            "discount_pct",
            lambda value: (
                f"discount_pct={value}"
                if pd.notna(value)
                else "discount_pct=__HIVE_DEFAULT_PARTITION__"
            ),
        ),
    ),
    Shape(
        "partitions: day, missing",
        partitioned("order_date", lambda _: "order_date=__HIVE_DEFAULT_PARTITION__"),
        refused="order_date must be given 16",
    ),
    Shape(
        "partitions: day without a year",
        partitioned("order_date", lambda value: f"order_date={value:%m-%d}"),
        refused="order_date must be a day, yyyy-mm-dd 64",
    ),
    Shape(
        "partitions: yyyy/mm/dd",
        partitioned("order_date", lambda value: f"{value:%Y/%m/%d}"),
        refused="DATASET: 'order_date' is missing.",
    ),
    Shape(
        "partitions: another day than the rows'",
        parts("order_date=2021-03-02/a.parquet", "user_order_seq=1/b.parquet"),
    ),
    Shape(
        "partitions: of columns that are not ours",
        parts("region=eu/a.parquet", "region=us/b.parquet"),
    ),
    Shape(
        "partitions: a part outside",
        parts(
            "order_date=2020-10-05/a.parquet",
            "b.parquet",
            changes=[_drop("order_date"), _drop("order_date")],
        ),
        refused="DATASET: 'order_date' is missing. Rename or add columns.",
    ),
    Shape(
        "partitions: a part with the day in its file",
        parts(
            "order_date=2020-10-05/a.parquet",
            "order_date=2020-10-06/b.parquet",
            changes=[_drop("order_date")],
        ),
        refused="DATASET: the part order_date=2020-10-05/a.parquet lacks 'order_date', which other",
    ),
]
_UNEVEN = [
    Shape(
        "parts: whole numbers first",
        parts(*_TWO, changes=[cast(["discount_pct"], pa.int64())]),
        _halves(_round),
    ),
    Shape(
        "parts: no number first",
        parts(*_TWO, changes=[with_column("discount_pct", [None], pa.int32())]),
        _halves(lambda rows: rows.assign(discount_pct=None)),
    ),
    Shape(
        "parts: nothing of no type first",
        parts(*_TWO, changes=[with_column("discount_pct", [None], pa.null())]),
        _halves(lambda rows: rows.assign(discount_pct=None)),
    ),
    Shape(
        "parts: single precision first",
        parts(*_TWO, changes=[cast(NUMBERS, pa.float32())]),
        _halves(_single),
    ),
    Shape("parts: numbers as text first", parts(*_TWO, changes=[cast(NUMBERS, pa.string())])),
    Shape("parts: days, then moments", parts(*_TWO, changes=[cast(["order_date"], pa.date32())])),
    Shape(
        "parts: moments of three zones",
        parts(
            "a.parquet",
            "b.parquet",
            "c.parquet",
            changes=[
                cast(["order_date"], pa.timestamp("us", "UTC")),
                cast(["order_date"], pa.timestamp("ms", "Asia/Tokyo")),
            ],
        ),
    ),
    Shape("parts: days as text first", parts(*_TWO, changes=[cast(["order_date"], pa.string())])),
    Shape(
        "parts: keys as text, then whole",
        parts(*_TWO, changes=[cast(["order_id", "user_id"], pa.string())]),
    ),
    Shape(
        "parts: keys of three types",
        parts(
            "a.parquet",
            "b.parquet",
            "c.parquet",
            changes=[cast(["order_id"], pa.float64()), cast(["order_id"], pa.uint64())],
        ),
    ),
    Shape("parts: coded text first", parts(*_TWO, changes=[coded(["vendor", "product_type"])])),
    Shape("parts: flags first", parts(*_TWO, changes=[cast(["outcome"], pa.bool_())])),
    Shape(
        "parts: users of text, then whole",
        parts(*_TWO, changes=[with_column("user_id", ["u-1"])]),
        lambda rows: pd.concat([
            rows[:32].assign(user_id="u-1"),
            rows[32:].assign(user_id=rows["user_id"].astype(str)),
        ]).assign(order_id=range(64)),
    ),
    Shape(
        "parts: columns in another order",
        parts(*_TWO, changes=[lambda table: table.select(table.column_names[::-1])]),
    ),
    Shape("parts: one has a column more", parts(*_TWO, changes=[with_column("note", ["x"])])),
    Shape(
        "parts: one lacks a column",
        parts(*_TWO, changes=[_drop("count_pets")]),
        refused="DATASET: the part part-0.parquet lacks 'count_pets', which other parts have.",
    ),
    Shape(
        "parts: one of other rows",
        parts(*_TWO, changes=[with_column("discount_pct", ["dear"])]),
        refused="discount_pct must be a number, is text 32 part-0.parquet:1, part-0.parquet:2",
    ),
    Shape(
        "parts: the second of other rows",
        parts(*_TWO, changes=[same, with_column("outcome", [2])]),
        refused="outcome must be 0 or 1 32 part-1.parquet:1, part-1.parquet:2",
    ),
]
_BESIDE = [
    Shape(
        "beside: _SUCCESS, check sums and a note",
        parts(
            *_TWO,
            beside=_leave(
                "_SUCCESS",
                ".part-0.parquet.crc",
                "._SUCCESS.crc",
                "README.txt",
                "manifest.json",
                "notes.md",
                "_committed_1",
                "_started_1",
            ),
        ),
    ),
    Shape(
        "beside: rows of hidden files",
        parts(
            *_TWO,
            beside=_leave_rows(
                ".part-2.parquet",
                "._part-0.parquet",
                "_metadata",
                "_common_metadata",
                "_part-2.parquet",
            ),
        ),
    ),
    Shape(
        "beside: rows of hidden folders",
        parts(
            *_TWO,
            beside=_leave_rows(
                ".ipynb_checkpoints/part-0.parquet",
                "__MACOSX/part-0.parquet",
                ".trash/part-0.parquet",
            ),
        ),
    ),
    *(
        Shape(
            f"staging: {name}",
            parts(*_TWO, beside=_leave_rows(name)),
            refused=_STAGED + name.partition("/")[0],
        )
        for name in (
            *("_temporary/0/part-2.parquet", ".spark-staging-9f/part-2.parquet"),
            *(".hive-staging_hive_2021/part-2.parquet", "part-2.parquet._COPYING_"),
            *(".part-2.parquet.inprogress.4f", "part-2.parquet.inprogress", "part-2.parquet.tmp"),
            *(
                "_tmp.part-2.parquet",
                "part-2.parquet.filepart",
                "part-2.parquet.partial",
                "part-2.parquet.part",
            ),
            *(".part-2.parquet.Ab12Cd", "part-2.parquet_.gstmp", "_started_2"),
            *("tmp/part-2.parquet", "Temp/part-2.parquet", "staging/part-2.parquet"),
        )
    ),
    Shape(
        "table: Delta",
        parts(*_TWO, beside=_leave("_delta_log/0.json")),
        refused="DATASET is a Delta table",
    ),
    Shape(
        "table: Hudi",
        parts(*_TWO, beside=_leave(".hoodie/hoodie.properties")),
        refused="DATASET is a Hudi table",
    ),
    Shape(
        "table: Iceberg",
        parts("data/a.parquet", beside=_leave("metadata/v1.metadata.json")),
        refused="DATASET is an Iceberg table",
    ),
    Shape(
        "beside: a CSV",
        parts(*_TWO, beside=_leave("more.csv")),
        refused="DATASET holds more.csv. A folder must hold Parquet parts alone.",
    ),
    *(
        Shape(
            f"beside: {name}",
            parts(*_TWO, beside=_leave_rows(name)),
            refused=f"DATASET holds {name}, which is not a Parquet part by its name.",
        )
        for name in ("part-2", "part-2.parquet.gz", "part-2.tsv", "part-2.txt", "manifest.zip")
    ),
    Shape(
        "beside: a CSV in bzip2",
        parts(*_TWO, beside=_leave("more.csv.bz2")),
        refused="DATASET holds more.csv.bz2, which is not a Parquet part by its name.",
    ),
    Shape(
        "beside: a CSV under another name",
        parts(*_TWO, beside=_leave("part-2.parquet", content=b"order_id,user_id\n")),
        refused="DATASET holds part-2.parquet, which is not Parquet. Export it again.",
    ),
    Shape(
        "beside: an encrypted part",
        parts(*_TWO, beside=_leave("part-2.parquet", content=b"PARE and more PARE")),
        refused="DATASET holds part-2.parquet, which is encrypted. Write it without encryption.",
    ),
    *(
        Shape(
            f"table: {name} above",
            lambda rows, folder, name=name: _inside(name, rows, folder),
            refused="DATASET is ",
        )
        for name in ("_delta_log/0.json", ".hoodie/x", "metadata/v1.metadata.json")
    ),
    Shape(
        "beside: a part that was cut",
        parts(*_TWO, beside=_leave("part-2.parquet", content=b"PAR1 and no more")),
        refused="DATASET holds part-2.parquet, which has no Parquet footer",
    ),
    Shape(
        "beside: an empty part",
        parts(*_TWO, beside=_leave("part-2.parquet", content=b"")),
        refused="DATASET holds part-2.parquet, which is empty.",
    ),
    Shape(
        "folder: of CSV files",
        lambda rows, folder: write_bytes()(rows, folder).parent,
        refused="DATASET holds frame.csv. A folder must hold Parquet parts alone.",
    ),
    Shape(
        "folder: empty",
        lambda _, folder: folder,
        refused="DATASET holds no .parquet file. Check the path.",
    ),
    Shape(
        "folder: of empty parts",
        parts(*_TWO, changes=[lambda table: table.slice(0, 0)] * 2),
        refused="DATASET has columns but no rows. Export it again.",
    ),
    Shape(
        "nothing there",
        lambda _, folder: folder / "frame.csv",
        refused="DATASET does not exist. Check the path.",
    ),
]
_LINKS = [
    Shape("link: to a CSV", _to_link(write_bytes())),
    Shape("link: to Parquet", _to_link(write_table())),
    Shape("link: to a folder", _to_link(parts(*_TWO))),
    Shape("link: a part", parts(*_TWO, beside=_link_part)),
    Shape("link: a folder of parts", parts("a/0.parquet", "b/0.parquet", beside=_link_folder)),
    Shape(
        "link: a loop",
        parts("a/0.parquet", beside=lambda root: (root / "a" / "b").symlink_to(root)),
        refused="DATASET holds a folder twice, by a link. Remove the link.",
    ),
    Shape(
        "link: the same folder twice",
        parts("a/0.parquet", beside=lambda root: (root / "b").symlink_to(root / "a")),
        refused="DATASET holds a folder twice, by a link. Remove the link.",
    ),
    Shape(
        "link: the same part twice",
        parts(
            *_TWO, beside=lambda root: (root / "part-2.parquet").symlink_to(root / "part-1.parquet")
        ),
        refused="DATASET",
    ),
    Shape(
        "link: to nothing, a part",
        parts(*_TWO, beside=lambda root: (root / "part-2.parquet").symlink_to(root / "gone")),
        refused="DATASET holds part-2.parquet, which is not a file, or a link to nothing.",
    ),
    Shape(
        "link: to nothing, a folder",
        parts(*_TWO, beside=lambda root: (root / "a").symlink_to(root / "gone")),
        refused="DATASET holds a, which is not a file, or a link to nothing.",
    ),
    Shape(
        "link: to nothing, the dataset",
        lambda _, folder: _dangling(folder),
        refused="DATASET does not exist. Check the path.",
    ),
]


def _dangling(folder: Path) -> Path:
    (folder / "frame.csv").symlink_to(folder / "gone")
    return folder / "frame.csv"


SHAPES = [*_PARTS, *_PARTITIONS, *_UNEVEN, *_BESIDE, *_LINKS]
