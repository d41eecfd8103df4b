"""Provide the rules on holdout, data, drift and serving."""

from collections.abc import Iterator

from push_model.evaluation.results import Interval
from push_model.training.gate.challenger import TrainingWindow
from push_model.training.gate.evidence import Evidence
from push_model.training.gate.policy import Policy
from push_model.training.gate.verdict import Finding, say_gain


def _has_enough_data(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    holdout = evidence.holdout
    counts = {
        "days": (holdout.days, policy.min_holdout_days),
        "orders": (holdout.orders, policy.min_holdout_orders),
        "users": (holdout.users, policy.min_holdout_users),
        "purchases": (holdout.metrics["challenger"].purchases, policy.min_holdout_purchases),
    }
    for name, (count, least) in counts.items():
        # Too little data is not a fault of the challenger.
        passed = True if count >= least else None
        sentence = f"The holdout has {count:,} {name} (at least {least:,} required)."
        yield Finding(f"enough {name}", "holdout", passed, count, least, sentence)


def _is_recent(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    if (days := evidence.days_since_newest_order) is None:
        return
    most = policy.max_days_since_newest_order
    advice = "" if days <= most else " Check the source; for an older dataset set the run date."
    yield Finding(
        "recent orders",
        "holdout",
        # A source that stopped is not a fault of the challenger.
        True if days <= most else None,
        days,
        most,
        f"From the newest order to the run date: {days} days (limit {most}).{advice}",
    )


def _has_large_orders_only(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    given = evidence.rows_given
    if given is None or given.fewest_items is None:
        return
    least, fewest = given.min_items, given.fewest_items
    passed = fewest >= least
    advice = "" if passed else " Check that the filter counts items bought, not rows."
    yield Finding(
        "large orders only",
        "data",
        passed,
        fewest,
        least,
        f"The smallest order has {fewest} items bought (at least {least} required).{advice}",
    )


def _is_trained_on_this_dataset(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    ours, given, rule = evidence.trained_on, evidence.rows_given, "trained on this dataset"
    if given is None:
        return
    if ours is None:
        sentence = "The manifest does not say what the model was trained on. Use handler_fit."
        yield Finding(rule, "data", None, None, given.orders, sentence)
        return
    passed = ours == given
    sentence = f"Trained on {_describe(ours)}"
    sentence += (
        ", as in the dataset."
        if passed
        else f"; the dataset has {_describe(given)}. Check the filter and the dataset."
    )
    yield Finding(rule, "data", passed, ours.orders, given.orders, sentence)


def _describe(window: TrainingWindow) -> str:
    return (
        f"{window.orders:,} orders and {window.rows:,} rows from {window.start} to {window.end} "
        f"with at least {window.min_items} items bought"
    )


def _data_match_the_champions(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    ours, theirs = evidence.trained_on, evidence.champion_trained_on
    if ours is None or theirs is None:
        return
    yield Finding(
        "same filter as the champion",
        "data",
        ours.min_items == theirs.min_items,
        ours.min_items,
        theirs.min_items,
        f"Trained on orders of at least {ours.min_items} items bought, the champion on orders of "
        f"at least {theirs.min_items} (a different filter needs manual approval).",
    )
    share, least = ours.orders / max(1, theirs.orders), policy.min_orders_per_champion
    yield Finding(
        "as many orders as the champion",
        "data",
        share >= least,
        share,
        least,
        f"Trained on {ours.orders:,} orders, {share:.2f} times the champion's {theirs.orders:,} "
        f"(at least {least:g} required).",
    )
    yield Finding(
        "data as new as the champion's",
        "data",
        ours.end >= theirs.end,
        ours.end,
        theirs.end,
        f"The train window ends {ours.end}, the champion's {theirs.end} (must not end earlier).",
    )
    yield Finding(
        "holdout new to the champion",
        "holdout",
        # Orders that the champion was trained on cannot test it. That is not a fault of the
        # challenger.
        True if ours.unseen_from >= theirs.unseen_from else None,
        ours.unseen_from,
        theirs.unseen_from,
        f"The holdout begins {ours.unseen_from}; the champion was trained on orders before "
        f"{theirs.unseen_from} (must not begin earlier: hold out fewer days).",
    )
    change, most = ours.base_rate / max(1e-12, theirs.base_rate), policy.max_base_rate_change
    yield Finding(
        "purchase rate like the champion's",
        "data",
        1 / most <= change <= most,
        change,
        most,
        f"Purchase rate {100 * ours.base_rate:.3g} % in the train window, "
        f"{100 * theirs.base_rate:.3g} % in the champion's (limit: a factor of {most:g}).",
    )


def _has_the_champions_libraries(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    if changed := evidence.changed_versions:
        # A notice: the other rules show whether it did any harm.
        yield Finding(
            "libraries like the champion's",
            "data",
            passed=None,
            value=len(changed),
            limit=None,
            sentence=f"Libraries changed since the champion: {', '.join(changed)}.",
            is_needed=False,
        )


def _has_not_drifted(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    if not (drift := evidence.holdout.drift):
        return
    changed = [found for found in drift if found.changed]
    sentence = (
        f"The data changed since the champion's training: {' '.join(f.says for f in changed)}"
        if changed
        else "No drift since the champion's training (largest stability index "
        f"{max(found.psi for found in drift):.2f})."
    )
    yield Finding("no drift", "drift", not changed, len(changed), 0, sentence)


def _leads_as_the_champion_did(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    if (then := evidence.champion_lead) is None:
        return
    # On the same rows both would lose alike to a fault that is in all of them.
    lead = evidence.holdout.gains["popularity"]
    # Chance moved the earlier figure, too: by more, the fewer orders it is of.
    wider = (1.0 + evidence.holdout.orders / then.orders) ** 0.5
    middle = 1.0 + lead.estimate
    now = Interval(
        *(middle * ((1.0 + end) / middle) ** wider / then.multiple - 1.0 for end in lead)
    )
    least, most = -policy.max_lead_loss, policy.max_gain_over_champion - 1.0
    yield Finding(
        "lead over popularity",
        "data",
        now.high >= least and now.low <= most,
        now.estimate,
        f"{least:g} to {most:g}",
        f"Average precision is {middle:.2f} times popularity's; on its own holdout the "
        f"champion's was {then.multiple:.2f} times: {say_gain(now, evidence.holdout.level)}. All "
        f"of it below {100 * least:g} % or above {100 * most:+g} % would point to a fault of the "
        "data.",
    )


def _has_sound_newest_days(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    yield from evidence.newest


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


DATA_RULES = (
    _has_enough_data,
    _is_recent,
    _has_large_orders_only,
    _is_trained_on_this_dataset,
    _data_match_the_champions,
    _has_the_champions_libraries,
    _has_not_drifted,
    _leads_as_the_champion_did,
    _has_sound_newest_days,
    _serves,
)
