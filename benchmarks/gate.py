"""Measure how often the gate errs, and what it costs.

    python benchmarks/gate.py [FRAME.parquet] --thin 3 --runs 200

Each run invents a shop, or draws a part of a frame's users, and trains two models on bootstrapped
orders of the same train window: neither is better but by chance, so that every claim between them
is an error (A/A). In the exact null the two models exchange their scores of half of the users, by
lot. Then a challenger is planted that is better by a known effect: the champion's log-odds and the
evidence of one more sign of the outcome, which is stronger the larger the effect. The same sign is
planted on the other model, too: a challenger that is better and trained on other orders. All rules
count but those of folders, clocks and newest days.
Last, the bootstrap is timed on 500,000 rows, beside copied rows that are measured again.
"""

import argparse
import functools
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.metrics import average_precision_score

from push_model.columns import JUDGING
from push_model.evaluation.resampling import Resampler
from push_model.evaluation.scorers import score
from push_model.model.scoring import Model
from push_model.training.data.dataset import load_dataset
from push_model.training.data.frames import collect_sorted
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.split import split_by_time
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.gate.evidence import gather
from push_model.training.gate.policy import Policy
from push_model.training.gate.rules import claim, judge
from push_model.training.gate.validation import find_drift
from push_model.training.gate.verdict import decide
from push_model.training.parametrisation import read_parametrisation
from push_model.training.sample import write_sample

PARAMETRISATION = {"model": "boosted_trees", "iterations": 100}
LOTS = 5
SIGNS = (0.0, 0.25, 0.35, 0.45)
POLICY = Policy()


def main() -> None:
    """Run both experiments in all cores, print shares of verdicts, then seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, nargs="?")
    parser.add_argument("--thin", type=int, default=1, help="one in so many users a run")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--orders", type=int, default=350)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="CSV of every verdict")
    options = parser.parse_args()
    work = (
        delayed(run)(
            seed,
            draw_frame(options.path, seed, options.thin)
            if options.path
            else invent_frame(seed, options.orders),
        )
        for seed in range(options.runs)
    )
    found = pd.DataFrame([row for rows in Parallel(options.jobs, verbose=5)(work) for row in rows])
    if options.out:
        found.to_csv(options.out, index=False)
    show(found)
    time_bootstrap()


def run(seed: int, frame: pd.DataFrame) -> list[dict[str, object]]:
    """Judge two models of one shop against each other, and planted ones against the first."""
    split = split_by_time(frame)
    rng = np.random.default_rng(seed)
    first, second = (train_on_drawn_orders(split.train, rng) for _ in range(2))
    own, other = score(first, split.holdout), score(second, split.holdout)
    beside = {"drift": find_drift(split, first, POLICY)}
    judged = [judge_one(split.holdout, other, own, **beside) | {"kind": "A/A"}]
    user = pd.factorize(split.holdout["user_id"])[0]
    for _ in range(LOTS):
        is_exchanged = (rng.random(user.max() + 1) < 1 / 2)[user]
        pair = (np.where(is_exchanged, *both) for both in ((own, other), (other, own)))
        judged.append(judge_one(split.holdout, *pair, **beside) | {"kind": "exact null"})
    bought = split.holdout["outcome"].to_numpy()
    sign = rng.normal(size=len(bought))
    for strength in SIGNS:
        # A normal sign whose mean the outcome shifts: its evidence is strength * sign.
        seen = strength * (sign + strength * bought) - strength**2 / 2
        planted, again = (1.0 / (1.0 + (1.0 - p) / p * np.exp(-seen)) for p in (own, other))
        kinds = [("better", planted, own)]
        if strength:
            kinds += [("better, trained again", again, own), ("worse", own, planted)]
        for kind, challenger, champion in kinds:
            found = judge_one(split.holdout, challenger, champion, **beside)
            judged.append(found | {"kind": f"{strength:g} {kind}"})
    return judged


def invent_frame(seed: int, orders: int) -> pd.DataFrame:
    """Read the large orders of a synthetic shop."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.csv"
        write_sample(path, until=date(2021, 3, 3), orders=orders, seed=seed)
        return read_frame(path)


def draw_frame(path: Path, seed: int, thin: int) -> pd.DataFrame:
    """Read the large orders of one in so many users, drawn without replacement."""
    frame = read_frame(path)
    users = np.sort(frame["user_id"].unique())
    drawn = np.random.default_rng(seed).choice(users, size=len(users) // thin, replace=False)
    return frame[frame["user_id"].isin(drawn)].reset_index(drop=True)


@functools.lru_cache(maxsize=1)
def read_frame(path: Path) -> pd.DataFrame:
    """Read the large orders of a dataset, in the order of days."""
    loaded = load_dataset(str(path), columns=JUDGING, until=date.max)
    return collect_sorted(keep_large_orders(loaded))


def train_on_drawn_orders(rows: pd.DataFrame, rng: np.random.Generator) -> Model:
    """Train on as many orders as there are, drawn with replacement."""
    by_order = rows.groupby("order_id").indices
    drawn = rng.choice(np.array(list(by_order)), size=len(by_order))
    drawn_rows = rows.iloc[np.concatenate([by_order[order] for order in drawn])]
    parametrisation = read_parametrisation(PARAMETRISATION)
    pipeline = make_pipeline(parametrisation, seed=0)
    pipeline.set_params(classify__verbose=False, classify__thread_count=1)
    pipeline.fit(drawn_rows, drawn_rows["outcome"].to_numpy())
    document = export_model(pipeline, parametrisation, trained_on="2021-03-04", rows=drawn_rows)
    return Model.from_document(document)


def judge_one(
    rows: pd.DataFrame, challenger: np.ndarray, champion: np.ndarray, **facts: object
) -> dict[str, object]:
    """Let the gate judge a challenger by its scores alone."""
    scores = {"challenger": challenger, "champion": champion}
    evidence = gather(rows, scores, policy=POLICY, **facts)
    findings = judge(evidence, POLICY)
    gain = evidence.holdout.gains["champion"]
    return {
        "decision": decide(findings),
        "claim": claim(evidence, POLICY),
        "gain": gain.estimate,
        "low": gain.low,
        "high": gain.high,
        "width": gain.high - gain.low,
        "pushed_width": evidence.precision_gain.high - evidence.precision_gain.low,
        "orders": evidence.holdout.orders,
        "failed": [f.rule for f in findings if f.passed is False],
        "unknown": [f.rule for f in findings if f.passed is None and f.is_needed],
    }


def show(found: pd.DataFrame) -> None:
    """Print what was decided and claimed, by what was planted."""
    shares = []
    for kind, rows in found.groupby("kind", sort=False):
        share = {"challenger": kind, "mean gain": f"{rows['gain'].mean():+.1%}"}
        for column, names in (
            ("decision", ("promote", "keep", "inconclusive")),
            ("claim", ("better", "worse")),
        ):
            share |= {name: f"{(rows[column] == name).mean():.1%}" for name in names}
        shares.append(share)
    runs = (found["kind"] == "A/A").sum()
    print(f"\n{runs} runs, {found['orders'].mean():.0f} orders in a holdout on average")
    print(pd.DataFrame(shares).to_string(index=False))
    spread = found.groupby("kind", sort=False)[["width", "pushed_width"]].mean()
    print(spread.to_string(float_format="{:.3f}".format))
    for column in ("failed", "unknown"):
        print(
            column,
            found.explode(column).groupby("kind", sort=False)[column].value_counts().to_string(),
        )


def time_bootstrap() -> None:
    """Time the interval of average precision, by weights and by copied rows."""
    rng = np.random.default_rng(0)
    order = np.sort(rng.integers(0, 600, 500_000))
    scores = rng.random(len(order)) ** 3
    bought = rng.random(len(order)) < 0.04 * scores
    started = time.perf_counter()
    Resampler(order, bought, resamples=1_000, seed=0).average_precision(scores)
    ours = time.perf_counter() - started
    draws = [np.flatnonzero(order == one) for one in range(600)]
    started = time.perf_counter()
    for _ in range(5):
        rows = np.concatenate([draws[one] for one in rng.integers(0, 600, 600)])
        average_precision_score(bought[rows], scores[rows])
    usual = (time.perf_counter() - started) / 5 * 1_000
    print(f"\n1,000 draws of 600 orders, 500,000 rows: {ours:.1f} s; by copied rows {usual:.0f} s")


if __name__ == "__main__":
    main()
