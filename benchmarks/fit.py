"""Compare fit cost and ranking with boosted trees at the settings of others.

    python benchmarks/fit.py FRAME --repeats 3

Each way fits the train window of a feature frame, the oldest 70 % of its large orders, in a
process of its own, and scores the same holdout, the newest 10 %. Both windows are written once,
so that reading them costs every way the same; popularity alone shows how much. The others get
the 19 features raw, at the settings published for this frame, or at those of their libraries
(`--defaults`); ours prepares its inputs, and its seconds say so. Ours are the final models, without
history and with it, or what `--model` names; XGBoost gets our inputs, too, to tell what they do
from what our trees do. Intervals come from replicates of the orders, the same ones for every way.

XGBoost and LightGBM are left out where they are not installed (pip install xgboost lightgbm).
GradientBoosting uses one thread and takes no missing value: `--skip GradientBoosting`.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from measure import Cost, measure

from push_model.columns import FEATURES, HISTORY, TRAINING
from push_model.commands.options import read_model
from push_model.training.parametrisation import BoostedTrees, Parametrisation, read_parametrisation

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from push_model.evaluation.resampling import Resampler

SEED = 0
RESAMPLES = 1_000
PREPARE = "prepare"
OURS = ("final_model", "final_model_with_history")
# Both take their threads from OMP_NUM_THREADS. Early stopping would hold back a tenth of the rows,
# drawn one by one, and may fit fewer trees than the name says.
HISTOGRAMS = {"early_stopping": False, "random_state": SEED}
Peer = tuple[str, str, Mapping[str, Any]]  # its module, its class and its settings
XGBOOST = {"n_estimators": 300, "max_depth": 8, "tree_method": "hist", "random_state": SEED}
PEERS: dict[str, Peer] = {
    "XGBoost 300 x 0.02, depth 8": ("xgboost", "XGBClassifier", XGBOOST | {"learning_rate": 0.02}),
    "XGBoost 300 x 0.01, depth 8": ("xgboost", "XGBClassifier", XGBOOST | {"learning_rate": 0.01}),
    "HistGradientBoosting 100 x 0.05, depth 10": (
        "sklearn.ensemble",
        "HistGradientBoostingClassifier",
        HISTOGRAMS | {"max_iter": 100, "learning_rate": 0.05, "max_depth": 10},
    ),
    "HistGradientBoosting 100 x 0.08": (
        "sklearn.ensemble",
        "HistGradientBoostingClassifier",
        HISTOGRAMS | {"max_iter": 100, "learning_rate": 0.08},
    ),
    "GradientBoosting 50 x 0.05, depth 5": (
        "sklearn.ensemble",
        "GradientBoostingClassifier",
        {"n_estimators": 50, "learning_rate": 0.05, "max_depth": 5, "random_state": SEED},
    ),
}
SEEDED = {"random_state": SEED}
DEFAULTS: dict[str, Peer] = {
    "XGBoost": ("xgboost", "XGBClassifier", SEEDED),
    "LightGBM": ("lightgbm", "LGBMClassifier", SEEDED | {"verbose": -1}),
    "HistGradientBoosting": ("sklearn.ensemble", "HistGradientBoostingClassifier", SEEDED),
    "LogisticRegression": ("sklearn.linear_model", "LogisticRegression", {}),
}
LIBRARIES = list(dict.fromkeys(name.partition(" ")[0] for name in (*PEERS, *DEFAULTS)))


class Way(NamedTuple):
    """An estimator to make, and the columns it is fitted on."""

    make: Callable[[], Any]
    columns: Sequence[str] = FEATURES


class Popularity:
    """The popularity baseline: there is nothing to fit."""

    def fit(self, rows: "pd.DataFrame", outcomes: "np.ndarray") -> None:
        """Learn nothing."""

    def predict_proba(self, rows: "pd.DataFrame") -> "np.ndarray":
        """Give ``global_popularity`` as the second column."""
        return rows[["global_popularity"] * 2].fillna(0.0).to_numpy()


def main() -> None:
    """Compare all ways; or, as a child, prepare the rows or fit one way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frame")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", action="append", default=[], help="a name, or JSON")
    parser.add_argument("--defaults", action="store_true", help="peers at their own settings")
    parser.add_argument("--skip", choices=LIBRARIES, action="append", default=[])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    peers = {
        name: how
        for name, how in (DEFAULTS if given.defaults else PEERS).items()
        if name.partition(" ")[0] not in given.skip and find_spec(how[0])
    }
    ways = list_ways(given.model or OURS, peers, threads=given.threads)
    if given.child == PREPARE:
        prepare(given.frame, given.into)
    elif given.child:
        fit(given.child, ways[given.child], given.into)
    else:
        # The first peer is the better of the two published settings; ratios are to it.
        compare(ways, peer=next(iter(peers)), repeats=given.repeats, threads=given.threads)


def list_ways(models: Sequence[str], peers: Mapping[str, Peer], *, threads: int) -> dict[str, Way]:
    """Name every way to fit, ours first."""
    ways = {}
    for name in models:
        model = read_parametrisation(read_model(name))
        columns = FEATURES if model.features == "request" else (*FEATURES, *HISTORY)
        ways[f"ours: {name}"] = Way(partial(make_ours, model, threads), columns)
    ways |= {name: Way(partial(make_peer, *how)) for name, how in peers.items()}
    first, how = next(iter(peers.items()))
    ways[f"{first}, our inputs"] = Way(partial(make_peer_on_our_inputs, *how))
    return ways | {"popularity alone": Way(Popularity)}


def make_ours(model: Parametrisation, threads: int) -> Any:
    """Build our pipeline."""
    from push_model.training.estimators import make_pipeline

    pipeline = make_pipeline(model, seed=SEED)
    settings = {"classify__thread_count": threads, "classify__verbose": False}
    return pipeline.set_params(**settings) if isinstance(model, BoostedTrees) else pipeline


def make_peer_on_our_inputs(*how: Any) -> Any:
    """Put the peer where our trees are."""
    from push_model.training.estimators import make_pipeline

    pipeline = make_pipeline(BoostedTrees(), seed=SEED)
    return pipeline.set_params(classify=make_peer(*how))


def make_peer(module: str, classifier: str, settings: Mapping[str, Any]) -> Any:
    """Build the estimator of another library; one that takes no missing value gets medians."""
    estimator = getattr(import_module(module), classifier)(**settings)
    if classifier != "LogisticRegression":
        return estimator
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), estimator)


def prepare(frame: str, folder: Path) -> None:
    """Write the rows that train and those that judge, and say what they are."""
    import duckdb

    from push_model.training.data.frames import collect_sorted
    from push_model.training.data.history import load_with_history
    from push_model.training.data.orders import keep_large_orders
    from push_model.training.data.split import split_by_time

    loaded = load_with_history(frame, columns=TRAINING, until=date.max, needs_history=True)
    split = split_by_time(collect_sorted(keep_large_orders(loaded)))
    for name in ("train", "holdout"):
        rows, window = getattr(split, name), getattr(split.windows, name)
        duckdb.from_df(rows).write_parquet(str(folder / f"{name}.parquet"))
        orders, bought = rows["order_id"].nunique(), rows["outcome"].mean()
        print(f"{name}: {len(rows):,} rows of {orders:,} orders, {bought:.3%} bought, {window}")


def fit(name: str, way: Way, folder: Path) -> None:
    """Fit one way, note the seconds of the fit alone, and keep the scores of the holdout."""
    import numpy as np

    rows = read(folder / "train.parquet", [*way.columns, "outcome"])
    outcomes = rows.pop("outcome").to_numpy()
    estimator = way.make()
    start = time.perf_counter()
    estimator.fit(rows, outcomes)
    seconds = time.perf_counter() - start
    with (folder / f"{name}.seconds").open("a", encoding="ascii") as file:
        file.write(f"{seconds}\n")
    scores = estimator.predict_proba(read(folder / "holdout.parquet", way.columns))[:, 1]
    kept = folder / f"{name}.npy"
    if kept.exists() and not np.array_equal(np.load(kept), scores):
        print(f"  {name} scores otherwise than in the run before", file=sys.stderr)
    np.save(kept, scores)


def read(path: Path, columns: Iterable[str]) -> "pd.DataFrame":
    """Read columns in the order of the rows, which decides the trees."""
    import duckdb
    import pandas as pd

    # One by one and not copied together: else reading would take more memory than some fits.
    rows = duckdb.read_parquet(str(path))
    return pd.DataFrame({name: rows.select(name).df()[name] for name in columns}, copy=False)


def compare(ways: Mapping[str, Way], *, peer: str, repeats: int, threads: int) -> None:
    """Run every way in turns and print one table."""
    # Threads of OpenMP spin while they wait. Beside other work a fit of XGBoost or of
    # HistGradientBoosting then takes up to twenty times as long, which would flatter ours.
    os.environ |= {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    with tempfile.TemporaryDirectory() as folder:
        child = [sys.executable, __file__, *sys.argv[1:], "--into", folder, "--child"]
        subprocess.run([*child, PREPARE], check=True)
        costs = measure({name: [*child, name] for name in ways}, repeats=repeats)
        print(f"{threads} threads, median of {repeats}, x and AP gain beside {peer}\n")
        print_table(tabulate(costs, Path(folder), peer=peer))


def tabulate(costs: Mapping[str, Cost], folder: Path, *, peer: str) -> list[list[str]]:
    """Put costs and ranking side by side, a line a way."""
    costs_of_all = {name: (_fit_seconds(folder, name), *cost) for name, cost in costs.items()}
    ranking = rank(folder, list(costs), peer=peer)
    heads = ["fit s", "process s", "CPU s", "peak MB"]
    table = [["", *(part for head in heads for part in (head, "x")), "AP", "AP gain, %", "ROC-AUC"]]
    for name, own in costs_of_all.items():
        pairs = zip(own, costs_of_all[peer], strict=True)
        figures = [part for a, b in pairs for part in (f"{a:,.1f}", f"{a / b:.2f}")]
        table.append([name, *figures, *ranking[name]])
    return table


def _fit_seconds(folder: Path, name: str) -> float:
    lines = (folder / f"{name}.seconds").read_text("ascii").split()
    return statistics.median(map(float, lines))


def rank(folder: Path, names: Iterable[str], *, peer: str) -> dict[str, list[str]]:
    """Measure the scores of each way, with 95 % intervals; that of the gain in AP is paired."""
    # Only now: what the parent holds would count as a peak of every child.
    import numpy as np

    from push_model.evaluation.resampling import Resampler

    holdout = read(folder / "holdout.parquet", ["order_id", "user_id", "outcome"])
    bought = holdout["outcome"].to_numpy()
    resampler = Resampler.of_users(holdout, resamples=RESAMPLES, seed=SEED)
    scores = {name: np.load(folder / f"{name}.npy") for name in names}
    draws = {name: resampler.average_precision(each) for name, each in scores.items()}
    found = {}
    for name, own in draws.items():
        auc = resample_auc(resampler, scores[name], bought)
        shown = ((own, ".4f"), (100 * (own / draws[peer] - 1), "+.1f"), (auc, ".4f"))
        intervals = [(resampler.interval(each, alpha=0.05), how) for each, how in shown]
        found[name] = [
            f"{each.estimate:{how}} [{each.low:{how}}, {each.high:{how}}]"
            for each, how in intervals
        ]
    return found


def resample_auc(
    resampler: "Resampler", scores: "np.ndarray", bought: "np.ndarray"
) -> "np.ndarray":
    """Return ROC-AUC as it is and on each draw, but for what orders do to it in pairs.

    It is the mean share of negatives below a purchase, and the mean share of purchases above a
    negative. A draw moves the one and the other.
    """
    import numpy as np
    from scipy.stats import rankdata

    above = np.empty(len(scores))  # share of the other outcome that a row ranks rightly with
    for outcome in (0, 1):
        own = bought == outcome
        below = rankdata(scores)[own] - rankdata(scores[own])
        above[own] = below / (~own).sum() if outcome else 1 - below / (~own).sum()
    parts = (resampler.ratio(above * own, own) for own in (bought == 0, bought == 1))
    return sum(parts) - above[bought == 1].mean()


def print_table(table: Sequence[Sequence[str]]) -> None:
    """Print a table that is Markdown, and as easy to read as it stands."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    for first, *others in (table[0], rule, *table[1:]):
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
