"""For whom is it good? New users, the weak spot of every model here, beside returning ones."""

from collections.abc import Sequence
from math import isnan

from push_model.exploration.report.found import (
    BASELINES,
    FINAL,
    Explored,
    Found,
    metric_of,
    name_part,
)
from push_model.exploration.report.names import label_entry, name_entry
from push_model.exploration.report.row_pictures import draw_pairs
from push_model.reporting.numbers import UNKNOWN, write_number
from push_model.reporting.picture import Picture
from push_model.reporting.section import Section, Table

USERS = ("new", "returning")
# Stands for the mean over all of them.
FOLDS = "folds"
# Metrics shown of each, and how they are written.
SHOWN = (
    ("average_precision", "AP", "{:.4f}"),
    ("precision_when_pushed", "precision, p > 0.05", "{:.3f}"),
    ("recall_when_pushed", "recall, p > 0.05", "{:.3f}"),
)
# The best by folds that are shown where there are no finalists, and beside them.
BEST = 6


def compose_users(found: Found) -> Section:
    """Compare new and returning users."""
    baselines = [e for e in found.ranked if e.family in BASELINES]
    shown = list(
        dict.fromkeys(e.name for e in (*found.finalists, *found.ranked[:BEST], *baselines))
    )
    entries = [found.entries[name] for name in shown if found.entries[name] in found.ranked]
    parts = [part for part in (FOLDS, FINAL) if _knows(found, part)]
    return Section(
        "users",
        "New and returning users",
        tuple(_say(found, part) for part in parts) or ("Users were not told apart yet.",),
        pictures=tuple(_draw(found, entries, part) for part in parts),
        tables=tuple(_tabulate(found, entries, part) for part in parts),
    )


def _draw(found: Found, entries: Sequence[Explored], part: str) -> Picture:
    pairs = []
    for entry in entries:
        new, returning = (_read(found, entry, part, "average_precision", users) for users in USERS)
        if new is not None and returning is not None:
            pairs.append((label_entry(found, entry), new, returning))
    where = "mean over the folds" if part == FOLDS else f"in the {name_part(part)}"
    return draw_pairs(f"users-{part}", pairs, USERS, where=where)


def _knows(found: Found, part: str) -> bool:
    leader = found.leader
    return leader is not None and _read(found, leader, part, "average_precision", "new") is not None


def _say(found: Found, part: str) -> str:
    leader = found.leader
    assert leader
    said = []
    for users in USERS:
        values = [_read(found, leader, part, metric, users) for metric, *_ in SHOWN]
        written = [write_number(v, form) for v, (_, _, form) in zip(values, SHOWN, strict=True)]
        said.append(
            f"{users} users: average precision {written[0]}, precision {written[1]} and recall "
            f"{written[2]} where p > 0.05"
        )
    where = "Mean over the folds" if part == FOLDS else f"In the {name_part(part)}"
    return f"{where}, {name_entry(found, leader)}, {'; '.join(said)}."


def _read(found: Found, entry: Explored, part: str, metric: str, users: str) -> float | None:
    if part == FOLDS:
        value = found.mean(entry, metric, users) if entry in found.ranked else None
        return None if value is None or isnan(value) else value
    return metric_of(entry.results[part], metric, users) if part in entry.results else None


def _tabulate(found: Found, entries: Sequence[Explored], part: str) -> Table:
    rows = tuple(
        (
            name_entry(found, entry),
            *(_cell(found, entry, part, users, m) for m in SHOWN for users in USERS),
        )
        for entry in entries
        if part == FOLDS or part in entry.results
    )
    headings = ("entry", *(f"{heading}, {users}" for _, heading, _ in SHOWN for users in USERS))
    caption = "Means over the folds" if part == FOLDS else f"In the {name_part(part)}"
    return Table(caption, headings, rows)


def _cell(found: Found, entry: Explored, part: str, users: str, shown: Sequence[str]) -> str:
    metric, _, form = shown
    if entry.family in BASELINES and metric != "average_precision":
        return UNKNOWN
    return write_number(_read(found, entry, part, metric, users), form)
