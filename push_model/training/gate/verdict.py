"""What was decided of a challenger, and why? One finding a rule, and the sentence for people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from push_model.store.promotion import Champion
from push_model.training.gate.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found.

    Attributes
    ----------
    rule : str
        Its name, a few words.
    about : str
        ``"holdout"``, ``"data"``, ``"drift"``, ``"serving"``, ``"model"`` or ``"slice"``.
    passed : bool or None
        None where there is not enough evidence to tell.
    value, limit : float, str or None
        What was measured and what is asked.
    sentence : str
        Both in plain words.
    is_needed : bool
        Whether a challenger cannot be promoted before this is known.
    """

    rule: str
    about: str
    passed: bool | None
    value: float | None
    limit: float | str | None
    sentence: str
    is_needed: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided of a challenger, and why.

    Attributes
    ----------
    decision : str
        ``"promote"``, ``"keep"`` or ``"inconclusive"``.
    claim : str or None
        Against the champion: ``"better"``, ``"non-inferior"``, ``"worse"`` or ``"undecided"``; None
        where there is none to compare with.
    findings : tuple of Finding
        One a rule, in the order of the rules.
    model_name : str
        The challenger.
    champion : Champion or None
        The champion it was compared with; promotion checks that it still serves.
    evidence : Evidence or None
        What the rules looked at; None where it was settled before anything was measured.
    """

    decision: str
    claim: str | None
    findings: tuple[Finding, ...]
    model_name: str
    champion: Champion | None
    evidence: Evidence | None

    @property
    def champion_name(self) -> str | None:
        """Name of the champion; None where there was none."""
        return self.champion.model_name if self.champion else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences that decided: of what failed, else of what is not known, else of all.

        Slices have a say only where nothing else failed: a bad model is bad in all of them.
        """
        failed = failures(self.findings)
        unknown = [f for f in self.findings if f.passed is None and f.is_needed]
        of_all = [finding for finding in failed if finding.about != "slice"]
        passed = [finding for finding in self.findings if finding.about == "model"]
        return tuple(finding.sentence for finding in of_all or failed or unknown or passed)

    def sentence(self) -> str:
        """Say it in one line."""
        return f"{self.decision}: {self.model_name}. {' '.join(self.reasons)}"

    @property
    def headline(self) -> str:
        """How it ranks, in a line for logs: against the champion, or popularity without one."""
        gains = self.evidence.gains if self.evidence else {}
        if (gain := gains.get("champion")) and self.claim:
            return (
                f"{self.claim.capitalize()}: average precision {gain.estimate:+.1%} "
                f"({gain.low:+.1%} to {gain.high:+.1%}) against the champion's."
            )
        if not gains or (self.champion and failures(self.findings)):
            return self.reasons[0]
        times = 1.0 + gains["popularity"].estimate
        return f"Beside no champion: average precision {times:.2f} times popularity's."

    def document(self) -> dict[str, Any]:
        """Give the verdict as JSON-able data."""
        return {
            "decision": self.decision,
            "claim": self.claim,
            "headline": self.headline,
            "sentence": self.sentence(),
            "reasons": list(self.reasons),
            "findings": [asdict(finding) for finding in self.findings],
            "model_name": self.model_name,
            "champion_name": self.champion_name,
            "champion_line": self.champion.line if self.champion else None,
            **(_evidence(self.evidence) if self.evidence else {}),
        }


def decide(findings: Sequence[Finding]) -> str:
    """Decide from what the rules found."""
    if failures(findings):
        return "keep"
    if any(finding.passed is None and finding.is_needed for finding in findings):
        return "inconclusive"
    return "promote"


def failures(findings: Sequence[Finding]) -> list[Finding]:
    """Give what speaks against a challenger."""
    is_small = any(f.about == "holdout" and f.passed is None for f in findings)
    unheard = {"model", "slice"} if is_small else set()
    return [f for f in findings if f.passed is False and f.about not in unheard]


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "orders": evidence.orders,
        "days": evidence.days,
        "users": evidence.users,
        "metrics": {name: found.document() for name, found in evidence.metrics.items()},
        "interval_level": evidence.level,
        "intervals": {
            name: {metric: [own.low, own.high] for metric, own in found.items()}
            for name, found in evidence.intervals.items()
        },
        "gains": {name: gain._asdict() for name, gain in evidence.gains.items()},
        "slices": [
            asdict(part)
            | {
                "slice": part.name,
                "gain": part.gain._asdict(),
                "expected_per_actual": part.expected_per_actual._asdict(),
                "calibration_error": part.calibration_error._asdict(),
            }
            for part in evidence.slices
        ],
        "drift": [asdict(found) for found in evidence.drift],
        "stability": {"changed_share": evidence.changed_share},
    }
