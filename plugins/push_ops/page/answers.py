"""The first page: the questions of the morning, answered from the status."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from push_model.evaluation.results import Interval
from push_model.reporting.numbers import UNKNOWN, write_interval, write_moment, write_number
from push_model.reporting.picture import Picture
from push_model.reporting.rows import draw_average_precision
from push_model.reporting.section import Content, Section, Table
from push_model.reporting.timeline import DayPoint, draw_distances, draw_purchases
from push_model.status.status import ChampionStatus, RunStatus, Status
from push_model.training.gate.verdict import say_changes

_RUNS_ON_NOW = 6
_FEATURES_DRAWN = 8
_LEVEL = 0.95
# Of the answers: whether a model serves, how the newest run ended, and how good the model is.
_DECIDING = 3

#: Classes of the style sheet. Words stand beside them: colour never stands alone.
BANNERS = {"good": "promote", "weak": "inconclusive", "failing": "keep"}
#: Of the outcomes of a run.
STATES = {
    "promoted": "good",
    "kept": "",
    "inconclusive": "weak",
    "not promoted": "",
    "rejected": "",
    "failed": "failing",
    "unfinished": "weak",
}
_MARKS = {"good": "✓ ", "weak": "? ", "failing": "✗ ", "": ""}


class Answer(NamedTuple):
    """A question of the morning, and its answer."""

    name: str
    question: str
    sentence: str
    state: str = ""  # "good", "weak", "failing" or nothing
    word: str = ""
    paragraphs: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


def now(status: Status, answers: Sequence[Answer]) -> Content:
    """Return the first page around the answers of `answer`."""
    return Content(
        name="Push models",
        decision=BANNERS[_worst(answers)],
        headline=f"What to do: {status.next_step}",
        sentence=_say_in_a_row(status),
        whose="",
        tiles=(),
        sections=(*_last_runs(status), *_faults(status)),
    )


def answer(status: Status) -> tuple[Answer, ...]:
    """Answer what serves, how good it is, how the newest run ended, and what has moved."""
    return (
        _serves(status),
        _ended(status),
        _is_good(status.champion),
        _happened(status),
        has_drifted(status),
    )


def has_drifted(status: Status) -> Answer:
    """Answer whether features have moved since the champion was trained."""
    question = "Is anything drifting?"
    if not status.drift:
        return Answer("drift", question, "Not known yet: no run has compared the features.")
    changed = [line for line in status.drift if line.changed]
    names = ", ".join(line.feature for line in changed[:3])
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""  # noqa: PLR2004 - those named
    said = (
        f"Yes: {len(changed)} of {len(status.drift)} features have changed since its training: "
        f"{names}{more}."
        if changed
        else f"No: all {len(status.drift)} features are as in its training."
    )
    shown = [(line.feature, line.distance) for line in status.drift[:_FEATURES_DRAWN]]
    limit = status.drift[0].limit
    picture = draw_distances(
        shown, limit=limit, title=f"{shown[0][0]} has moved furthest: {shown[0][1]:.2f}"
    )
    run = status.drift_run
    return Answer(
        "drift",
        question,
        said,
        "weak" if changed else "good",
        "drifting" if changed else "stable",
        (f"Measured by the run of {run.run_date or run.at}.",) if run else (),
        (picture,),
        (("drift", "Every feature"),),
    )


def tabulate_runs(shown: Sequence[RunStatus], *, caption: str) -> Table:
    """List runs; each leads to its page."""
    rows = tuple(
        (
            run.run_date or run.at[:10],
            f"{_MARKS[STATES[run.outcome]]}{run.outcome}",
            f"{run.kind}, {write_moment(run.at)}",
            run.model_name or UNKNOWN,
            *_figures(run.average_precision),
            " ".join((run.sentence, *say_changes(run.limits_changed))),
        )
        for run in shown
    )
    headings = (
        "run",
        "outcome",
        "kind and time",
        "model",
        "average precision",
        "champion",
        "popularity",
    )
    return Table(
        caption,
        (*headings, "why"),
        rows,
        numeric=False,
        links=tuple(f"runs/{run.folder}" for run in shown),
    )


def _serves(status: Status) -> Answer:
    serving = status.champion
    question = "What serves, since when?"
    if serving is None:
        fault = status.pointer_fault
        said = fault or "Nothing serves: no model was promoted yet."
        back = (("act/rollback", "Roll back"),) if fault else ()
        return Answer("serves", question, said, "failing" if fault else "weak", links=back)
    facts = [
        serving.how,
        *say_changes(serving.limits_changed),
        _say_age(serving),
        *serving.faults,
    ]
    return Answer(
        "serves",
        question,
        f"{serving.model_name} serves since {write_moment(serving.since)}.",
        "failing" if serving.faults else "good",
        "damaged" if serving.faults else "serving",
        tuple(facts),
        links=(
            (f"models/{serving.model_name}/card", "Model card"),
            ("history", "Every change of the champion"),
            ("act/rollback", "Roll back"),
            ("act/promote", "Promote another model"),
        ),
    )


def _ended(status: Status) -> Answer:
    run = status.newest
    question = "How did the newest run end?"
    if run is None:
        return Answer("ended", question, "No run has started yet.", "weak")
    facts = [f"Run of {run.run_date or UNKNOWN}, {run.kind}, {write_moment(run.at)}."]
    if run.failed_step:
        facts.append(f"Failed step: {run.failed_step}. {run.error or ''}".strip())
    if run.next_step:
        facts.append(f"Next: {run.next_step}")
    return Answer(
        "ended",
        question,
        run.sentence,
        STATES[run.outcome],
        run.outcome,
        (*facts, *say_changes(run.limits_changed)),
        links=(
            (f"runs/{run.folder}", "Each rule of its verdict"),
            ("runs", "All runs"),
            ("act/retrain", "Start a run"),
        ),
    )


def _is_good(serving: ChampionStatus | None) -> Answer:
    question = "How good is it?"
    if serving is None:
        return Answer("good", question, "There is no champion to measure.")
    ends = {"challenger": serving.average_precision, "popularity": serving.popularity}
    found = {name: each for name, each in ends.items() if each}
    pictures = (
        (
            draw_average_precision(
                {name: each.estimate for name, each in found.items()}, found, level=_LEVEL
            ),
        )
        if "challenger" in found
        else ()
    )
    ratio = serving.expected_per_actual
    facts = [f"Measured on {serving.measured}."] if serving.measured else []
    if ratio:
        facts.append(
            f"It expected {ratio.estimate:.2f} purchases for each that happened there "
            f"({write_interval(ratio[1:], '{:.2f}')})."
        )
    return Answer(
        "good",
        question,
        serving.quality.sentence,
        serving.quality.word,
        serving.quality.word,
        tuple(facts),
        pictures,
    )


def _happened(status: Status) -> Answer:
    question = "Did what it expected happen?"
    found = status.service
    if found is None:
        return Answer(
            "happened", question, "Not known yet: no run has counted a full day that it served."
        )
    ratio = found.ratio
    said = (
        f"It expected {found.expected:,.0f} purchases since it serves; {found.actual:,} happened"
        + (f" ({ratio:.2f} expected for each)." if ratio is not None else ".")
    )
    days = [DayPoint(date.fromisoformat(day.day), day.expected, day.actual) for day in found.days]
    title = f"{found.expected:,.0f} expected, {found.actual:,} actual purchases"
    span = f"{found.orders:,} orders from {found.first_day} to {found.last_day}"
    facts = [f"{found.model_name}, {span}."]
    if found.average_precision is not None:
        popularity = write_number(found.popularity, "{:.3f}")
        facts.append(
            f"Average precision {found.average_precision:.3f} on these orders, popularity "
            f"{popularity}."
        )
    return Answer(
        "happened",
        question,
        said,
        paragraphs=tuple(facts),
        pictures=(draw_purchases(days, title=title),) if days else (),
    )


def _last_runs(status: Status) -> Iterator[Section]:
    if len(status.runs) > 1:
        yield Section(
            "last",
            "The last runs",
            tables=(
                tabulate_runs(
                    status.runs[:_RUNS_ON_NOW], caption="A date leads to the run's verdict"
                ),
            ),
            links=(("runs", f"All {len(status.runs)} runs, on a timeline"),),
        )


def _faults(status: Status) -> Iterator[Section]:
    if status.faults:
        yield Section("faults", "What could not be read", status.faults)


def _figures(ends: Mapping[str, Interval]) -> tuple[str, str, str]:
    own = ends.get("challenger")
    others = (
        write_number(ends[name].estimate, "{:.3f}") if name in ends else UNKNOWN
        for name in ("champion", "popularity")
    )
    figures = f"{own.estimate:.3f} ({write_interval(own[1:])})" if own else UNKNOWN
    return (figures, *others)  # type: ignore[return-value] # two others


def _worst(answers: Sequence[Answer]) -> str:
    states = [each.state for each in answers[:_DECIDING]]
    return next((state for state in ("failing", "weak") if state in states), "good")


def _say_in_a_row(status: Status) -> str:
    if status.kept_in_a_row < 2:  # noqa: PLR2004 - one day is no row
        return ""
    return f"The champion was kept {status.kept_in_a_row} days in a row."


def _say_age(serving: ChampionStatus) -> str:
    if serving.age_days is None:
        return "Its training date is unknown."
    return (
        f"Trained on {serving.trained_on}: {serving.age_days} of {serving.max_age_days} days old."
    )
