"""Metrics of scores against outcomes; average precision decides, and every metric handles ties."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from push_model.errors import DatasetError, InvalidEventError
from push_model.evaluation.results import Metrics

# The business sends where p > 0.05: about 5 % of pushes are opened.
PUSH_THRESHOLD = 0.05
_CALIBRATION_BINS = 20

Floats = NDArray[np.float64]


def measure(outcomes: ArrayLike, scores: ArrayLike) -> Metrics:
    """Measure scores against outcomes by every metric.

    Parameters
    ----------
    outcomes : array of shape (n_rows,)
        1 bought, 0 not.
    scores : array of shape (n_rows,)
        Propensities, or any score in [0, 1] (the popularity baseline).

    Returns
    -------
    Metrics

    Raises
    ------
    DatasetError
        If the outcomes are all alike: nothing can be ranked then.

    Examples
    --------
    >>> measured = measure([0, 0, 1, 0], [0.01, 0.02, 0.9, 0.04])
    >>> measured.average_precision, measured.roc_auc, measured.precision_when_pushed
    (1.0, 1.0, 1.0)
    """
    y, p = _as_pair(outcomes, scores)
    n_rows = len(y)
    pushed = p > PUSH_THRESHOLD
    bought_when_pushed = float(y[pushed].sum())
    return Metrics(
        average_precision=float(average_precision_score(y, p)),
        roc_auc=float(roc_auc_score(y, p)),
        log_loss=float(log_loss(y, p, labels=[0, 1])),
        brier_score=float(brier_score_loss(y, p)),
        ece=expected_calibration_error(y, p),
        precision_at_1pct=precision_at_k(y, p, k=max(1, round(0.01 * n_rows))),
        recall_at_5pct=recall_at_k(y, p, k=max(1, round(0.05 * n_rows))),
        lift_at_5pct=lift_at_k(y, p, k=max(1, round(0.05 * n_rows))),
        precision_when_pushed=bought_when_pushed / max(1, int(pushed.sum())),
        recall_when_pushed=bought_when_pushed / float(y.sum()),
        pushed_share=float(pushed.mean()),
        expected_per_actual=float(p.sum() / y.sum()),
        base_rate=float(y.mean()),
        rows=n_rows,
        purchases=int(y.sum()),
    )


def precision_at_k(outcomes: ArrayLike, scores: ArrayLike, *, k: int) -> float:
    r"""Compute the share bought among the `k` candidates with the best scores.

    Parameters
    ----------
    outcomes, scores : array of shape (n_rows,)
        1 bought, 0 not; higher score first.
    k : int
        How many candidates get a push, 1 to n_rows.

    Returns
    -------
    float
        Expected precision. Where the k-th place falls among equal scores, the mean over every
        order of them, so that row order cannot flatter a model with few distinct scores.

    Notes
    -----
    With `a` candidates above the k-th best score and `b` outcomes among those equal to it,
    the value is :math:`(\sum_{above} y + (k - a)\,\bar{y}_{equal}) / k` (McSherry and Najork,
    doi:10.1007/978-3-540-78646-7_38).

    Examples
    --------
    >>> precision_at_k([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], k=2)
    0.5
    >>> precision_at_k([1, 0, 0, 0], [0.5, 0.5, 0.5, 0.5], k=1)
    0.25
    """
    y, p = _as_pair(outcomes, scores)
    if not (isinstance(k, int) and 1 <= k <= len(y)):
        raise InvalidEventError(
            f"k must be a whole number in 1..{len(y)} (the number of candidates), got {k}."
        )
    at_k = np.partition(p, len(p) - k)[len(p) - k]
    above, equal = p > at_k, p == at_k
    return float(y[above].sum() + (k - above.sum()) * y[equal].mean()) / k


def recall_at_k(outcomes: ArrayLike, scores: ArrayLike, *, k: int) -> float:
    """Compute the share of all purchases that are among the `k` best scores.

    Parameters
    ----------
    outcomes, scores : array of shape (n_rows,)
        As for `precision_at_k`.
    k : int
        As for `precision_at_k`.

    Returns
    -------
    float
        Expected recall, ties as in `precision_at_k`.

    Examples
    --------
    >>> recall_at_k([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], k=3)
    1.0
    """
    return precision_at_k(outcomes, scores, k=k) * k / float(np.sum(np.asarray(outcomes)))


def lift_at_k(outcomes: ArrayLike, scores: ArrayLike, *, k: int) -> float:
    """Compute how many times the base rate is bought among the `k` best scores.

    Parameters
    ----------
    outcomes, scores : array of shape (n_rows,)
        As for `precision_at_k`.
    k : int
        As for `precision_at_k`.

    Returns
    -------
    float
        1 for random scores, 1 / base rate at best.

    Examples
    --------
    >>> lift_at_k([1, 0, 0, 0], [0.9, 0.8, 0.7, 0.1], k=1)
    4.0
    """
    return precision_at_k(outcomes, scores, k=k) / float(np.mean(np.asarray(outcomes)))


def expected_calibration_error(
    outcomes: ArrayLike, scores: ArrayLike, *, bins: int = _CALIBRATION_BINS
) -> float:
    r"""Compute the mean gap between predicted and actual purchase rates.

    Parameters
    ----------
    outcomes, scores : array of shape (n_rows,)
        1 bought, 0 not; propensities in [0, 1].
    bins : int
        Number of bins of (nearly) equally many candidates; equal scores share a bin.

    Returns
    -------
    float
        :math:`\sum_b \frac{n_b}{n} |\bar{y}_b - \bar{p}_b|`, in [0, 1].

    References
    ----------
    Naeini, Cooper, Hauskrecht (2015), doi:10.1609/aaai.v29i1.9602; bins of equal mass because
    at 1 % prevalence bins of equal width hold next to everything in one.

    Examples
    --------
    >>> expected_calibration_error([0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25])
    0.0
    >>> expected_calibration_error([0, 1], [1.0, 0.0], bins=2)
    1.0
    """
    y, p = _as_pair(outcomes, scores)
    gaps = np.bincount(calibration_bins(p, bins=bins), weights=y - p)
    return float(np.abs(gaps).sum() / len(y))


def calibration_bins(scores: Floats, *, bins: int = _CALIBRATION_BINS) -> NDArray[np.int64]:
    """Return a bin of similar scores for each candidate.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        Propensities.
    bins : int
        As for `expected_calibration_error`.

    Returns
    -------
    ndarray of int, shape (n_rows,)
        From 0, lowest scores first.

    Examples
    --------
    >>> calibration_bins(np.array([0.1, 0.2, 0.3, 0.4]), bins=2).tolist()
    [0, 0, 1, 1]
    """
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    found: NDArray[np.int64] = np.searchsorted(edges, scores, side="left")
    return found


def _as_pair(outcomes: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    y = np.asarray(outcomes, dtype=np.float64)
    p = np.asarray(scores, dtype=np.float64)
    if y.shape != p.shape or not np.isfinite(p).all() or not np.isin(y, (0.0, 1.0)).all():
        raise DatasetError(
            f"Outcomes (0 or 1) and finite scores must come in pairs; got {y.shape} outcomes and "
            f"{p.shape} scores."
        )
    if not 0 < y.sum() < len(y):
        raise DatasetError(
            f"The outcomes of these {len(y)} rows are all alike; "
            "both bought and not bought candidates are needed to measure a model."
        )
    return y, p
