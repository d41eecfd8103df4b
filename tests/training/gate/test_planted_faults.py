"""A bad model never goes live: each fault others have shipped is planted, and must be named."""

import json
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from push_model.store.folder import document_bytes, model_id_of, write_model_folder
from push_model.store.promotion import promote
from push_model.training import fit as fit_module
from push_model.training.fit import handler_fit
from push_model.training.gate import validation
from push_model.training.gate.policy import Policy
from push_model.training.gate.validation import _judge_model
from tests.frames import make_frame

pytestmark = [
    pytest.mark.mltest("Infra 4"),
    pytest.mark.no_cover,
]

DAYS = ("days_since_purchase_variant_id", "days_since_purchase_product_type")
TREES = {"model": "boosted_trees", "iterations": 40, "depth": 4}
RUN_DATE = date(2022, 1, 1)
# No fault lies near a limit, so that few replicates show it.
QUICK = Policy(resamples=200)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A frame and its champion."""
    folder = tmp_path_factory.mktemp("shop")
    frame = make_frame(orders=800, products=40)
    shop = SimpleNamespace(folder=folder, frame=frame, models=folder / "models")
    shop.path = write(shop, frame, "frame")
    fit(shop, shop.path, "champion", training_date="2021-12-31")
    promote(
        shop.models,
        "champion",
        expected=None,
        verdict=None,
        reason="The first.",
        promoted_at="2021-12-31",
        by="test",
    )
    return shop


def write(shop, frame, name):
    path = shop.folder / f"{name}.csv"
    frame.to_csv(path, index=False)
    return path


def fit(shop, path, name, **event):
    event = {"model_parametrisation": TREES, "training_date": str(RUN_DATE)} | event
    where = {"dataset": str(path), "model_name": name, "models_dir": str(shop.models)}
    assert handler_fit(where | event)["statusCode"] == "200"


def judge(shop, name, path=None, **options):
    usual = {
        "models_dir": str(shop.models),
        "min_items": 5,
        "training_date": RUN_DATE,
        "holdout_days": None,
        "policy": QUICK,
    }
    judgement = _judge_model(str(path or shop.path), model_name=name, **usual | options)
    json.dumps(judgement.verdict.document(), allow_nan=False)
    return judgement.verdict


def broken_rules(verdict):
    assert verdict.decision == "keep"
    return {finding.rule for finding in verdict.findings if finding.passed is False}


def write_changed(shop, name, change, source="champion", kept=()):
    """Save a sound model folder whose document was changed, with some of its files as they were."""
    folder = shop.models / source
    document = json.loads((folder / "model.json").read_bytes())
    change(document)
    document["model_id"] = model_id_of(document)
    document["trained_on"] = str(RUN_DATE)
    facts = json.loads((folder / "manifest.json").read_bytes())
    files = {name: (folder / name).read_bytes() for name in ("golden.json", *kept)}
    files["model.json"] = document_bytes(document)
    write_model_folder(shop.models, name, files, facts)


def test_a_sound_challenger_breaks_no_rule(shop):
    fit(shop, shop.path, "sound", model_parametrisation=TREES | {"learning_rate": 0.08})

    verdict = judge(shop, "sound")

    assert [f.sentence for f in verdict.findings if f.passed is False] == []
    assert verdict.decision in {"promote", "inconclusive"}
    assert verdict.champion_name == "champion"


def test_shuffled_outcomes(shop):
    rng = np.random.default_rng(0)
    shuffled = shop.frame.assign(
        outcome=shop.frame.groupby("order_id")["outcome"].transform(rng.permutation)
    )
    fit(shop, write(shop, shuffled, "shuffled"), "shuffled")

    verdict = judge(shop, "shuffled")

    assert {"beats bought before", "average precision against the champion"} <= broken_rules(
        verdict
    )
    assert verdict.claim == "worse"


def test_constant_scores(shop):
    def flatten(document):
        for tree in document["scorer"]["trees"]:
            tree["leaves"] = [0.0] * len(tree["leaves"])

    write_changed(shop, "constant", flatten)

    assert {"beats popularity", "beats bought before"} <= broken_rules(judge(shop, "constant"))


def test_a_leaked_column(shop):
    leaked = shop.frame.assign(discount_pct=shop.frame["outcome"] * 0.5)
    path = write(shop, leaked, "leaked")
    fit(shop, path, "leaked")

    assert "no sign of a data leak" in broken_rules(judge(shop, "leaked", path))


def test_one_tenth_of_the_data(shop):
    orders = shop.frame["order_id"].unique()
    tenth = shop.frame[shop.frame["order_id"].isin(orders[::10])]
    path = write(shop, tenth, "tenth")
    fit(shop, path, "tenth")

    assert "as many orders as the champion" in broken_rules(judge(shop, "tenth", path))


def test_last_years_data(shop):
    year = pd.Timedelta(days=365)
    old = shop.frame.assign(order_date=shop.frame["order_date"] - year)
    path = write(shop, old, "old")
    fit(shop, path, "old")

    verdict = judge(shop, "old", path)

    assert "data as new as the champion's" in broken_rules(verdict)
    assert any("The train window ends 2020" in reason for reason in verdict.reasons)


def test_a_wrong_filter(shop):
    fit(shop, shop.path, "unfiltered", min_items=1)

    verdict = judge(shop, "unfiltered")

    assert "trained on this dataset" in broken_rules(verdict)
    assert any("Check the filter" in reason for reason in verdict.reasons)


def test_a_filter_that_keeps_every_order(shop, monkeypatch):
    for module in (fit_module, validation):
        monkeypatch.setattr(module, "keep_large_orders", lambda frame, **_: frame)
    fit(shop, shop.path, "let_through")

    verdict = judge(shop, "let_through")

    assert "large orders only" in broken_rules(verdict)
    assert any("counts items bought, not rows" in reason for reason in verdict.reasons)


def test_another_filter_than_the_champions(shop):
    fit(shop, shop.path, "smaller_orders", min_items=3)

    verdict = judge(shop, "smaller_orders", min_items=3)

    assert "same filter as the champion" in broken_rules(verdict)


def test_a_source_that_stopped(shop):
    newest = shop.frame.loc[shop.frame["order_date"] <= str(RUN_DATE), "order_date"].max()
    run_date = (newest + pd.Timedelta(days=8)).date()
    empty = {"models_dir": str(shop.folder / "empty")}
    path = write(shop, shop.frame[shop.frame["order_date"] <= newest], "stopped")
    fit(shop, path, "stopped", training_date=str(run_date), **empty)

    verdict = judge(shop, "stopped", path, training_date=run_date, **empty)

    assert [f.passed for f in verdict.findings if f.rule == "recent orders"] == [None]
    assert verdict.decision == "inconclusive"


def test_days_turned_to_hours(shop):
    hours = shop.frame.assign(**{name: shop.frame[name] * 24 for name in DAYS})
    path = write(shop, hours, "hours")
    fit(shop, path, "hours")

    verdict = judge(shop, "hours", path)

    assert "no drift" in broken_rules(verdict)
    assert any("Check the unit." in reason for reason in verdict.reasons)


def test_a_column_gone_missing(shop):
    column = "ordered_before"
    path = write(shop, shop.frame.assign(**{column: np.nan}), f"without_{column}")
    fit(shop, path, f"without_{column}")

    verdict = judge(shop, f"without_{column}", path)

    assert "no drift" in broken_rules(verdict)
    assert any(f"{column}: missing in 100 % of rows" in reason for reason in verdict.reasons)


def test_a_column_gone_missing_in_the_newest_days_alone(shop):
    newest = shop.frame["order_date"] >= shop.frame["order_date"].quantile(0.9)
    lacking = shop.frame.assign(count_adults=shop.frame["count_adults"].mask(newest))
    path = write(shop, lacking, "gone_of_late")
    fit(shop, path, "gone_of_late")

    assert "no drift" in broken_rules(judge(shop, "gone_of_late", path))


def test_champion_and_challenger_swapped(shop):
    fit(shop, shop.path, "older", training_date="2021-06-30")

    verdict = judge(shop, "older")

    assert "newer than the champion" in broken_rules(verdict)
    assert verdict.reasons[0].endswith("not swapped.")


# Log-odds moved so far that twice, or half, of the purchases are predicted at this purchase rate.
@pytest.mark.parametrize("shift", [np.log(3.5), -np.log(3.5)])
def test_propensities_off_by_a_factor_of_two(shop, shift):
    def predict_otherwise(document):
        document["scorer"]["bias"] += shift

    name = f"predicts_{'more' if shift > 0 else 'less'}"
    write_changed(shop, name, predict_otherwise)

    assert "expected purchases match actual ones" in broken_rules(judge(shop, name))


def test_a_final_model_gone_wrong_behind_a_sound_evaluated_one(shop):
    def turn_round(document):
        document["scorer"]["scale"] *= -1

    write_changed(shop, "turned_round", turn_round, kept=["validated.json"])

    verdict = judge(shop, "turned_round")

    assert {
        "final model agrees with the evaluated one",
        "serves in a fresh process",
    } <= broken_rules(verdict)
    assert "beats popularity" not in broken_rules(verdict)


def test_a_model_that_answers_differently_from_its_trainer(shop):
    def nudge(document):
        document["scorer"]["trees"][0]["leaves"][0] += 1e-6
        document["scorer"]["trees"][0]["leaves"][-1] += 1e-6

    write_changed(shop, "nudged", nudge)

    assert "serves in a fresh process" in broken_rules(judge(shop, "nudged"))


def test_a_small_holdout_is_not_a_fault_of_the_challenger(shop):
    few = shop.frame[shop.frame["order_date"] < "2020-11-25"]
    path, empty = write(shop, few, "few"), {"models_dir": str(shop.folder / "empty")}
    fit(shop, path, "few", **empty)

    verdict = judge(shop, "few", path, **empty)

    assert verdict.decision == "inconclusive"
    assert any("at least 20 required" in reason for reason in verdict.reasons)
