import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from push_model.evaluation import importances
from push_model.evaluation.importances import measure_importances, trace_dependence
from push_model.evaluation.scorers import score


@pytest.fixture(scope="module")
def found(model, holdout):
    return measure_importances(model, holdout, seed=0)


def test_what_matters_to_the_model_is_found_to_matter(model, found):
    lost = {importance.feature: importance.lost for importance in found}

    assert set(lost) == set(model.feature_names)
    assert {found[0].feature, found[1].feature} == {"ordered_before", "set_as_regular"}
    assert lost["ordered_before"] > 0.05 > abs(lost["count_pets"])
    assert all(importance.low <= importance.lost <= importance.high for importance in found)


def test_an_importance_is_the_loss_of_shuffled_values(model, holdout, found):
    outcomes, rng = holdout["outcome"], np.random.default_rng(0)
    whole = average_precision_score(outcomes, score(model, holdout))
    lost = [
        whole
        - average_precision_score(
            outcomes,
            score(model, holdout.assign(ordered_before=rng.permutation(holdout["ordered_before"]))),
        )
        for _ in range(20)
    ]

    importance = next(each for each in found if each.feature == "ordered_before")
    assert importance.lost == pytest.approx(np.mean(lost), abs=4 * np.std(lost) + 1e-3)


def test_importances_use_no_more_rows_than_they_may(model, holdout, monkeypatch):
    monkeypatch.setattr(importances, "IMPORTANCE_ROWS", 300)
    seen = []
    monkeypatch.setattr(
        importances, "score", lambda m, rows: seen.append(len(rows)) or score(m, rows)
    )

    measure_importances(model, holdout, seed=0)

    assert set(seen) == {300}


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


def test_a_feature_without_any_value_has_no_dependence(model, holdout):
    unknown = holdout.assign(discount_pct=np.nan)

    assert trace_dependence(model, unknown, "discount_pct", seed=0) is None


def test_a_model_without_training_quantiles_takes_its_grid_from_the_rows(
    model, holdout, monkeypatch
):
    bare = tuple(feature._replace(seen=None) for feature in model.features)
    monkeypatch.setattr(model, "features", bare)

    found = trace_dependence(model, holdout, "normalised_price", seed=0)

    assert found.values[0] == holdout["normalised_price"].min()
    assert found.values[-1] == holdout["normalised_price"].max()


def test_a_line_ends_where_enough_users_are(model, holdout):
    found = trace_dependence(model, holdout, "count_adults", seed=0, least_users=5)

    by_user = holdout.groupby("user_id")["count_adults"].first().sort_values()
    assert found.values[0] == by_user.iloc[4]
    assert found.values[-1] == by_user.iloc[-5]
    assert sum(found.rows) == len(holdout)
    too_many = len(by_user) + 1
    assert trace_dependence(model, holdout, "count_adults", seed=0, least_users=too_many) is None
