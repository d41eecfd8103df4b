"""One model.json, whatever the machine's threads, hash seed and row order: processes of their own.

`test_fit.py` holds one process to the same bytes twice, and to any row order and kind of file.
CatBoost adds up in as many parts as it has threads, so that on millions of rows another
`thread_count` gives other trees from about the eighth digit on; frames as small as this one it does
not part.
"""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest

from tests.frames import make_frame

TRAIN = """
import json, sys
from catboost import CatBoostClassifier
from push_model.training import estimators
from push_model.training.fit import handler_fit

event, threads = json.loads(sys.argv[1]), int(sys.argv[2])

class Threaded(CatBoostClassifier):
    def __init__(self, **settings):
        super().__init__(**settings | {"thread_count": threads})

estimators.CatBoostClassifier = Threaded
print(json.loads(handler_fit(event)["body"])["model_path"][0])
"""
MODELS = [
    {"model": "boosted_trees", "iterations": 30, "depth": 6},
    {"model": "logistic_regression"},
    {"model": "logistic_regression", "penalty": "l1", "C": 0.1},
]
LATE = 0.69

pytestmark = [pytest.mark.slow, pytest.mark.mltest("Infra 1")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write a frame of which the calibration window differs enough to be calibrated."""
    folder = tmp_path_factory.mktemp("reproducible")
    frame = make_frame(orders=600, seed=0)
    late = frame["order_date"] >= frame["order_date"].quantile(LATE)
    dropped = late & (frame["outcome"] == 1) & (frame.index % 5 == 0)
    frame.loc[dropped, "outcome"] = 0.0
    frame.to_csv(folder / "as_exported.csv", index=False)
    frame.sample(frac=1, random_state=1).to_csv(folder / "shuffled.csv", index=False)
    return folder


def digests(folder, *, model, dataset="as_exported.csv", hash_seed=0, threads=1) -> dict[str, str]:
    name = f"hash_{hash_seed}_threads_{threads}_{dataset.partition('.')[0]}"
    event = {
        "model_parametrisation": model,
        "dataset": str(folder / dataset),
        "models_dir": str(folder / "models" / str(MODELS.index(model))),
        "training_date": "2022-03-04",
        "model_name": name,
    }
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, json.dumps(event), str(threads)],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        | {"PYTHONHASHSEED": str(hash_seed), **dict.fromkeys(variables, str(threads))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.splitlines()[-1])
    assert path.name == name
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["calibration"]["log_loss_after"] is not None
    files = ("model.json", "golden.json")
    return {file: sha256((path / file).read_bytes()).hexdigest() for file in files} | {
        "calibration": json.dumps(manifest["calibration"])
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: "-".join(map(str, model.values())))
def test_hash_seeds_threads_and_row_order_change_not_a_byte(folder, model):
    first = digests(folder, model=model)

    assert digests(folder, model=model, hash_seed=1, threads=2) == first
    assert digests(folder, model=model, hash_seed=2, dataset="shuffled.csv") == first
    assert digests(folder, model=model, hash_seed=3, threads=2, dataset="shuffled.csv") == first


def test_the_shuffled_file_holds_the_same_rows_in_another_order(folder):
    keys = ["order_id", "variant_id"]
    first, second = (pd.read_csv(folder / f"{name}.csv") for name in ("as_exported", "shuffled"))

    assert first[keys].to_numpy().tolist() != second[keys].to_numpy().tolist()
    pd.testing.assert_frame_equal(
        first.sort_values(keys, ignore_index=True), second.sort_values(keys, ignore_index=True)
    )
