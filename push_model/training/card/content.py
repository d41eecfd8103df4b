"""The content of a card: the verdict, the numbers to remember, and the sections."""

from collections.abc import Iterator

from push_model.evaluation.evaluation import UNCALIBRATED, Evaluation
from push_model.reporting.curves import Line, draw_curves, draw_distribution, draw_reliability
from push_model.reporting.dependence import draw_dependences
from push_model.reporting.numbers import (
    BASELINES,
    in_order,
    label_of,
    name_interval,
    write_interval,
    write_percent,
)
from push_model.reporting.picture import Picture, style_of
from push_model.reporting.rows import draw_average_precision, draw_importances, draw_slices
from push_model.reporting.section import Content, Section, Tile
from push_model.training.card import sentences, tables
from push_model.training.gate.verdict import Finding, HoldoutResults, Verdict
from push_model.training.manifest import CalibrationFacts, Facts


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
        sections=tuple(_compose_sections(facts, evaluation, verdict)),
    )


def _explain(verdict: Verdict) -> str:
    if verdict.decision != "promote":
        stays = () if verdict.champion_name else (sentences.NO_CHAMPION,)
        return " ".join((*verdict.sentences, *stays))
    slices = [found for found in verdict.findings if found.about == "slice"]
    others = [found for found in verdict.findings if found.about != "slice"]
    counted = [_count(sentences.RULES_PASSED, others)]
    if slices:
        counted.append(_count(sentences.SLICE_RULES_PASSED, slices))
    return " ".join((*verdict.sentences, *counted))


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


def _compose_sections(
    facts: Facts, evaluation: Evaluation, verdict: Verdict | None
) -> Iterator[Section]:
    """Yield the sections of a card."""
    holdout = verdict.holdout if verdict else None
    if verdict and holdout:
        yield _verdict(verdict, holdout)
    yield _details(facts)
    yield _intended_use(facts)
    yield _metrics(evaluation, holdout)
    if evaluation.slices:
        yield _slices(evaluation)
    yield _features(evaluation)
    if holdout and holdout.drift:
        yield _drift(holdout)
    yield _data(facts, evaluation)
    yield Section(
        "caveats",
        "Ethical considerations, caveats and recommendations",
        (sentences.PRIVACY, sentences.FEEDBACK, sentences.CALIBRATED),
    )
    yield Section(
        "rollback",
        "How to roll back",
        (sentences.ROLLBACK,),
        command=sentences.ROLLBACK_COMMAND,
    )
    yield _reproduction(facts)


def _verdict(verdict: Verdict, holdout: HoldoutResults) -> Section:
    return Section(
        "verdict",
        "Verdict",
        tuple(_compare(verdict, holdout)),
        tables=tuple(tables.tabulate_findings(verdict.findings)),
    )


def _compare(verdict: Verdict, holdout: HoldoutResults) -> Iterator[str]:
    if verdict.champion_name is None:
        sentence = sentences.FIRST_MODEL
    else:
        sentence = sentences.COMPARED if verdict.claim else sentences.NOT_COMPARED
    yield sentence.format(
        champion=verdict.champion_name, orders=holdout.orders, claim=verdict.claim
    )
    if holdout.changed_share is not None:
        yield sentences.CHANGED.format(changed=write_percent(holdout.changed_share))


def _details(facts: Facts) -> Section:
    described = {
        "model id": facts["model_id"],
        "id of the evaluated model": facts["validated_id"],
        "trained on": facts["trained_on"],
        "seed": facts["seed"],
        "calibration": _describe(facts["calibration"]),
    }
    return Section(
        "details",
        "Model details",
        (sentences.PURPOSE,),
        tables=(
            tables.tabulate_facts(described, caption="What it is", of="fact"),
            tables.tabulate_facts(
                facts["parametrisation"], caption="Parametrisation", of="setting"
            ),
        ),
    )


def _describe(calibration: CalibrationFacts) -> str:
    if calibration["method"] == "none":
        return calibration["says"]
    line = f"slope {calibration['slope']:.4g}, intercept {calibration['intercept']:.4g}"
    return f"{calibration['method']} ({line}). {calibration['says']}"


def _intended_use(facts: Facts) -> Section:
    known = sentences.KNOWN_ORDERS.format(min_items=facts["min_items"])
    return Section("use", "Intended use", (sentences.INTENDED_USE, known, sentences.NOT_FOR))


def _metrics(evaluation: Evaluation, holdout: HoldoutResults | None) -> Section:
    metrics = {name: evaluation.scorers[name].metrics for name in in_order(evaluation.scorers)}
    leading = draw_average_precision(
        {
            name: found["average_precision"]
            for name, found in metrics.items()
            if name != UNCALIBRATED
        },
        holdout.by_scorer("average_precision") if holdout else {},
        level=holdout.level if holdout else None,
    )
    return Section(
        "metrics",
        "Metrics",
        (
            sentences.HOLDOUT.format(
                rows=evaluation.rows, orders=evaluation.orders, purchases=evaluation.purchases
            ),
            sentences.BASELINES_NOTE,
        ),
        pictures=(leading, *_draw_curves(evaluation)),
        tables=(
            tables.tabulate_metrics(metrics, holdout.intervals if holdout else {}),
            tables.tabulate_gains(evaluation.scorers),
        ),
    )


def _draw_curves(evaluation: Evaluation) -> Iterator[Picture]:
    lines = {
        name: Line(label_of(name), evaluation.scorers[name], style_of(name))
        for name in in_order(evaluation.scorers)
    }
    # Calibration changes no ranking, and a baseline's score is not a probability.
    yield from draw_curves([line for name, line in lines.items() if name != UNCALIBRATED])
    yield draw_reliability([line for name, line in lines.items() if name not in BASELINES])
    yield draw_distribution(evaluation.scorers["challenger"])


def _slices(evaluation: Evaluation) -> Section:
    picture = draw_slices(evaluation.slices)
    return Section(
        "slices",
        "Factors: for whom it is good",
        (sentences.SLICES_NOTE,),
        pictures=(picture,) if picture else (),
        tables=(tables.tabulate_slices(evaluation.slices),),
    )


def _features(evaluation: Evaluation) -> Section:
    doubtful = sorted(found.feature for found in evaluation.importances if found.is_doubtful)
    paragraphs = [sentences.FEATURES_NOTE]
    if doubtful:
        paragraphs.append(sentences.DOUBTFUL.format(features=", ".join(doubtful)))
    return Section(
        "features",
        "Features: what the model uses",
        tuple(paragraphs),
        pictures=(
            draw_importances(evaluation.importances),
            *draw_dependences(evaluation.dependences),
        ),
        tables=(tables.tabulate_importances(evaluation.importances),),
    )


def _drift(holdout: HoldoutResults) -> Section:
    changed = sum(found.changed for found in holdout.drift)
    return Section(
        "drift",
        "Drift: what has changed in the data",
        (sentences.DRIFT_NOTE.format(changed=changed, all=len(holdout.drift)),),
        tables=(tables.tabulate_drift(holdout.drift),),
    )


def _data(facts: Facts, evaluation: Evaluation) -> Section:
    return Section(
        "data",
        "Training and evaluation data",
        (sentences.WINDOWS_NOTE.format(orders=evaluation.orders),),
        tables=(
            tables.tabulate_facts(facts["dataset"], caption="Dataset", of="fact"),
            tables.tabulate_windows(facts["windows"]),
        ),
    )


def _reproduction(facts: Facts) -> Section:
    source = {"revision": facts["git_revision"], "seed": facts["seed"], **facts["versions"]}
    return Section(
        "reproduction",
        "Reproduction",
        (sentences.REPRODUCTION,),
        tables=(tables.tabulate_facts(source, caption="Code and libraries", of="part"),),
    )
