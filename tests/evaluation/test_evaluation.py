import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from push_model.evaluation import importances as features
from push_model.evaluation.card_slices import choose_slices, measure_slices, read_slices
from push_model.evaluation.evaluation import evaluate, undo_calibration
from push_model.evaluation.importances import measure_importances, trace_dependence
from push_model.evaluation.scorers import score


def test_the_same_holdout_gives_the_same_evaluation(model, holdout, scores, evaluation):
    again = evaluate(holdout, scores, model=model, calibration={"slope": 1.2, "intercept": 0.1})

    assert again == evaluation
    assert json.loads(json.dumps(again.document(), allow_nan=False))["rows"] == len(holdout)


def test_an_evaluation_holds_no_id_of_anyone(holdout, evaluation):
    written = json.dumps(evaluation.document())

    for key in ("user_id", "order_id", "variant_id"):
        assert not any(str(number) in written for number in holdout[key].unique())


def test_the_propensities_before_calibration_are_found_again(model, holdout):
    raw = score(model, holdout)
    log_odds = np.log(raw / (1 - raw))
    calibrated = 1 / (1 + np.exp(-(1.3 * log_odds - 0.4)))

    found = undo_calibration(calibrated, {"method": "platt", "slope": 1.3, "intercept": -0.4})

    assert found == pytest.approx(raw, abs=1e-12)


@pytest.mark.parametrize("slope", [0.0, -1.0, float("nan"), float("inf")])
def test_a_line_that_cannot_be_undone_is_left_alone(slope):
    assert undo_calibration(np.array([0.5]), {"slope": slope, "intercept": 0.0}) is None


def test_what_matters_to_the_model_is_found_to_matter(model, holdout):
    found = measure_importances(model, holdout, seed=0)

    lost = {importance.feature: importance.lost for importance in found}
    assert set(lost) == set(model.feature_names)
    assert {found[0].feature, found[1].feature} == {"ordered_before", "set_as_regular"}
    assert lost["ordered_before"] > 0.05 > abs(lost["count_pets"])
    assert all(importance.low <= importance.lost <= importance.high for importance in found)


def test_another_seed_shuffles_otherwise(model, holdout):
    first = measure_importances(model, holdout, seed=0)

    assert measure_importances(model, holdout, seed=1) != first
    assert measure_importances(model, holdout, seed=0) == first


def test_importances_draw_no_more_rows_than_they_may(model, holdout, monkeypatch):
    monkeypatch.setattr(features, "IMPORTANCE_ROWS", 100)
    seen = []
    monkeypatch.setattr(features, "score", lambda m, rows: seen.append(len(rows)) or score(m, rows))

    measure_importances(model, holdout, seed=0)

    assert set(seen) == {100}


def test_rows_of_one_outcome_have_no_importances(model, holdout):
    assert measure_importances(model, holdout.assign(outcome=0.0), seed=0) == ()


def test_the_dependence_on_a_flag_is_the_mean_propensity_at_no_and_yes(model, holdout):
    found = trace_dependence(model, holdout, "abandoned_before", seed=0)

    expected = [score(model, holdout.assign(abandoned_before=value)).mean() for value in (0.0, 1.0)]
    assert found.values == (0.0, 1.0)
    assert found.propensities == pytest.approx(expected)
    assert found.when_missing is None


def test_rows_without_the_value_are_left_out_of_its_dependence(model, holdout):
    found = trace_dependence(model, holdout, "days_since_purchase_variant_id", seed=0)

    never = holdout[holdout["ordered_before"] == 0]
    with_value = holdout[holdout["ordered_before"] == 1]
    at_first = with_value.assign(days_since_purchase_variant_id=found.values[0])
    assert found.missing == "never bought"
    assert found.when_missing == pytest.approx(score(model, never).mean())
    assert found.propensities[0] == pytest.approx(score(model, at_first).mean())


def test_a_feature_that_no_row_has_has_no_dependence(model, holdout):
    unknown = holdout.assign(discount_pct=np.nan)

    assert trace_dependence(model, unknown, "discount_pct", seed=0) is None


def test_a_model_that_wrote_nothing_down_takes_its_grid_from_the_rows(model, holdout, monkeypatch):
    bare = tuple(feature._replace(seen=None) for feature in model.features)
    monkeypatch.setattr(model, "features", bare)

    found = trace_dependence(model, holdout, "normalised_price", seed=0)

    assert found.values[0] == holdout["normalised_price"].min()
    assert found.values[-1] == holdout["normalised_price"].max()


def test_a_line_is_traced_for_rows_that_name_no_user(model, holdout):
    anonymous = holdout.drop(columns="user_id")

    found = trace_dependence(model, anonymous, "normalised_price", seed=0)

    assert found == trace_dependence(model, holdout, "normalised_price", seed=0)


def test_a_line_ends_where_enough_users_are(model, holdout):
    found = trace_dependence(model, holdout, "count_adults", seed=0, least_users=5)

    by_user = holdout.groupby("user_id")["count_adults"].first().sort_values()
    assert found.values[0] == by_user.iloc[4]
    assert found.values[-1] == by_user.iloc[-5]
    assert sum(found.rows) == len(holdout)
    everyone = len(by_user)
    assert (
        trace_dependence(model, holdout, "count_adults", seed=0, least_users=everyone + 1) is None
    )


def test_a_slice_is_measured_on_its_rows_alone(holdout, scores):
    found = {part.slice: part for part in measure_slices(holdout, scores)}

    new = holdout["user_order_seq"] <= 2
    rows, ours = holdout[new], scores["challenger"][new]
    assert found["new users"].rows == new.sum()
    assert found["new users"].orders == rows["order_id"].nunique()
    assert found["new users"].average_precision == pytest.approx(
        average_precision_score(rows["outcome"], ours)
    )
    assert found["new users"].expected_per_actual == pytest.approx(
        ours.sum() / rows["outcome"].sum()
    )
    known = found["products the user bought before"]
    assert known.rows + found["products new to the user"].rows == len(holdout)


def test_too_few_purchases_leave_average_precision_open(holdout, scores):
    barely = holdout.assign(outcome=0.0)
    barely.loc[barely.index[:3], "outcome"] = 1.0

    found = measure_slices(barely, scores)

    assert {part.average_precision for part in found} == {None}
    assert any(part.expected_per_actual is None for part in found)


def test_the_most_bought_product_types_are_shown_after_the_other_slices():
    documents = [{"slice": f"product type {n:02}", "purchases": n} for n in range(30)]

    shown = choose_slices(read_slices([*documents, {"slice": "new users"}]))

    assert [part.slice for part in shown[:2]] == ["new users", "product type 29"]
    assert len(shown) == 11
