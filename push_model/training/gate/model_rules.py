"""Does a challenger rank, and keep its promises, for everybody? Rules of model and slices."""

from collections.abc import Iterator

from push_model.evaluation.results import Interval, Slice
from push_model.training.gate.evidence import Evidence
from push_model.training.gate.policy import Policy
from push_model.training.gate.verdict import Finding


def _beats_what_needs_no_model(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    ours = evidence.holdout.metrics["challenger"].average_precision
    for rival in ("popularity", "bought before"):
        theirs = evidence.holdout.metrics[rival].average_precision
        gain = evidence.holdout.gains[rival]
        yield Finding(
            f"better than {rival}",
            "model",
            _is_above(gain, 0.0),
            gain.estimate,
            0.0,
            f"Average precision {ours:.4f} is {ours / max(theirs, 1e-12):.2f} times that of "
            f'"{rival}", {theirs:.4f} ({_spread(gain)}; above 0 beyond doubt is asked).',
        )


def _is_believable(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    found, most = evidence.holdout.metrics["challenger"].roc_auc, policy.max_roc_auc
    yield Finding(
        "not too good to be true",
        "model",
        found <= most,
        found,
        most,
        f"ROC-AUC {found:.4f} (more than {most:g} is no forecast: does a feature hold the "
        "outcome?).",
    )
    if gain := evidence.holdout.gains.get("champion"):
        most = policy.max_gain_over_champion - 1
        yield Finding(
            "no leap",
            "model",
            gain.low <= most,
            gain.estimate,
            most,
            f"Average precision is {gain.estimate:+.1%} against the champion's ({_spread(gain)}; "
            f"a leap beyond {most:+.0%} beyond doubt is a leak's, not learning's).",
        )


def _holds_against_the_champion(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    ranking, pushing = evidence.holdout.gains.get("champion"), evidence.precision_gain
    if ranking is None or pushing is None:
        return
    yield _against_the_champion(
        "average precision",
        ranking,
        policy.margin,
        passed=is_not_inferior(ranking, policy.margin),
    )
    yield _against_the_champion(
        "precision of what is pushed",
        pushing,
        policy.precision_margin,
        passed=_is_above(pushing, -policy.precision_margin),
    )


def _against_the_champion(
    name: str, gain: Interval, margin: float, *, passed: bool | None
) -> Finding:
    return Finding(
        f"{name} against the champion",
        "model",
        passed,
        gain.estimate,
        -margin,
        f"{name.capitalize()} is {gain.estimate:+.1%} against the champion's ({_spread(gain)}; "
        f"above {-margin:.0%} beyond doubt is asked).",
    )


def _is_calibrated(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    low, high = policy.min_expected_per_actual, policy.max_expected_per_actual
    found = evidence.expected_per_actual
    yield Finding(
        "promises what happens",
        "model",
        _meets(found, low, high),
        found.estimate,
        f"{low:g} to {high:g}",
        f"It promises {found.estimate:.2f} purchases for each one made ({found.low:.2f} to "
        f"{found.high:.2f}; {low:g} to {high:g} is asked).",
    )
    base_rate, error = evidence.holdout.metrics["challenger"].base_rate, evidence.calibration_error
    share, most = error.estimate / base_rate, policy.max_ece_per_base_rate
    least = _least_error(error) / base_rate
    yield Finding(
        "honest at every level",
        "model",
        least <= most,
        share,
        most,
        f"Propensities are off by {error.estimate:.5f} on average, {share:.2f} of the base rate "
        f"(beyond doubt {least:.2f}; at most {most:g} is asked).",
    )


def _changes_the_list_little(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    if (share := evidence.holdout.changed_share) is not None:
        most = policy.max_changed_share
        yield Finding(
            "keeps the list",
            "model",
            share <= most,
            share,
            most,
            f"It replaces {share:.0%} of the champion's best 5 % of candidates "
            f"(at most {most:.0%} is taken).",
        )


def _refit_is_like_its_twin(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    if (gap := evidence.refit) is None:
        return
    # It has learnt from these very orders, so that how well it ranks them would say nothing.
    low, high = policy.min_expected_per_actual, policy.max_expected_per_actual
    most = policy.max_changed_share
    yield Finding(
        "serves what was judged",
        "serving",
        gap.changed_share <= most and low <= gap.promised_ratio <= high,
        gap.changed_share,
        most,
        "What would serve, fitted once more on all orders, replaces "
        f"{gap.changed_share:.0%} of the best 5 % of its judged twin (at most {most:.0%} is taken) "
        f"and promises {gap.promised_ratio:.2f} times as much ({low:g} to {high:g} is asked).",
    )


def _harms_no_slice(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    low, high = policy.min_slice_expected_per_actual, policy.max_slice_expected_per_actual
    for part in evidence.holdout.slices:
        margin = policy.slice_margin if part.rival == "champion" else 0.0
        # A slice can only veto: it has too few orders to prove that nothing is lost.
        yield Finding(
            f"ranks {part.name}",
            "slice",
            False if part.gain.high < -margin else _is_above(part.gain, -margin),
            part.gain.estimate,
            -margin,
            f"For {part.name} average precision is {part.average_precision:.4f}, {part.rival}'s "
            f"{part.rival_average_precision:.4f} ({_spread(part.gain)}; below {-margin:.0%} beyond "
            "doubt is refused).",
            is_needed=False,
        )
        promised = part.expected_per_actual
        yield Finding(
            f"promises {part.name} what happens",
            "slice",
            _meets(promised, low, high),
            promised.estimate,
            f"{low:g} to {high:g}",
            f"For {part.name} it promises {promised.estimate:.2f} purchases for each one made "
            f"({promised.low:.2f} to {promised.high:.2f}; {low:g} to {high:g} is asked).",
            is_needed=False,
        )
        yield _is_honest_for(part, policy.max_slice_ece_per_base_rate)


def _is_honest_for(part: Slice, most: float) -> Finding:
    error, base_rate = part.calibration_error, part.base_rate
    least = _least_error(error) / base_rate
    return Finding(
        f"honest at every level for {part.name}",
        "slice",
        least <= most,
        error.estimate / base_rate,
        most,
        f"For {part.name} propensities are off by {error.estimate / base_rate:.2f} of the base "
        f"rate on average (beyond doubt {least:.2f}; at most {most:g} is asked).",
        is_needed=False,
    )


def _least_error(error: Interval) -> float:
    """Give what a calibration error is beyond doubt.

    Chance adds to it, and to that of a draw as much again: the upper end is mirrored back.
    """
    return max(0.0, 2.0 * error.estimate - error.high)


def is_not_inferior(gain: Interval, margin: float) -> bool | None:
    """Tell whether a loss stays within a margin."""
    if gain.low > -margin:
        return True
    return False if gain.high < 0.0 else None


def _is_above(found: Interval, limit: float) -> bool | None:
    """Tell whether the truth is above a limit: beyond doubt, beyond doubt not, or not known."""
    if found.low > limit:
        return True
    return False if found.high <= limit else None


def _meets(found: Interval, low: float, high: float) -> bool | None:
    """Tell whether the truth lies between two limits: as estimated, surely not, or not known."""
    if low <= found.estimate <= high:
        return True
    return False if found.high < low or found.low > high else None


def _spread(found: Interval) -> str:
    return f"{found.low:+.1%} to {found.high:+.1%}"


MODEL_RULES = (
    _beats_what_needs_no_model,
    _is_believable,
    _holds_against_the_champion,
    _is_calibrated,
    _changes_the_list_little,
    _refit_is_like_its_twin,
    _harms_no_slice,
)
