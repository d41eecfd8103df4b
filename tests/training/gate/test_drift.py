from math import ceil

import numpy as np
import pandas as pd
import pytest

from push_model.columns import FEATURES
from push_model.errors import DatasetError
from push_model.model.scoring import Model
from push_model.serving.skew import Sketch
from push_model.store.folder import read_model
from push_model.testing import make_model
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.gate.drift import measure_drift
from push_model.training.gate.policy import Policy
from push_model.training.parametrisation import BoostedTrees, LogisticRegression
from tests.frames import NEVER_VARIANT_DAYS, make_frame

DAYS = "days_since_purchase_variant_id"


@pytest.fixture(scope="module")
def frame():
    return make_frame(orders=120, seed=3)


TREES = BoostedTrees(iterations=2)


@pytest.fixture(scope="module", params=[TREES, LogisticRegression()])
def champion(request, frame):
    return train_on(frame, request.param)


def train_on(rows, family=TREES) -> Model:
    pipeline = make_pipeline(family, seed=0).fit(rows, rows["outcome"])
    return Model.from_document(export_model(pipeline, family, trained_on="2022-03-14", rows=rows))


def drift_of(rows, champion, feature, **limits):
    return {found.feature: found for found in measure_drift(rows, champion, Policy(**limits))}[
        feature
    ]


def test_the_rows_of_training_have_not_moved_and_are_not_changed(frame, champion):
    before = frame.copy()

    found = measure_drift(frame, champion, Policy(max_psi=1e-9, max_missing_change=1e-9))

    pd.testing.assert_frame_equal(frame, before)
    assert [drift.feature for drift in found] == list(FEATURES)
    assert not any(drift.changed for drift in found)
    assert max(drift.psi for drift in found) < 1e-9
    assert {drift.outside for drift in found} == {0.0}
    # Medians of training are read from its tenths.
    assert [drift.median_then for drift in found] == [drift.median_now for drift in found]


@pytest.mark.mltest("Mon 2")
def test_days_sent_as_hours_are_reported_as_a_wrong_unit(frame, champion):
    bought = frame["ordered_before"] == 1
    rows = frame.assign(**{DAYS: frame[DAYS].where(~bought, frame[DAYS] * 24)})

    found = drift_of(rows, champion, DAYS)

    assert found.changed
    assert found.outside > 0.7
    assert found.missing_now == found.missing_then
    assert found.says.startswith(f"{DAYS}: {100 * found.outside:.3g} % of values are outside the")
    assert found.says.endswith("Check the unit.")


def test_a_column_no_longer_filled_is_reported_with_both_shares(frame, champion):
    found = drift_of(frame.assign(discount_pct=np.nan), champion, "discount_pct")

    assert found.changed
    assert found.median_now is None
    assert found.says == "discount_pct: missing in 100 % of rows, before in 0 %."


def test_a_column_filled_for_the_first_time_is_reported(frame):
    model = train_on(frame.assign(discount_pct=np.nan))

    found = drift_of(frame, model, "discount_pct")

    assert found.changed
    assert (found.median_then, found.outside) == (None, 0.0)
    assert found.says == "discount_pct: missing in 0 % of rows, before in 100 %."


def test_a_moved_median_is_reported(frame, champion):
    low = frame["normalised_price"].quantile(0.05)
    rows = frame.assign(normalised_price=np.where(np.arange(len(frame)) % 9, low, 0.9))

    found = drift_of(rows, champion, "normalised_price", max_outside_share=1.0)

    assert found.changed
    median = frame["normalised_price"].quantile(0.5, interpolation="lower")
    assert found.says == f"normalised_price: median moved from {median:.3g} to {low:.3g}."


def test_a_rare_flag_that_is_never_set_any_more_is_reported(frame, champion):
    many = pd.concat([frame.assign(abandoned_before=0.0)] * ceil(400 / len(frame) * 20))

    found = drift_of(many, champion, "abandoned_before")

    assert found.changed
    share = 100 * frame["abandoned_before"].mean()
    assert found.psi < 1.0
    assert found.says == (
        f"abandoned_before: always 0 now; {share:.2g} % of rows had another value."
    )


@pytest.mark.parametrize("feature", ["abandoned_before", "count_babies"])
def test_a_constant_that_chance_explains_is_not_drift(frame, champion, feature):
    one_user = frame[frame["user_id"] == frame["user_id"].iloc[0]]

    found = drift_of(one_user.assign(**{feature: 0.0}), champion, feature, max_psi=9.0)

    assert not found.changed


def test_what_the_champions_frame_wrote_for_never_is_missing(frame, champion):
    rows = frame.assign(**{DAYS: NEVER_VARIANT_DAYS, "ordered_before": 0.0})

    found = drift_of(rows, champion, DAYS)

    assert (found.missing_now, found.outside) == (1.0, 0.0)


def test_few_values_that_moved_show_among_many_rows_without_any(frame):
    """The index of all rows hardly feels them."""
    bought = frame["ordered_before"] == 1
    rare = bought & (np.arange(len(frame)) % 2 == 0)
    sparse = frame.assign(ordered_before=rare.astype(float))
    sparse[DAYS] = sparse[DAYS].where(rare, NEVER_VARIANT_DAYS)
    moved = sparse.assign(**{DAYS: sparse[DAYS].where(~rare, 2.0)})

    found = drift_of(moved, train_on(sparse), DAYS)

    assert found.psi > 4.0


@pytest.mark.parametrize("times", [2, 7])
def test_neither_row_count_nor_row_order_moves_a_figure(champion, times):
    rows = make_frame(orders=40, seed=9)
    more = pd.concat([rows] * times).sample(frac=1, random_state=0)

    assert measure_drift(more, champion) == measure_drift(rows, champion)


def test_each_limit_decides_by_itself_what_counts_as_changed(frame, champion):
    third = np.arange(len(frame)) % 3 == 0
    holes = frame.assign(discount_pct=frame["discount_pct"].mask(third))
    away = np.where(np.arange(len(frame)) % 2, 9.0, -0.9)
    far = frame.assign(discount_pct=np.where(third, away, frame["discount_pct"]))
    lenient = {"max_psi": 1e9, "max_missing_change": 0.4, "max_outside_share": 0.4}
    psi = drift_of(holes, champion, "discount_pct").psi

    for rows, strict in (
        (holes, {"max_missing_change": 0.3}),
        (far, {"max_outside_share": 0.3}),
        (holes, {"max_psi": psi * 0.99}),
    ):
        assert not drift_of(rows, champion, "discount_pct", **lenient).changed
        assert drift_of(rows, champion, "discount_pct", **lenient | strict).changed


def test_it_counts_as_serving_counts_what_is_sent(frame, champion):
    rows = frame.sample(frac=0.5, random_state=0)
    sketch = Sketch(champion)
    for row in rows[list(FEATURES)].to_numpy(dtype=float).tolist():
        sketch._count(row)

    served = sketch.report()["features"]

    for found in measure_drift(rows, champion):
        assert served[found.feature]["missing"]["served"] == found.missing_now
        assert served[found.feature]["out_of_range"] == pytest.approx(found.outside)
        assert served[found.feature]["psi"] == pytest.approx(found.psi, abs=0.02)


def test_a_feature_whose_training_is_not_known_is_left_out(tmp_path, frame):
    champion = read_model(make_model(tmp_path)).model

    found = measure_drift(frame, champion)

    assert {drift.feature for drift in found} == {DAYS, "global_popularity"}


def test_no_rows_are_refused(frame, champion):
    with pytest.raises(DatasetError, match=r"no rows to compare .* Check the holdout"):
        measure_drift(frame.head(0), champion)
