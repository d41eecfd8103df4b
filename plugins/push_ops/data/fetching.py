"""How does a dataset behind an Airflow connection reach a run? As a file that is gone afterwards.

Airflow keeps the address and the password; the dataset is named by the connection alone, and that
name is all that logs, XComs and manifests ever hold. Nothing of push_model knows Airflow.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from push_model.errors import DatasetError
from push_model.training.data.files import DatasetFacts, describe_dataset

SCHEME = "conn://"
_KINDS = (".csv", ".csv.gz", ".parquet")
_NAME = ".fetched."


class Address(NamedTuple):
    """What a ``conn://`` URI says.

    Attributes
    ----------
    connection : str
        Id of the Airflow connection.
    table : str or None
        Table or view of a database, maybe with its schema.
    bucket, key : str or None
        Object in a store, where it is no table.
    """

    connection: str
    table: str | None
    bucket: str | None
    key: str | None


class Fetched(NamedTuple):
    """A dataset that can be read.

    Attributes
    ----------
    path : str
        What `load_dataset` reads.
    facts : DatasetFacts
        Which dataset it is.
    """

    path: str
    facts: DatasetFacts


def read_address(uri: str) -> Address:
    """Read which connection a URI names, and what there.

    Examples
    --------
    >>> read_address("conn://orders_db?table=shop.feature_frame").table
    'shop.feature_frame'
    >>> read_address("conn://shop_s3/exports/2021/frame.csv.gz").key
    '2021/frame.csv.gz'
    """
    parts = urlsplit(uri)
    query = parse_qs(parts.query, keep_blank_values=True)
    bucket, _, key = unquote(parts.path).strip("/").partition("/")
    if parts.netloc and not bucket and list(query) == ["table"] and query["table"] != [""]:
        return Address(parts.netloc, query["table"][-1], None, None)
    if parts.netloc and key.endswith(_KINDS) and not parts.query:
        return Address(parts.netloc, None, bucket, key)
    raise DatasetError(
        f"{uri} names no dataset. Write conn://CONNECTION?table=NAME for a table, or "
        f"conn://CONNECTION/BUCKET/KEY for an object that ends in one of {list(_KINDS)}."
    )


@contextmanager
def at_hand(uri: str, folder: Path, *, columns: Sequence[str], until: date) -> Iterator[Fetched]:
    """Have a dataset as a file for as long as it is read."""
    if not uri.lower().startswith(SCHEME):
        yield Fetched(uri, describe_dataset(uri))
        return
    address = read_address(uri)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_NAME}*"):  # by a try that was killed
        left.unlink(missing_ok=True)
    kind = next(kind for kind in _KINDS if (address.key or ".csv").endswith(kind))
    path = folder / f"{_NAME}{uuid.uuid4().hex}{kind}"
    try:
        yield Fetched(str(path), _fetch(uri, address, path, columns, until))
    except DatasetError as error:
        raise type(error)(str(error).replace(str(path), uri)) from None
    finally:
        path.unlink(missing_ok=True)


def _fetch(
    uri: str, address: Address, path: Path, columns: Sequence[str], until: date
) -> DatasetFacts:
    if address.table is not None:
        from push_ops.data.tables import fetch_table  # noqa: PLC0415 - only who needs it

        fetch_table(uri, address.connection, address.table, path, columns=columns, until=until)
        # The same rows come in another order next time: their bytes tell nothing.
        return DatasetFacts(uri, None, None)
    from push_ops.data.objects import fetch_object  # noqa: PLC0415 - only who needs it

    fetch_object(uri, address.connection, str(address.bucket), str(address.key), path)
    return replace(describe_dataset(str(path)), uri=uri)
