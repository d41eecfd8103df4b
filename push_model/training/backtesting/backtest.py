"""Score a champion's days in service, and compare what it predicted with what was bought."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from push_model.errors import DatasetError
from push_model.evaluation.metrics import measure
from push_model.evaluation.results import Metrics
from push_model.evaluation.scorers import Scores, baseline_scores, score
from push_model.model.scoring import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What a model predicted for some orders, and what was bought."""

    orders: int
    expected_purchases: float
    actual_purchases: int
    metrics: Metrics | None  # None where all candidates, or none, were bought: no ranks then
    popularity_average_precision: float | None

    def document(self) -> dict[str, Any]:
        """Return them as JSON-able data, metrics beside counts."""
        return {
            "orders": self.orders,
            "expected_purchases": self.expected_purchases,
            "actual_purchases": self.actual_purchases,
            "average_precision": None,
            "popularity_average_precision": self.popularity_average_precision,
            **(self.metrics.document() if self.metrics else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The outcomes of one day's orders."""

    day: date
    age_days: int  # since the training of the model
    outcomes: Outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """A champion's days in service on which anything was ordered, the earliest first."""

    model_name: str
    model_id: str
    trained_on: str
    days: tuple[Day, ...]
    total: Outcomes

    def document(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        days = [
            {"day": str(each.day), "age_days": each.age_days, **each.outcomes.document()}
            for each in self.days
        ]
        names = {key: getattr(self, key) for key in ("model_name", "model_id", "trained_on")}
        return {**names, "total": self.total.document(), "days": days}

    def sentence(self) -> str:
        """Return what was predicted and what was bought, in a sentence."""
        first, last, total = self.days[0], self.days[-1], self.total
        ranks = (
            f" Average precision {total.metrics.average_precision:.3f}, popularity "
            f"{total.popularity_average_precision:.3f}; "
            f"{100 * total.metrics.precision_when_pushed:.1f} % of candidates above 0.05 bought."
            if total.metrics
            else ""
        )
        return (
            f"{self.model_name}, {first.age_days} to {last.age_days} days old, predicted "
            f"{total.expected_purchases:.0f} purchases on {total.orders} orders from {first.day} "
            f"to {last.day}; {total.actual_purchases} happened.{ranks}"
        )


def backtest(
    rows: pd.DataFrame, model: Model, *, model_name: str, served_since: date, served_until: date
) -> Backtest | None:
    """Score the days of a model's service; None if nothing was ordered on them.

    Days up to the model's training date are left out: it was trained on them.
    """
    trained_on = _trained_on(model, model_name)
    day = rows["order_date"].dt.normalize()
    served = (day >= pd.Timestamp(served_since)) & (day <= pd.Timestamp(served_until))
    scored = rows[served & (day > pd.Timestamp(trained_on))]
    if scored.empty:
        return None
    propensities = score(model, scored)
    return Backtest(
        model_name=model_name,
        model_id=model.model_id,
        trained_on=model.trained_on,
        days=tuple(_days(scored, propensities, trained_on)),
        total=_measure(scored, propensities),
    )


def _trained_on(model: Model, model_name: str) -> date:
    try:
        return date.fromisoformat(model.trained_on)
    except ValueError as error:
        raise DatasetError(
            f"{model_name} has the training date {model.trained_on!r}, which is not a day, so the "
            "days that it was trained on are unknown. Retrain it."
        ) from error


def _days(rows: pd.DataFrame, propensities: Scores, trained_on: date) -> Iterator[Day]:
    moments = rows["order_date"].dt.normalize()
    for moment in sorted(moments.unique()):
        is_then = (moments == moment).to_numpy()
        yield Day(
            day=moment.date(),
            age_days=(moment.date() - trained_on).days,
            outcomes=_measure(rows[is_then], propensities[is_then]),
        )


def _measure(rows: pd.DataFrame, propensities: Scores) -> Outcomes:
    bought = rows["outcome"].to_numpy(dtype=np.float64)
    can_rank = 0 < bought.sum() < len(bought)
    popularity = baseline_scores(rows)["popularity"] if can_rank else None
    return Outcomes(
        orders=rows["order_id"].nunique(),
        expected_purchases=float(propensities.sum()),
        actual_purchases=int(bought.sum()),
        metrics=measure(bought, propensities) if can_rank else None,
        popularity_average_precision=(
            None if popularity is None else measure(bought, popularity).average_precision
        ),
    )
