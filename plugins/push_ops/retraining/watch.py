"""Does the champion still deserve to serve? What it promised, what happened, and how old it is."""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from push_model.errors import (
    ModelIntegrityError,
    ModelNotFoundError,
    PushModelError,
    UnfitChampionError,
)
from push_model.serving.settings import MAX_AGE_VARIABLE, age_in_days
from push_model.store.folder import read_manifest
from push_model.store.promotion import model_path
from push_ops.retraining.request import RetrainingRequest

logger = logging.getLogger(__name__)


def look_back(request: RetrainingRequest, large_orders: str) -> list[dict[str, Any]]:
    """Record what the champions of the newest days promised against what happened."""
    from push_model.training.backtesting.record import (  # noqa: PLC0415 - seconds no other step pays
        BACKTESTS_FILE,
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
        # A record of the past that cannot be kept stops no model from going live.
        logger.exception("The champions' promises could not be held against what happened.")
        return [{"sentence": str(error)}]
    return [
        {"model_name": one.model_name, "sentence": one.sentence(), **asdict(one.total)}
        for one in found
    ]


def refuse_unfit(
    request: RetrainingRequest, serving: str, backtests: list[dict[str, Any]], sentence: str
) -> None:
    """Fail where the champion that stays should not: a skipped task alarms nobody."""
    complaints = [*_complain_of_age(request, serving), *_complain_of(backtests, serving, request)]
    if complaints:
        raise UnfitChampionError(
            f"{sentence} {' '.join(complaints)} Mend what keeps challengers from winning, or "
            "promote one by hand: push-model promote NAME --reason ..."
        )


def age_of(request: RetrainingRequest, model_name: str) -> int | None:
    """Count a model's days on the run date."""
    try:
        trained_on = read_manifest(model_path(request.models_dir, model_name)).get("trained_on")
    except (ModelNotFoundError, ModelIntegrityError):
        return None
    return age_in_days(str(trained_on), request.run_date)


def _complain_of_age(request: RetrainingRequest, serving: str) -> Iterator[str]:
    age = age_of(request, serving)
    if age is not None and age > request.max_age_days:
        yield (
            f"{serving} was trained {age} days before this run; at most {request.max_age_days} are "
            f"allowed ({MAX_AGE_VARIABLE})."
        )


def _complain_of(
    backtests: list[dict[str, Any]], serving: str, request: RetrainingRequest
) -> Iterator[str]:
    policy = request.policy
    for found in backtests:
        made = found.get("actual_purchases", 0)
        if found.get("model_name") != serving or made < policy.min_holdout_purchases:
            continue
        ratio = found["expected_purchases"] / made
        low, high = policy.min_expected_per_actual, policy.max_expected_per_actual
        if not low <= ratio <= high:
            yield (
                f"{serving} promised {ratio:.2f} purchases for each one made while it served "
                f"({low:g} to {high:g} is asked)."
            )
