"""The gate's verdict on a challenger, written to and read from JSON.

It needs no library beyond Python's own, so that messages and commands read verdicts quickly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from push_model.evaluation.results import Interval, Metrics, Slice

#: In the folder of a run.
VERDICT_FILE = "verdict.json"

# From this share on a decimal would say nothing.
_WHOLE_PERCENT = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found."""

    rule: str
    about: str  # "holdout", "data", "drift", "serving", "model" or "slice"
    passed: bool | None  # None: too little data
    value: float | str | None
    limit: float | str | None
    sentence: str
    is_needed: bool = True  # False: no promotion waits for it


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How far one feature has moved since another model was trained."""

    feature: str
    psi: float  # population stability index over the bins of that training
    missing_then: float  # share of rows
    missing_now: float
    outside: float  # share of values outside the range of that training
    median_then: float | None
    median_now: float | None
    changed: bool  # whether a limit is passed
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldoutResults:
    """What was measured on the holdout, by scorer.

    Scorers are ``"challenger"``, ``"champion"`` if there is one, ``"popularity"`` and
    ``"bought before"``.
    """

    days: int
    orders: int
    users: int
    metrics: Mapping[str, Metrics]
    level: float  # of every interval
    intervals: Mapping[str, Mapping[str, tuple[float, float]]]  # by scorer and metric: low, high
    gains: Mapping[str, Interval]  # average precision over each other scorer's, as a share of it
    slices: tuple[Slice, ...]
    changed_share: float | None  # of the champion's best 5 % that the challenger's list lacks
    drift: tuple[FeatureDrift, ...] = ()  # against the champion's training

    def by_scorer(self, metric: str) -> dict[str, Interval]:
        """Return a metric with its interval for each scorer that has one."""
        return {
            scorer: Interval(getattr(self.metrics[scorer], metric), *intervals[metric])
            for scorer, intervals in self.intervals.items()
            if metric in intervals
        }

    def document(self) -> dict[str, Any]:
        """Return the results as JSON-able data."""
        return {
            "orders": self.orders,
            "days": self.days,
            "users": self.users,
            "metrics": {scorer: found.document() for scorer, found in self.metrics.items()},
            "interval_level": self.level,
            "intervals": {
                scorer: {metric: list(ends) for metric, ends in found.items()}
                for scorer, found in self.intervals.items()
            },
            "gains": {name: gain._asdict() for name, gain in self.gains.items()},
            "slices": [
                asdict(part) | {name: getattr(part, name)._asdict() for name in _SLICE_INTERVALS}
                for part in self.slices
            ],
            "drift": [asdict(found) for found in self.drift],
            "stability": {"changed_share": self.changed_share},
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided of a challenger, and why."""

    decision: str  # "promote", "keep" or "inconclusive"
    claim: str | None  # against the champion: "better", "non-inferior", "worse" or "undecided"
    findings: tuple[Finding, ...]  # one a rule, in the order of the rules
    model_name: str
    champion_name: str | None  # None: there was no champion
    champion_line: int | None  # promotion checks by it that the same champion still serves
    holdout: HoldoutResults | None  # None: decided before anything was measured
    # The limits that the form changed for this run: "value", and the "usual" of the installation.
    changed_limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences that decided: what failed, else what is unknown, else what passed.

        Slices decide only where nothing else failed: a bad model is bad in all of them.
        """
        failed = _failures(self.findings)
        unknown = [found for found in self.findings if found.passed is None and found.is_needed]
        overall = [finding for finding in failed if finding.about != "slice"]
        passed = [finding for finding in self.findings if finding.about == "model"]
        return tuple(finding.sentence for finding in overall or failed or unknown or passed)

    @property
    def headline(self) -> str:
        """The outcome in one sentence; `reasons` say why, in more."""
        if self.decision != "promote":
            if len(self.reasons) == 1:
                return self.reasons[0]
            found = {"keep": "failed", "inconclusive": "lack data"}[self.decision]
            return f"Not promoted: {len(self.reasons)} of {len(self.findings)} rules {found}."
        gains = self.holdout.gains if self.holdout else {}
        if self.holdout and (gain := gains.get("champion")):
            rank = "Better" if self.claim == "better" else "Not worse"
            return (
                f"{rank} than the champion: average precision {say_gain(gain, self.holdout.level)}."
            )
        if "popularity" not in gains:
            return "All rules passed."
        times = 1.0 + gains["popularity"].estimate
        return f"First champion: average precision is {times:.1f} times the popularity baseline's."

    @property
    def changes(self) -> tuple[str, ...]:
        """The limits that were changed for this run, in a sentence; none where none was."""
        return say_changes(self.changed_limits)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The headline, changed limits, and what kept a challenger back; no sentence twice."""
        reasons = () if self.decision == "promote" else self.reasons
        return tuple(dict.fromkeys((self.headline, *self.changes, *reasons)))

    def sentence(self) -> str:
        """Return the verdict in one line, for a log."""
        return f"{self.decision}: {self.model_name}. {' '.join(self.sentences)}"

    def by_scorer(self, metric: str) -> dict[str, Interval]:
        """Return a metric of the holdout with its interval for each scorer that has one."""
        return self.holdout.by_scorer(metric) if self.holdout else {}

    def document(self) -> dict[str, Any]:
        """Return the verdict as JSON-able data."""
        return {
            "decision": self.decision,
            "claim": self.claim,
            "headline": self.headline,
            "reasons": list(self.reasons),
            "findings": [asdict(finding) for finding in self.findings],
            "model_name": self.model_name,
            "champion_name": self.champion_name,
            "champion_line": self.champion_line,
            "changed_limits": dict(self.changed_limits),
            **(self.holdout.document() if self.holdout else {}),
        }

    def summary(self) -> dict[str, Any]:
        """Return what the promotion log keeps of it."""
        return {
            "decision": self.decision,
            "claim": self.claim,
            "reasons": list(self.reasons),
            "changed_limits": dict(self.changed_limits),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Verdict":
        """Read a verdict that `document` wrote, in this version or an earlier one."""
        return cls(
            decision=document["decision"],
            claim=document["claim"],
            findings=tuple(Finding(**found) for found in document["findings"]),
            model_name=document["model_name"],
            champion_name=document["champion_name"],
            champion_line=document["champion_line"],
            holdout=_read_holdout(document) if "metrics" in document else None,
            changed_limits=document.get("changed_limits", {}),
        )


def decide(findings: Sequence[Finding]) -> str:
    """Decide from what the rules found."""
    if _failures(findings):
        return "keep"
    if any(finding.passed is None and finding.is_needed for finding in findings):
        return "inconclusive"
    return "promote"


def _failures(findings: Sequence[Finding]) -> list[Finding]:
    """Return what speaks against a challenger; a small holdout says nothing of the model."""
    is_small = any(found.about == "holdout" and found.passed is None for found in findings)
    unheard = {"model", "slice"} if is_small else set()
    return [found for found in findings if found.passed is False and found.about not in unheard]


def say_changes(limits: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Name limits that were changed for a run, in a sentence; none where none was."""
    listed = ", ".join(
        f"{name} {limit['value']:g} (usually {limit['usual']:g})" for name, limit in limits.items()
    )
    return (f"Limits changed for this run: {listed}.",) if listed else ()


def say_share(share: float) -> str:
    """Format a signed share as a percentage.

    Examples
    --------
    >>> say_share(-0.0123), say_share(3.33)
    ('-1.2 %', '+333 %')
    """
    return f"{100 * share:+.{0 if abs(share) >= _WHOLE_PERCENT else 1}f} %"


def say_gain(gain: Interval, level: float, limit: str = "") -> str:
    """Format a relative gain with its interval, and its limit where there is one.

    Examples
    --------
    >>> say_gain(Interval(0.051, 0.012, 0.09), 0.95, "must be above -5 %")
    '+5.1 % (95 % interval +1.2 % to +9.0 %; must be above -5 %)'
    """
    return f"{say_share(gain.estimate)} ({say_interval(gain, level)}{limit and f'; {limit}'})"


def say_interval(gain: Interval, level: float) -> str:
    """Format the interval of a relative gain."""
    return f"{100 * level:.3g} % interval {say_share(gain.low)} to {say_share(gain.high)}"


_SLICE_INTERVALS = ("gain", "expected_per_actual", "calibration_error")


def _read_holdout(document: Mapping[str, Any]) -> HoldoutResults:
    return HoldoutResults(
        days=document["days"],
        orders=document["orders"],
        users=document["users"],
        metrics={scorer: Metrics(**found) for scorer, found in document["metrics"].items()},
        level=document["interval_level"],
        intervals={
            scorer: {metric: (low, high) for metric, (low, high) in found.items()}
            for scorer, found in document["intervals"].items()
        },
        gains={scorer: Interval(**gain) for scorer, gain in document["gains"].items()},
        slices=tuple(_read_slice(part) for part in document["slices"]),
        changed_share=document["stability"]["changed_share"],
        drift=tuple(FeatureDrift(**found) for found in document["drift"]),
    )


def _read_slice(document: Mapping[str, Any]) -> Slice:
    plain = {name: value for name, value in document.items() if name != "slice"}
    return Slice(**plain | {name: Interval(**document[name]) for name in _SLICE_INTERVALS})
