"""Datasets of odd names, in folders of odd names, and named in other ways."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from tests.training.data.shapes.csv_shapes import write_bytes
from tests.training.data.shapes.folder_shapes import Write, parts
from tests.training.data.shapes.parquet_shapes import write_table
from tests.training.data.shapes.shape import Shape

_ODD = [
    *(
        "frame [v2]",
        "frame*",
        "order_date=2021-03-02",
        "two\nlines",
        "frame [!v]",
        "?rame",
        "frame**",
        "{frame,other}",
        "frame#1",
        "100%",
        "%20",
    ),
    *("it's", '"frame"', "a\\b", "a;b", "a b", "日本", "~frame", "$HOME", "--frame", "a=b"),
]
_NEIGHBOURS = ("frame v", "frame 2", "frame_b", "frame", "other", " ")


def _beside_neighbours(write: Callable[[str], Write], name: str, suffix: str) -> Write:
    """Return how to write a file beside others that its name, as a pattern, would match."""

    def beside(rows: pd.DataFrame, folder: Path) -> Path:
        for other in _NEIGHBOURS:
            write(other + suffix)(rows.assign(order_id=rows["order_id"] + 99), folder)
        return write(name + suffix)(rows, folder)

    return beside


def _below(name: str, write: Write) -> Write:
    def below(rows: pd.DataFrame, folder: Path) -> Path:
        for other in ("frame v", "frame_b", name):
            (folder / other).mkdir()
        return write(rows, folder / name)

    return below


_URIS = {
    "a file:// URI": lambda path: path.as_uri(),
    "a file:// URI in capitals": lambda path: path.as_uri().replace("file", "FILE"),
    "a file://localhost URI": lambda path: path.as_uri().replace("file://", "file://localhost"),
    "a relative path": os.path.relpath,
    "a path with ..": lambda path: path.parent / "x" / ".." / path.name,
    "a path with a slash at its end": lambda path: f"{path}/" if path.is_dir() else path,
}


def _by(uri: Callable[[Path], object], write: Write):
    def by_uri(rows: pd.DataFrame, folder: Path) -> str:
        (folder / "x").mkdir()
        return str(uri(write(rows, folder)))

    return by_uri


def _names() -> Iterator[Shape]:
    """Yield datasets of odd names, and in folders of odd names."""
    for name in _ODD:
        for kind, suffix, write in _KINDS:
            yield Shape(f"name: {name!r} of {kind}", _beside_neighbours(write, name, suffix))
    above = ("frame [v2]", "order_date=2021-03-02", ".hidden", "frame*", "_old", "_temporary")
    writers = {
        "a CSV": write_bytes(),
        "Parquet": write_table(),
        "parts": parts("outcome=1/a.parquet"),
    }
    for name in above:
        for kind, write in writers.items():
            yield Shape(f"name: {name!r} of the folder above {kind}", _below(name, write))


_KINDS = (
    ("a CSV", ".csv", lambda name: write_bytes(name=name)),
    ("Parquet", ".parquet", lambda name: write_table(name=name)),
)
SHAPES = [
    *_names(),
    Shape("name: odd ones of parts", parts(*(f"{name}/{name}.parquet" for name in _ODD))),
    *(
        Shape(f"name: {words} of a CSV", _by(uri, write_bytes(name="my frame #1.csv")))
        for words, uri in _URIS.items()
    ),
    *(
        Shape(f"name: {words} of a folder", _by(uri, parts("my part.parquet")))
        for words, uri in _URIS.items()
    ),
    Shape(
        "name: a URI of another machine",
        _by(lambda path: f"file://shop{path}", write_bytes()),
        refused="is not the URI of a file here.",
    ),
    Shape(
        "name: a URI with a query",
        _by(lambda path: f"{path.as_uri()}?day=1", write_bytes()),
        refused="is not the URI of a file here.",
    ),
    Shape(
        "name: a URI with an odd bracket",
        _by(lambda path: f"file://[{path}", write_bytes()),
        refused="is not the URI of a file here.",
    ),
    *(
        Shape(
            f"name: a NUL character in {words}",
            _by(spell, write_bytes()),
            refused="holds a NUL character. Remove it.",
        )
        for words, spell in {
            "a path": lambda path: f"{path}\0",
            "a URI": lambda path: f"{path.as_uri()}%00",
        }.items()
    ),
]
