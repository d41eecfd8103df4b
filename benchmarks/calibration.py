"""Compare calibrations of propensities on unseen orders: gain and cost.

python benchmarks/calibration.py FRAME
"""

import argparse
from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression as SklearnLogisticRegression

from push_model.evaluation.metrics import Floats, measure
from push_model.training.calibration import choose_calibration, fit_line
from push_model.training.data.dataset import load_dataset
from push_model.training.data.frames import collect_sorted
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.split import split_by_time
from push_model.training.estimators import make_pipeline
from push_model.training.parametrisation import (
    BoostedTrees,
    LogisticRegression,
    Parametrisation,
)

UNTIL = date(2100, 1, 1)
# Three training dates: one alone would be one holdout's luck.
DAYS_BEFORE_THE_LAST = (0, 73, 165)
FAMILIES: tuple[Parametrisation, ...] = (BoostedTrees(), LogisticRegression())
# What isotonic regression calls impossible happens all the same; log loss would be infinite.
SMALLEST = 1e-6

Method = Callable[[Floats, Floats], Callable[[Floats], Floats]]


def main() -> None:
    """Print every method's figures on the holdout, and what training chooses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frame")
    frame = collect_sorted(keep_large_orders(load_dataset(parser.parse_args().frame, until=UNTIL)))
    last = frame["order_date"].max()
    for days in DAYS_BEFORE_THE_LAST:
        until = last - pd.Timedelta(days=days)
        for family in FAMILIES:
            print(f"\n{family.model}, trained on {until.date()}")
            compare(frame[frame["order_date"] <= until], family)


def compare(frame: pd.DataFrame, family: Parametrisation) -> None:
    """Fit one model; fit each method on its calibration window, judge it on its holdout."""
    split = split_by_time(frame)
    pipeline = make_pipeline(family, seed=0)
    pipeline.set_params(classify__verbose=0).fit(split.train, split.train["outcome"].to_numpy())
    calibration, holdout = (
        logit(pipeline.predict_proba(rows)[:, 1]) for rows in (split.calibration, split.holdout)
    )
    bought, judged = split.calibration["outcome"].to_numpy(), split.holdout["outcome"]
    plain = measure(judged, expit(holdout))
    for name, method in METHODS.items():
        found = measure(judged, method(calibration, bought)(holdout))
        print(
            f"  {name:<9} log loss {found.log_loss:.5f}"
            f" ({found.log_loss / plain.log_loss - 1:+.2%})  ECE {found.ece:.5f}"
            f"  AP {found.average_precision:.4f}  expected/actual {found.expected_per_actual:.3f}",
            flush=True,
        )
    chosen = choose_calibration(split.calibration, expit(calibration))
    print(
        f"  {chosen.method}: {chosen.slope:.3f} * log-odds {chosen.intercept:+.3f}. {chosen.says}"
    )


def leave(log_odds: Floats, outcomes: Floats) -> Callable[[Floats], Floats]:
    """Change nothing."""
    del log_odds, outcomes
    return lambda new: np.asarray(expit(new))


def fit_platt(log_odds: Floats, outcomes: Floats) -> Callable[[Floats], Floats]:
    """Fit a line through the log-odds."""
    line = fit_line(log_odds, outcomes)
    assert line is not None
    return line.propensities


def fit_beta(log_odds: Floats, outcomes: Floats) -> Callable[[Floats], Floats]:
    """Fit a line through the two logs apart (Kull et al. 2017, doi:10.1214/17-EJS1338SI)."""
    model = SklearnLogisticRegression(C=np.inf, max_iter=1_000).fit(_two_logs(log_odds), outcomes)
    return lambda new: np.asarray(model.predict_proba(_two_logs(new))[:, 1])


def _two_logs(log_odds: Floats) -> Floats:
    return np.column_stack([-np.logaddexp(0.0, -log_odds), np.logaddexp(0.0, log_odds)])


def fit_isotonic(log_odds: Floats, outcomes: Floats) -> Callable[[Floats], Floats]:
    """Fit the best ascending steps."""
    steps = IsotonicRegression(out_of_bounds="clip", y_min=SMALLEST).fit(log_odds, outcomes)
    return lambda new: np.asarray(steps.predict(new))


METHODS: dict[str, Method] = {
    "none": leave,
    "platt": fit_platt,
    "beta": fit_beta,
    "isotonic": fit_isotonic,
}


if __name__ == "__main__":
    main()
