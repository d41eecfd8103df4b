"""Metrics, intervals and slices as values, free of the libraries that measure them."""

from dataclasses import asdict, dataclass
from typing import NamedTuple


class Interval(NamedTuple):
    """An estimate and its confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """Every metric of one set of scores on one set of outcomes.

    Attributes
    ----------
    average_precision, roc_auc, log_loss, brier_score, ece : float
        See `push_model.evaluation.metrics`; average precision decides.
    precision_at_1pct, recall_at_5pct, lift_at_5pct : float
        At the best 1 % or 5 % of the candidates.
    precision_when_pushed, recall_when_pushed, pushed_share : float
        Of the candidates above the push threshold (p > 0.05); precision is 0 if there are none.
    expected_per_actual : float
        Purchases predicted for each purchase that happened; 1 is calibrated.
    base_rate : float
        Share bought: the average precision of random scores.
    rows, purchases : int
        Size of the set.
    """

    average_precision: float
    roc_auc: float
    log_loss: float
    brier_score: float
    ece: float
    precision_at_1pct: float
    recall_at_5pct: float
    lift_at_5pct: float
    precision_when_pushed: float
    recall_when_pushed: float
    pushed_share: float
    expected_per_actual: float
    base_rate: float
    rows: int
    purchases: int

    def document(self) -> dict[str, float]:
        """Return the metrics by name, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """How a challenger does on one group of candidates, and the scorer it is compared with."""

    name: str
    rows: int
    orders: int
    purchases: int
    average_precision: float
    rival: str  # "champion", or "popularity" where there is none
    rival_average_precision: float
    gain: Interval  # of average precision over the rival's, as a share of the rival's
    expected_per_actual: Interval
    calibration_error: Interval

    @property
    def base_rate(self) -> float:
        """Share bought."""
        return self.purchases / max(1, self.rows)
