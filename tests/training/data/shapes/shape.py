"""Define what a shape is, and what each caller reads of it or says about it."""

import hashlib
import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from push_model.columns import DELIVERED, FEATURES, HISTORY
from push_model.errors import PushModelError
from push_model.training.data.delivery import bring_in
from push_model.training.fit import fit_model
from push_model.training.gate.policy import Policy
from push_model.training.parametrisation import BoostedTrees
from push_ops.retraining import steps
from push_ops.retraining.request import RetrainingRequest
from tests.frames import make_frame

UNTIL = date(2021, 3, 2)
#: A value with all that CSV must quote, and a letter that is not ASCII.
VENDOR = 'Müller, "Söhne" & Co'
#: What must stand in no log, message, traceback or file but the data.
ORDER, USER, PRICE = 5_550_001_112_223, 6_660_001_112_223, 0.777_123
CANARIES = (str(ORDER), str(USER), str(PRICE))
TINY = BoostedTrees(iterations=5, depth=2)
_NUMBERS = {"outcome", *FEATURES, *HISTORY}
_CHECK = "\nTo check it: push-model check "


def same(rows: pd.DataFrame) -> pd.DataFrame:
    return rows


class Shape(NamedTuple):
    """A way to deliver rows, and what must come of it."""

    name: str
    write: Callable[[pd.DataFrame, Path], Path | str]  # into an empty folder; returns the dataset
    #: What must be read, made of the base frame; `write` is given these rows to spell.
    rows: Callable[[pd.DataFrame], pd.DataFrame] = same
    #: The words that refuse it; empty where it must be read.
    refused: str = ""


def make_base(*, orders: int = 8, products: int = 8) -> pd.DataFrame:
    """Make the rows that all shapes deliver, with missing values and a vendor to quote."""
    frame = make_frame(orders=orders, products=products)
    first = frame["order_id"] == frame["order_id"].min()
    frame.loc[first, ["order_id", "user_id"]] = [ORDER, USER]
    frame.loc[first, "normalised_price"] = PRICE
    frame.loc[::7, "discount_pct"] = None
    frame.loc[::11, "avg_days_to_buy_variant_id"] = None
    frame.loc[::5, "vendor"] = VENDOR
    frame.loc[3, "vendor"] = None
    return frame


def digest_rows(rows: pd.DataFrame) -> str:
    """Return the digest of what must be read, made without the product's code."""
    present = [name for name in [*DELIVERED, *HISTORY] if name in rows]
    typed = rows[present].astype({name: float for name in present if name in _NUMBERS})
    typed = typed.assign(order_date=rows["order_date"].dt.date)
    return _digest(pa.Table.from_pandas(typed, preserve_index=False))


def digest_copy(path: Path) -> str:
    """Return the digest of what was read: the values of each row, in order of the keys."""
    return _digest(pq.ParquetFile(path).read())


def _digest(table: pa.Table) -> str:
    values = table.sort_by([("order_id", "ascending"), ("variant_id", "ascending")]).to_pydict()
    # A missing number is NULL or NaN; 5 is not 5.0.
    plain = {
        name: [None if _is_missing(value) else value for value in values[name]]
        for name in sorted(values)
    }
    return hashlib.sha256(repr(plain).encode()).hexdigest()


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def read_it(uri: str, folder: Path) -> str:
    """Return the digest of what is brought in, or the sentence that refuses it."""
    return _outcome(uri, lambda: bring_in(uri, folder / "copy.parquet", until=UNTIL).path)


def load_it(uri: str, folder: Path) -> str:
    """Return the same of the task load."""
    return _outcome(uri, lambda: Path(steps.load(make_request(uri, folder))["frame"]))


def refuse_in_fit(uri: str, folder: Path) -> str:
    """Return the sentence with which a training refuses a dataset."""
    return _outcome(uri, lambda: fit_model(make_event(uri, folder)).path)


def _outcome(uri: str, read: Callable[[], Path]) -> str:
    try:
        return digest_copy(read())
    except PushModelError as error:
        return tidy(str(error), uri)


def tidy(message: str, uri: str) -> str:
    """Return a message in one line without the dataset's name and the command to check it."""
    return " ".join(message.partition(_CHECK)[0].replace(uri, "DATASET").split())


def make_event(uri: str, folder: Path) -> dict[str, Any]:
    """Make the event of a tiny training."""
    return {
        "model_parametrisation": {"model": "boosted_trees", "iterations": 5, "depth": 2},
        "dataset": uri,
        "min_items": 1,
        "training_date": str(UNTIL),
        "models_dir": str(folder / "models"),
        "model_name": "push",
    }


def make_request(uri: str, folder: Path) -> RetrainingRequest:
    """Make the request of a run of the DAG."""
    return RetrainingRequest(
        run_id="run",
        run_date=UNTIL,
        dataset=uri,
        min_items=1,
        parametrisation=TINY,
        policy=Policy(),
        promotion="never",
        max_age_days=40,
        runs_dir=folder / "runs",
        models_dir=folder / "models",
        requested_by="ana",
        settle_s=0,
    )
