"""Compare the cost of an answer with the usual way and with CatBoost's own.

    OMP_NUM_THREADS=1 python benchmarks/predict.py --repeats 30

Both models are trained here, on an invented frame: 300 symmetric trees of depth 6, and for the
usual way a scikit-learn pipeline with a logistic regression, the smallest model there is. All are
loaded once and asked in turns, so that a busy spell hits them alike.
"""

import argparse
import io
import json
import os
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import onnxruntime
import pandas as pd
from catboost import CatBoostClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from trained_store import fit_trees, invent_frame, save_champion

from push_model import handler_predict
from push_model.columns import FEATURES
from push_model.model import scoring
from push_model.model.scoring import Model
from push_model.serving.settings import settings_of_process
from push_model.store.folder import read_model

MANY = 10_000
SHORTEST_TURN_S = 0.005


def main() -> None:
    """Train, then print whole requests, scoring alone, and where NumPy overtakes plain Python."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=30)
    repeats = parser.parse_args().repeats
    frame = invent_frame(np.random.default_rng(0))
    ours = fit_trees(frame)
    usual = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    usual = reload(usual.fit(frame[list(FEATURES)], frame["outcome"]))
    with tempfile.TemporaryDirectory() as store:
        folder = save_champion(ours, frame, store)
        os.environ["PUSH_MODELS_DIR"] = store
        compare_requests(frame, ours, usual, repeats=repeats)
        show_load(folder, repeats=repeats)
        model = read_model(folder).model
        compare_scoring(frame, ours, model, repeats=repeats)
        compare_crossover(frame, model, repeats=repeats)


def compare_requests(frame: pd.DataFrame, ours: Pipeline, usual: Pipeline, *, repeats: int) -> None:
    """Time requests from JSON text to JSON text."""

    def usual_way(pipeline: Pipeline, users: str) -> str:
        rows = pd.DataFrame.from_dict(json.loads(users), orient="index")[list(FEATURES)]
        found = pipeline.predict_proba(rows.astype(float))[:, 1]
        return json.dumps({"prediction": dict(zip(rows.index, found.tolist(), strict=True))})

    saved = io.BytesIO()
    joblib.dump(usual, saved)

    def reloading(users: str) -> str:
        saved.seek(0)
        return usual_way(joblib.load(saved), users)

    print("\nA whole request, JSON text to JSON text")
    for n_users in (1, MANY):
        users = to_json(frame.tail(n_users))
        ways = {
            "ours, 300 trees": lambda users=users: handler_predict({"users": users}),
            "json.loads and json.dumps of the same alone": (
                lambda users=users: json.dumps(json.loads(users))
            ),
            "joblib pipeline loaded again, logistic regression": lambda users=users: reloading(
                users
            ),
            "joblib pipeline, DataFrame, logistic regression": (
                lambda users=users: usual_way(usual, users)
            ),
            "the same with CatBoost's 300 trees": lambda users=users: usual_way(ours, users),
        }
        print_seconds(f"{n_users:,} user(s)", time_in_turns(ways, repeats=repeats))
    one = to_json(frame.tail(1))
    print_percentiles("ours", partial(handler_predict, {"users": one}), calls=20_000)
    os.environ["PUSH_SKEW_SKETCH"] = "off"
    settings_of_process.cache_clear()
    print_percentiles(
        "ours without its skew sketch", lambda: handler_predict({"users": one}), calls=20_000
    )
    print_percentiles("usual way", lambda: usual_way(usual, one), calls=500)


def show_load(folder: Path, *, repeats: int) -> None:
    """Print what it takes to verify, parse and prepare the model, and what of it is kept."""
    seconds = time_in_turns({"load": lambda: read_model(folder)}, repeats=repeats)["load"]
    tracemalloc.start()
    kept = read_model(folder)
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = (kept.path / "model.json").stat().st_size
    print(
        f"\nLoading {size / 1e6:.2f} MB of model.json: {seconds * 1e3:.1f} ms, "
        f"{now / 2**20:.1f} MB kept, {peak / 2**20:.1f} MB at most"
    )


def compare_scoring(frame: pd.DataFrame, ours: Pipeline, model: Model, *, repeats: int) -> None:
    """Time the scoring alone, and show that both give the same numbers."""
    last = frame.tail(MANY)
    inputs = ours.named_steps["prepare"].transform(last)
    catboost = ours.named_steps["classify"]
    columns = {name: last[name].to_numpy(dtype=float) for name in FEATURES}
    row = last[list(FEATURES)].iloc[0].tolist()
    onnx = onnx_session(catboost)
    floats = np.asarray(inputs, dtype=np.float32)
    gap = np.abs(model.propensities_of_columns(columns) - catboost.predict_proba(inputs)[:, 1])
    print(f"\nScoring alone; largest difference on {MANY:,} candidates {gap.max():.1e}")
    one = {
        "ours, plain Python, from features": lambda: model.propensity(row),
        "CatBoost's predict_proba, from prepared inputs": (
            lambda: catboost.predict_proba(inputs[:1], thread_count=1)
        ),
        "ONNX Runtime, from prepared inputs": (
            lambda: onnx.run(["probabilities"], {"features": floats[:1]})
        ),
    }
    print_seconds("1 candidate", time_in_turns(one, repeats=repeats))
    many = {
        "ours, NumPy, from features": lambda: model.propensities_of_columns(columns),
        "CatBoost's predict_proba, from prepared inputs": (
            lambda: catboost.predict_proba(inputs, thread_count=1)
        ),
        "ONNX Runtime, from prepared inputs": (
            lambda: onnx.run(["probabilities"], {"features": floats})
        ),
    }
    print_seconds(f"{MANY:,} candidates", time_in_turns(many, repeats=repeats))


def onnx_session(catboost: CatBoostClassifier) -> onnxruntime.InferenceSession:
    """Convert the trees to ONNX, on one thread like the others."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.onnx"
        catboost.save_model(path, format="onnx")
        return onnxruntime.InferenceSession(path, options)


def print_percentiles(name: str, way: Callable[[], object], *, calls: int) -> None:
    """Print how long single calls take: the middle one and the slow ones."""
    for _ in range(calls // 10):
        way()
    taken = []
    for _ in range(calls):
        start = time.perf_counter_ns()
        way()
        taken.append((time.perf_counter_ns() - start) / 1e3)
    p50, p99 = np.percentile(taken, [50, 99])
    print(f"  one user, {name}: p50 {p50:.1f} us, p99 {p99:.1f} us of {calls:,} calls")


def compare_crossover(frame: pd.DataFrame, model: Model, *, repeats: int) -> None:
    """Time plain Python against NumPy around the sizes where `scoring` goes over."""
    rows = frame[list(FEATURES)].tail(2 * scoring.WORTH_IMPORTING_NUMPY).to_numpy().tolist()
    print("\nPlain Python against NumPy (already imported)")
    for n_rows in (16, 32, scoring.WORTH_NUMPY, 256, scoring.WORTH_IMPORTING_NUMPY):
        some = rows[:n_rows]
        table = dict(zip(FEATURES, np.array(some).T, strict=True))
        ways = {
            "plain Python": lambda some=some: [model.propensity(row) for row in some],
            "NumPy": lambda table=table: model.propensities_of_columns(table),
        }
        print_seconds(f"{n_rows:,} candidates", time_in_turns(ways, repeats=repeats))


def to_json(rows: pd.DataFrame) -> str:
    """Write a request as the API team sends it: NaN as null."""
    records = rows[list(FEATURES)].astype(object).where(rows[list(FEATURES)].notna(), None)
    return json.dumps(dict(zip(map(str, rows.index), records.to_dict("records"), strict=True)))


def reload(pipeline: Pipeline) -> Pipeline:
    """Save and load as services do."""
    file = io.BytesIO()
    joblib.dump(pipeline, file)
    file.seek(0)
    return joblib.load(file)


def time_in_turns(ways: Mapping[str, Callable[[], object]], *, repeats: int) -> dict[str, float]:
    """Give each way's median seconds, each called once before it counts."""
    for way in ways.values():
        way()
    runs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            calls = 0
            start = time.perf_counter()
            # A turn lasts 5 ms at least: a service under load asks with warm caches, too.
            while (taken := time.perf_counter() - start) < SHORTEST_TURN_S:
                way()
                calls += 1
            runs[name].append(taken / calls)
    return {name: statistics.median(seconds) for name, seconds in runs.items()}


def print_seconds(title: str, seconds: Mapping[str, float]) -> None:
    """Print each way's time and how many times as long as ours it takes."""
    ours = next(iter(seconds.values()))
    print(f"  {title}")
    for name, taken in seconds.items():
        print(f"    {name:<48} {taken * 1e3:10.3f} ms {taken / ours:8.1f} x ours")


if __name__ == "__main__":
    main()
