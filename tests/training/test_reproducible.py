"""One model.json, whatever the machine's cores, hash seed and row order: processes of their own.

`test_fit.py` holds one process to the same bytes twice, and to any row order and kind of file.
"""

import json
import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from push_model.training.data.history import with_history
from push_model.training.parametrisation import read_parametrisation
from push_model.training.train import train
from tests.effort import EFFORT
from tests.frames import make_frame

TRAIN = """
import json, os, sys

frame, models_dir, models, is_one_core = json.loads(sys.argv[1])
if is_one_core:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

from push_model.training.fit import handler_fit

for number, model in enumerate(models):
    event = {
        "model_parametrisation": model,
        "dataset": frame,
        "models_dir": models_dir,
        "training_date": "2022-03-04",
        "model_name": str(number),
    }
    handler_fit(event)
"""
MODELS = [
    {"model": "boosted_trees", "iterations": 30, "depth": 6},
    {"model": "logistic_regression"},
    {"model": "logistic_regression", "penalty": "l1", "C": 0.1},
]
LATE = 0.69

pytestmark = [
    pytest.mark.mltest("Infra 1"),
    pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are chosen as on Linux"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write a frame of which the calibration window differs enough to be calibrated."""
    folder = tmp_path_factory.mktemp("reproducible")
    frame = make_frame(orders=450, seed=0)
    late = frame["order_date"] >= frame["order_date"].quantile(LATE)
    dropped = late & (frame["outcome"] == 1) & (frame.index % 5 == 0)
    frame.loc[dropped, "outcome"] = 0.0
    frame.to_csv(folder / "as_exported.csv", index=False)
    frame.sample(frac=1, random_state=1).to_csv(folder / "shuffled.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def large():
    """Make a frame that BLAS halves, and not at a multiple of the rows it sums at once."""
    return with_history(make_frame(orders=3200)).order("variant_id, order_id").df().head(54_321)


def train_all(folder, *, dataset: str, hash_seed: int, threads: int, is_one_core: bool) -> list:
    """Train every model in a process of its own; give each one's digests and calibration."""
    models_dir = Path(tempfile.mkdtemp(dir=folder))
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    arguments = [str(folder / dataset), str(models_dir), MODELS, is_one_core]
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, json.dumps(arguments)],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        | {"PYTHONHASHSEED": str(hash_seed), **dict.fromkeys(variables, str(threads))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [_facts_of(models_dir / str(number)) for number in range(len(MODELS))]


def _facts_of(path: Path) -> dict[str, str]:
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["calibration"]["log_loss_after"] is not None
    files = ("model.json", "validated.json", "golden.json")
    return {file: sha256((path / file).read_bytes()).hexdigest() for file in files} | {
        "calibration": json.dumps(manifest["calibration"])
    }


# The first differs in everything; `make test-system` also runs what differs in one thing.
OTHERS = [
    {"dataset": "shuffled.csv", "hash_seed": 1, "threads": 1, "is_one_core": True},
    {"dataset": "as_exported.csv", "hash_seed": 2, "threads": 2, "is_one_core": False},
    {"dataset": "as_exported.csv", "hash_seed": 0, "threads": 1, "is_one_core": False},
    {"dataset": "as_exported.csv", "hash_seed": 0, "threads": 2, "is_one_core": True},
    {"dataset": "shuffled.csv", "hash_seed": 0, "threads": 2, "is_one_core": False},
]


@pytest.fixture(scope="module")
def first(folder):
    return train_all(folder, dataset="as_exported.csv", hash_seed=0, threads=2, is_one_core=False)


@pytest.mark.parametrize("other", OTHERS if EFFORT > 1 else OTHERS[:1], ids=str)
def test_hash_seeds_cores_threads_and_row_order_change_not_a_byte(folder, first, other):
    assert train_all(folder, **other) == first
    assert len({facts["model.json"] for facts in first}) == len(MODELS)


@pytest.mark.parametrize(
    "model",
    [
        {"model": "boosted_trees", "iterations": 3, "depth": 4},
        {"model": "logistic_regression", "C": 1.0},
        {"model": "logistic_regression", "C": 1.0, "features": "history"},
        {"model": "logistic_regression", "C": 1e-4, "penalty": "l1"},
    ],
    ids=lambda model: "-".join(map(str, model.values())),
)
def test_threads_of_blas_change_no_weight_of_a_frame_that_is_large_enough_for_two(large, model):
    documents = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            trained = train(large, read_parametrisation(model), seed=0, trained_on="2022-03-04")
        documents.append((trained.serving.document, trained.evaluated.document))

    assert documents[0] == documents[1]


def test_the_shuffled_file_holds_the_same_rows_in_another_order(folder):
    keys = ["order_id", "variant_id"]
    first, second = (pd.read_csv(folder / f"{name}.csv") for name in ("as_exported", "shuffled"))

    assert first[keys].to_numpy().tolist() != second[keys].to_numpy().tolist()
    pd.testing.assert_frame_equal(
        first.sort_values(keys, ignore_index=True), second.sort_values(keys, ignore_index=True)
    )
