"""Can these data be judged by, and be served from? Rules of holdout, data, drift, serving."""

from collections.abc import Iterator

from push_model.training.gate.evidence import Evidence
from push_model.training.gate.policy import Policy
from push_model.training.gate.verdict import Finding


def _data_suffice(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    found = {
        "days": (evidence.holdout.days, policy.min_holdout_days),
        "orders": (evidence.holdout.orders, policy.min_holdout_orders),
        "users": (evidence.holdout.users, policy.min_holdout_users),
        "purchases": (
            evidence.holdout.metrics["challenger"].purchases,
            policy.min_holdout_purchases,
        ),
    }
    for name, (count, least) in found.items():
        # Too little is no fault of the challenger's: more orders may tell.
        passed = True if count >= least else None
        sentence = f"The holdout has {count:,} {name} (a verdict needs {least:,})."
        yield Finding(f"enough {name}", "holdout", passed, count, least, sentence)


def _data_are_what_was_learnt_from(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    says, given = evidence.learnt, evidence.rows_given
    if given is None:
        return
    if says is None:
        yield Finding(
            "learnt from this frame",
            "data",
            None,
            None,
            given.orders,
            "Its manifest does not say what it learnt from. Train it with handler_fit.",
        )
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


def _orders_are_large(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    given = evidence.rows_given
    if given is None or given.fewest_items is None:
        return
    least, fewest = given.min_items, given.fewest_items
    yield Finding(
        "large orders alone",
        "data",
        fewest >= least,
        fewest,
        least,
        f"The smallest order learnt from or judged by holds {fewest} items bought (at least "
        f"{least} is asked). Were items bought counted, and not rows?"
        if fewest < least
        else f"Every order holds at least {least} items bought.",
    )


def _data_are_new(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    if (found := evidence.days_since_newest_order) is None:
        return
    most = policy.max_days_since_newest_order
    asked = "Has the source dried up? Of an older dataset give the run its day."
    yield Finding(
        "new orders",
        "holdout",
        # A source that dried up is no fault of the challenger's.
        True if found <= most else None,
        found,
        most,
        f"The newest order was placed {found} days before the run date (a verdict needs one of "
        f"the last {most}). {asked if found > most else ''}".rstrip(),
    )


def _data_are_like_the_champions(evidence: Evidence, policy: Policy) -> Iterator[Finding]:
    ours, theirs = evidence.learnt, evidence.champion_learnt
    if ours is None or theirs is None:
        return
    yield Finding(
        "filter as the champion's",
        "data",
        ours.min_items == theirs.min_items,
        ours.min_items,
        theirs.min_items,
        f"It learnt from orders of at least {ours.min_items} items bought, the champion from "
        f"orders of at least {theirs.min_items} (no other is taken without a person's word).",
    )
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
    yield Finding(
        "holdout new to the champion",
        "holdout",
        # What the champion has seen tells nothing of it, and is no fault of the challenger's.
        True if ours.unseen_from >= theirs.unseen_from else None,
        None,
        theirs.unseen_from,
        f"The holdout begins {ours.unseen_from}; the champion has learnt from orders before "
        f"{theirs.unseen_from} (an earlier begin is no fair match: hold out fewer days).",
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


def _data_have_not_drifted(evidence: Evidence, _: Policy) -> Iterator[Finding]:
    changed = [found for found in evidence.holdout.drift if found.changed]
    worst = max((found.psi for found in evidence.holdout.drift), default=None)
    if worst is None:
        return
    said = " ".join(found.says for found in changed)
    sentence = f"The features lie as in the champion's training (largest index {worst:.2f})."
    yield Finding(
        "no drift",
        "drift",
        not changed,
        len(changed),
        0,
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


DATA_RULES = (
    _data_suffice,
    _data_are_new,
    _orders_are_large,
    _data_are_what_was_learnt_from,
    _data_are_like_the_champions,
    _libraries_are_the_champions,
    _data_have_not_drifted,
    _serves,
)
