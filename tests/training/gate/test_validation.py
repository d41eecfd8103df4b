import json
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version

import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from push_model.evaluation.scorers import score
from push_model.model.scoring import Model
from push_model.store.folder import read_model
from push_model.store.promotion import champion, promote
from push_model.testing import make_model
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.split import split_by_time
from push_model.training.fit import handler_fit
from push_model.training.gate import validation
from push_model.training.gate.contender import read_contender
from push_model.training.gate.policy import Policy
from push_model.training.gate.validation import validate_model
from tests.frames import make_frame

pytestmark = pytest.mark.usefixtures("undrawn_pictures")

# Fewer draws, for speed.
QUICK = Policy(resamples=200)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One frame, a store, and two models trained on it."""
    folder = tmp_path_factory.mktemp("gate")
    make_frame(orders=400, seed=0).to_csv(folder / "frame.csv", index=False)
    for name, model in (
        ("trees", {"model": "boosted_trees", "iterations": 40, "depth": 3}),
        ("line", {"model": "logistic_regression"}),
    ):
        event = {
            "model_parametrisation": model,
            "dataset": str(folder / "frame.csv"),
            "models_dir": str(folder / "models"),
            "model_name": name,
            "training_date": "2022-01-01",
        }
        assert handler_fit(event)["statusCode"] == "200"
    return folder


def validate(folder, name, training_date=date(2022, 1, 1), policy=QUICK):
    return validate_model(
        str(folder / "frame.csv"),
        model_name=name,
        models_dir=str(folder / "models"),
        min_items=5,
        training_date=training_date,
        policy=policy,
    )


def test_the_days_held_out_may_be_said_and_the_verdict_rests_on_them(trained, tmp_path):
    event = {
        "model_parametrisation": {"model": "boosted_trees", "iterations": 40, "depth": 3},
        "dataset": str(trained / "frame.csv"),
        "models_dir": str(tmp_path),
        "model_name": "of_a_month",
        "training_date": "2022-01-01",
        "holdout_days": 30,
    }
    handler_fit(event)

    asked = {"model_name": "of_a_month", "models_dir": str(tmp_path), "min_items": 5}
    verdict = validate_model(
        event["dataset"],
        **asked,
        training_date=date(2022, 1, 1),
        holdout_days=30,
        policy=QUICK,
    )

    windows = json.loads((tmp_path / "of_a_month" / "manifest.json").read_text())["windows"]
    assert windows["holdout"]["start"] == "2021-03-24"
    assert windows["calibration"]["end"] == windows["holdout"]["start"]
    assert verdict.holdout.orders == windows["holdout"]["orders"]
    assert "learnt from this frame" not in {f.rule for f in verdict.findings if not f.passed}


@pytest.mark.mltest("Model 5")
def test_the_gate_scores_challenger_champion_and_popularity_on_the_same_rows(trained):
    promote_now(trained, "line")

    verdict = validate(trained, "trees")

    metrics = verdict.holdout.metrics
    assert set(metrics) == {"challenger", "champion", "popularity", "bought before"}
    assert len({own.rows for own in metrics.values()}) == 1
    assert verdict.champion_name == "line"
    assert json.loads(json.dumps(verdict.document()))["decision"] == verdict.decision
    assert verdict.sentence().startswith(f"{verdict.decision}: trees.")


def test_the_holdout_metrics_are_those_the_training_wrote_down(trained):
    manifest = json.loads((trained / "models" / "trees" / "manifest.json").read_text())

    verdict = validate(trained, "trees")

    written = manifest["metrics"]["holdout"]["model"]
    assert verdict.holdout.metrics["challenger"].document() == written


def test_twins_are_judged_and_never_what_has_learnt_from_the_holdout(trained):
    promote_now(trained, "line")

    verdict = validate(trained, "trees")

    rows = split_by_time(
        keep_large_orders(
            pd.read_csv(trained / "frame.csv", parse_dates=["order_date"]), min_items=5
        )
    ).holdout
    for scorer, name in (("challenger", "trees"), ("champion", "line")):
        document = json.loads((trained / "models" / name / "validated.json").read_text())
        twin = score(Model.from_document(document), rows)
        assert verdict.holdout.metrics[scorer].average_precision == pytest.approx(
            average_precision_score(rows["outcome"], twin)
        )
        serving = score(read_model(trained / "models" / name).model, rows)
        assert average_precision_score(rows["outcome"], serving) != pytest.approx(
            verdict.holdout.metrics[scorer].average_precision
        )
    (refit,) = (found for found in verdict.findings if found.rule == "serves what was judged")
    assert 0 < refit.value < 1


@contextmanager
def damaged(path):
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"intercept", b"intercepT"))
    yield
    path.write_bytes(whole)


def test_a_champion_that_serves_and_lacks_its_twin_leaves_the_verdict_open(trained):
    promote_now(trained, "line")

    with damaged(trained / "models" / "line" / "validated.json"):
        verdict = validate(trained, "trees")

    assert verdict.decision == "inconclusive"
    assert "The champion line serves, and its judged twin cannot be read" in verdict.sentence()


@pytest.mark.parametrize("file", ["validated.json", "model.json"])
def test_no_damage_to_the_champion_lets_a_backfill_take_serving_back_in_time(trained, file):
    promote_now(trained, "line")

    with damaged(trained / "models" / "line" / file):
        verdict = validate(trained, "trees", training_date=date(2021, 12, 31))

    assert verdict.decision == "keep"
    assert "The champion was trained on 2022-01-01, later than" in verdict.sentence()


def test_of_a_champion_that_is_gone_the_day_of_its_promotion_counts(trained, tmp_path):
    promote_now(trained, "line")
    folder = trained / "models" / "line"
    folder.rename(tmp_path / "line")

    verdict = validate(trained, "trees", training_date=date(2021, 12, 31))
    (tmp_path / "line").rename(folder)

    assert verdict.decision == "keep"
    assert "The champion was trained on 2022-01-01, later than" in verdict.sentence()


def test_a_model_of_a_past_day_is_kept_out_and_measured_all_the_same(trained):
    promote_now(trained, "line")

    verdict = validate(trained, "trees", training_date=date(2021, 12, 31))

    assert verdict.decision == "keep"
    assert verdict.claim is None
    assert set(verdict.document()["metrics"]) == {"challenger", "popularity", "bought before"}
    assert verdict.headline.startswith("The champion was trained on 2022-01-01, later than")
    page = (trained / "models" / "trees" / "card.html").read_text()
    assert "Keep: it must not take over" in page
    assert "later than this run" in page


def test_a_folder_without_a_twin_is_judged_by_what_serves(tmp_path):
    make_model(tmp_path, "older")

    loaded, twin = read_contender(tmp_path / "older")

    assert twin is loaded.model


def test_the_champion_judged_again_is_kept(trained):
    promote_now(trained, "line")

    verdict = validate(trained, "line")

    assert verdict.decision == "keep"
    assert verdict.reasons == ("Nothing new: the same model as the champion.",)
    assert verdict.holdout is None


def test_a_champion_of_a_later_day_is_kept_whatever_an_older_run_finds(trained):
    promote_now(trained, "line")

    verdict = validate(trained, "trees", training_date=date(2021, 12, 31))

    assert verdict.decision == "keep"
    assert verdict.reasons == (
        "The champion was trained on 2022-01-01, later than this run's 2021-12-31.",
    )


def test_a_damaged_champion_is_left_out_and_said_so(trained):
    promote_now(trained, "line")

    with damaged(trained / "models" / "line" / "model.json"):
        verdict = validate(trained, "trees")

    assert "champion" not in verdict.holdout.metrics
    assert verdict.claim is None
    assert verdict.champion_name == "line"
    said = [found.sentence for found in verdict.findings if found.passed is None]
    assert any("cannot be read, so it was left out" in sentence for sentence in said)


def promote_now(folder, name):
    serving = champion(folder / "models")
    promote(
        folder / "models",
        name,
        expected=serving.model_name if serving else None,
        verdict="promote",
        reason="test",
        promoted_at="2022-01-01T00:00:00Z",
        by="test",
    )


def test_the_limits_are_those_of_the_policy(trained):
    few = Policy(resamples=200, min_holdout_orders=10_000)

    verdict = validate(trained, "trees", policy=few)

    assert any("(a verdict needs 10,000)" in finding.sentence for finding in verdict.findings)


def test_the_same_run_gives_the_same_verdict(trained):
    promote_now(trained, "line")

    def document():
        found = validate(trained, "trees").document()
        # How long an answer took is no part of what was decided.
        found["findings"] = [f for f in found["findings"] if f["about"] != "serving"]
        return found

    assert document() == document()


def test_drift_is_looked_at_beside_a_champion_alone(trained):
    promote_now(trained, "line")
    beside = validate(trained, "trees").holdout

    assert {found.feature for found in beside.drift} >= {"ordered_before", "global_popularity"}
    assert not any(found.changed for found in beside.drift)


def test_libraries_that_the_champion_was_not_trained_with_are_noticed(trained, monkeypatch):
    promote_now(trained, "line")
    read = validation.read_manifest

    def with_older_catboost(folder):
        manifest = read(folder)
        older = {"catboost": "1.0"} if folder.name == "line" else {}
        return manifest | {"versions": manifest["versions"] | older}

    monkeypatch.setattr(validation, "read_manifest", with_older_catboost)

    said = " ".join(finding.sentence for finding in validate(trained, "trees").findings)
    assert f"catboost 1.0 -> {version('catboost')}" in said


def test_the_card_is_written_anew_with_its_verdict_and_the_model_is_left_as_it_was(trained):
    promote_now(trained, "line")
    folder = trained / "models" / "trees"
    vouched_for = {path.name: path.read_bytes() for path in folder.glob("m*")}

    verdict = validate(trained, "trees")

    page = (folder / "card.html").read_text()
    assert f">{verdict.decision.capitalize()}: " in page
    assert "enough orders" in page
    assert "line" in (folder / "card.md").read_text()
    assert {path.name: path.read_bytes() for path in folder.glob("m*")} == vouched_for
    assert sorted(path.name for path in folder.iterdir()) == [
        "card.html",
        "card.md",
        "golden.json",
        "manifest.json",
        "model.joblib",
        "model.json",
        "validated.json",
    ]


def test_a_champion_validated_again_keeps_its_card(trained):
    promote_now(trained, "line")
    card = trained / "models" / "line" / "card.html"
    card.write_text("with the verdict that promoted it")

    validate(trained, "line")

    assert card.read_text() == "with the verdict that promoted it"
