"""Measure how far features move between windows of a frame, by themselves and through faults.

python benchmarks/drift.py FRAME
"""

import argparse
from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd

from push_model.model.scoring import Model
from push_model.training.data.dataset import load_dataset
from push_model.training.data.frames import collect_sorted
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.split import split_by_time
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.gate.drift import measure_drift
from push_model.training.parametrisation import BoostedTrees

UNTIL = date(2100, 1, 1)
# The cheapest model that knows its train window.
SMALLEST = BoostedTrees(iterations=1, depth=1)
DAYS = "days_since_purchase_variant_id"

FAULTS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    f"{DAYS} in hours": lambda rows: rows[DAYS].where(rows["ordered_before"] == 0, rows[DAYS] * 24),
    "normalised_price in pounds": lambda rows: rows["normalised_price"] * 36.89,
    "discount_pct in per cent": lambda rows: rows["discount_pct"] * 100,
    "global_popularity ten times": lambda rows: rows["global_popularity"] * 10,
    "global_popularity unfilled": lambda rows: rows["global_popularity"] * np.nan,
    "ordered_before all 0": lambda rows: rows["ordered_before"] * 0,
    "set_as_regular all 0": lambda rows: rows["set_as_regular"] * 0,
}


def main() -> None:
    """Print a line a comparison: its largest figures, and what has changed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frame")
    frame = collect_sorted(keep_large_orders(load_dataset(parser.parse_args().frame, until=UNTIL)))
    split, last = split_by_time(frame), frame["order_date"].max()
    compare("train window to holdout", split.train, split.holdout)
    for days in (7, 30, 90):
        older = split_by_time(frame[frame["order_date"] <= last - pd.Timedelta(days=days)])
        compare(f"champion {days} days older to holdout", older.train, split.holdout)
    month = frame["order_date"].dt.to_period("M")
    for before, after in [(now - 1, now) for now in sorted(month.unique())[-12:]]:
        compare(f"{before} to {after}", frame[month == before], frame[month == after])
    for name, spoil in FAULTS.items():
        column = name.partition(" ")[0]
        compare(name, split.train, split.holdout.assign(**{column: spoil(split.holdout)}))


def compare(name: str, then: pd.DataFrame, now: pd.DataFrame) -> None:
    """Print how far `now` lies from a model trained on `then`."""
    pipeline = make_pipeline(SMALLEST, seed=0)
    pipeline.set_params(classify__verbose=False).fit(then, then["outcome"])
    document = export_model(pipeline, SMALLEST, trained_on="2000-01-01", rows=then)
    found = measure_drift(now, Model.from_document(document))
    worst = max(found, key=lambda drift: drift.psi)
    missing = max(abs(drift.missing_now - drift.missing_then) for drift in found)
    print(
        f"{name:<40} index {worst.psi:6.3f} ({worst.feature}), missing {missing:.3f}, "
        f"outside {max(drift.outside for drift in found):.3f}; "
        f"changed: {[drift.says for drift in found if drift.changed]}",
        flush=True,
    )


if __name__ == "__main__":
    main()
