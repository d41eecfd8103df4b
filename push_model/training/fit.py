"""Train one model, from dataset to model folder."""

import io
import json
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import joblib
import pandas as pd

from push_model.columns import DELIVERED, TRAINING
from push_model.errors import (
    InvalidEventError,
    ModelIntegrityError,
    ModelNotFoundError,
)
from push_model.store.folder import (
    MODEL_FILE,
    document_bytes,
    read_manifest,
    require_whole,
    write_model_folder,
)
from push_model.store.promotion import champion, model_path
from push_model.training.data.dataset import load_dataset
from push_model.training.data.delivery import COPY, bring_in
from push_model.training.data.files import DatasetFacts
from push_model.training.data.frames import collect_sorted, open_copy
from push_model.training.data.history import add_needed, with_history
from push_model.training.data.orders import keep_large_orders, require_orders
from push_model.training.data.split import Split, split_by_time
from push_model.training.fit_request import FitRequest, read_fit_request
from push_model.training.gate.challenger import EVALUATED_FILE
from push_model.training.golden import GOLDEN_FILE, write_golden
from push_model.training.parametrisation import describe
from push_model.training.train import TrainedModel, train
from push_model.training.versions import code_digest, git_revision, library_versions

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
        The context that some platforms pass to a handler; not used.
    load : callable
        ``load(uri, *, columns, until)`` returns the feature frame: pandas, Polars or DuckDB.
        Swap it to read from anywhere else.

    Returns
    -------
    dict
        ``{"statusCode": "200", "body": ...}``; the body is JSON text with ``"model_name"``
        and ``"model_path"``, a list of one path. Where the training would make the champion
        once more, it is the champion's.

    Raises
    ------
    InvalidEventError
        If the event breaks the contract.
    DatasetError
        If the dataset cannot be read, breaks the schema, or is too small to train on.
    """
    path = fit_model(event, load=load).path
    return {
        "statusCode": "200",
        "body": json.dumps({"model_name": path.name, "model_path": [str(path)]}),
    }


class Fitted(NamedTuple):
    """A saved model folder, and the models and rows that it was made from."""

    path: Path
    trained: TrainedModel | None  # None where the champion is that model already


def fit_model(
    event: Mapping[str, Any],
    *,
    load: Callable[..., Any] = load_dataset,
    report: Callable[[float], object] | None = None,
) -> Fitted:
    """Train a model and save its folder, without a model card; `report` as in `bring_in`."""
    request = read_fit_request(event, today=datetime.now(UTC).date())
    _refuse_store(request)  # in seconds, before an hour's work
    has_history = request.parametrisation.features == "history"
    # What a loader of one's own must have; no other run reads its rows.
    columns = add_needed(TRAINING) if has_history else TRAINING
    facts, frame = read_large_orders(
        request.dataset,
        # Not always needed, but always checked: a run of the DAG reads these of the same file.
        columns=DELIVERED if load is load_dataset else columns,
        min_items=request.min_items,
        until=request.training_date,
        derive=with_history if has_history else _drop_unneeded,
        load=load,
        report=report,
    )
    known = _known_facts(request, facts)
    # A caller who names the model gets a folder of that name.
    is_named = "model_name" in request.model_fields_set
    if not is_named and (same := _find_same_champion(request, known, frame)):
        logger.info("Nothing new: the same model as the champion, %s.", same.name)
        return Fitted(same, None)
    trained = train(
        frame,
        request.parametrisation,
        seed=request.seed,
        trained_on=str(request.training_date),
        holdout_days=request.holdout_days,
    )
    path = _save(trained, request, known)
    logger.info("Saved %s.", path)
    return Fitted(path, trained)


def read_large_orders(
    uri: str,
    *,
    columns: Sequence[str] = DELIVERED,
    min_items: int,
    until: date,
    derive: Callable[[Any], Any],
    load: Callable[..., Any] = load_dataset,
    source: DatasetFacts | None = None,
    report: Callable[[float], object] | None = None,
) -> tuple[DatasetFacts, pd.DataFrame]:
    """Bring a dataset in, keep its large orders, and read them into memory.

    `derive` adds columns before small orders are dropped: they are part of what a user bought.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = bring_in(
            uri,
            Path(folder) / COPY,
            columns=columns,
            until=until,
            load=load,
            facts=source,
            report=report,
        )
        checked = open_copy(copy.path)
        large = keep_large_orders(derive(checked), min_items=min_items)
        name = copy.facts.uri
        frame = collect_sorted(large, source=name)
        require_orders(frame, checked, min_items=min_items, until=until, source=name)
    logger.info("Kept %d rows of %d large orders.", len(frame), frame["order_id"].nunique())
    return copy.facts, frame


def _drop_unneeded(rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    return rows.select(", ".join(TRAINING))


def _is_same_training(manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Check whether a training with these facts makes the model of a manifest.

    The training date is not compared: the same rows make the same model on any date.

    Examples
    --------
    >>> facts = {"dataset": {"sha256": "9f2c"}, "parametrisation": {"depth": 4}, "seed": 0,
    ...          "min_items": 5, "windows": {}, "versions": {}, "code": "51e0"}
    >>> _is_same_training(facts, facts), _is_same_training(facts, {**facts, "seed": 1})
    (True, False)
    """
    digest = _digest(facts)
    compared = ("parametrisation", "seed", "min_items", "versions", "code", "windows")
    return (
        digest is not None
        and digest == _digest(manifest)
        and all(manifest.get(name) == facts[name] for name in compared if name in facts)
    )


def _digest(facts: Mapping[str, Any]) -> object:
    dataset = facts.get("dataset")
    return dataset.get("sha256") if isinstance(dataset, dict) else None


def _refuse_store(request: FitRequest) -> None:
    path = model_path(request.models_dir, request.model_name)
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not nearest.is_dir():
        raise InvalidEventError(
            f'event["models_dir"] must be a folder or the name of a new one; {nearest} is a file.'
        )


def _known_facts(request: FitRequest, dataset: DatasetFacts) -> dict[str, Any]:
    """Return what the manifest will say that is known before the training."""
    return {
        "parametrisation": describe(request.parametrisation),
        "seed": request.seed,
        "min_items": request.min_items,
        "dataset": dataset.document(),
        "versions": library_versions(),
        # Of this code, committed or not: an image has no git.
        "code": code_digest(without="exploration"),
        "git_revision": git_revision(),
    }


def _find_same_champion(
    request: FitRequest, facts: Mapping[str, Any], frame: pd.DataFrame
) -> Path | None:
    try:
        if not (serving := champion(request.models_dir)):
            return None
        path = model_path(request.models_dir, serving.model_name)
        manifest = read_manifest(path)
        if not _is_same_training(manifest, facts):
            return None
        # Splitting copies the frame, so it is done only where all else is the same.
        windows = _describe_windows(split_by_time(frame, holdout_days=request.holdout_days))
        if not _is_same_training(manifest, {**facts, "windows": windows}):
            return None
        require_whole(path)
    except (ModelIntegrityError, ModelNotFoundError):
        return None  # a damaged champion is replaced by what is trained now
    return path


def _save(trained: TrainedModel, request: FitRequest, known: Mapping[str, Any]) -> Path:
    pipeline, document = trained.serving
    pickled = io.BytesIO()
    joblib.dump(pipeline, pickled)
    files = {
        MODEL_FILE: document_bytes(document),
        EVALUATED_FILE: document_bytes(trained.evaluated.document),
        "model.joblib": pickled.getvalue(),
        GOLDEN_FILE: write_golden(document, pipeline),
    }
    facts = _facts(trained, request, known)
    return write_model_folder(request.models_dir, request.model_name, files, facts)


def _facts(trained: TrainedModel, request: FitRequest, known: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model_id": trained.serving.document["model_id"],
        "validated_id": trained.evaluated.document["model_id"],
        "trained_on": str(request.training_date),
        **known,
        "windows": _describe_windows(trained.split),
        "calibration": trained.calibration.document(),
        "metrics": {
            part: {scorer: metrics.document() for scorer, metrics in scorers.items()}
            for part, scorers in trained.metrics.items()
        },
    }


def _describe_windows(split: Split) -> dict[str, dict[str, Any]]:
    """Describe the windows of the evaluated model, and the rows of the model that serves."""
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
