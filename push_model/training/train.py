"""Train a model on rows, calibrate it, and measure how good it is; without any files."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import pandas as pd
from catboost import CatBoostError
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from push_model.errors import DatasetError
from push_model.evaluation.metrics import measure
from push_model.evaluation.results import Metrics
from push_model.evaluation.scorers import FIRST_REPEAT_ORDER, baseline_scores, score
from push_model.model.scoring import Model
from push_model.training.calibration import Calibration, Line, calibrate, choose_calibration
from push_model.training.data.split import Split, split_by_time
from push_model.training.estimators import make_pipeline
from push_model.training.export import Document, check_equal, export_model
from push_model.training.parametrisation import Parametrisation, describe

logger = logging.getLogger(__name__)

# Rows on which the exported model is compared with its pipeline before anything is saved.
_CHECKED_ROWS = 100_000


class FittedModel(NamedTuple):
    """A fitted pipeline, calibrated if that helps, and the same model as data."""

    pipeline: Pipeline
    document: Document


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """The model that serves, the same model without the newest rows, and how good that is."""

    serving: FittedModel  # fitted on all rows, so nothing here can measure it
    evaluated: FittedModel  # fitted on the train window alone
    split: Split  # of the evaluated model
    # Of the evaluated model, by window or slice, then "model" and "popularity". Calibration
    # fitted two numbers on the calibration window, so its metrics there are a little too good.
    metrics: dict[str, dict[str, Metrics]]
    calibration: Calibration  # chosen with the evaluated model, applied to both


def train(
    frame: pd.DataFrame,
    parametrisation: Parametrisation,
    *,
    seed: int,
    trained_on: str,
    holdout_days: int | None = None,
) -> TrainedModel:
    """Fit on the train window, calibrate and measure on the holdout; then fit on all rows."""
    split = split_by_time(frame, holdout_days=holdout_days)
    _require_both_outcomes(split)
    fit = partial(_fit, parametrisation, seed=seed)
    finish = partial(_finish, parametrisation, trained_on=trained_on, checked_on=frame)
    fitted = fit(split.train)
    calibration = _choose_calibration(
        export_model(fitted, parametrisation, trained_on=trained_on), split
    )
    evaluated = finish(fitted, calibration.line, split.train)
    # The evaluated model has not seen the newest weeks; the one that serves has (docs/adr/0012).
    serving = finish(fit(frame), calibration.line, frame)
    metrics = _measure_all(evaluated.document, split)
    return TrainedModel(serving, evaluated, split, metrics, calibration)


def _fit(parametrisation: Parametrisation, rows: pd.DataFrame, *, seed: int) -> Pipeline:
    logger.info("Training %s on %d rows.", describe(parametrisation), len(rows))
    pipeline = make_pipeline(parametrisation, seed=seed)
    try:
        # Each thread of BLAS sums a part: on other cores the last bits would be others.
        with threadpool_limits(1, user_api="blas"):
            return pipeline.fit(rows, rows["outcome"].to_numpy())
    except CatBoostError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DatasetError(f"CatBoost cannot train on {len(rows)} rows: {reason}") from error


def _finish(
    parametrisation: Parametrisation,
    fitted: Pipeline,
    line: Line,
    rows: pd.DataFrame,
    *,
    trained_on: str,
    checked_on: pd.DataFrame,
) -> FittedModel:
    """Calibrate and export, and check that pipeline and document give the same scores."""
    pipeline = calibrate(fitted, line)
    document = export_model(pipeline, parametrisation, trained_on=trained_on, rows=rows)
    check_equal(document, pipeline, checked_on.tail(_CHECKED_ROWS))
    return FittedModel(pipeline, document)


def _choose_calibration(document: Document, split: Split) -> Calibration:
    # Scored as in serving: no thread count changes the order of these sums.
    propensities = score(Model.from_document(document), split.calibration)
    calibration = choose_calibration(split.calibration, propensities)
    logger.info("%s", calibration.says)
    return calibration


def _require_both_outcomes(split: Split) -> None:
    for name, rows in zip(split.windows._fields, split[:3], strict=True):
        bought = int(rows["outcome"].sum())
        if bought in {0, len(rows)}:
            raise DatasetError(
                f"The {name} window has {bought} purchases in {len(rows)} rows; a model needs "
                "candidates that were bought and candidates that were not. Give a longer history, "
                "or the whole feature frame with its unbought candidates."
            )


def _measure_all(document: Document, split: Split) -> dict[str, dict[str, Metrics]]:
    model = Model.from_document(document)
    # Every model here is weakest for new users, so they are always reported apart.
    new = split.holdout["user_order_seq"] <= FIRST_REPEAT_ORDER
    parts = {
        "calibration window": split.calibration,
        "holdout": split.holdout,
        "holdout, new users": split.holdout[new],
        "holdout, returning users": split.holdout[~new],
    }
    return {
        name: {
            "model": measure(rows["outcome"], score(model, rows)),
            "popularity": measure(rows["outcome"], baseline_scores(rows)["popularity"]),
        }
        for name, rows in parts.items()
        if 0 < rows["outcome"].sum() < len(rows)
    }
