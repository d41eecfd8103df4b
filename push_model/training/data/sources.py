"""Find the reader of a dataset that is not a file, by the scheme of its URI."""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import NamedTuple

import duckdb

from push_model.errors import DatasetError

#: Packages add a scheme by an entry point of this group, named like the scheme.
ENTRY_POINTS = "push_model.datasets"


class Rows(NamedTuple):
    """Every row of a dataset, twice."""

    #: Each column in its own type: what training reads.
    typed: duckdb.DuckDBPyRelation
    #: In file order and as the file spells them: the schema check quotes row numbers from these.
    #: The same as `typed` where the source has types itself.
    original: duckdb.DuckDBPyRelation
    #: How much was read so far, from 0 to 1; None where that is not known.
    read_share: Callable[[], float | None] = lambda: None


_Reader = Callable[[duckdb.DuckDBPyConnection, str], Rows]


def find_reader(uri: str) -> _Reader:
    """Return the reader of a dataset, by the scheme of its URI.

    Examples
    --------
    >>> find_reader("s4://bucket/frame.csv")
    Traceback (most recent call last):
        ...
    push_model.errors.DatasetError: No source reads 's4://'. Known schemes: ['file'].
    """
    scheme = uri.partition("://")[0].lower()
    readers = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if scheme in readers:
        reader: _Reader = readers[scheme].load()
        return reader
    known = sorted({"file", *readers})
    raise DatasetError(f"No source reads {scheme + '://'!r}. Known schemes: {known}.")
