"""Make the pictures of the report, by the names that its templates place them by."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from push_model.evaluation.results import Interval
from push_model.evaluation.slices import TYPES
from push_model.exploration.choose import Standing
from push_model.exploration.report.found import PUSHES, Found, Group
from push_model.exploration.report.pictures import Row, draw_bars, draw_intervals, draw_learning
from push_model.reporting.curves import Line, draw_curves, draw_reliability
from push_model.reporting.dependence import draw_dependences
from push_model.reporting.picture import SERIES, Picture

# The tables have all entries, differences, features and groups.
_MOST_ROWS = 12


def make_pictures(found: Found) -> dict[str, tuple[Picture, ...]]:
    """Return all pictures; one without numbers is left out."""
    users, types = found.groups
    pictures = (
        _draw_finals(found),
        *_draw_senders(found),
        _draw_leaderboard(found),
        *_draw_topics(found),
        *_draw_importance(found),
        *_draw_groups("groups-users", "Users, orders and products", users),
        *_draw_groups("groups-types", "Product types", types),
        *_draw_learning_curve(found),
    )
    return {picture.name: (picture,) for picture in pictures} | {
        "curves": tuple(_draw_curves(found)),
        "dependences": tuple(_draw_dependences(found)),
    }


def _row(found: Found, standing: Standing, interval: Interval, form: str) -> Row:
    text = form.format(interval.estimate)
    return Row(found.label(standing.entry), interval, text, standing.entry.family)


def _draw_finals(found: Found) -> Picture:
    rows = [
        _row(found, found.standings[name], claim.average_precision, "{:.4f}")
        for name, claim in found.finalists.items()
    ]
    return draw_intervals(
        "finals",
        rows,
        across="average precision in the newest orders",
        title=f"{rows[0].name} reaches {rows[0].text} in the newest orders",
        how="With 90 % intervals, the chosen model first.",
    )


def _draw_senders(found: Found) -> Iterator[Picture]:
    if found.senders:
        yield draw_bars(
            "senders",
            {sender.name: sender.bought for sender in found.senders},
            form="{:.0f}",
            across=f"bought of {PUSHES:,} pushes",
            title=f"{found.senders[0].bought:.0f} of {PUSHES:,} pushes are bought",
            how="The same number of pushes, chosen in different ways.",
        )


def _draw_leaderboard(found: Found) -> Picture:
    ranked = list(found.standings.values())
    rules = [s for s in ranked[_MOST_ROWS:] if found.is_rule(s.entry.name)]
    shown = (*ranked[:_MOST_ROWS], *rules)
    rows = [_row(found, s, s.average_precision, "{:.4f}") for s in shown]
    return draw_intervals(
        "leaderboard",
        rows,
        across="average precision, mean over the folds",
        title=f"{rows[0].name} leads on the folds: average precision {rows[0].text}",
        how="The best entries and the rules, with 90 % intervals; colours are families. The "
        "interval of a difference is narrower: see the table.",
    )


def _draw_topics(found: Found) -> Iterator[Picture]:
    for number, (topic, group) in enumerate(found.topics.items()):
        if group:
            better = sum(s.gain.low > 0 for s in group)
            worse = sum(s.gain.high < 0 for s in group)
            unclear = len(group) - better - worse
            largest = sorted(group, key=lambda s: -abs(s.gain.estimate))[:_MOST_ROWS]
            ordered = sorted(largest, key=lambda s: -s.gain.estimate)
            yield draw_intervals(
                f"comparisons-{number}",
                [_row(found, s, s.gain, "{:+.4f}") for s in ordered],
                across="difference in average precision",
                reference=0.0,
                title=f"{topic}: {better} better, {worse} worse, {unclear} no clear difference",
                how="Difference to the neighbour, with its 90 % interval. Hollow: the interval "
                f"holds 0. The {len(ordered)} largest of {len(group)}.",
            )


def _draw_importance(found: Found) -> Iterator[Picture]:
    largest = dict(list(found.inspection.shuffled.items())[:_MOST_ROWS])
    if largest:
        yield draw_bars(
            "importance",
            largest,
            form="{:.4f}",
            across="average precision lost",
            ours=len(largest),
            title=f"The model relies most on {next(iter(largest))}",
            how="Average precision lost when a feature is shuffled.",
        )


def _draw_curves(found: Found) -> Iterator[Picture]:
    lines = [
        Line(found.name_of(name), found.curves[name], style)
        for name, style in zip(found.finalists, SERIES, strict=False)
        if name in found.curves
    ]
    if lines:
        yield from draw_curves(lines)
        rules = {found.name_of(n) for n in found.finalists if found.is_rule(n)}
        yield draw_reliability([line for line in lines if line.name not in rules])


def _draw_dependences(found: Found) -> Iterator[Picture]:
    traced = found.inspection.dependences
    for dependence, picture in zip(traced, draw_dependences(traced), strict=True):
        yield replace(picture, name=f"dependence-{dependence.feature.replace('_', '-')}")


def _draw_groups(name: str, caption: str, groups: Sequence[Group]) -> Iterator[Picture]:
    known = [(group.name.removeprefix(TYPES), group.lift) for group in groups[:_MOST_ROWS]]
    lifts = {name: lift for name, lift in known if lift is not None}
    if lifts:
        lifts = dict(sorted(lifts.items(), key=lambda pair: -pair[1]))
        yield draw_bars(
            name,
            lifts,
            form="{:.1f}",
            across="times the share bought (lift)",
            ours=len(lifts),
            title=f"{caption}: ranked best in {next(iter(lifts))}",
            how="Average precision over the share bought in the group; random scores reach 1.",
        )


def _draw_learning_curve(found: Found) -> Iterator[Picture]:
    if found.learning:
        yield draw_learning(
            found.learning,
            title="Where a line rises on the right, more orders would help",
            how="Shades are 90 % intervals; the axis is logarithmic.",
        )
