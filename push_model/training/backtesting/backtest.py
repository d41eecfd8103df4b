"""What did a champion promise, and what happened? Its days in service, scored afterwards."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from push_model.errors import DatasetError
from push_model.evaluation.metrics import PUSH_THRESHOLD, Floats
from push_model.evaluation.scorers import score
from push_model.model.scoring import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What a model promised for some orders, and what happened.

    Attributes
    ----------
    orders, candidates : int
        On how much the figures rest.
    expected_purchases : float
        Sum of the propensities.
    actual_purchases : int
        Sum of the outcomes.
    average_precision, popularity_average_precision, roc_auc : float or None
        Of the model, of the popularity baseline on the same candidates, and of the model; None
        where the outcomes are all alike.
    log_loss : float
        A candidate.
    pushed : int
        Candidates with p > 0.05.
    precision_when_pushed, recall_when_pushed : float or None
        Of those; None where nothing was pushed, or nothing bought.
    """

    orders: int
    candidates: int
    expected_purchases: float
    actual_purchases: int
    average_precision: float | None
    popularity_average_precision: float | None
    roc_auc: float | None
    log_loss: float
    pushed: int
    precision_when_pushed: float | None
    recall_when_pushed: float | None

    @property
    def expected_per_actual(self) -> float | None:
        """Purchases promised for each one made; None where none was."""
        return self.expected_purchases / self.actual_purchases if self.actual_purchases else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day's outcomes.

    Attributes
    ----------
    day : date
        When the orders were placed.
    age_days : int
        Days since the model's training date.
    outcomes : Outcomes
        Of that day's orders.
    """

    day: date
    age_days: int
    outcomes: Outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """A champion's days in service.

    Attributes
    ----------
    model_name, model_id, trained_on : str
        Which model.
    days : tuple of Day
        Those on which anything was ordered, the earliest first; at least one.
    total : Outcomes
        Of all of them together.
    """

    model_name: str
    model_id: str
    trained_on: str
    days: tuple[Day, ...]
    total: Outcomes

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data."""
        days = [
            {"day": str(each.day), "age_days": each.age_days, **asdict(each.outcomes)}
            for each in self.days
        ]
        names = {key: getattr(self, key) for key in ("model_name", "model_id", "trained_on")}
        return {**names, "total": asdict(self.total), "days": days}

    def sentence(self) -> str:
        """Say for people what was promised and what came of it."""
        first, last, total = self.days[0], self.days[-1], self.total
        precision = total.precision_when_pushed
        pushed = "nothing" if precision is None else f"{precision:.1%} of {total.pushed} candidates"
        return (
            f"{self.model_name}, {first.age_days} to {last.age_days} days old, promised "
            f"{total.expected_purchases:.0f} purchases on {total.orders} orders from {first.day} "
            f"to {last.day}; {total.actual_purchases} were made. Average precision "
            f"{_show(total.average_precision)}, popularity "
            f"{_show(total.popularity_average_precision)}; where it says push, {pushed} bought."
        )


def backtest(
    rows: pd.DataFrame, model: Model, *, model_name: str, served_since: date, served_until: date
) -> Backtest | None:
    """Score the days of a model's service and hold them against what happened."""
    trained_on = _trained_on(model, model_name)
    day = rows["order_date"].dt.normalize()
    served = (day >= pd.Timestamp(served_since)) & (day <= pd.Timestamp(served_until))
    judged = rows[served & (day > pd.Timestamp(trained_on))]
    if judged.empty:
        return None
    propensities = score(model, judged)
    return Backtest(
        model_name=model_name,
        model_id=model.model_id,
        trained_on=model.trained_on,
        days=tuple(_days(judged, propensities, trained_on)),
        total=_measure(judged, propensities),
    )


def _trained_on(model: Model, model_name: str) -> date:
    try:
        return date.fromisoformat(model.trained_on)
    except ValueError as error:
        raise DatasetError(
            f"{model_name} says it was trained on {model.trained_on!r}, which is no day; which "
            "days it has not learnt from cannot be told. Retrain it."
        ) from error


def _days(rows: pd.DataFrame, propensities: Floats, trained_on: date) -> Iterator[Day]:
    moments = rows["order_date"].dt.normalize()
    for moment in sorted(moments.unique()):
        is_then = (moments == moment).to_numpy()
        yield Day(
            day=moment.date(),
            age_days=(moment.date() - trained_on).days,
            outcomes=_measure(rows[is_then], propensities[is_then]),
        )


def _measure(rows: pd.DataFrame, p: Floats) -> Outcomes:
    y = rows["outcome"].to_numpy(dtype=np.float64)
    popularity = rows["global_popularity"].fillna(0.0).to_numpy(dtype=np.float64)
    pushed = p > PUSH_THRESHOLD
    hits = float(y[pushed].sum())
    # A day may be a single order; then neither rank nor share need exist.
    can_rank = 0 < y.sum() < len(y)
    return Outcomes(
        orders=rows["order_id"].nunique(),
        candidates=len(rows),
        expected_purchases=float(p.sum()),
        actual_purchases=int(y.sum()),
        average_precision=float(average_precision_score(y, p)) if can_rank else None,
        popularity_average_precision=(
            float(average_precision_score(y, popularity)) if can_rank else None
        ),
        roc_auc=float(roc_auc_score(y, p)) if can_rank else None,
        log_loss=float(log_loss(y, p, labels=[0, 1])),
        pushed=int(pushed.sum()),
        precision_when_pushed=hits / float(pushed.sum()) if pushed.any() else None,
        recall_when_pushed=hits / float(y.sum()) if y.any() else None,
    )


def _show(share: float | None) -> str:
    return "not known" if share is None else f"{share:.3f}"
