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
from push_model.training.gate.validation import validate_model
from tests.frames import make_frame

pytestmark = [
    pytest.mark.mltest("Infra 4"),
    pytest.mark.usefixtures("undrawn_pictures"),
    pytest.mark.no_cover,
]

DAYS = ("days_since_purchase_variant_id", "days_since_purchase_product_type")
TREES = {"model": "boosted_trees", "iterations": 60, "depth": 4}
RUN_DATE = date(2022, 1, 1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A frame and its champion."""
    folder = tmp_path_factory.mktemp("shop")
    frame = make_frame(orders=1_200, products=40)
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
    options = {"min_items": 5, "training_date": RUN_DATE} | options
    verdict = validate_model(
        str(path or shop.path), model_name=name, models_dir=str(shop.models), **options
    )
    json.dumps(verdict.document(), allow_nan=False)
    return verdict


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

    assert {"better than bought before", "average precision against the champion"} <= broken_rules(
        verdict
    )
    assert verdict.claim == "worse"


def test_constant_scores(shop):
    def flatten(document):
        for tree in document["scorer"]["trees"]:
            tree["leaves"] = [0.0] * len(tree["leaves"])

    write_changed(shop, "constant", flatten)

    assert {"better than popularity", "better than bought before"} <= broken_rules(
        judge(shop, "constant")
    )


def test_a_leaked_column(shop):
    leaked = shop.frame.assign(discount_pct=shop.frame["outcome"] * 0.5)
    path = write(shop, leaked, "leaked")
    fit(shop, path, "leaked")

    assert "not too good to be true" in broken_rules(judge(shop, "leaked", path))


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

    assert "as new as the champion's data" in broken_rules(verdict)
    assert any("Its train window ends 2020" in reason for reason in verdict.reasons)


def test_a_wrong_filter(shop):
    fit(shop, shop.path, "unfiltered", min_items=1)

    verdict = judge(shop, "unfiltered")

    assert "learnt from this frame" in broken_rules(verdict)
    assert any("Was the filter right" in reason for reason in verdict.reasons)


def test_a_filter_that_keeps_every_order_whatever_it_is_told(shop, monkeypatch):
    for module in (fit_module, validation):
        monkeypatch.setattr(module, "keep_large_orders", lambda frame, **_: frame)
    fit(shop, shop.path, "let_through")

    verdict = judge(shop, "let_through")

    assert "large orders alone" in broken_rules(verdict)
    assert any("Were items bought counted, and not rows?" in reason for reason in verdict.reasons)


def test_another_filter_than_the_champions(shop):
    fit(shop, shop.path, "smaller_orders", min_items=3)

    verdict = judge(shop, "smaller_orders", min_items=3)

    assert "filter as the champion's" in broken_rules(verdict)


@pytest.mark.parametrize("days", [7, 8])
def test_a_source_that_dried_up(shop, days):
    newest = shop.frame.loc[shop.frame["order_date"] <= str(RUN_DATE), "order_date"].max()
    run_date = (newest + pd.Timedelta(days=days)).date()
    empty = {"models_dir": str(shop.folder / f"dried_up_{days}")}
    seen = shop.frame[shop.frame["order_date"] <= newest]
    path = write(shop, seen, f"dried_up_{days}")
    fit(shop, path, "dried_up", training_date=str(run_date), **empty)

    verdict = validate_model(
        str(path), model_name="dried_up", min_items=5, training_date=run_date, **empty
    )

    stale = [f for f in verdict.findings if f.rule == "new orders"]
    assert [found.passed for found in stale] == [True if days == 7 else None]
    assert (verdict.decision == "inconclusive") is (days == 8)


def test_days_turned_to_hours(shop):
    hours = shop.frame.assign(**{name: shop.frame[name] * 24 for name in DAYS})
    path = write(shop, hours, "hours")
    fit(shop, path, "hours")

    verdict = judge(shop, "hours", path)

    assert "no drift" in broken_rules(verdict)
    assert any("Is the unit right?" in reason for reason in verdict.reasons)


@pytest.mark.parametrize("column", ["count_adults", "ordered_before", "normalised_price"])
def test_a_column_gone_missing(shop, column):
    path = write(shop, shop.frame.assign(**{column: np.nan}), f"without_{column}")
    fit(shop, path, f"without_{column}")

    verdict = judge(shop, f"without_{column}", path)

    assert "no drift" in broken_rules(verdict)
    assert any(f"{column}: missing in 100 % of rows" in reason for reason in verdict.reasons)


def test_a_column_gone_missing_in_the_newest_days_alone(shop):
    newest = shop.frame["order_date"] >= "2021-11-15"
    lacking = shop.frame.assign(count_adults=shop.frame["count_adults"].mask(newest))
    path = write(shop, lacking, "gone_of_late")
    fit(shop, path, "gone_of_late")

    assert "no drift" in broken_rules(judge(shop, "gone_of_late", path))


def test_champion_and_challenger_swapped(shop):
    fit(shop, shop.path, "older", training_date="2021-11-30")

    verdict = judge(shop, "older")

    assert "newer than the champion" in broken_rules(verdict)
    assert verdict.reasons[0].endswith("Are the two swapped?")


# Log-odds moved so far that twice, or half, of the purchases are promised at this base rate.
@pytest.mark.parametrize("shift", [np.log(3.5), -np.log(3.5)])
def test_propensities_off_by_a_factor_of_two(shop, shift):
    def promise_otherwise(document):
        document["scorer"]["bias"] += shift

    name = f"promises_{'more' if shift > 0 else 'less'}"
    write_changed(shop, name, promise_otherwise)

    assert "promises what happens" in broken_rules(judge(shop, name))


def test_a_refit_gone_wrong_behind_a_sound_twin(shop):
    def turn_round(document):
        document["scorer"]["scale"] *= -1

    write_changed(shop, "turned_round", turn_round, kept=["validated.json"])

    verdict = judge(shop, "turned_round")

    assert {"serves what was judged", "serves in a fresh process"} <= broken_rules(verdict)
    assert "better than popularity" not in broken_rules(verdict)


def test_a_model_that_answers_otherwise_than_its_trainer(shop):
    def nudge(document):
        document["scorer"]["trees"][0]["leaves"][0] += 1e-6
        document["scorer"]["trees"][0]["leaves"][-1] += 1e-6

    write_changed(shop, "nudged", nudge)

    assert "serves in a fresh process" in broken_rules(judge(shop, "nudged"))


def test_a_holdout_too_small_to_tell_is_no_fault_of_the_challenger(shop):
    few = shop.frame[shop.frame["order_date"] < "2020-11-25"]
    path = write(shop, few, "few")
    fit(shop, path, "few", models_dir=str(shop.folder / "empty"))

    verdict = validate_model(
        str(path),
        model_name="few",
        models_dir=str(shop.folder / "empty"),
        min_items=5,
        training_date=date(2020, 11, 25),
    )

    assert verdict.decision == "inconclusive"
    assert any("a verdict needs 20" in reason for reason in verdict.reasons)
