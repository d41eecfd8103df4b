"""A made installation: a store and run folders, as days of runs leave them."""

import os
from datetime import UTC, datetime, timedelta

from push_model.status.read import read_status
from push_model.status.runs import RunOutcome
from push_model.store.promotion import rollback
from push_model.testing import make_model
from push_model.training.gate.policy import Policy
from push_model.training.gate.verdict import FeatureDrift
from tests.past_runs import write_run
from tests.stores import move

NOW = datetime(2026, 1, 9, 6, tzinfo=UTC)
STEPS = ("await_dataset", "load", "filter", "train", "validate", "promote")
TRACES = ("frame.parquet", "large_orders.parquet", "fit.json", "verdict.json")
MOVED = FeatureDrift("discount_pct", 4.5, 0.0, 0.0, 0.9, 1.0, 24.0, True, "discount_pct: moved.")  # noqa: FBT003
STILL = FeatureDrift("count_pets", 0.1, 0.0, 0.0, 0.0, 1.0, 1.0, False, "")  # noqa: FBT003


class Installation:
    def __init__(self, folder):
        self.models, self.runs = folder / "models", folder / "runs"
        self.models.mkdir()

    def read(self, **changes):
        options = {"now": NOW, "max_age_days": 70, "policy": Policy(), **changes}
        return read_status(self.models, self.runs, **options)

    def serve(self, name, *, day=5, run_id=None, **changes):
        """Make a model of January 2026 and promote it; by a run if one is named."""
        make_model(self.models, name, base_log_odds=float(day), promoted=False)
        facts = {"promoted_at": f"2026-01-{day:02}T05:10:00+00:00"}
        facts |= {"by": f"scheduled, run {run_id}" if run_id else "ada"}
        return move(self.models, name, **{**facts, **changes})

    def judge(self, day, decision, *, names, **facts):
        """Leave what a run leaves that reached a verdict."""
        run_id, date = id_of(day), f"2026-01-{day:02}"
        folder = write_run(self.runs, run_id, date, decision=decision, names=names, **facts)
        for trace in folder.iterdir():
            at(trace, day)
        return run_id

    def fail(self, day, step, *, outcome="failed", error="frame.csv breaks 1 rule.", next_step=""):
        """Leave what a run leaves that failed at a step."""
        folder = self.runs / id_of(day)
        folder.mkdir(parents=True, exist_ok=True)
        for trace in TRACES[: max(0, STEPS.index(step) - 1)]:
            (folder / trace).write_text("{}")
            at(folder / trace, day)
        ended = RunOutcome(
            run_id=id_of(day),
            run_date=f"2026-01-{day:02}",
            at=f"2026-01-{day:02}T05:30:00+00:00",
            outcome=outcome,
            task=step,
            error=error,
            sentence=f"The task {step} failed; the champion is unchanged.",
            next_step=next_step or "Fix the dataset, then clear the failed task.",
        )
        ended.write(folder)


def id_of(day):
    return f"scheduled__2026-01-{day:02}"


def at(path, day):
    moment = datetime(2026, 1, day, 5, 9, tzinfo=UTC) + timedelta(seconds=1)
    os.utime(path, (moment.timestamp(),) * 2)


def healthy(place):
    """A champion of the run of the 9th, in place of one by hand."""
    place.serve("push_a", day=4)
    run_id = place.judge(9, "promote", names=("push_b", "push_a"), champion=0.29, drift=(STILL,))
    place.serve("push_b", day=9, run_id=run_id)


def kept_three_days(place):
    run_id = place.judge(5, "promote", names=("push_a", None))
    place.serve("push_a", run_id=run_id)
    for day in (7, 8, 9):
        place.judge(day, "keep", names=(f"push_{day}", "push_a"), champion=0.29)


def damaged(place):
    healthy(place)
    (place.models / "push_b" / "model.json").write_bytes(b"{}")


def drifted(place):
    place.serve("push_a")
    place.judge(9, "keep", names=("push_b", "push_a"), drift=(STILL, MOVED), champion=0.3)


def rolled_back(place):
    healthy(place)
    place.serve("push_c", day=8)

    rollback(place.models, reason="complaints", promoted_at="2026-01-09T05:20:00+00:00", by="ada")


def pointer_damaged(place):
    healthy(place)
    (place.models / "champion.json").write_bytes(b"{")


def forced(place):
    place.judge(9, "keep", names=("push_b", "push_a"), champion=0.3)
    place.serve("push_a", day=4)
    place.serve("push_b", day=9, forced=True, reason="the rule is wrong")
