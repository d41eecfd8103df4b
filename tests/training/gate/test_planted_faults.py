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
from push_model.training.data.frames import write_parquet
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
    frame = make_frame(orders=800)
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
    path = shop.folder / f"{name}.parquet"
    write_parquet(frame, path, facts={})
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


def shuffle_outcomes(frame):
    shuffle = np.random.default_rng(0).permutation
    return frame.assign(outcome=frame.groupby("order_id")["outcome"].transform(shuffle))


def keep_a_tenth(frame):
    return frame[frame["order_id"].isin(frame["order_id"].unique()[::10])]


def lack_in_the_newest_days(frame):
    newest = frame["order_date"] >= frame["order_date"].quantile(0.9)
    return frame.assign(count_adults=frame["count_adults"].mask(newest))


# What happened to the frame, the rule that it breaks, and what the verdict says.
FRAMES = {
    "outcome leaked into a feature": (
        lambda frame: frame.assign(discount_pct=frame["outcome"] * 0.5),
        "no sign of a data leak",
        "",
    ),
    "a tenth of the data": (keep_a_tenth, "as many orders as the champion", ""),
    "data of last year": (
        lambda frame: frame.assign(order_date=frame["order_date"] - pd.Timedelta(days=365)),
        "data as new as the champion's",
        "The train window ends 2020",
    ),
    "days turned to hours": (
        lambda frame: frame.assign(**{name: frame[name] * 24 for name in DAYS}),
        "no drift",
        "Check the unit.",
    ),
    "a column gone missing": (
        lambda frame: frame.assign(ordered_before=np.nan),
        "no drift",
        "ordered_before: missing in 100 % of rows",
    ),
    "a column gone missing in the newest days": (
        lack_in_the_newest_days,
        "no drift",
        "count_adults: missing",
    ),
}


@pytest.mark.parametrize("fault", FRAMES)
def test_a_fault_of_the_frame(shop, fault):
    change, rule, said = FRAMES[fault]
    path = write(shop, change(shop.frame), fault)
    name = fault.replace(" ", "_")
    fit(shop, path, name)

    verdict = judge(shop, name, path)

    assert rule in broken_rules(verdict)
    assert any(said in reason for reason in verdict.reasons)


def test_shuffled_outcomes(shop):
    fit(shop, write(shop, shuffle_outcomes(shop.frame), "shuffled"), "shuffled")

    verdict = judge(shop, "shuffled")

    broken = broken_rules(verdict)
    assert {"beats bought before", "average precision against the champion"} <= broken
    assert verdict.claim == "worse"


def test_constant_scores(shop):
    def flatten(document):
        for tree in document["scorer"]["trees"]:
            tree["leaves"] = [0.0] * len(tree["leaves"])

    write_changed(shop, "constant", flatten)

    assert {"beats popularity", "beats bought before"} <= broken_rules(judge(shop, "constant"))


def test_a_filter_other_than_asked_for_and_one_other_than_the_champions(shop):
    fit(shop, shop.path, "smaller_orders", min_items=3)

    wrong = judge(shop, "smaller_orders")
    another = judge(shop, "smaller_orders", min_items=3)

    assert "trained on this dataset" in broken_rules(wrong)
    assert any("Check the filter" in reason for reason in wrong.reasons)
    assert "same filter as the champion" in broken_rules(another)


def test_a_filter_that_keeps_every_order(shop, monkeypatch):
    for module in (fit_module, validation):
        monkeypatch.setattr(module, "keep_large_orders", lambda frame, **_: frame)
    fit(shop, shop.path, "let_through")

    verdict = judge(shop, "let_through")

    assert "large orders only" in broken_rules(verdict)
    assert any("counts items bought, not rows" in reason for reason in verdict.reasons)


def test_a_source_that_stopped(shop):
    newest = shop.frame.loc[shop.frame["order_date"] <= str(RUN_DATE), "order_date"].max()
    run_date = (newest + pd.Timedelta(days=8)).date()
    empty = {"models_dir": str(shop.folder / "empty")}
    path = write(shop, shop.frame[shop.frame["order_date"] <= newest], "stopped")
    fit(shop, path, "stopped", training_date=str(run_date), **empty)

    verdict = judge(shop, "stopped", path, training_date=run_date, **empty)

    assert [f.passed for f in verdict.findings if f.rule == "recent orders"] == [None]
    assert verdict.decision == "inconclusive"


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
