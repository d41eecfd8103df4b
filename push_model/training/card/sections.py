"""What stands in each section of the card? Words, pictures and tables, one function a heading."""

from collections.abc import Iterator, Mapping
from typing import Any

from push_model.evaluation.card_slices import choose_slices, merge_slices, read_slices
from push_model.evaluation.evaluation import UNCALIBRATED, Evaluation
from push_model.reporting.curves import Line, draw_curves, draw_distribution, draw_reliability
from push_model.reporting.dependence import draw_dependences
from push_model.reporting.numbers import (
    BASELINES,
    UNKNOWN,
    in_order,
    label_of,
    write_number,
    write_percent,
)
from push_model.reporting.picture import Picture, style_of
from push_model.reporting.rows import (
    draw_average_precision,
    draw_importances,
    draw_slices,
)
from push_model.reporting.section import Section
from push_model.training.card.measured_tables import (
    tabulate_gains,
    tabulate_importances,
    tabulate_metrics,
    tabulate_slices,
)
from push_model.training.card.sentences import (
    BASELINES_NOTE,
    DOUBTFUL,
    FEATURES_NOTE,
    FEEDBACK,
    HOLDOUT,
    HONESTY,
    INTENDED_USE,
    KNOWN_ORDERS,
    NOT_FOR,
    NOT_JUDGED,
    NOT_JUDGED_SAYS,
    PRIVACY,
    PURPOSE,
    REPRODUCTION,
    ROLLBACK,
    ROLLBACK_COMMAND,
    SLICES_NOTE,
    WINDOWS_NOTE,
)
from push_model.training.card.tables import (
    tabulate_drift,
    tabulate_facts,
    tabulate_findings,
    tabulate_windows,
)


def compose_sections(
    facts: Mapping[str, Any],
    evaluation: Evaluation,
    judged: Mapping[str, Any],
    metrics: Mapping[str, Mapping[str, Any]],
) -> Iterator[Section]:
    """Compose the sections of a card."""
    yield _verdict(judged)
    yield _details(facts)
    yield _intended_use(facts)
    yield _metrics(evaluation, metrics, judged)
    yield _slices(evaluation, judged)
    yield from _features(evaluation)
    yield from _drift(judged)
    yield _data(facts, evaluation)
    yield _caveats()
    yield _rollback()
    yield _reproduction(facts)


def _details(facts: Mapping[str, Any]) -> Section:
    parametrisation = facts.get("parametrisation") or {}
    described = {
        "model id": facts.get("model_id"),
        "id of its judged twin": facts.get("validated_id"),
        "trained on": facts.get("trained_on"),
        "seed": facts.get("seed"),
        "calibration": _say_calibration(facts.get("calibration")),
    }
    return Section(
        "details",
        "Model details",
        (PURPOSE,),
        tables=(
            tabulate_facts(described, caption="What it is", of="fact"),
            tabulate_facts(parametrisation, caption="Parametrisation", of="setting"),
        ),
    )


def _say_calibration(calibration: Mapping[str, Any] | None) -> str:
    if not calibration:
        return UNKNOWN
    line = ", ".join(
        f"{end} {write_number(calibration[end])}"
        for end in ("slope", "intercept")
        if calibration.get("method") != "none" and end in calibration
    )
    said = f"{calibration.get('method', UNKNOWN)}{f' ({line})' if line else ''}"
    return f"{said}. {calibration.get('says') or ''}".rstrip()


def _intended_use(facts: Mapping[str, Any]) -> Section:
    least = facts.get("min_items", UNKNOWN)
    return Section(
        "use",
        "Intended use",
        (
            INTENDED_USE,
            KNOWN_ORDERS.format(min_items=least),
            NOT_FOR,
        ),
    )


def _verdict(judged: Mapping[str, Any]) -> Section:
    if not judged:
        return Section("verdict", "Verdict", (f"{NOT_JUDGED}. {NOT_JUDGED_SAYS}",))
    champion = judged.get("champion_name")
    against = f"Compared with the champion {champion}" if champion else "There was no champion"
    orders = judged.get("orders")
    claim = judged.get("claim")
    paragraphs = [
        f"{against}"
        + (f", on {orders:,} orders" if isinstance(orders, int) else "")
        + (f"; against it the model is {claim}." if champion and claim else ".")
    ]
    stability = judged.get("stability") or {}
    if (share := stability.get("changed_share")) is not None:
        paragraphs.append(
            f"{write_percent(share)} of the champion's best 5 % are not among this model's."
        )
    listed = tuple(tabulate_findings(judged.get("findings") or ()))
    return Section("verdict", "Verdict", tuple(paragraphs), tables=listed)


def _metrics(
    evaluation: Evaluation, metrics: Mapping[str, Any], judged: Mapping[str, Any]
) -> Section:
    intervals = judged.get("intervals") or {}
    leading = draw_average_precision(metrics, intervals, level=judged.get("interval_level"))
    return Section(
        "metrics",
        "Metrics",
        (
            HOLDOUT.format(
                rows=evaluation.rows, orders=evaluation.orders, purchases=evaluation.purchases
            ),
            BASELINES_NOTE,
            DOUBTFUL,
        ),
        pictures=(
            leading,
            *_draw_curves(evaluation),
        ),
        tables=(
            tabulate_metrics(metrics, intervals, caption="On the holdout"),
            tabulate_gains(evaluation.scorers),
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


def _slices(evaluation: Evaluation, judged: Mapping[str, Any]) -> Section:
    told = read_slices(judged.get("slices") or ())
    found = choose_slices(merge_slices(evaluation.slices, told))
    picture = draw_slices(found)
    return Section(
        "slices",
        "Factors: for whom it is good",
        (SLICES_NOTE,),
        pictures=(picture,) if picture else (),
        tables=(tabulate_slices(found),),
    )


def _features(evaluation: Evaluation) -> Iterator[Section]:
    picture = draw_importances(evaluation.importances)
    if picture is None:
        return
    yield Section(
        "features",
        "Features: what it leans on",
        (FEATURES_NOTE, *_doubt(evaluation)),
        pictures=(picture, *draw_dependences(evaluation.dependences)),
        tables=(tabulate_importances(evaluation.importances),),
    )


def _doubt(evaluation: Evaluation) -> Iterator[str]:
    doubtful = sorted(found.feature for found in evaluation.importances if found.is_doubtful)
    if doubtful:
        yield f"{DOUBTFUL} {', '.join(doubtful)}."


def _drift(judged: Mapping[str, Any]) -> Iterator[Section]:
    if not (drift := judged.get("drift")):
        return
    changed = sum(bool(found.get("changed")) for found in drift)
    yield Section(
        "drift",
        "Drift: what has changed in the data",
        (f"{changed} of {len(drift)} features changed notably since the other model's training.",),
        tables=(tabulate_drift(drift),),
    )


def _data(facts: Mapping[str, Any], evaluation: Evaluation) -> Section:
    dataset = facts.get("dataset") or {}
    windows = facts.get("windows") or {}
    return Section(
        "data",
        "Training and evaluation data",
        (WINDOWS_NOTE.format(orders=evaluation.orders),),
        tables=(
            tabulate_facts(dataset, caption="Dataset", of="fact"),
            *([tabulate_windows(windows)] if windows else []),
        ),
    )


def _caveats() -> Section:
    return Section(
        "caveats",
        "Ethical considerations, caveats and recommendations",
        (PRIVACY, FEEDBACK, HONESTY),
    )


def _rollback() -> Section:
    return Section("rollback", "How to roll back", (ROLLBACK,), command=ROLLBACK_COMMAND)


def _reproduction(facts: Mapping[str, Any]) -> Section:
    versions = facts.get("versions") or {}
    source = {"revision": facts.get("git_revision"), "seed": facts.get("seed")}
    return Section(
        "reproduction",
        "Reproduction",
        (REPRODUCTION,),
        tables=(tabulate_facts(source | versions, caption="Code and libraries", of="part"),),
    )
