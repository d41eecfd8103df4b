"""Runs that reached a verdict, without any training."""

from push_model.training.gate.verdict import Finding, Verdict
from push_ops.retraining.run_folder import JudgedRun
from tests.past_runs import make_results

MEASURED = make_results(0.3, 0.25)
LOOSENED = {"margin": {"value": 0.2, "usual": 0.05}}
SAYS_LOOSENED = "Limits changed for this run: margin 0.2 (usually 0.05)."


def finding(sentence, *, passed, about="model"):
    return Finding("a rule", about, passed, None, None, sentence)


def judged_run(
    decision="promote",
    *,
    champion="push_old",
    line=1,
    reasons=("It ranks well.",),
    changed_limits=None,
    **facts,
):
    """Return a run of `push_new` whose verdict has these reasons."""
    passed = {"promote": True, "keep": False, "inconclusive": None}[decision]
    found = tuple(finding(reason, passed=passed) for reason in reasons)
    claim = "better" if champion else None
    before = (champion, champion and line)
    verdict = Verdict(decision, claim, found, "push_new", *before, MEASURED, changed_limits or {})
    return JudgedRun(**{
        "run_id": "one",
        "run_date": "2021-06-01",
        "model_name": "push_new",
        "model_path": "/srv/models/push_new",
        "dataset": {"uri": "frame.csv", "sha256": "9f2c", "bytes": 12},
        "backtests": [],
        "verdict": verdict,
        **facts,
    })
