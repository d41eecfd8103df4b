"""Are the propensities honest, and would a line through the log-odds make them so?"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

# With fewer purchases a line follows luck; 100 place a slope within some 10 % either way.
MIN_PURCHASES = 100
# Share of the log loss a line must save on orders it has not seen, and by how many standard errors
# of that saving: one chance in twenty that a line without any use is kept.
MIN_GAIN = 0.001
MIN_STANDARD_ERRORS = 1.645
# A model that needs more than this is broken, not over-confident; a line would hide it.
SLOPES = (0.2, 5.0)
INTERCEPTS = (-5.0, 5.0)
# Propensities this near 0 and 1 have log-odds still.
SMALLEST = 1e-15

Floats = NDArray[np.float64]


class Line(NamedTuple):
    """Platt scaling: ``slope * log-odds + intercept`` in place of the log-odds."""

    slope: float = 1.0
    intercept: float = 0.0

    def propensities(self, log_odds: Floats) -> Floats:
        """Give the propensities after scaling."""
        return np.asarray(expit(self.slope * log_odds + self.intercept))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was decided of the propensities, and on what grounds.

    Attributes
    ----------
    method : str
        ``"platt"`` or ``"none"``.
    slope, intercept : float
        The line; 1 and 0 where there is none.
    says : str
        Why, in a sentence.
    log_loss_before, log_loss_after : float or None
        On the newer half of the calibration window, without a line and with the one fitted on the
        older half; None where no line could be tried.
    standard_errors : float or None
        The saving in standard errors of it, orders taken as the units of chance.
    orders : int or None
        Orders of that newer half.
    """

    method: str
    slope: float
    intercept: float
    says: str
    log_loss_before: float | None = None
    log_loss_after: float | None = None
    standard_errors: float | None = None
    orders: int | None = None

    @property
    def line(self) -> Line:
        """The line that calibrates; where there is none, the one that changes nothing."""
        return Line(self.slope, self.intercept)

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data, for the manifest."""
        return asdict(self)


def choose_calibration(rows: pd.DataFrame, propensities: Floats) -> Calibration:
    """Decide whether a line makes propensities more honest on orders it has not seen.

    Notes
    -----
    A line with a positive slope keeps every ranking, and so average precision (docs/adr/0011).
    Halves are whole days, and so whole orders; the saving is compared order by order, for the
    rows of an order share their luck.
    """
    outcomes = rows["outcome"].to_numpy(dtype=np.float64)
    log_odds = np.asarray(logit(np.clip(propensities, SMALLEST, 1.0 - SMALLEST)))
    is_older = _find_older_half(rows)
    bought = [int(outcomes[is_older].sum()), int(outcomes[~is_older].sum())]
    if min(bought) < MIN_PURCHASES:
        return _none(
            f"The halves of the calibration window hold {bought[0]} and {bought[1]} purchases; "
            f"a line is tried with {MIN_PURCHASES} in each."
        )
    tried = fit_line(log_odds[is_older], outcomes[is_older])
    line = fit_line(log_odds, outcomes)
    if tried is None or line is None:
        return _none(
            f"No line with a slope from {SLOPES[0]:g} to {SLOPES[1]:g} fits; the model itself is "
            "far from honest."
        )
    newer = rows["order_id"].to_numpy()[~is_older]
    return _judge(tried, line, newer, log_odds[~is_older], outcomes[~is_older])


def fit_line(log_odds: Floats, outcomes: Floats) -> Line | None:
    """Find the line that gives the smallest log loss.

    Notes
    -----
    Sums only, and no matrix product: threads do not change a bit.

    References
    ----------
    Platt (1999), Probabilistic outputs for support vector machines; without its smoothed targets,
    which matter to samples far smaller than `MIN_PURCHASES`.

    Examples
    --------
    >>> log_odds = np.repeat([-1.0, 1.0], 4)
    >>> line = fit_line(log_odds, np.array([0, 0, 0, 1, 0, 1, 1, 1.0]))
    >>> round(line.slope, 4), abs(round(line.intercept, 4))  # 1 in 4, and 3 in 4
    (1.0986, 0.0)
    """
    found = minimize(
        _loss_and_slopes,
        np.array(Line()),
        args=(log_odds, outcomes),
        jac=True,
        method="L-BFGS-B",
        bounds=(SLOPES, INTERCEPTS),
        options={"ftol": 0.0, "gtol": 1e-10},
    )
    line = Line(*map(float, found.x))
    is_within = all(
        low < value < high for value, (low, high) in zip(line, (SLOPES, INTERCEPTS), strict=True)
    )
    return line if is_within else None


def _loss_and_slopes(
    point: Floats, log_odds: Floats, outcomes: Floats
) -> tuple[float, tuple[float, float]]:
    """Give the mean log loss of a line, and what it changes by with slope and intercept."""
    scaled = point[0] * log_odds + point[1]
    gap = expit(scaled) - outcomes
    loss = np.mean(np.logaddexp(0.0, scaled) - outcomes * scaled)
    return float(loss), (float(np.mean(gap * log_odds)), float(np.mean(gap)))


def _find_older_half(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Find the rows of the days, oldest first, that hold about half of the orders."""
    orders_by_day = rows.groupby("order_date")["order_id"].nunique().sort_index()
    reached = orders_by_day.cumsum().to_numpy() / orders_by_day.sum()
    # One day alone cannot be halved: the newer half is then empty, which is said above.
    last = orders_by_day.index[int(np.argmax(reached >= 1 / 2))]
    return np.asarray(rows["order_date"] <= last)


def _judge(tried: Line, line: Line, orders: Any, log_odds: Floats, outcomes: Floats) -> Calibration:
    before, after = (_log_losses(log_odds, outcomes, which) for which in (Line(), tried))
    _, order = np.unique(orders, return_inverse=True)
    savings: Floats = np.bincount(order, weights=before - after).astype(np.float64)
    errors = _standard_errors(savings)
    gain = float(savings.sum() / before.sum())
    helps = gain >= MIN_GAIN and errors >= MIN_STANDARD_ERRORS
    chosen = line if helps else Line()
    return Calibration(
        "platt" if helps else "none",
        *chosen,
        says=_say(gain, errors, orders=len(savings), helps=helps),
        log_loss_before=float(before.mean()),
        log_loss_after=float(after.mean()),
        standard_errors=errors,
        orders=len(savings),
    )


def _log_losses(log_odds: Floats, outcomes: Floats, line: Line) -> Floats:
    scaled = line.slope * log_odds + line.intercept
    return np.asarray(np.logaddexp(0.0, scaled) - outcomes * scaled)


def _standard_errors(savings: Floats) -> float:
    spread = float(np.sqrt(len(savings) * savings.var(ddof=1))) if len(savings) > 1 else 0.0
    return float(savings.sum()) / spread if spread else 0.0


def _say(gain: float, errors: float, *, orders: int, helps: bool) -> str:
    found = (
        f"A line through the log-odds, fitted on the older half of the calibration window, changes "
        f"log loss on the {orders} orders of the newer half by {-100 * gain:+.3f} % "
        f"({errors:.1f} standard errors)"
    )
    if helps:
        return f"{found}; fitted on both halves, it was kept."
    asked = f"{-100 * MIN_GAIN:g} % and {MIN_STANDARD_ERRORS:g} are asked"
    return f"{found}; {asked}, so the propensities stay as they are."


def _none(reason: str) -> Calibration:
    return Calibration("none", *Line(), says=reason)
