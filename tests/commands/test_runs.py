import json

import pytest

from tests.status import installed
from tests.status.installed import Installation


@pytest.fixture
def place(tmp_path):
    return Installation(tmp_path)


SCREENS = {
    "healthy": (installed.healthy, ["push_b serves since 2026-01-09", "count_pets moved most"]),
    "kept": (installed.kept_three_days, ["Days in a row without a winner: 3", "push_9"]),
    "damaged": (installed.damaged, ["push_b serves since", "failing", "push_b/model.json"]),
    "drifted": (installed.drifted, ["discount_pct: moved."]),
    "rolled back": (installed.rolled_back, ["Rolled back, by ada", "complaints"]),
    "forced": (installed.forced, ["Forced without a verdict, by", "the rule is wrong"]),
    "pointer damaged": (installed.pointer_damaged, ["No champion", "was damaged"]),
    "nothing": (lambda _: None, ["Nothing serves: no model was promoted yet.", "There is none"]),
}


@pytest.mark.parametrize("state", SCREENS)
def test_one_screen_answers_for_each_state(run, place, state):
    make, expected = SCREENS[state]
    make(place)

    code, out, _ = run("status")

    assert code == 0
    assert [said for said in (*expected, "To do") if said not in out] == []
    assert len(out.splitlines()) <= 40
    whole = json.loads(run("status", "--json")[1])
    assert whole["next_step"] in out


def test_a_failed_run_comes_first_and_a_verdict_is_not_taken_for_its(run, place):
    installed.healthy(place)
    place.fail(10, "load")

    code, out, _ = run("verdict")

    failed, verdict = out.index("failed"), out.index("Verdict: promote")
    assert (code, failed < verdict) == (0, True)
    assert "load: frame.csv breaks 1 rule." in out
    code, _, err = run("verdict", "scheduled__2026-01-10")
    assert code == 1
    assert "reached no verdict. The task load failed" in err


def test_runs_are_listed_by_kind_and_summed_up(run, place):
    installed.kept_three_days(place)
    place.fail(10, "load")

    _, out, _ = run("runs", "--kind", "scheduled", "--newest", 3)

    assert [out.count(name) for name in ("push_9", "push_8", "push_7")][-1] == 0
    assert "3 runs. Average precision" in out
    assert "nothing was measured" in run("runs", "--newest", 1)[1]
    assert run("runs", "--kind", "backfill")[1].startswith("There is no backfill run in")
