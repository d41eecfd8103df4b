"""Inspect the chosen model on orders it has not seen, and keep aggregates of them."""

import hashlib
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter

from push_model.evaluation.importances import (
    SHOWN_DEPENDENCES,
    measure_importances,
    trace_dependence,
)
from push_model.evaluation.scorers import baseline_scores, score
from push_model.evaluation.slices import measure_slices, products_of, slices_of
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.result import result_path
from push_model.exploration.folder import Exploration
from push_model.exploration.report.found import LEAST_ORDERS, Group, Inspection
from push_model.model.scoring import Model
from push_model.store.durable import read_json, write_json
from push_model.training.data.split import Window, is_inside

_INSPECTION_FILE = "inspection.json"
# Partial dependence ends where fewer users lie beyond a value.
LEAST_USERS = 20


_INSPECTION = TypeAdapter(Inspection)


def inspect_chosen(exploration: Exploration, chosen: Entry) -> Inspection:
    """Inspect the chosen model, trained on the oldest 70 % of the orders, on all newer ones."""
    folder = exploration.folder
    part = next(part for part in exploration.parts if part.name == "usual test")
    model_file = result_path(folder, chosen.slug, part.slug).with_suffix(".model.json")
    digest = hashlib.sha256(model_file.read_bytes()).hexdigest()
    kept = folder / _INSPECTION_FILE
    if kept.exists():
        known = _INSPECTION.validate_python(read_json(kept))
        if known.model_sha256 == digest:
            return known
    window = Window(part.train.end, part.judged.end)
    rows = exploration.read_rows()
    rows = rows[is_inside(rows, window)].reset_index(drop=True)
    model = Model.from_document(read_json(model_file))
    inspection = _inspect(model, rows, digest, window, seed=exploration.seed)
    write_json(kept, _INSPECTION.dump_python(inspection, mode="json"))
    return inspection


def _inspect(
    model: Model, rows: pd.DataFrame, digest: str, window: Window, *, seed: int
) -> Inspection:
    importances = measure_importances(model, rows, seed=seed)
    traced = (
        trace_dependence(model, rows, each.feature, seed=seed, least_users=LEAST_USERS)
        for each in importances[:SHOWN_DEPENDENCES]
    )
    return Inspection(
        model_sha256=digest,
        window=str(window),
        orders=int(rows["order_id"].nunique()),
        shuffled={each.feature: each.lost for each in importances},
        dependences=tuple(each for each in traced if each),
        groups=tuple(_list_groups(rows, score(model, rows))),
    )


def _list_groups(rows: pd.DataFrame, propensities: NDArray[np.float64]) -> Iterator[Group]:
    for found in measure_slices(
        rows,
        {"challenger": propensities, **baseline_scores(rows)},
        (*products_of(rows), *slices_of(rows)),
        min_orders=LEAST_ORDERS,
        alpha=0.1,
        resamples=20,  # the intervals are not shown
        seed=0,
    ):
        yield Group(
            name=found.name,
            rows=found.rows,
            orders=found.orders,
            purchases=found.purchases,
            average_precision=found.average_precision,
            expected_per_actual=found.expected_per_actual.estimate,
        )
