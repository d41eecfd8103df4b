"""Which rules must a challenger keep? Each a sentence with its value and its limit."""

from collections.abc import Callable, Iterator

from push_model.training.gate.data_rules import DATA_RULES
from push_model.training.gate.evidence import Evidence
from push_model.training.gate.model_rules import MODEL_RULES, is_not_inferior
from push_model.training.gate.policy import Policy
from push_model.training.gate.verdict import Finding

Rule = Callable[[Evidence, Policy], Iterator[Finding]]

# What decides first comes first.
RULES: tuple[Rule, ...] = (*DATA_RULES, *MODEL_RULES)


def judge(evidence: Evidence, policy: Policy) -> tuple[Finding, ...]:
    """Hold the evidence to every rule."""
    return tuple(finding for rule in RULES for finding in rule(evidence, policy))


def claim(evidence: Evidence, policy: Policy) -> str | None:
    """Say how a challenger ranks against the champion."""
    gain = evidence.holdout.gains.get("champion")
    if gain is None:
        return None
    if gain.low > 0.0:
        return "better"
    held = is_not_inferior(gain, policy.margin)
    return {True: "non-inferior", False: "worse", None: "undecided"}[held]
