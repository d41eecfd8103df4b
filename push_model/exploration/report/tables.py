"""Make the tables of the report, by the names that its templates place them by."""

from collections.abc import Sequence

from push_model.evaluation.results import Interval
from push_model.evaluation.slices import TYPES
from push_model.exploration.choose import Standing
from push_model.exploration.entries.entry import ORDER_SHARES, RULES
from push_model.exploration.fits.protocol import CHOOSING
from push_model.exploration.report.found import PUSHES, Found, Group
from push_model.reporting.numbers import write_number, write_percent
from push_model.reporting.section import Table

_NONE = "-"
# The page has so many rows of what helped, and twice as many of what did not.
_MOST_ROWS = 8
_AT_THRESHOLD = (
    ("precision_when_pushed", "precision, p > 0.05", "{:.3f}"),
    ("recall_when_pushed", "recall, p > 0.05", "{:.3f}"),
)
_MEANS = (
    ("roc_auc", "ROC-AUC", "{:.4f}"),
    ("log_loss", "log loss", "{:.5f}"),
    ("ece", "ECE", "{:.5f}"),
    *_AT_THRESHOLD,
)


def make_tables(found: Found) -> dict[str, Table]:
    """Return all tables; one without rows is left out."""
    users, types = found.groups
    tables = {
        "margins": _tabulate_margins(found),
        "gains": _tabulate_gains(found),
        **_tabulate_changes(found),
        "cost": _tabulate_costs(found, _choose_priced(found), "Accuracy and cost"),
        "fits": _tabulate_fits(found),
        "leaderboard": _tabulate_standings(found),
        "costs": _tabulate_costs(
            found,
            [s for s in found.standings.values() if s.entry.is_servable],
            "Costs of the entries that can be served",
        ),
        **{
            f"comparisons-{number}": _tabulate_differences(found, group, topic)
            for number, (topic, group) in enumerate(found.topics.items())
        },
        "users": _tabulate_users(found),
        "importance": _tabulate_importance(found),
        "groups-users": _tabulate_groups("Users, orders and products", users),
        "groups-types": _tabulate_groups("Product types, most bought first", types),
        "learning": _tabulate_learning(found),
        "windows": _tabulate_windows(found),
        "facts": _tabulate_facts(found),
    }
    return {name: table for name, table in tables.items() if table.rows}


def write_level(level: Interval) -> str:
    """Write a figure and its interval.

    Examples
    --------
    >>> write_level(Interval(0.31659, 0.3, 0.33))
    '0.3166 (0.3000 to 0.3300)'
    """
    return f"{level.estimate:.4f} ({level.low:.4f} to {level.high:.4f})"


def write_gain(gain: Interval | None) -> str:
    """Write a difference and its interval.

    Examples
    --------
    >>> write_gain(Interval(0.0123, -0.00001, 0.015)), write_gain(None)
    ('+0.0123 (+0.0000 to +0.0150)', '-')
    """
    if gain is None:
        return _NONE
    # + 0.0 removes the sign of a minus zero.
    estimate, low, high = (f"{round(end, 4) + 0.0:+.4f}" for end in gain)
    return f"{estimate} ({low} to {high})"


def write_cost(cost: float) -> str:
    """Write a cost with three digits, and thousands in full.

    Examples
    --------
    >>> write_cost(0.01234), write_cost(123456.0)
    ('0.0123', '123,456')
    """
    return f"{cost:.3g}" if cost < 1000 else f"{cost:,.0f}"  # noqa: PLR2004 - three digits


def _write_answer(gain: Interval | None) -> str:
    if gain is None:
        return _NONE
    if gain.low > 0:
        return "better"
    return "worse" if gain.high < 0 else "no clear difference"


def _tabulate_margins(found: Found) -> Table:
    rows = tuple(
        (
            found.name_of(name) + (", in use" if name in found.outcome.in_use else ""),
            write_level(claim.average_precision),
            write_gain(found.margin(name)),
            _write_answer(found.margin(name)),
        )
        for name, claim in found.finalists.items()
    )
    headings = ("model", "average precision", "chosen model minus it", "chosen model is")
    return Table("The newest orders", headings, rows, numeric=False)


def _tabulate_gains(found: Found) -> Table:
    rows = tuple(
        (
            f"best {write_percent(gain.share)}",
            f"{PUSHES * gain.precision:.0f}",
            write_percent(gain.recall),
            f"{gain.lift:.1f}",
        )
        for gain in found.gains
    )
    headings = ("push to the", f"bought of {PUSHES:,}", "purchases reached", "times random")
    return Table("Fewer pushes sell better, more pushes reach more", headings, rows)


def _tabulate_changes(found: Found) -> dict[str, Table]:
    """Return what helped and what did not, of the chosen model's family."""
    compared = [
        s
        for group in found.topics.values()
        for s in group
        if s.entry.family == found.chosen.entry.family
        and s.entry.treatment not in {*ORDER_SHARES, "calibrated"}  # which changes no ranking
    ]
    helped = [s for s in compared if s.gain.low > 0]
    others = [s for s in compared if s.gain.low <= 0]
    helped.sort(key=lambda s: -s.gain.estimate)
    others.sort(key=lambda s: s.gain.estimate)
    caption = "The largest loss first"
    return {
        "helped": _tabulate_differences(found, helped[:_MOST_ROWS], "The largest gain first"),
        "unhelpful": _tabulate_differences(found, others[: 2 * _MOST_ROWS], caption),
    }


def _choose_priced(found: Found) -> list[Standing]:
    lines = (s for s in found.standings.values() if s.entry.family == "logistic_regression")
    shown = (found.chosen, found.best, found.plain, next(lines, None))
    return list({s.entry.name: s for s in shown if s}.values())


def _tabulate_costs(found: Found, shown: Sequence[Standing], caption: str) -> Table:
    rows = tuple(
        (
            found.label(s.entry),
            f"{s.average_precision.estimate:.4f}",
            *(write_cost(cost) for cost in (s.fit_s, s.score_us, s.size_bytes / 1000)),
        )
        for s in shown
    )
    headings = ("entry", "average precision", "seconds to train", "microseconds a row", "kB")
    return Table(caption, headings, rows)


def _tabulate_fits(found: Found) -> Table:
    fits = sorted(found.outcome.fits.items(), key=lambda pair: -sum(pair[1]))
    rows = tuple(
        (found.name_of(name), f"{first:.4f}", f"{second:.4f}") for name, (first, second) in fits
    )
    return Table("Average precision on the folds by seed", ("entry", "seed 1", "seed 2"), rows)


def _tabulate_standings(found: Found) -> Table:
    rows = tuple(
        (
            f"{found.label(s.entry)}{_mark(found, s)}",
            write_level(s.average_precision),
            write_gain(s.behind_best),
            write_number(s.usual_validation, "{:.4f}"),
            *(_write_mean(s, metric, form) for metric, _, form in _MEANS),
            f"{s.entry.numbers:,}",
            "yes" if s.entry.needs_history else "no",
        )
        for s in found.standings.values()
    )
    headings = (
        "entry",
        "average precision",
        "behind the best servable",
        "average precision, usual validation",
        *(heading for _, heading, _ in _MEANS),
        "leaves or weights",
        "needs history",
    )
    return Table("All entries", headings, rows)


def _write_mean(standing: Standing, metric: str, form: str) -> str:
    # The scores of a rule are not probabilities.
    if standing.entry.family in RULES and metric != "roc_auc":
        return _NONE
    return write_number((standing.means["all"] or {}).get(metric), form)


def _mark(found: Found, standing: Standing) -> str:
    marks = (
        (" *", standing is found.chosen or standing is found.plain),
        (" †", not standing.entry.is_servable),
        (" ‡", standing.converged is False),
    )
    return "".join(mark for mark, applies in marks if applies)


def _tabulate_differences(found: Found, group: Sequence[Standing], caption: str) -> Table:
    folds = sum(part["purpose"] == CHOOSING for part in found.facts["parts"])
    rows = tuple(
        (
            found.label(s.entry),
            found.name_of(s.entry.neighbour or ""),
            write_gain(s.gain),
            _write_answer(s.gain),
            f"{s.folds_better} of {folds}",
            s.entry.question,
        )
        for s in group
    )
    headings = ("entry", "compared with", "difference", "answer", "folds better", "question")
    return Table(caption, headings, rows, numeric=False)


def _tabulate_users(found: Found) -> Table:
    shown = (("average_precision", "average precision", "{:.4f}"), *_AT_THRESHOLD)
    groups = ("new", "returning")
    rows = tuple(
        (
            found.name_of(name),
            *(
                write_number((claim.metrics[users] or {}).get(metric), form)
                if metric == "average_precision" or not found.is_rule(name)
                else _NONE
                for metric, _, form in shown
                for users in groups
            ),
        )
        for name, claim in found.finalists.items()
    )
    headings = ("entry", *(f"{heading}, {users}" for _, heading, _ in shown for users in groups))
    return Table("The newest orders, by users", headings, rows)


def _tabulate_importance(found: Found) -> Table:
    shuffled = found.inspection.shuffled.items()
    rows = tuple((name, f"{round(lost, 4) + 0.0:.4f}") for name, lost in shuffled)
    return Table("Average precision lost without a feature", ("feature", "lost"), rows)


def _tabulate_groups(caption: str, groups: Sequence[Group]) -> Table:
    rows = tuple(
        (
            group.name.removeprefix(TYPES),
            f"{group.orders:,}",
            f"{group.rows:,}",
            f"{group.purchases:,}",
            write_number(group.average_precision, "{:.4f}"),
            write_number(group.lift, "{:.1f}"),
            write_number(group.expected_per_actual, "{:.2f}"),
        )
        for group in groups
    )
    headings = ("group", "orders", "rows", "purchases", "average precision", "lift")
    return Table(caption, (*headings, "expected / actual"), rows)


def _tabulate_learning(found: Found) -> Table:
    rows = tuple(
        (label, f"{rows:,.0f}", f"{level.estimate:.4f}")
        for label, points in found.learning.items()
        for rows, level in points
    )
    return Table("Points of the curve", ("entry", "training rows", "average precision"), rows)


def _tabulate_windows(found: Found) -> Table:
    keys = {
        "start": "from",
        "end": "until before",
        **{name: name for name in ("orders", "rows", "purchases")},
    }
    windows = {"train": "training", "judged": "test"}
    rows = tuple(
        (
            part["name"],
            *(write_number(part[window][key], "{:,}") for window in windows for key in keys),
        )
        for part in found.facts["parts"]
    )
    headings = (f"{window}: {key}" for window in windows.values() for key in keys.values())
    return Table("Windows of whole orders", ("part", *headings), rows)


def _tabulate_facts(found: Found) -> Table:
    facts = found.facts
    shown = {
        "report": found.report_id,
        **{f"dataset: {name}": value for name, value in facts["dataset"].items()},
        **{f"large orders: {n}": value for n, value in facts["frame"].items() if n != "columns"},
        **{name: facts[name] for name in ("min_items", "until", "size", "seed", "resamples")},
        "code revision": facts["git_revision"],
        **facts["versions"],
    }
    rows = tuple((name.replace("_", " "), write_number(v, "{:,}")) for name, v in shown.items())
    return Table("Data and versions", ("fact", "value"), rows, numeric=False)
