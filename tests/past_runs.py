"""Folders of retraining runs, with verdicts of few figures."""

import json


def write_run(runs, run_id, run_date, *, precision=0.3, champion=None, measured=True):
    verdict = {"decision": "promote"}
    if measured:
        scores = {"challenger": precision, "popularity": 0.1}
        scores |= {"champion": champion} if champion else {}
        verdict |= {
            "orders": 40,
            "metrics": {
                name: {"average_precision": value, "expected_per_actual": 1.1}
                for name, value in scores.items()
            },
            "intervals": {
                name: {"average_precision": [value - 0.05, value + 0.05]}
                for name, value in scores.items()
            },
        }
        verdict["intervals"]["challenger"]["expected_per_actual"] = [0.9, 1.3]
    run = {
        "run_id": run_id,
        "run_date": run_date,
        "model_name": f"push_{run_date.replace('-', '_')}",
        "verdict": verdict,
    }
    folder = runs / run_id
    folder.mkdir(parents=True)
    (folder / "verdict.json").write_text(json.dumps(run))
    return folder / "verdict.json"


def write_runs(folder):
    """Write three days of a backfill, and a run by hand that measured nothing."""
    write_run(folder, "backfill__3", "2021-06-03", precision=0.12, champion=0.31)
    write_run(folder, "backfill__1", "2021-06-01")
    write_run(folder, "backfill__2", "2021-06-02", precision=0.32)
    write_run(folder, "manual__1", "2021-06-02", measured=False)
    (folder / "of_a_run_that_failed").mkdir()
