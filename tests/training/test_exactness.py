"""Serving equals the trainer to 1e-12, on the sample and on a real frame.

`make test` compares 10,000 rows, `make test-system` 100,000.
PUSH_REAL_FRAME names the real one, a file that `load_dataset` reads.
"""

import os
from datetime import date

import numpy as np
import pytest

from push_model.columns import FEATURES
from push_model.model.scoring import Model
from push_model.training.data.dataset import load_dataset
from push_model.training.data.frames import collect_sorted
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.split import split_by_time
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.parametrisation import BoostedTrees, LogisticRegression
from push_model.training.sample import write_sample
from tests.effort import EFFORT

ROWS = 10_000 * EFFORT
ORDERS = 20 * EFFORT  # of the sample: enough for so many rows
UNTIL = date(2100, 1, 1)


@pytest.fixture(scope="module", params=["sample", "real frame"])
def frame(request, tmp_path_factory):
    if request.param == "sample":
        path = tmp_path_factory.mktemp("exactness") / "sample.csv"
        write_sample(path, until=date(2026, 1, 31), orders=ORDERS, seed=0)
    elif not (path := os.environ.get("PUSH_REAL_FRAME")):
        pytest.skip("PUSH_REAL_FRAME is not set: no real frame to measure on")
    return collect_sorted(keep_large_orders(load_dataset(str(path), until=UNTIL)))


@pytest.mark.mltest("Mon 3")
@pytest.mark.parametrize(
    "family", [BoostedTrees(iterations=60), LogisticRegression()], ids=lambda f: f.model
)
def test_serving_equals_the_trainer_to_the_twelfth_digit(frame, family):
    train = split_by_time(frame).train
    pipeline = make_pipeline(family, seed=0).fit(train, train["outcome"])
    rows = frame.sample(min(ROWS, len(frame)), random_state=0)
    holes = rows.mask(np.random.default_rng(0).random(rows.shape) < 0.05)
    model = Model.from_document(export_model(pipeline, family, trained_on="2022-03-14"))

    for candidates in (rows, holes):
        trained = pipeline.predict_proba(candidates)[:, 1]
        columns = {name: candidates[name].to_numpy(dtype=np.float64) for name in FEATURES}
        batch = np.asarray(model.propensities_of_columns(columns))
        one_by_one = [model.propensity(row) for row in candidates[list(FEATURES)].to_numpy()[:2000]]

        assert np.isnan(candidates["days_since_purchase_variant_id"]).any() or candidates is rows
        assert np.abs(batch - trained).max() <= 1e-12
        assert batch[:2000].tolist() == one_by_one
