"""Which rules must a challenger keep? Each a sentence with its value and its limit."""

from collections.abc import Callable, Iterator

from push_model.training.gate.evidence import Evidence
from push_model.training.gate.policy import Policy
from push_model.training.gate.resampling import Interval
from push_model.training.gate.verdict import Finding

Rule = Callable[[Evidence, Policy], Iterator[Finding]]


def judge(evidence: Evidence, policy: Policy) -> tuple[Finding, ...]:
    """Hold the evidence to every rule.

    Parameters
    ----------
    evidence : Evidence
        What was measured.
    policy : Policy
        The limits.

    Returns
    -------
    tuple of Finding
        What decides first comes first: the data, then the model, then its slices.
    """
    return tuple(finding for rule in RULES for finding in rule(evidence, policy))


def claim(evidence: Evidence, policy: Policy) -> str | None:
    """Say how a challenger ranks against the champion.

    Parameters
    ----------
    evidence : Evidence
        What was measured.
    policy : Policy
        The limits.

    Returns
    -------
    str or None
        ``"better"`` where its gain is above 0 beyond doubt, ``"non-inferior"`` where it is above
        minus the margin, ``"worse"`` where it is below 0 beyond doubt, else ``"undecided"``. None
        without a champion.
    """
    gain = evidence.gains.get("champion")
    if gain is None:
        return None
    if gain.low > 0.0:
        return "better"
    is_not_inferior = _is_not_inferior(gain, policy.margin)
    return {True: "non-inferior", False: "worse", None: "undecided"}[is_not_inferior]


def _data_suffice(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    found = {
        "days": (evidence.days, policy.min_holdout_days),
        "orders": (evidence.orders, policy.min_holdout_orders),
        "users": (evidence.users, policy.min_holdout_users),
        "purchases": (evidence.metrics["challenger"].purchases, policy.min_holdout_purchases),
    }
    for name, (count, least) in found.items():
        # Too little is no fault of the challenger's: more orders may tell.
        passed = True if count >= least else None
        sentence = f"The holdout has {count:,} {name} (a verdict needs {least:,})."
        yield Finding(f"enough {name}", "holdout", passed, count, least, sentence)


def _data_are_what_was_learnt_from(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    says, given = evidence.learnt, evidence.rows_given
    if says is None or given is None:
        return
    passed = says == given
    if passed:
        sentence = f"It learnt from {says.orders:,} large orders, as the frame has them."
    else:
        sentence = (
            f"Its manifest says it learnt from {says.orders:,} orders and {says.rows:,} rows "
            f"({says.start} to {says.end}, at least {says.min_items} items bought); the frame "
            f"gives {given.orders:,} and {given.rows:,} ({given.start} to {given.end}, at least "
            f"{given.min_items}). Was the filter right, and is this its dataset?"
        )
    yield Finding("learnt from this frame", "data", passed, says.orders, given.orders, sentence)


def _data_are_like_the_champions(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    ours, theirs = evidence.learnt, evidence.champion_learnt
    if ours is None or theirs is None:
        return
    share, least = ours.orders / max(1, theirs.orders), policy.min_orders_per_champion
    yield Finding(
        "as many orders as the champion",
        "data",
        share >= least,
        share,
        least,
        f"It learnt from {ours.orders:,} orders, {share:.2f} times the champion's "
        f"{theirs.orders:,} (at least {least:g} is asked).",
    )
    yield Finding(
        "as new as the champion's data",
        "data",
        ours.end >= theirs.end,
        None,
        theirs.end,
        f"Its train window ends {ours.end}, the champion's {theirs.end} (no earlier end is taken).",
    )
    change, most = ours.base_rate / max(1e-12, theirs.base_rate), policy.max_base_rate_change
    yield Finding(
        "base rate as the champion's",
        "data",
        1 / most <= change <= most,
        change,
        most,
        f"In its train window {ours.base_rate:.3%} of candidates were bought, in the champion's "
        f"{theirs.base_rate:.3%} (up to {most:g} times more or less is taken).",
    )


def _libraries_are_the_champions(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    if changed := evidence.changed_versions:
        # A notice: the other rules tell whether it did any harm.
        yield Finding(
            "libraries as the champion's",
            "data",
            passed=None,
            value=len(changed),
            limit=None,
            sentence=f"Not trained with the champion's libraries: {', '.join(changed)}.",
            is_needed=False,
        )


def _data_have_not_drifted(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    changed = [found for found in evidence.drift if found.changed]
    worst = max((found.psi for found in evidence.drift), default=None)
    if worst is None:
        return
    said = " ".join(found.says for found in changed)
    sentence = f"The features lie as in the champion's training (largest index {worst:.2f})."
    yield Finding(
        "no drift",
        "drift",
        not changed,
        worst,
        policy.max_psi,
        f"The data changed since the champion's training: {said}" if changed else sentence,
    )


def _serves(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    if found := evidence.serving:
        yield Finding(
            "serves in a fresh process",
            "serving",
            found.passed,
            found.answer_s,
            policy.max_answer_s,
            found.sentence,
        )


def _beats_what_needs_no_model(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    ours = evidence.metrics["challenger"].average_precision
    for rival in ("popularity", "bought before"):
        theirs = evidence.metrics[rival].average_precision
        gain = evidence.gains[rival]
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
    found, most = evidence.metrics["challenger"].roc_auc, policy.max_roc_auc
    yield Finding(
        "not too good to be true",
        "model",
        found <= most,
        found,
        most,
        f"ROC-AUC {found:.4f} (more than {most:g} is no forecast: does a feature hold the "
        "outcome?).",
    )
    if gain := evidence.gains.get("champion"):
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
    ranking, pushing = evidence.gains.get("champion"), evidence.precision_gain
    if ranking is None or pushing is None:
        return
    yield _against_the_champion(
        "average precision",
        ranking,
        policy.margin,
        passed=_is_not_inferior(ranking, policy.margin),
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
    base_rate, error = evidence.metrics["challenger"].base_rate, evidence.calibration_error
    share, most = error.estimate / base_rate, policy.max_ece_per_base_rate
    # Chance adds to the error, and to that of a draw as much again: its ends are mirrored back.
    least = max(0.0, 2.0 * error.estimate - error.high) / base_rate
    yield Finding(
        "honest at every level",
        "model",
        least <= most,
        share,
        most,
        f"Propensities are off by {error.estimate:.5f} on average, {share:.2f} of the base rate "
        f"(beyond doubt {least:.2f}; at most {most:g} is asked).",
    )


def _harms_no_slice(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    low, high = policy.min_slice_expected_per_actual, policy.max_slice_expected_per_actual
    for part in evidence.slices:
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


def _changes_the_list_little(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    if (share := evidence.changed_share) is not None:
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


RULES: tuple[Rule, ...] = (
    _data_suffice,
    _data_are_what_was_learnt_from,
    _data_are_like_the_champions,
    _libraries_are_the_champions,
    _data_have_not_drifted,
    _serves,
    _beats_what_needs_no_model,
    _is_believable,
    _holds_against_the_champion,
    _is_calibrated,
    _changes_the_list_little,
    _harms_no_slice,
)


def _is_above(found: Interval, limit: float) -> bool | None:
    """Tell whether the truth is above a limit: beyond doubt, beyond doubt not, or not known."""
    if found.low > limit:
        return True
    return False if found.high <= limit else None


def _is_not_inferior(gain: Interval, margin: float) -> bool | None:
    if gain.low > -margin:
        return True
    return False if gain.high < 0.0 else None


def _meets(found: Interval, low: float, high: float) -> bool:
    """Tell whether the truth may lie between two limits: only what cannot is refused."""
    return found.high >= low and found.low <= high


def _spread(found: Interval) -> str:
    return f"{found.low:+.1%} to {found.high:+.1%}"
