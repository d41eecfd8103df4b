"""The rules on ranking, calibration and slices, and the judgement by all rules."""

from collections.abc import Callable, Iterator

from push_model.evaluation.results import Interval, Slice
from push_model.evaluation.slices import BASKETS
from push_model.training.gate.data_rules import DATA_RULES
from push_model.training.gate.evidence import LISTED_SHARE, Evidence
from push_model.training.gate.policy import Policy
from push_model.training.gate.verdict import Finding, say_gain, say_interval, say_share

_Rule = Callable[[Evidence, Policy], Iterator[Finding]]

_LIST = f"top {LISTED_SHARE:.0%}".replace("%", " %")


def judge(evidence: Evidence, policy: Policy) -> tuple[Finding, ...]:
    """Check the evidence against every rule."""
    return tuple(finding for rule in _RULES for finding in rule(evidence, policy))


def claim(evidence: Evidence, policy: Policy) -> str | None:
    """Return how a challenger ranks against the champion; None where there is none."""
    gain = evidence.holdout.gains.get("champion")
    if gain is None:
        return None
    if gain.low > 0.0:
        return "better"
    return {True: "non-inferior", False: "worse", None: "undecided"}[
        _is_not_inferior(gain, policy.margin)
    ]


def _beats_the_baselines(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    holdout = evidence.holdout
    ours = holdout.metrics["challenger"].average_precision
    # Where all purchases are repeats, no model can rank better than the products bought before.
    for baseline, margin in (("popularity", 0.0), ("bought before", policy.margin)):
        gain, theirs = holdout.gains[baseline], holdout.metrics[baseline].average_precision
        passed = _is_not_inferior(gain, margin) if margin else _is_above(gain, 0.0)
        beats = (
            "Beats"
            if gain.low > 0.0
            else "Is not worse than"
            if passed
            else "Does not clearly beat"
        )
        beats = "Does not beat" if passed is False else beats
        yield Finding(
            f"beats {baseline}",
            "model",
            passed,
            gain.estimate,
            -margin,
            f"{beats} {baseline}: average precision {ours:.3f} against {theirs:.3f} "
            f"({say_share(gain.estimate)}, {say_interval(gain, holdout.level)}; must be above "
            f"{-100 * margin + 0:g} %).",
        )


def _shows_no_leak(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    found, most = evidence.holdout.metrics["challenger"].roc_auc, policy.max_roc_auc
    yield Finding(
        "no sign of a data leak",
        "model",
        found <= most,
        found,
        most,
        f"ROC-AUC {found:.3f} (above {most:g} would point to a data leak).",
    )
    if gain := evidence.holdout.gains.get("champion"):
        most = policy.max_gain_over_champion - 1
        limit = f"a gain above {100 * most:.0f} % would point to a data leak"
        yield Finding(
            "no implausible gain",
            "model",
            gain.low <= most,
            gain.estimate,
            most,
            "Average precision against the champion: "
            f"{say_gain(gain, evidence.holdout.level, limit)}.",
        )


def _is_as_good_as_the_champion(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    ranking, pushing = evidence.holdout.gains.get("champion"), evidence.precision_gain
    if ranking is None or pushing is None:
        return
    level = evidence.holdout.level
    passed = _is_not_inferior(ranking, policy.margin)
    yield _compare("average precision", ranking, policy.margin, level, passed=passed)
    passed = _is_above(pushing, -policy.precision_margin)
    yield _compare("precision of pushes", pushing, policy.precision_margin, level, passed=passed)


def _compare(
    name: str, gain: Interval, margin: float, level: float, *, passed: bool | None
) -> Finding:
    limit = f"must be above {-100 * margin:g} %"
    return Finding(
        f"{name} against the champion",
        "model",
        passed,
        gain.estimate,
        -margin,
        f"{name.capitalize()} against the champion: {say_gain(gain, level, limit)}.",
    )


def _is_calibrated(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    low, high = policy.min_expected_per_actual, policy.max_expected_per_actual
    ratio = evidence.expected_per_actual
    yield Finding(
        "expected purchases match actual ones",
        "model",
        _meets(ratio, low, high),
        ratio.estimate,
        f"{low:g} to {high:g}",
        f"It predicts {_say_ratio(ratio, evidence.holdout.level, low, high)}.",
    )
    base_rate = evidence.holdout.metrics["challenger"].base_rate
    error, most = evidence.calibration_error, policy.max_ece_per_base_rate
    yield Finding(
        "calibrated",
        "model",
        _least_error(error) / base_rate <= most,
        error.estimate / base_rate,
        most,
        f"Calibration error {error.estimate:.2g}, {_say_error(error, base_rate, most)}.",
    )


def _keeps_the_list(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    if (share := evidence.holdout.changed_share) is not None:
        most = policy.max_changed_share
        yield Finding(
            "keeps the champion's list",
            "model",
            share <= most,
            share,
            most,
            f"{100 * (1 - share):.0f} % of the champion's {_LIST} of candidates stay (at least "
            f"{100 * (1 - most):.0f} % required).",
        )


def _final_agrees_with_evaluated(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    if (gap := evidence.refit) is None:
        return
    # The final model was trained on these very orders, so how it ranks them would prove nothing.
    low, high = policy.min_expected_per_actual, policy.max_expected_per_actual
    most = policy.max_changed_share
    passed = gap.changed_share <= most and low <= gap.expected_ratio <= high
    yield Finding(
        "final model agrees with the evaluated one",
        "serving",
        passed,
        gap.changed_share,
        most,
        f"The final model (trained on all orders) {'agrees' if passed else 'does not agree'} with "
        f"the evaluated one: {100 * (1 - gap.changed_share):.0f} % of its {_LIST} are the same "
        f"(at least {100 * (1 - most):.0f} % required) and it predicts {gap.expected_ratio:.2f} "
        f"times as many purchases (allowed {low:.2f} to {high:.2f}).",
    )


def _harms_no_slice(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    slices = evidence.holdout.slices
    # All slices share one error (Bonferroni), so each has a wider interval.
    level = 1.0 - (1.0 - evidence.holdout.level) / max(1, len(slices))
    for part in slices:
        # A slice can only veto: it has too few orders to prove that nothing is lost.
        yield _rank_slice(part, level, policy.slice_margin)
        if part.name.startswith(BASKETS):
            continue
        low, high = policy.min_slice_expected_per_actual, policy.max_slice_expected_per_actual
        ratio = part.expected_per_actual
        yield Finding(
            f"expected purchases match actual ones of {part.name}",
            "slice",
            _meets(ratio, low, high),
            ratio.estimate,
            f"{low:g} to {high:g}",
            f"For {part.name} it predicts {_say_ratio(ratio, level, low, high)}.",
            is_needed=False,
        )
        error, most = part.calibration_error, policy.max_slice_ece_per_base_rate
        yield Finding(
            f"calibrated for {part.name}",
            "slice",
            _least_error(error) / part.base_rate <= most,
            error.estimate / part.base_rate,
            most,
            f"For {part.name} the calibration error is {_say_error(error, part.base_rate, most)}.",
            is_needed=False,
        )


def _rank_slice(part: Slice, level: float, slice_margin: float) -> Finding:
    margin = slice_margin if part.rival == "champion" else 0.0
    limit = f"fails if all of it is below {-100 * margin:g} %"
    whose = "the champion" if part.rival == "champion" else "popularity"
    return Finding(
        f"ranks {part.name}",
        "slice",
        False if part.gain.high < -margin else _is_above(part.gain, -margin),
        part.gain.estimate,
        -margin,
        f"For {part.name} average precision is {part.average_precision:.3f} against "
        f"{part.rival_average_precision:.3f} of {whose}: "
        f"{say_gain(part.gain, level, limit)}.",
        is_needed=False,
    )


def _say_ratio(ratio: Interval, level: float, low: float, high: float) -> str:
    return (
        f"{ratio.estimate:.2f} times the purchases that happened ({100 * level:.3g} % interval "
        f"{ratio.low:.2f} to {ratio.high:.2f}; allowed {low:.2f} to {high:.2f})"
    )


def _say_error(error: Interval, base_rate: float, most: float) -> str:
    share, least = error.estimate / base_rate, _least_error(error) / base_rate
    return (
        f"{100 * share:.0f} % of the purchase rate (at least {100 * least:.0f} %; "
        f"limit {100 * most:.0f} %)"
    )


def _least_error(error: Interval) -> float:
    """Return the lower end of a calibration error.

    Chance adds to it, and as much again to that of a replicate: the upper end is mirrored back.
    """
    return max(0.0, 2.0 * error.estimate - error.high)


def _is_not_inferior(gain: Interval, margin: float) -> bool | None:
    """Return whether a loss stays within a margin; None if the data do not show it."""
    if gain.low > -margin:
        return True
    return False if gain.high < 0.0 else None


def _is_above(found: Interval, limit: float) -> bool | None:
    """Return whether a figure is above a limit; None if its interval holds the limit."""
    if found.low > limit:
        return True
    return False if found.high <= limit else None


def _meets(found: Interval, low: float, high: float) -> bool | None:
    """Return whether a figure lies between two limits; None if only its interval reaches them."""
    if low <= found.estimate <= high:
        return True
    return False if found.high < low or found.low > high else None


# What decides first comes first.
_RULES: tuple[_Rule, ...] = (
    *DATA_RULES,
    _beats_the_baselines,
    _shows_no_leak,
    _is_as_good_as_the_champion,
    _is_calibrated,
    _keeps_the_list,
    _final_agrees_with_evaluated,
    _harms_no_slice,
)
