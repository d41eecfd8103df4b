"""Folders of retraining runs, with verdicts of few figures."""

import json
from dataclasses import replace

from push_model.evaluation.metrics import measure
from push_model.training.gate.verdict import Finding, HoldoutResults, Verdict

METRICS = measure([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])


def make_results(precision, champion):
    scores = {"challenger": precision, "popularity": 0.1}
    scores |= {"champion": champion} if champion else {}
    intervals = {
        name: {"average_precision": (value - 0.05, value + 0.05)} for name, value in scores.items()
    }
    intervals["challenger"]["expected_per_actual"] = (0.9, 1.3)
    return HoldoutResults(
        days=9,
        orders=40,
        users=30,
        metrics={
            name: replace(METRICS, average_precision=value, expected_per_actual=1.1)
            for name, value in scores.items()
        },
        level=0.95,
        intervals=intervals,
        gains={},
        slices=(),
        changed_share=None,
    )


def write_run(
    runs,
    run_id,
    run_date,
    *,
    precision=0.3,
    champion=None,
    measured=True,
    decision="promote",
    names=None,
    drift=(),
):
    """Write the folder of a run; `names` are of its challenger and of the champion."""
    model_name, champion_name = names or (f"push_{run_date.replace('-', '_')}", None)
    holdout = replace(make_results(precision, champion), drift=drift) if measured else None
    passed = {"promote": True, "keep": False, "inconclusive": None}[decision]
    rule = Finding("ranks", "model", passed, None, None, "It ranks like popularity.")
    findings = () if passed else (rule,)
    verdict = Verdict(decision, None, findings, model_name, champion_name, None, holdout)
    run = {
        "run_id": run_id,
        "run_date": run_date,
        "model_name": model_name,
        "verdict": verdict.document(),
    }
    folder = runs / run_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "verdict.json").write_text(json.dumps(run))
    return folder


def write_runs(folder):
    """Write three days of a backfill, and a run by hand that measured nothing."""
    write_run(folder, "backfill__3", "2021-06-03", precision=0.12, champion=0.31)
    write_run(folder, "backfill__1", "2021-06-01")
    write_run(folder, "backfill__2", "2021-06-02", precision=0.32)
    write_run(folder, "manual__1", "2021-06-02", measured=False)
    (folder / "of_a_run_that_failed").mkdir()
