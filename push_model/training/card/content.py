"""What does the card say? The verdict, the numbers to remember, and section after section."""

from collections.abc import Mapping
from typing import Any

from push_model.evaluation.evaluation import Evaluation
from push_model.reporting.numbers import UNKNOWN, name_interval, write_interval, write_percent
from push_model.reporting.section import Content, Tile
from push_model.training.card.sections import compose_sections
from push_model.training.card.sentences import NOT_JUDGED, NOT_JUDGED_SAYS, TWIN

DECISIONS = {
    "promote": "Promote: it is fit to serve",
    "keep": "Keep: it must not take over",
    "inconclusive": "Inconclusive: the data cannot tell",
}

CLAIMS = {
    "better": "is better than",
    "non-inferior": "is no worse than",
    "worse": "is worse than",
    "undecided": "can be told neither better nor worse than",
}


def compose(
    facts: Mapping[str, Any],
    evaluation: Evaluation,
    judgement: Mapping[str, Any] | None = None,
    *,
    model_name: str | None = None,
) -> Content:
    """Say what a person should know of a model.

    References
    ----------
    Mitchell et al. (2019), doi:10.1145/3287560.3287596, whose headings the card keeps.
    """
    judged = judgement or {}
    measured = {name: curves.metrics for name, curves in evaluation.scorers.items()}
    told = judged.get("metrics") or {}
    metrics = {
        name: {**measured.get(name, {}), **(told.get(name) or {})} for name in {**measured, **told}
    }
    intervals = judged.get("intervals") or {}
    decision = str(judged.get("decision") or "")
    return Content(
        name=model_name or f"model {facts.get('model_id', UNKNOWN)}",
        decision=decision,
        headline=DECISIONS.get(decision, decision) or NOT_JUDGED,
        sentence=_say(judged) if decision else NOT_JUDGED_SAYS,
        whose=_say_whose(facts),
        tiles=_tiles(metrics, intervals, judged.get("interval_level")),
        sections=tuple(compose_sections(facts, evaluation, judged, metrics)),
    )


def _say_whose(facts: Mapping[str, Any]) -> str:
    train = (facts.get("windows") or {}).get("train") or {}
    twin = facts.get("validated_id")
    return TWIN.format(validated_id=twin, until=train.get("end", UNKNOWN)) if twin else ""


def _say(judged: Mapping[str, Any]) -> str:
    """Say what decided; where nothing stood against it, how much was asked."""
    findings = judged.get("findings") or ()
    if judged.get("decision") != "promote" or not findings:
        return " ".join(judged.get("reasons") or ()) or str(judged.get("sentence") or "")
    passed = sum(found.get("passed") is True for found in findings)
    open_ones = sum(found.get("passed") is None for found in findings)
    told = f"; {open_ones} more could not be told" if open_ones else ""
    claim, champion = CLAIMS.get(str(judged.get("claim"))), judged.get("champion_name")
    against = f" It {claim} the champion {champion}." if claim and champion else ""
    return f"{passed} rules are kept, and none is broken{told}.{against}"


def _tiles(
    metrics: Mapping[str, Any], intervals: Mapping[str, Any], level: float | None
) -> tuple[Tile, ...]:
    ours = metrics["challenger"]
    ends = (intervals.get("challenger") or {}).get("average_precision")
    between = f", {name_interval(level)} {write_interval(ends)}" if ends else ""
    return (
        Tile(f"{ours['average_precision']:.3f}", f"average precision{between}"),
        Tile(
            f"{ours['average_precision'] / ours['base_rate']:.0f} times",
            f"the base rate of {write_percent(ours['base_rate'])}, which random pushes reach",
        ),
        Tile(write_percent(ours["recall_at_5pct"]), "of the purchases are in the best 5 %"),
        Tile(
            write_percent(ours["precision_when_pushed"]),
            "of the pushes sent where p > 0.05 are bought",
        ),
        Tile(f"{ours['expected_per_actual']:.2f}", "purchases promised for each one made"),
    )
