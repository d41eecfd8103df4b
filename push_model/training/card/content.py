"""The content of a card: the verdict, the numbers to remember, and the sections."""

from push_model.evaluation.evaluation import Evaluation
from push_model.reporting.numbers import name_interval, write_interval, write_percent
from push_model.reporting.section import Content, Tile
from push_model.training.card import sentences
from push_model.training.card.sections import compose_sections
from push_model.training.gate.verdict import Finding, Verdict
from push_model.training.manifest import Facts


def compose(
    model_name: str, facts: Facts, evaluation: Evaluation, verdict: Verdict | None
) -> Content:
    """Compose what a person should know of a model; the verdict is None before the gate.

    References
    ----------
    Mitchell et al. (2019), doi:10.1145/3287560.3287596, whose headings the card keeps.
    """
    return Content(
        name=model_name,
        decision=verdict.decision if verdict else "",
        headline=sentences.DECISIONS[verdict.decision] if verdict else sentences.NOT_JUDGED,
        sentence=_explain(verdict) if verdict else sentences.NOT_JUDGED_SAYS,
        whose=sentences.WHOSE.format(until=facts["windows"]["train"]["end"]),
        tiles=_tiles(evaluation, verdict),
        sections=tuple(compose_sections(facts, evaluation, verdict)),
    )


def _explain(verdict: Verdict) -> str:
    if verdict.decision != "promote":
        return " ".join(verdict.sentences)
    slices = [found for found in verdict.findings if found.about == "slice"]
    others = [found for found in verdict.findings if found.about != "slice"]
    counted = [_count(sentences.RULES_PASSED, others)]
    if slices:
        counted.append(_count(sentences.SLICE_RULES_PASSED, slices))
    return " ".join((verdict.headline, *counted))


def _count(sentence: str, findings: list[Finding]) -> str:
    passed = sum(found.passed is True for found in findings)
    unknown = sum(found.passed is None for found in findings)
    counted = sentence.format(passed=passed, all=len(findings))
    return f"{counted} {sentences.TOO_LITTLE_DATA.format(unknown=unknown)}" if unknown else counted


def _tiles(evaluation: Evaluation, verdict: Verdict | None) -> tuple[Tile, ...]:
    ours = evaluation.scorers["challenger"].metrics
    interval = ""
    if verdict and verdict.holdout:
        ends = verdict.by_scorer("average_precision")["challenger"][1:]
        interval = f", {name_interval(verdict.holdout.level)} {write_interval(ends)}"
    return (
        Tile(f"{ours['average_precision']:.3f}", f"average precision{interval}"),
        Tile(
            f"{ours['average_precision'] / ours['base_rate']:.0f} times",
            f"the purchase rate of {write_percent(ours['base_rate'])}, which random pushes reach",
        ),
        Tile(write_percent(ours["recall_at_5pct"]), "of the purchases are in the best 5 %"),
        Tile(
            write_percent(ours["precision_when_pushed"]),
            "of the pushes sent where p > 0.05 are bought",
        ),
        Tile(f"{ours['expected_per_actual']:.2f}", "purchases predicted per actual purchase"),
    )
