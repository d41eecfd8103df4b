"""Results made by hand."""

import numpy as np

from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.result import Result

METRICS = {"average_precision": 0.2, "roc_auc": 0.8}


def make_entry(name, **differs) -> Entry:
    return Entry(name=name, question="Is it any good?", family="boosted_trees", **differs)


def make_result(entry, part, precision, *, noise=0.0, seed=0, **differs) -> Result:
    """Make a result with draws around `precision`; an equal seed gives equal deviations."""
    deviations = np.random.default_rng(seed).normal(0.0, 1.0, 200) * noise
    given = {
        "fingerprint": "f",
        "train": {"rows": 90, "orders": 9, "purchases": 9},
        "judged": {"rows": 100, "orders": 40, "purchases": 10},
        "metrics": {"all": METRICS, "new": None, "returning": METRICS},
        "draws": (precision, *(precision + deviations).tolist()),
        "fit_s": 1.0,
        "score_us": 2.0,
        "size_bytes": 3,
        "inputs": 4,
        "converged": None,
        "curve": None,
    }
    return Result(entry=entry, part=part, **given | differs)
