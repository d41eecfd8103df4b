"""Each rule by itself, on evidence made by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_model.evaluation.metrics import measure
from push_model.evaluation.results import Interval, Slice
from push_model.training.gate.challenger import Lead, TrainingWindow
from push_model.training.gate.evidence import (
    Evidence,
    RefitGap,
    changed_share,
    compare_refit,
    gather,
)
from push_model.training.gate.policy import Policy
from push_model.training.gate.rules import claim, judge
from push_model.training.gate.serving_check import ServingCheck
from push_model.training.gate.verdict import FeatureDrift, Finding, HoldoutResults, Verdict, decide
from tests.frames import make_frame

POLICY = Policy()
METRICS = replace(
    measure([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]),
    average_precision=0.2,
    ece=0.001,
    base_rate=0.01,
    roc_auc=0.85,
    purchases=1_000,
)
METRICS_OF_ALL = dict.fromkeys(("challenger", "champion", "popularity", "bought before"), METRICS)
WINDOW = TrainingWindow("2021-01-01", "2021-03-01", 1_000, 800_000, 8_000, 5, "2021-03-20")
SLICE = Slice(
    name="new users",
    rows=10_000,
    orders=50,
    purchases=100,
    average_precision=0.2,
    rival="champion",
    rival_average_precision=0.2,
    gain=Interval(0.0, -0.05, 0.05),
    expected_per_actual=Interval(1.0, 0.9, 1.1),
    calibration_error=Interval(0.002, 0.001, 0.003),
)
HOLDOUT = HoldoutResults(
    days=10,
    orders=200,
    users=150,
    metrics=METRICS_OF_ALL,
    level=0.95,
    intervals={"challenger": {"average_precision": (0.15, 0.25)}},
    gains={
        "champion": Interval(0.0, -0.01, 0.01),
        "popularity": Interval(2.0, 1.5, 2.5),
        "bought before": Interval(0.5, 0.4, 0.6),
    },
    slices=(SLICE,),
    changed_share=0.2,
)
GOOD = Evidence(
    holdout=HOLDOUT,
    precision_gain=Interval(0.0, -0.05, 0.05),
    expected_per_actual=Interval(1.0, 0.9, 1.1),
    calibration_error=Interval(0.001, 0.0008, 0.002),
    trained_on=WINDOW,
    rows_given=replace(WINDOW, fewest_items=5),
    champion_trained_on=WINDOW,
    days_since_newest_order=7,
    refit=RefitGap(0.3, 1.05),
    serving=ServingCheck(passed=True, sentence="It serves."),
)
FIRST = replace(
    GOOD,
    holdout=replace(
        HOLDOUT,
        gains={name: gain for name, gain in HOLDOUT.gains.items() if name != "champion"},
        changed_share=None,
        slices=(),
    ),
    precision_gain=None,
    champion_trained_on=None,
)


def measured(**changes):
    return replace(GOOD, holdout=replace(HOLDOUT, **changes))


def gaining(scorer, *gain):
    return measured(gains=HOLDOUT.gains | {scorer: Interval(*gain)})


def decide_on(evidence):
    return decide(judge(evidence, POLICY))


def broken(evidence):
    return [finding.rule for finding in judge(evidence, POLICY) if finding.passed is False]


def unknown(evidence):
    return [finding.rule for finding in judge(evidence, POLICY) if finding.passed is None]


@pytest.mark.parametrize("evidence", [GOOD, FIRST])
def test_a_sound_challenger_is_promoted_beside_a_champion_and_without_one(evidence):
    assert broken(evidence) == unknown(evidence) == []
    assert decide_on(evidence) == "promote"


@pytest.mark.parametrize(
    ("gain", "claimed", "decision"),
    [
        ((0.06, 0.01, 0.11), "better", "promote"),
        ((0.0, -0.049, 0.05), "non-inferior", "promote"),
        ((-0.02, -0.04, -0.01), "non-inferior", "promote"),
        ((-0.02, -0.08, 0.04), "undecided", "inconclusive"),
        ((-0.05, -0.09, -0.01), "worse", "keep"),
    ],
)
def test_average_precision_against_the_champion(gain, claimed, decision):
    evidence = gaining("champion", *gain)

    assert claim(evidence, POLICY) == claimed
    assert decide_on(evidence) == decision


def test_without_a_champion_nothing_is_claimed():
    assert claim(FIRST, POLICY) is None


@given(st.floats(-0.5, 0.3), st.floats(0, 0.3), st.floats(0, 0.3), st.floats(0, 0.2))
def test_better_scores_never_turn_promote_into_anything_else(middle, down, up, better):
    def against_the_champion(by):
        gain = Interval(middle + by, middle + by - down, middle + by + up)
        return decide_on(gaining("champion", *gain))

    ranks = {"keep": 0, "inconclusive": 1, "promote": 2}
    assert ranks[against_the_champion(better)] >= ranks[against_the_champion(0.0)]


def trained_on(**changes):
    return replace(
        GOOD, trained_on=replace(WINDOW, **changes), rows_given=replace(WINDOW, **changes)
    )


FAULTS = {
    "trained on this dataset": replace(GOOD, rows_given=replace(WINDOW, rows=799_999)),
    "large orders only": replace(GOOD, rows_given=replace(WINDOW, fewest_items=4)),
    "same filter as the champion": trained_on(min_items=4),
    "as many orders as the champion": trained_on(orders=499),
    "data as new as the champion's": trained_on(end="2021-02-28"),
    "purchase rate like the champion's": trained_on(purchases=16_001),
    # Popularity's lead is 3 times here.
    "lead over popularity": replace(GOOD, champion_lead=Lead(4.0, 600)),
    "serves in a fresh process": replace(GOOD, serving=ServingCheck(False, "It hangs.")),  # noqa: FBT003 - named by its place
    "beats popularity": gaining("popularity", -0.1, -0.2, -0.01),
    "beats bought before": gaining("bought before", -0.1, -0.2, -0.01),
    "no sign of a data leak": measured(
        metrics=METRICS_OF_ALL | {"challenger": replace(METRICS, roc_auc=0.98)}
    ),
    "no implausible gain": gaining("champion", 0.8, 0.51, 1.1),
    "average precision against the champion": gaining("champion", -0.1, -0.2, -0.01),
    "precision of pushes against the champion": replace(
        GOOD, precision_gain=Interval(-0.3, -0.4, -0.15)
    ),
    "expected purchases match actual ones": replace(
        GOOD, expected_per_actual=Interval(1.6, 1.44, 1.8)
    ),
    "calibrated": replace(GOOD, calibration_error=Interval(0.008, 0.007, 0.0105)),
    "keeps the champion's list": measured(changed_share=0.61),
    "final model agrees with the evaluated one": replace(GOOD, refit=RefitGap(0.61, 1.0)),
    "ranks new users": measured(slices=(replace(SLICE, gain=Interval(-0.3, -0.4, -0.11)),)),
    "calibrated for new users": measured(
        slices=(replace(SLICE, calibration_error=Interval(0.015, 0.012, 0.0195)),)
    ),
    "expected purchases match actual ones of new users": measured(
        slices=(replace(SLICE, expected_per_actual=Interval(0.4, 0.3, 0.49)),)
    ),
}


@pytest.mark.parametrize("ratio", [0.69, 1.44])
def test_a_final_model_that_predicts_other_numbers_than_the_evaluated_one_is_refused(ratio):
    assert broken(replace(GOOD, refit=RefitGap(0.3, ratio))) == [
        "final model agrees with the evaluated one"
    ]


@pytest.mark.mltest("Model 6")
@pytest.mark.parametrize("rule", FAULTS)
def test_each_rule_is_broken_by_its_fault_alone_and_says_so(rule):
    findings = [found for found in judge(FAULTS[rule], POLICY) if found.passed is False]

    assert [finding.rule for finding in findings] == [rule]
    assert findings[0].sentence.endswith(".")
    assert decide_on(FAULTS[rule]) == "keep"


DOUBTS = {
    "trained on this dataset": replace(GOOD, trained_on=None),
    "recent orders": replace(GOOD, days_since_newest_order=8),
    "holdout new to the champion": trained_on(unseen_from="2021-03-19"),
    "expected purchases match actual ones": replace(
        GOOD, expected_per_actual=Interval(0.58, 0.46, 0.75)
    ),
    "enough days": measured(days=1),
    "enough orders": measured(orders=19),
    "enough users": measured(users=9),
    "enough purchases": measured(
        metrics=METRICS_OF_ALL | {"challenger": replace(METRICS, purchases=99)}
    ),
    "beats popularity": gaining("popularity", 0.1, -0.1, 0.3),
    "precision of pushes against the champion": replace(
        GOOD, precision_gain=Interval(-0.1, -0.2, 0.1)
    ),
}


@pytest.mark.parametrize("rule", DOUBTS)
def test_what_the_data_do_not_show_is_inconclusive(rule):
    assert broken(DOUBTS[rule]) == []
    assert unknown(DOUBTS[rule]) == [rule]
    assert decide_on(DOUBTS[rule]) == "inconclusive"


def test_a_small_holdout_says_nothing_of_the_model_but_all_of_the_data():
    few = measured(orders=19, gains=FAULTS["beats popularity"].holdout.gains)

    assert decide_on(few) == "inconclusive"
    assert decide_on(replace(few, rows_given=replace(WINDOW, rows=1))) == "keep"


@pytest.mark.mltest("Mon 1")
@pytest.mark.parametrize(("orders", "failed"), [(10, []), (600, ["lead over popularity"])])
def test_a_lead_measured_on_few_orders_counts_less(orders, failed):
    assert broken(replace(GOOD, champion_lead=Lead(4.0, orders))) == failed


def test_libraries_that_changed_since_the_champion_are_named_and_stop_nothing():
    evidence = replace(GOOD, changed_versions=("catboost 1.2.8 -> 1.2.10",))

    notices = [found.sentence for found in judge(evidence, POLICY) if found.passed is None]

    assert notices == ["Libraries changed since the champion: catboost 1.2.8 -> 1.2.10."]
    assert decide_on(evidence) == "promote"


def test_a_slice_without_power_has_no_say():
    evidence = measured(slices=(replace(SLICE, gain=Interval(-0.2, -0.5, 0.1)),))

    assert unknown(evidence) == ["ranks new users"]
    assert decide_on(evidence) == "promote"


def finding(rule, about, *, passed):
    return Finding(rule, about, passed, None, None, f"{rule}.")


@pytest.mark.parametrize(
    ("evidence", "headline"),
    [
        (
            gaining("champion", 0.021, 0.003, 0.04),
            "Better than the champion: average precision +2.1 % (95 % interval +0.3 % to +4.0 %).",
        ),
        (
            GOOD,
            (
                "Not worse than the champion: average precision +0.0 % "
                "(95 % interval -1.0 % to +1.0 %)."
            ),
        ),
        (FIRST, "First champion: average precision is 3.0 times the popularity baseline's."),
        (measured(orders=19, users=9), "Not promoted: 2 of 26 rules lack data."),
        (measured(users=9), "The holdout has 9 users (at least 10 required)."),
        (
            replace(measured(changed_share=0.61), refit=RefitGap(0.61, 1.0)),
            "Not promoted: 2 of 26 rules failed.",
        ),
    ],
)
def test_a_verdict_has_one_headline(evidence, headline):
    verdict = verdict_on(evidence)

    assert verdict.headline == headline
    assert len(set(verdict.sentences)) == len(verdict.sentences)


def test_a_finding_has_its_figures_interval_and_limit():
    (finding,) = (found for found in judge(GOOD, POLICY) if found.rule == "beats popularity")

    assert finding.sentence == (
        "Beats popularity: average precision 0.200 against 0.200 "
        "(+200 %, 95 % interval +150 % to +250 %; must be above 0 %)."
    )


@pytest.mark.parametrize(
    ("rule", "evidence", "value", "limit"),
    [
        ("data as new as the champion's", GOOD, "2021-03-01", "2021-03-01"),
        ("data as new as the champion's", trained_on(end="2021-02-28"), "2021-02-28", "2021-03-01"),
        (
            "holdout new to the champion",
            trained_on(unseen_from="2021-03-19"),
            "2021-03-19",
            "2021-03-20",
        ),
    ],
)
def test_a_rule_on_days_gives_the_day_beside_its_limit(rule, evidence, value, limit):
    (finding,) = (found for found in judge(evidence, POLICY) if found.rule == rule)

    assert (finding.value, finding.limit) == (value, limit)


def test_every_rule_with_a_limit_gives_its_value():
    serving = ServingCheck(passed=True, sentence="It serves.", answer_s=0.001)

    findings = judge(replace(GOOD, serving=serving), POLICY)

    without = [found.rule for found in findings if found.limit is not None and found.value is None]
    assert without == []


def verdict_on(evidence):
    findings = judge(evidence, POLICY)
    return Verdict(
        decide(findings), claim(evidence, POLICY), findings, "new", "old", 1, evidence.holdout
    )


DRIFT = FeatureDrift("count_pets", 3.2, 0.1, 0.9, 0.0, 1.0, None, True, "It is missing.")  # noqa: FBT003 - named by its place


@pytest.mark.parametrize(
    "evidence", [GOOD, FIRST, measured(drift=(DRIFT,)), DOUBTS["recent orders"]]
)
def test_a_verdict_read_back_from_its_file_is_the_verdict(evidence):
    verdict = verdict_on(evidence)
    without_figures = replace(verdict, holdout=None)
    with_changes = replace(verdict, changed_limits={"margin": {"value": 0.2, "usual": 0.05}})

    for written in (verdict, without_figures, with_changes):
        assert Verdict.from_document(json.loads(json.dumps(written.document()))) == written


def test_a_verdict_of_an_earlier_version_is_read():
    document = json.loads(Path(__file__).with_name("earlier_verdict.json").read_text())

    verdict = Verdict.from_document(document)

    assert (verdict.decision, verdict.champion_name) == ("inconclusive", "push_2021_12_31")
    assert verdict.reasons == tuple(document["reasons"])
    assert verdict.changes == ()
    assert verdict.holdout.orders == document["orders"]
    assert verdict.by_scorer("average_precision")["challenger"].estimate == pytest.approx(
        document["metrics"]["challenger"]["average_precision"]
    )
    assert verdict.holdout.slices[0].gain.low == document["slices"][0]["gain"]["low"]


def test_slices_give_the_reasons_only_where_nothing_else_failed():
    part, whole = finding("part", "slice", passed=False), finding("whole", "model", passed=False)

    def reasons(*findings):
        return Verdict("keep", None, findings, "m", None, None, None).reasons

    assert reasons(whole, part) == ("whole.",)
    assert reasons(part) == ("part.",)


@pytest.mark.mltest("Model 6")
@pytest.mark.mltest("Model 7")
@pytest.mark.parametrize(
    ("slice_name", "column", "value", "others"),
    [
        ("new users", "user_order_seq", 2, "returning users"),
        ("household with babies", "count_babies", 1, "returning users"),
    ],
)
def test_a_challenger_better_overall_and_broken_for_some_is_refused_for_them(
    slice_name, column, value, others
):
    rows = make_frame(orders=900, products=60).sort_values(["order_id", "variant_id"])
    rng = np.random.default_rng(0)
    logit = -3.1 + 2.5 * rows["ordered_before"] + 6.0 * rows["global_popularity"]
    own = (1 / (1 + np.exp(-logit))).to_numpy()
    strength = 1.2
    sign = strength * (rng.normal(size=len(rows)) + strength * rows["outcome"].to_numpy())
    sign -= strength**2 / 2
    better = 1 / (1 + (1 - own) / own * np.exp(-sign))
    broken_for_some = np.where(rows[column] == value, rng.permutation(own), better)
    policy = Policy(resamples=200, max_changed_share=1.0, max_gain_over_champion=3.0)

    def failed(scores):
        evidence = gather(rows, {"challenger": scores, "champion": own}, policy=policy)
        return {found.rule for found in judge(evidence, policy) if found.passed is False}

    assert failed(better) == set()
    found = failed(broken_for_some)
    assert f"ranks {slice_name}" in found
    assert f"ranks {others}" not in found
    assert not {"average precision against the champion", "beats popularity"} & found


@pytest.mark.mltest("Infra 6")
def test_the_changed_share_is_that_of_the_champions_list():
    ours, theirs = np.arange(100.0), np.arange(100.0)
    theirs[:3] = 1_000.0  # three of their best five are others

    assert changed_share(ours, theirs) == pytest.approx(0.6)
    assert changed_share(ours, ours) == 0.0


def test_a_final_model_is_compared_by_its_best_candidates_and_its_sum():
    evaluated = np.arange(100.0)

    assert compare_refit(evaluated * 2, evaluated) == RefitGap(0.0, 2.0)
    assert compare_refit(evaluated[::-1], evaluated) == RefitGap(1.0, 1.0)
