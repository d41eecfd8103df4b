"""What each page beyond the first says: text, pictures and tables from the status."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from push_model.evaluation.results import Interval
from push_model.reporting.numbers import UNKNOWN, write_interval, write_moment, write_number
from push_model.reporting.rows import draw_slices
from push_model.reporting.section import Content, Section, Table, Tile
from push_model.reporting.timeline import RunPoint, draw_timeline
from push_model.status.status import RunStatus, Status
from push_model.training.card.tables import (
    tabulate_drift,
    tabulate_findings,
    tabulate_metrics,
    tabulate_slices,
)
from push_model.training.gate.verdict import Verdict, say_changes
from push_ops.page.answers import (
    BANNERS,
    STATES,
    has_drifted,
    tabulate_runs,
)

# Rows of a table of runs: a month.
_RUNS_A_PAGE = 30
_LEVEL = 0.95
_MODELS_ACTS = (("act/promote", "Promote a model"), ("act/prune", "Remove old models"))
_KINDS = {"verdict": "✓ verdict", "forced": "! forced", "rollback": "! rollback"}


class Comparing(NamedTuple):
    """How far a comparison is."""

    page: str | None = None
    is_running: bool = False
    said: str = ""  # why there is none


def runs(status: Status, *, page: int) -> Content:
    """Return all runs on a timeline, and one page of them as a table."""
    first = (page - 1) * _RUNS_A_PAGE
    shown = status.runs[first : first + _RUNS_A_PAGE]
    judged = [found for found in status.runs if found.verdict]
    counts = {outcome: sum(found.outcome == outcome for found in status.runs) for outcome in STATES}
    links = []
    if page > 1:
        links.append((f"runs?page={page - 1}", "Newer runs"))
    if first + _RUNS_A_PAGE < len(status.runs):
        links.append((f"runs?page={page + 1}", "Older runs"))
    return Content(
        name="Runs",
        decision=BANNERS.get(STATES[status.newest.outcome], "") if status.newest else "",
        headline=status.newest.sentence if status.newest else "No run has started yet.",
        sentence=(status.newest.next_step if status.newest else status.next_step),
        whose="",
        tiles=tuple(
            Tile(str(count), f"{'run' if count == 1 else 'runs'} {outcome}")
            for outcome, count in counts.items()
            if count
        ),
        sections=(
            *_timeline(judged),
            *(
                [
                    Section(
                        "table",
                        f"Runs {first + 1} to {first + len(shown)} of {len(status.runs)}",
                        tables=(tabulate_runs(shown, caption="The newest first"),),
                        links=tuple(links),
                    )
                ]
                if shown
                else []
            ),
        ),
    )


def verdict(run: RunStatus, status: Status) -> Content:
    """Return one run: how it ended, each rule, and the limits that were changed for it."""
    found, ends = run.verdict, run.average_precision
    return Content(
        name=f"Run of {run.run_date or run.at[:10]}",
        decision=BANNERS.get(STATES[run.outcome], ""),
        headline=f"{run.outcome.capitalize()}: {run.sentence}",
        sentence=run.next_step,
        whose=f"{run.run_id}, {run.kind}, {write_moment(run.at)}.",
        tiles=tuple(_tiles(ends, found)),
        sections=(
            *_changed_limits(run.limits_changed),
            *_failure(run),
            *(_measured(found) if found else ()),
            _neighbours(run, status),
        ),
    )


def compare(status: Status, comparing: Comparing) -> Content:
    """Return where two models are chosen, and how far their comparison is."""
    if comparing.is_running:
        headline = "The models are being compared. This page looks again every three seconds."
    elif len(status.models) < 2:  # noqa: PLR2004 - of two
        headline = "A comparison needs two models. The store has fewer."
    else:
        headline = comparing.said or "Choose two models."
    return Content(
        name="Compare",
        decision="inconclusive" if comparing.said or comparing.is_running else "",
        headline=headline,
        sentence="Both are scored on the same rows: the newest orders of the last run, which "
        "neither was trained on. Figures of two holdouts compare nothing.",
        whose="",
        tiles=(),
        sections=(),
    )


def choose_two(status: Status, asked: tuple[str, str]) -> tuple[str, str]:
    """Return the models to offer: those asked for, else the newest and the champion."""
    names = [line.name for line in status.models]
    serving = [line.name for line in status.models if line.is_champion]
    others = [name for name in names if name not in serving]
    usual = (*others[:1], *serving, *others[1:], "", "")
    return asked[0] or usual[0], asked[1] or usual[1]


def drift(status: Status) -> Content:
    """Return how far each feature has moved since the champion was trained."""
    found = has_drifted(status)
    rows = tuple(
        (
            line.feature,
            "✗ changed" if line.changed else "✓ as before",
            f"{line.distance:.3f}",
            write_number(line.limit),
            line.sentence,
        )
        for line in status.drift
    )
    headings = ("feature", "result", "population stability index", "limit", "in words")
    table = Table("The largest distance first; 0 is no change", headings, rows, numeric=False)
    return Content(
        name="Drift",
        decision=BANNERS.get(found.state, ""),
        headline=found.sentence,
        sentence="",
        whose=" ".join(found.paragraphs),
        tiles=(),
        sections=(Section("features", "Features", pictures=found.pictures, tables=(table,)),)
        if rows
        else (),
    )


def models(status: Status) -> Content:
    """Return the models of the store, damaged ones and the champion marked."""
    damaged = sum(bool(line.faults) for line in status.models)
    rows = tuple(
        (
            line.name,
            "✗ damaged" if line.faults else "✓ whole",
            "champion" if line.is_champion else "earlier" if line.was_champion else UNKNOWN,
            line.trained_on or UNKNOWN,
            line.family or UNKNOWN,
            write_number(line.average_precision, "{:.4f}"),
            *([" ".join(line.faults) or UNKNOWN] if damaged else []),
        )
        for line in status.models
    )
    headings = ("model", "files", "serves", "trained on", "family", "average precision")
    table = Table(
        "A name leads to the model card. Each figure is of another holdout, so it compares nothing",
        headings + (("what is wrong",) if damaged else ()),
        rows,
        numeric=False,
        links=tuple(f"models/{line.name}/card" for line in status.models),
    )
    count = len(status.models)
    return Content(
        name="Models",
        decision="keep" if damaged else "promote" if count else "",
        headline=f"{count} {'model' if count == 1 else 'models'} in the store"
        + (f", {damaged} damaged." if damaged else ", all whole." if count else "."),
        sentence="" if count else "The first run trains one.",
        whose="",
        tiles=(),
        sections=(Section("models", "Models", tables=(table,), links=_MODELS_ACTS),)
        if rows
        else (),
    )


def history(status: Status) -> Content:
    """Return every change of the champion, the newest first."""
    rows = tuple(
        (
            move.model_name,
            write_moment(move.at),
            _KINDS.get(move.kind, f"? {move.kind}"),
            move.before or UNKNOWN,
            f"{move.by}, {move.run_id}" if move.run_id else move.by,
            " ".join((move.reason, *say_changes(move.limits_changed))) or UNKNOWN,
        )
        for move in status.moves
    )
    headings = ("model", "when", "how", "in place of", "by", "why")
    links = tuple(f"models/{move.model_name}/card" for move in status.moves)
    caption = "The newest first. A name leads to the model card"
    table = Table(caption, headings, rows, numeric=False, links=links)
    by_hand = sum(move.kind != "verdict" for move in status.moves)
    count = len(rows)
    return Content(
        name="History",
        decision="",
        headline=f"The champion changed {count} {'time' if count == 1 else 'times'}, "
        f"{by_hand} of them without a verdict."
        if count
        else "Nothing was promoted yet.",
        sentence="",
        whose="",
        tiles=(),
        sections=(Section("moves", "Changes of the champion", tables=(table,)),) if rows else (),
    )


def refusal(sentence: str) -> Content:
    """Return a page that says why there is no other."""
    return Content("Not here", "keep", sentence, "", "", (), ())


def _timeline(judged: Sequence[RunStatus]) -> Iterator[Section]:
    points = [
        RunPoint(
            day=date.fromisoformat(run.run_date or run.at[:10]),
            challenger=ends["challenger"],
            champion=ends.get("champion"),
            popularity=ends["popularity"].estimate if "popularity" in ends else None,
            promoted=run.outcome == "promoted",
            address=f"runs/{run.folder}",
            words=_say_point(run, ends),
        )
        for run in judged
        if "challenger" in (ends := run.average_precision)
    ]
    if points:
        above = sum(
            point.popularity is not None and point.challenger.low > point.popularity
            for point in points
        )
        title = f"{above} of {len(points)} challengers were clearly above popularity"
        yield Section(
            "timeline",
            "Challenger and champion, run by run",
            pictures=(draw_timeline(points, level=_LEVEL, title=title),),
        )


def _say_point(run: RunStatus, ends: Mapping[str, Interval]) -> str:
    others = [
        f"{name} {ends[name].estimate:.3f}" for name in ("champion", "popularity") if name in ends
    ]
    own = ends["challenger"]
    figures = f"{own.estimate:.3f} ({write_interval(own[1:])})"
    said = ", ".join((f"average precision {figures}", *others))
    return f"{run.run_date}, {run.model_name}, {run.outcome}: {said}"


def _tiles(ends: Mapping[str, Interval], found: Verdict | None) -> Iterator[Tile]:
    titles = {
        "challenger": "average precision of the challenger",
        "champion": "of the champion, on the same orders",
        "popularity": "of popularity, on the same orders",
    }
    for name, title in titles.items():
        if name in ends:
            interval = write_interval(ends[name][1:])
            yield Tile(f"{ends[name].estimate:.3f}", f"{title} ({interval})")
    if found:
        passed = sum(rule.passed is True for rule in found.findings)
        yield Tile(f"{passed} of {len(found.findings)}", "rules passed")
        if found.holdout:
            yield Tile(f"{found.holdout.orders:,}", f"orders of {found.holdout.days} days")


def _changed_limits(changed: Mapping[str, Any]) -> Iterator[Section]:
    if changed:
        yield Section("limits", "Limits changed for this run", tuple(say_changes(changed)))


def _failure(run: RunStatus) -> Iterator[Section]:
    if run.failed_step:
        said = run.error or "Its log says more."
        yield Section("failure", f"The step {run.failed_step} failed", (said,))


def _measured(found: Verdict) -> Iterator[Section]:
    yield Section(
        "rules",
        "Rules: value, limit and result",
        found.sentences,
        tables=tuple(tabulate_findings(found.findings, with_passed_slices=True)),
    )
    if (holdout := found.holdout) is None:
        return
    metrics = {name: each.document() for name, each in holdout.metrics.items()}
    yield Section("metrics", "Metrics", tables=(tabulate_metrics(metrics, holdout.intervals),))
    if holdout.slices:
        picture = draw_slices(holdout.slices)
        yield Section(
            "slices",
            "Slices: groups of users and products",
            pictures=(picture,) if picture else (),
            tables=(tabulate_slices(holdout.slices),),
        )
    if holdout.drift:
        yield Section("drift", "Drift", tables=(tabulate_drift(holdout.drift),))


def _neighbours(run: RunStatus, status: Status) -> Section:
    place = next(n for n, each in enumerate(status.runs) if each.folder == run.folder)
    links = []
    if run.model_name and any(line.name == run.model_name for line in status.models):
        links.append((f"models/{run.model_name}/card", f"Model card of {run.model_name}"))
        links.append((f"act/promote?model={run.model_name}", f"Promote {run.model_name}"))
    if place + 1 < len(status.runs):
        links.append((f"runs/{status.runs[place + 1].folder}", "The run before"))
    if place:
        links.append((f"runs/{status.runs[place - 1].folder}", "The run after"))
    links.append(("runs", "All runs"))
    return Section("more", "More", links=tuple(links))
