import json
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version

import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from push_model.evaluation.scorers import score
from push_model.store.folder import read_model
from push_model.store.promotion import promote
from push_model.testing import make_model
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.split import split_by_time
from push_model.training.fit import handler_fit
from push_model.training.gate.challenger import find_veto, read_candidate, read_champion
from push_model.training.gate.policy import Policy
from push_model.training.gate.validation import _judge_model, validate_model
from tests.frames import make_frame
from tests.undrawn import undrawn

RUN_DATE = date(2022, 1, 1)
# Few replicates, for speed.
QUICK = Policy(resamples=200)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A frame, the champion "line" of older libraries, and the challenger "trees"."""
    folder = tmp_path_factory.mktemp("gate")
    make_frame(orders=400, seed=0).to_csv(folder / "frame.csv", index=False)
    fit(folder, "trees", {"model": "boosted_trees", "iterations": 40, "depth": 3})
    fit(folder, "line", {"model": "logistic_regression"})
    manifest = folder / "models" / "line" / "manifest.json"
    facts = json.loads(manifest.read_text())
    facts["versions"]["catboost"] = "1.0"
    manifest.write_text(json.dumps(facts))
    promote(
        folder / "models",
        "line",
        expected=None,
        verdict="promote",
        reason="test",
        promoted_at="2022-01-01T00:00:00Z",
        by="test",
    )
    return folder


@pytest.fixture(scope="module")
def validated(shop):
    """Validate "trees" against "line"; keep what its folder held before."""
    before = read_files(shop / "models" / "trees")
    with undrawn():
        return validate_model(str(shop / "frame.csv"), model_name="trees", **where(shop)), before


@pytest.fixture(scope="module")
def verdict(validated):
    return validated[0]


def read_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def fit(folder, name, model, **event):
    event = {
        "model_parametrisation": model,
        "dataset": str(folder / "frame.csv"),
        "models_dir": str(folder / "models"),
        "model_name": name,
        "training_date": str(RUN_DATE),
    } | event
    assert handler_fit(event)["statusCode"] == "200"


def where(shop):
    return {
        "models_dir": str(shop / "models"),
        "min_items": 5,
        "training_date": RUN_DATE,
        "holdout_days": None,
        "policy": QUICK,
    }


def judge(shop, **changes):
    asked = {"model_name": "trees"} | where(shop) | changes
    return _judge_model(str(shop / "frame.csv"), **asked).verdict


@contextmanager
def damaged(path):
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"intercept", b"intercepT"))
    yield
    path.write_bytes(whole)


@pytest.mark.mltest("Model 5")
def test_the_gate_scores_challenger_champion_and_baselines_on_the_same_rows(verdict):
    metrics = verdict.holdout.metrics

    assert set(metrics) == {"challenger", "champion", "popularity", "bought before"}
    assert len({own.rows for own in metrics.values()}) == 1
    assert verdict.champion_name == "line"
    assert verdict.sentence().startswith(f"{verdict.decision}: trees.")


def test_models_are_judged_that_were_not_trained_on_the_holdout(shop, verdict):
    frame = pd.read_csv(shop / "frame.csv", parse_dates=["order_date"])
    rows = split_by_time(keep_large_orders(frame, min_items=5)).holdout

    for scorer, name in (("challenger", "trees"), ("champion", "line")):
        found = verdict.holdout.metrics[scorer]
        _, manifest, final, evaluated = read_candidate(shop / "models" / name)
        assert found.document() == manifest["metrics"]["holdout"]["model"]
        assert found.average_precision == pytest.approx(
            average_precision_score(rows["outcome"], score(evaluated, rows))
        )
        assert found.average_precision != pytest.approx(
            average_precision_score(rows["outcome"], score(final, rows))
        )


def test_drift_and_libraries_are_compared_with_the_champions(verdict):
    drift = verdict.holdout.drift

    assert {found.feature for found in drift} >= {"ordered_before", "global_popularity"}
    assert not any(found.changed for found in drift)
    said = " ".join(finding.sentence for finding in verdict.findings)
    assert f"catboost 1.0 -> {version('catboost')}" in said


def test_the_card_is_written_with_its_verdict_and_the_model_is_left_as_it_was(shop, validated):
    (verdict, before), folder = validated, shop / "models" / "trees"

    page = (folder / "card.html").read_text()
    assert f">{verdict.decision.capitalize()}: " in page
    assert "enough orders" in page
    assert "line" in (folder / "card.md").read_text()
    files = read_files(folder)
    assert files == before | {name: files[name] for name in ("card.html", "card.md")}


def test_the_same_run_gives_the_same_verdict(shop, verdict):
    def document(found):
        # How long an answer took is not part of the decision.
        return found.document() | {
            "findings": [f for f in found.document()["findings"] if f["about"] != "serving"]
        }

    assert document(judge(shop)) == document(verdict)


def test_the_limits_are_those_of_the_policy_and_the_days_held_out_those_of_the_run(shop):
    fit(shop, "of_a_month", {"model": "logistic_regression"}, holdout_days=30)

    few = Policy(resamples=200, min_holdout_orders=10_000)
    verdict = judge(shop, model_name="of_a_month", holdout_days=30, policy=few)

    windows = read_candidate(shop / "models" / "of_a_month").manifest["windows"]
    assert windows["holdout"]["start"] == "2021-03-24"
    assert windows["calibration"]["end"] == windows["holdout"]["start"]
    assert verdict.holdout.orders == windows["holdout"]["orders"]
    rules = {finding.rule: finding for finding in verdict.findings}
    assert rules["trained on this dataset"].passed
    assert "(at least 10,000 required)" in rules["enough orders"].sentence


def test_the_champion_itself_is_nothing_new(shop):
    verdict = validate_model(str(shop / "frame.csv"), model_name="line", **where(shop))

    assert verdict.decision == "keep"
    assert verdict.sentences == ("Nothing new: the same model as the champion.",)
    assert verdict.holdout is None
    assert not (shop / "models" / "line" / "card.html").exists()


def test_a_backfill_keeps_a_later_champion_and_is_measured_all_the_same(shop):
    verdict = judge(shop, training_date=date(2021, 12, 31))

    assert (verdict.decision, verdict.claim) == ("keep", None)
    assert set(verdict.holdout.metrics) == {"challenger", "popularity", "bought before"}
    assert verdict.headline == (
        "The champion was trained on 2022-01-01, later than this run's 2021-12-31."
    )


@pytest.mark.parametrize("file", ["validated.json", "model.json", "the whole folder"])
def test_a_damaged_champion_is_not_replaced_by_a_backfill(shop, tmp_path, file):
    folder, challenger = shop / "models" / "line", read_candidate(shop / "models" / "trees")

    def veto():
        return find_veto(
            challenger, read_champion(str(shop / "models")), run_date=date(2021, 12, 31)
        )

    if file == "the whole folder":
        folder.rename(tmp_path / "line")
        found = veto()
        (tmp_path / "line").rename(folder)
    else:
        with damaged(folder / file):
            found = veto()

    assert found.passed is False
    assert "The champion was trained on 2022-01-01, later than" in found.sentence


@pytest.mark.parametrize(
    ("file", "decision", "sentence"),
    [
        ("validated.json", "inconclusive", "serves, but its evaluated model cannot be read"),
        ("model.json", None, "cannot be read and is not compared with"),
    ],
)
def test_a_champion_that_cannot_be_read_is_reported(shop, file, decision, sentence):
    with damaged(shop / "models" / "line" / file):
        verdict = judge(shop)

    assert decision in {verdict.decision, None}
    assert "champion" not in verdict.holdout.metrics
    assert (verdict.claim, verdict.champion_name) == (None, "line")
    unknown = [found.sentence for found in verdict.findings if found.passed is None]
    assert any(sentence in one for one in unknown)


def test_a_folder_without_an_evaluated_model_is_judged_by_its_final_one(tmp_path):
    make_model(tmp_path, "older")

    candidate = read_candidate(tmp_path / "older")

    assert candidate.evaluated is candidate.final
    assert candidate.final.model_id == read_model(tmp_path / "older").model.model_id
