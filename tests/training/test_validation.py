import json
from dataclasses import replace
from datetime import date

import pytest

from push_model.store import champion, promote
from push_model.training.fit import handler_fit
from push_model.training.metrics import Metrics, measure
from push_model.training.validation import Policy, decide, validate_model
from tests.frames import make_frame

POLICY = Policy()
SOLID = replace(
    measure([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]),
    average_precision=0.20,
    expected_per_actual=1.0,
    purchases=1000,
)


def judge(*, orders: int = 200, settled: str | None = None, **metrics: Metrics):
    metrics = {"popularity": replace(SOLID, average_precision=0.05)} | metrics
    return decide(metrics, orders=orders, settled=settled, policy=POLICY)


def test_a_first_model_that_beats_popularity_is_promoted():
    decision, reasons = judge(challenger=SOLID)

    assert decision == "promote"
    assert any("beside no champion" in reason for reason in reasons)
    assert any("4.00 times popularity's 0.0500" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("challenger", "champion_ap", "decision", "reason"),
    [
        ({}, 0.20, "promote", "0.2000 against the champion's 0.2000"),
        ({}, 0.203, "promote", "against the champion's"),
        ({}, 0.25, "keep", r"against the champion's 0.2500 (at least 0.2450 is asked)"),
        ({"average_precision": 0.054}, 0.01, "keep", "1.08 times popularity's"),
        ({"expected_per_actual": 18.0}, 0.1, "keep", "promises 18.00 purchases for each one"),
        ({"expected_per_actual": 0.1}, 0.1, "keep", "promises 0.10 purchases for each one"),
    ],
)
def test_each_rule_decides(challenger, champion_ap, decision, reason):
    found, reasons = judge(
        challenger=replace(SOLID, **challenger),
        champion=replace(SOLID, average_precision=champion_ap),
    )

    assert found == decision
    assert any(reason in sentence for sentence in reasons)


@pytest.mark.parametrize(("orders", "purchases"), [(19, 1000), (200, 99)])
def test_too_small_a_holdout_gives_no_verdict(orders, purchases):
    decision, reasons = judge(orders=orders, challenger=replace(SOLID, purchases=purchases))

    assert decision == "inconclusive"
    assert "a verdict needs 20 and 100" in reasons[0]


def test_the_champion_is_not_promoted_over_itself():
    sentence = "The challenger is the champion already."

    assert judge(challenger=SOLID, champion=SOLID, settled=sentence) == ("keep", (sentence,))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One frame, a store, and two models trained on it."""
    folder = tmp_path_factory.mktemp("gate")
    make_frame(orders=240, seed=0).to_csv(folder / "frame.csv", index=False)
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


def validate(folder, name, training_date=date(2022, 1, 1)):
    return validate_model(
        str(folder / "frame.csv"),
        model_name=name,
        models_dir=str(folder / "models"),
        min_items=5,
        training_date=training_date,
    )


def test_the_gate_scores_challenger_champion_and_popularity_on_the_same_rows(trained):
    promote_now(trained, "line")

    verdict = validate(trained, "trees")

    assert set(verdict.metrics) == {"challenger", "champion", "popularity"}
    assert len({metrics.rows for metrics in verdict.metrics.values()}) == 1
    assert verdict.champion_name == "line"
    assert json.loads(json.dumps(verdict.document()))["decision"] == verdict.decision
    assert verdict.sentence().startswith(f"{verdict.decision}: trees.")


def test_the_holdout_metrics_are_those_the_training_wrote_down(trained):
    manifest = json.loads((trained / "models" / "trees" / "manifest.json").read_text())

    verdict = validate(trained, "trees")

    written = manifest["metrics"]["holdout"]["model"]
    assert verdict.metrics["challenger"].document() == written


def test_the_champion_judged_again_is_kept(trained):
    promote_now(trained, "line")

    assert validate(trained, "line").decision == "keep"


def test_a_champion_of_a_later_day_is_kept_whatever_an_older_run_finds(trained):
    promote_now(trained, "line")

    verdict = validate(trained, "trees", training_date=date(2021, 12, 31))

    assert verdict.decision == "keep"
    assert verdict.reasons == (
        "The champion was trained on 2022-01-01, later than this run's 2021-12-31.",
    )


def test_a_damaged_champion_is_left_out_and_said_so(trained):
    promote_now(trained, "line")
    path = trained / "models" / "line" / "model.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"intercept", b"intercepT"))

    verdict = validate(trained, "trees")
    path.write_bytes(whole)

    assert "champion" not in verdict.metrics
    assert verdict.champion_name == "line"
    assert any("cannot be read, so it was left out" in reason for reason in verdict.reasons)


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
