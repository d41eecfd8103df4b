"""Check that the champion may keep serving: its age, and its predictions against what happened."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from push_model.errors import (
    ModelIntegrityError,
    ModelNotFoundError,
    PushModelError,
    UnfitChampionError,
)
from push_model.serving.health import age_in_days
from push_model.serving.settings import MAX_AGE_VARIABLE
from push_model.store.folder import read_manifest
from push_model.store.promotion import model_path
from push_model.training.backtesting.lines import BACKTESTS_FILE
from push_ops.retraining.request import RetrainingRequest

logger = logging.getLogger(__name__)


def backtest(request: RetrainingRequest, large_orders: str) -> list[dict[str, Any]]:
    """Compare what the champions of the last days predicted with what happened, and record it."""
    from push_model.training.backtesting.record import (  # noqa: PLC0415 - seconds no other step pays
        append_backtests,
        backtest_champions,
    )

    try:
        found = backtest_champions(
            large_orders,
            models_dir=str(request.models_dir),
            min_items=request.min_items,
            run_date=request.run_date,
        )
        append_backtests(
            request.runs_dir / BACKTESTS_FILE,
            found,
            run_date=request.run_date,
            dataset=request.dataset,
            min_items=request.min_items,
        )
    except (PushModelError, OSError) as error:
        # A faulty record of the past keeps no model from going live.
        logger.exception("The backtest of past champions failed.")
        return [{"sentence": str(error)}]
    return [
        {"model_name": one.model_name, "sentence": one.sentence(), **one.total.document()}
        for one in found
    ]


def require_fit(
    request: RetrainingRequest, champion: str, backtests: Sequence[Mapping[str, Any]], outcome: str
) -> None:
    """Check the champion that stays; a skipped task would raise no alarm."""
    complaints = [
        *_complain_of_age(request, champion),
        *_complain_of_predictions(request, champion, backtests),
    ]
    if complaints:
        raise UnfitChampionError(
            f"{outcome} {' '.join(complaints)} Fix what keeps challengers from winning, or promote "
            "one by hand: push-model promote NAME --reason ..."
        )


def age_of(request: RetrainingRequest, model_name: str) -> int | None:
    """Return a model's age in days on the run date; None if its folder cannot be read."""
    try:
        trained_on = read_manifest(model_path(request.models_dir, model_name)).get("trained_on")
    except (ModelNotFoundError, ModelIntegrityError):
        return None
    return age_in_days(str(trained_on), request.run_date)


def _complain_of_age(request: RetrainingRequest, champion: str) -> Iterator[str]:
    age = age_of(request, champion)
    if age is not None and age > request.max_age_days:
        yield (
            f"{champion} was trained {age} days before this run; the limit is "
            f"{request.max_age_days} days ({MAX_AGE_VARIABLE})."
        )


def _complain_of_predictions(
    request: RetrainingRequest, champion: str, backtests: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    policy = request.policy
    for found in backtests:
        if found.get("model_name") != champion:  # a backtest that failed names none
            continue
        actual = found["actual_purchases"]
        if actual < policy.min_holdout_purchases:
            continue
        ratio = found["expected_purchases"] / actual
        low, high = policy.min_expected_per_actual, policy.max_expected_per_actual
        if not low <= ratio <= high:
            yield (
                f"{champion} predicted {ratio:.2f} times the purchases that happened while it "
                f"served (allowed {low:g} to {high:g})."
            )
