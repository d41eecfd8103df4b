"""Measure the gain of refitting an evaluated model on all known orders before it serves.

    python benchmarks/refit.py FRAME --origins 6 --every 42 --days 14 --iterations 150

At each origin, a day taken for today, the evaluated model is trained as `handler_fit` does: the
oldest 70 % of the orders fit it, the next 20 % calibrate it. Beside it come refits of the same
parametrisation on more of what was known, with and without the line of the first. All are measured
on the days after the origin, which none has seen; orders are bootstrapped, with the same replicates
for each model, so differences are paired.
"""

import argparse
import contextlib
import io
import time
from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd
from scipy.special import logit
from staleness import plan_origins

from push_model.evaluation.metrics import Floats
from push_model.evaluation.resampling import Resampler
from push_model.evaluation.scorers import score
from push_model.model.scoring import Model
from push_model.training.calibration import Line
from push_model.training.data.dataset import load_dataset
from push_model.training.data.frames import collect_sorted
from push_model.training.data.orders import keep_large_orders
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.parametrisation import Parametrisation, read_parametrisation
from push_model.training.train import train

RESAMPLES = 1_000
EVALUATED = "evaluated: 70 %, line of the next 20 %"
TINY = 1e-15


def main() -> None:
    """Print each origin's figures as they come, then every way against the evaluated model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frame")
    parser.add_argument("--origins", type=int, default=6)
    parser.add_argument("--every", type=int, default=42)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--iterations", type=int, default=300)
    options = parser.parse_args()
    parametrisation = read_parametrisation({
        "model": "boosted_trees",
        "iterations": options.iterations,
    })
    frame = collect_sorted(keep_large_orders(load_dataset(options.frame, until=date.max)))
    origins = plan_origins(frame, origins=options.origins, every=options.every, days=options.days)
    found = [
        measure_origin(frame, origin, options.days, parametrisation, seed)
        for seed, origin in enumerate(origins)
    ]
    show(found)


def measure_origin(
    frame: pd.DataFrame, origin: date, days: int, parametrisation: Parametrisation, seed: int
) -> dict[str, dict[str, Floats]]:
    """Train every way on what was known at an origin; give each figure's draws by way."""
    started = time.perf_counter()
    today = pd.Timestamp(origin)
    known = frame[frame["order_date"] <= today]
    later = frame["order_date"]
    later = frame[(later > today) & (later <= today + pd.Timedelta(days=days))]
    bought = later["outcome"].to_numpy()
    resampler = Resampler.of_users(later, resamples=RESAMPLES, seed=seed)
    found = {}
    for way, scores in score_each_way(known, later, parametrisation):
        loss = -(bought * np.log(scores) + (1 - bought) * np.log1p(-scores))
        found[way] = {
            "AP": resampler.average_precision(scores),
            "log loss": resampler.ratio(loss, np.ones(len(loss))),
            "expected/actual": resampler.ratio(scores, bought),
        }
    figures = {way: round(float(draws["AP"][0]), 4) for way, draws in found.items()}
    orders, seconds = later["order_id"].nunique(), time.perf_counter() - started
    print(f"{origin}, {orders} orders in {days} days, {seconds:.0f} s: {figures}", flush=True)
    return found


def score_each_way(
    known: pd.DataFrame, later: pd.DataFrame, parametrisation: Parametrisation
) -> Iterator[tuple[str, Floats]]:
    """Name each way to make the model that serves, and give its propensities."""
    # The calibration decision takes no row of the holdout, so it may be made before the refit.
    with contextlib.redirect_stdout(io.StringIO()):
        trained = train(known, parametrisation, seed=0, trained_on="2000-01-01")
    line = trained.calibration.line
    print(f"  {trained.calibration.method}: {line.slope:.3f} * log-odds {line.intercept:+.3f}")
    yield EVALUATED, score(Model.from_document(trained.evaluated.document), later)
    ninety = pd.concat(trained.split[:2])
    for share, rows in (("90 %", ninety), ("all", known)):
        raw = fit(rows, parametrisation, later)
        yield f"refit on {share}, no line", raw
        yield f"refit on {share}, the same line", move(raw, line)


def fit(rows: pd.DataFrame, parametrisation: Parametrisation, later: pd.DataFrame) -> Floats:
    """Fit on rows, and give the propensities of later ones as serving would."""
    pipeline = make_pipeline(parametrisation, seed=0)
    with contextlib.redirect_stdout(io.StringIO()):
        pipeline.fit(rows, rows["outcome"].to_numpy())
    document = export_model(pipeline, parametrisation, trained_on="2000-01-01")
    return score(Model.from_document(document), later)


def move(propensities: Floats, line: Line) -> Floats:
    """Put the log-odds on a line."""
    return line.propensities(logit(np.clip(propensities, TINY, 1 - TINY)))


def show(found: list[dict[str, dict[str, Floats]]]) -> None:
    """Print the mean over origins of each figure, and what it is beside the evaluated model's."""
    print(f"\nMean of {len(found)} origins; 90 % intervals of the difference, orders bootstrapped")
    for figure in ("AP", "log loss", "expected/actual"):
        for way in found[0]:
            draws, base = (
                np.mean([origin[each][figure] for origin in found], axis=0)
                for each in (way, EVALUATED)
            )
            change = draws / base - 1
            low, high = np.quantile(change[1:], [0.05, 0.95])
            wins = sum(origin[way][figure][0] > origin[EVALUATED][figure][0] for origin in found)
            print(
                f"{figure:<16} {way:<40} {draws[0]:.5f}  {change[0]:+7.2%} "
                f"[{low:+.2%}, {high:+.2%}]  higher at {wins} of {len(found)}"
            )


if __name__ == "__main__":
    main()
