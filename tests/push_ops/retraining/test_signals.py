from dataclasses import replace
from types import SimpleNamespace

import pytest
from airflow.sdk.observability import stats

from push_model.training.gate.verdict import FeatureDrift
from push_ops.retraining.signals import GAUGES, send_age, send_step, send_verdict
from tests.push_ops.judged import MEASURED, judged_run

DAILY, DRY = SimpleNamespace(promotion="auto"), SimpleNamespace(promotion="never")
KEPT = judged_run("keep").verdict
DRIFT = tuple(
    FeatureDrift(name, psi, 0.0, 0.0, 0.0, 1.0, 1.0, changed=False, says="")
    for name, psi in {"discount_pct": 0.1, "count_adults": 0.4}.items()
)


@pytest.fixture
def sent(monkeypatch):
    """Return what is sent: the value of each gauge and its tags."""
    found = {}

    def gauge(name, value, *, tags):
        found[name, *tags.items()] = value

    monkeypatch.setattr(stats, "gauge", gauge)
    return found


def test_a_step_sends_how_long_it_took_and_what_it_left(sent):
    send_step(DAILY, "load", seconds=2.5, rows=10, orders=2)

    assert sent == {
        ("push.step_seconds", ("step", "load")): 2.5,
        ("push.rows", ("step", "load")): 10,
        ("push.orders", ("step", "load")): 2,
    }


def test_a_verdict_sends_what_was_decided_and_measured(sent):
    metrics = MEASURED.metrics | {"bought before": MEASURED.metrics["popularity"]}
    holdout = replace(MEASURED, metrics=metrics, drift=DRIFT)

    send_verdict(DAILY, replace(KEPT, holdout=holdout), at=1e9)

    assert sent == {
        ("push.decision", ("decision", "promote")): 0,
        ("push.decision", ("decision", "keep")): 1,
        ("push.decision", ("decision", "inconclusive")): 0,
        ("push.average_precision", ("scorer", "challenger")): 0.3,
        ("push.average_precision", ("scorer", "champion")): 0.25,
        ("push.average_precision", ("scorer", "popularity")): 0.1,
        ("push.average_precision", ("scorer", "bought_before")): 0.1,
        ("push.promised_per_purchase",): 1.1,
        ("push.drift_psi",): 0.4,
        ("push.judged_at",): 1e9,
    }


def test_a_verdict_without_figures_sends_its_decision_and_when(sent):
    send_verdict(DAILY, replace(KEPT, holdout=None), at=1e9)

    assert {name for name, *_ in sent} == {"push.decision", "push.judged_at"}


def test_an_unknown_age_is_not_sent(sent):
    send_age(DAILY, None)
    assert sent == {}

    send_age(DAILY, 0)
    assert sent == {("push.model_age_days",): 0}


def test_a_dry_run_sends_nothing(sent):
    send_step(DRY, "load", seconds=1, rows=1, orders=1)
    send_verdict(DRY, KEPT, at=1e9)
    send_age(DRY, 3)

    assert sent == {}


def test_statsd_takes_the_names():
    assert all(stats.normalize_name_for_stats(name, log_warning=False) == name for name in GAUGES)
