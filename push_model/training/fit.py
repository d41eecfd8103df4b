"""How is one model trained, from dataset to model folder? `handler_fit` runs from top to bottom."""

import io
import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import joblib
import narwhals as nw
import pandas as pd

from push_model.columns import HISTORY, TRAINING
from push_model.errors import DatasetError, InvalidEventError
from push_model.store.folder import MODEL_FILE, document_bytes, write_model_folder
from push_model.store.promotion import model_path
from push_model.training.data.dataset import load_dataset
from push_model.training.data.frames import collect_sorted
from push_model.training.data.history import add_needed, with_history
from push_model.training.data.orders import keep_large_orders, require_orders
from push_model.training.data.provenance import describe_dataset
from push_model.training.data.schema import check_schema
from push_model.training.data.split import Split
from push_model.training.fit_request import FitRequest, read_fit_request
from push_model.training.gate.challenger import VALIDATED_FILE
from push_model.training.golden import GOLDEN_FILE, write_golden
from push_model.training.parametrisation import describe
from push_model.training.train import TrainedModel, train
from push_model.training.versions import git_revision, library_versions

# Whose orders they are matters where earlier ones are looked at, and never else.
WITH_PAST = add_needed(TRAINING)

logger = logging.getLogger(__name__)


def handler_fit(
    event: Mapping[str, Any], _: object = None, *, load: Callable[..., Any] = load_dataset
) -> dict[str, str]:
    """Train a model and save its model folder.

    Parameters
    ----------
    event : mapping
        ``"model_parametrisation"`` and, optionally, what `FitRequest` lists. Not changed.
    _ : object
        The context some platforms pass to a handler; not looked at.
    load : callable
        ``load(uri, *, columns, until)`` gives the feature frame: pandas, Polars or DuckDB.
        Swap it to read from anywhere else.

    Returns
    -------
    dict
        ``{"statusCode": "200", "body": ...}``; the body is JSON text with ``"model_name"``
        and ``"model_path"``, a list of one path.

    Raises
    ------
    InvalidEventError
        If the event breaks the contract.
    DatasetError
        If the dataset cannot be read, breaks the schema, or is too small to learn from.
    """
    path = fit_model(event, load=load).path
    return {
        "statusCode": "200",
        "body": json.dumps({"model_name": path.name, "model_path": [str(path)]}),
    }


class Fitted(NamedTuple):
    """A saved model folder, and the models and rows that it was made from."""

    path: Path
    trained: TrainedModel


def fit_model(event: Mapping[str, Any], *, load: Callable[..., Any] = load_dataset) -> Fitted:
    """Train a model and save its folder, without a model card."""
    request = read_fit_request(event, today=datetime.now(UTC).date())
    _refuse_store(request)  # in seconds, before an hour's work
    # Before the rows are read: a file replaced meanwhile must not lend the model its digest.
    dataset = _describe(request.dataset, load)
    frame = read_large_orders(request, load=load)
    trained = train(
        frame,
        request.parametrisation,
        seed=request.seed,
        trained_on=str(request.training_date),
        holdout_days=request.holdout_days,
    )
    path = _save(trained, request, dataset)
    logger.info("Saved %s.", path)
    return Fitted(path, trained)


def read_large_orders(
    request: FitRequest,
    *,
    load: Callable[..., Any],
    derive: Callable[[Any], Any] = with_history,
) -> pd.DataFrame:
    """Read, check and filter the dataset of a request."""
    logger.info("Reading %s until %s.", request.dataset, request.training_date)
    checked = check_schema(_load(request, load), source=request.dataset)
    if request.parametrisation.features == "history":
        # Before small orders are dropped: they are part of what a user bought.
        checked = derive(checked)
    large = keep_large_orders(checked, min_items=request.min_items)
    frame = _drop_later_rows(collect_sorted(large), request.training_date)
    require_orders(
        frame,
        checked,
        min_items=request.min_items,
        until=request.training_date,
        source=request.dataset,
    )
    logger.info("Kept %d rows of %d large orders.", len(frame), frame["order_id"].nunique())
    return frame


def _load(request: FitRequest, load: Callable[..., Any]) -> Any:
    where = {"until": request.training_date}
    if request.parametrisation.features == "request":
        loaded = load(request.dataset, columns=TRAINING, **where)
    elif load is load_dataset:
        loaded = load(request.dataset, columns=WITH_PAST, optional=HISTORY, **where)
    else:  # another's loader may give them unasked
        loaded = load(request.dataset, columns=WITH_PAST, **where)
    _require_frame(loaded)
    return loaded


def _refuse_store(request: FitRequest) -> None:
    path = model_path(request.models_dir, request.model_name)
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not nearest.is_dir():
        raise InvalidEventError(
            f'event["models_dir"] must be a folder or the name of a new one; {nearest} is a file.'
        )


def _require_frame(loaded: object) -> None:
    try:
        nw.from_native(cast("Any", loaded))
    except TypeError as error:
        raise DatasetError(
            "load must give a frame of pandas, Polars or DuckDB, "
            f"got {type(loaded).__name__}. Mend the loader."
        ) from error


def _drop_later_rows(frame: pd.DataFrame, until: date) -> pd.DataFrame:
    """Hold another's loader to what ours promises: the future is never learnt from."""
    later = frame["order_date"] > pd.Timestamp(until)
    if not later.any():
        return frame  # as it is: a copy of millions of rows is no trifle
    logger.warning("Left out %d rows dated after %s, which load gave.", later.sum(), until)
    return frame[~later]


def _describe(uri: str, load: Callable[..., Any]) -> dict[str, Any]:
    """Give the dataset's digest; only its own loader knows what another source holds."""
    return describe_dataset(uri).document() if load is load_dataset else {"uri": uri}


def _save(trained: TrainedModel, request: FitRequest, dataset: dict[str, Any]) -> Path:
    facts = _facts(trained, request, dataset)
    pipeline, document = trained.serving
    pickled = io.BytesIO()
    joblib.dump(pipeline, pickled)
    files = {
        MODEL_FILE: document_bytes(document),
        VALIDATED_FILE: document_bytes(trained.validated.document),
        "model.joblib": pickled.getvalue(),
        GOLDEN_FILE: write_golden(document, pipeline),
    }
    return write_model_folder(request.models_dir, request.model_name, files, facts)


def _facts(trained: TrainedModel, request: FitRequest, dataset: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_id": trained.serving.document["model_id"],
        "validated_id": trained.validated.document["model_id"],
        "trained_on": str(request.training_date),
        "parametrisation": describe(request.parametrisation),
        "seed": request.seed,
        "min_items": request.min_items,
        "dataset": dataset,
        "windows": _describe_windows(trained.split),
        "calibration": trained.calibration.document(),
        "metrics": {
            part: {scorer: metrics.document() for scorer, metrics in scorers.items()}
            for part, scorers in trained.metrics.items()
        },
        "versions": library_versions(),
        "git_revision": git_revision(),
    }


def _describe_windows(split: Split) -> dict[str, dict[str, Any]]:
    """Say what the twin learnt from and was judged on, and what the model that serves learnt."""
    found: dict[str, dict[str, Any]] = {
        name: {
            "start": str(window.start),
            "end": str(window.end),
            "orders": int(rows["order_id"].nunique()),
            "rows": len(rows),
            "purchases": int(rows["outcome"].sum()),
        }
        for name, window, rows in zip(split.windows._fields, split.windows, split[:3], strict=True)
    }
    counts = {
        name: sum(window[name] for window in found.values())
        for name in ("orders", "rows", "purchases")
    }
    ends = {"start": found["train"]["start"], "end": found["holdout"]["end"]}
    return {**found, "refit": {**ends, **counts}}
