"""What would more orders bring? Average precision against the rows learnt from."""

from collections.abc import Iterator, Mapping, Sequence

from push_model.exploration.entries.entry import ORDER_SHARES
from push_model.exploration.report.comparing import measure
from push_model.exploration.report.found import Explored, Found
from push_model.exploration.report.line_pictures import Point, draw_lines
from push_model.exploration.report.names import name_entry
from push_model.exploration.report.sentences import (
    LEARNING_MISSING,
    LEARNING_NOTE,
    PENALTY_SCALED,
)
from push_model.exploration.report.topics import LINEAR, find_changes
from push_model.reporting.picture import Picture
from push_model.reporting.section import Section, Table


def compose_learning(found: Found) -> Section:
    """Show what fewer orders cost, or say what is needed to tell."""
    lines = find_learning_lines(found)
    if not lines:
        return Section(
            "learning", "Learning curve: what more orders would bring", (LEARNING_MISSING,)
        )
    return Section(
        "learning",
        "Learning curve: what more orders would bring",
        (*(_say(*line) for line in lines.items()), *_say_limits(found)),
        pictures=(draw_learning_curve(lines),),
        tables=(_tabulate(lines),),
    )


def find_learning_lines(found: Found) -> dict[str, list[Point]]:
    """Find entries that are alike but for the orders they learnt from."""
    thinned = [entry for entry in found.ranked if entry.treatment in ORDER_SHARES]
    lines: dict[str, list[Point]] = {}
    for whole in found.ranked:
        alike = [entry for entry in thinned if _is_part_of(entry, whole)]
        if alike:
            lines[name_entry(found, whole)] = sorted(
                _point(found, entry) for entry in (*alike, whole)
            )
    return lines


def draw_learning_curve(lines: Mapping[str, Sequence[Point]]) -> Picture:
    """Draw average precision against the rows learnt from."""
    says = [_say(label, points) for label, points in lines.items()]
    return draw_lines(
        "learning-curve",
        lines,
        title=_title(lines),
        how="Mean over the folds; shades are intervals. A line that still rises on the right would "
        "gain from more orders; the axis is logarithmic.",
        alt=" ".join(says),
        across="rows learnt from",
        up="average precision",
        ticks={x: _short(x) for x in _thin({p.x for points in lines.values() for p in points})},
    )


def _title(lines: Mapping[str, Sequence[Point]]) -> str:
    label, points = max(lines.items(), key=lambda line: line[1][-1].y)
    before, last = points[max(0, len(points) - 2)], points[-1]
    return (
        f"{label}: the last {last.x / before.x:.1f} times the rows brought {last.y - before.y:+.4f}"
    )


def _thin(places: set[float]) -> list[float]:
    """Keep places that are far enough apart for their names."""
    kept: list[float] = []
    for place in sorted(places):
        if not kept or place > 1.6 * kept[-1]:
            kept.append(place)
    return kept


def _is_part_of(thinned: Explored, whole: Explored) -> bool:
    """Say whether an entry learns from fewer orders what another learns from all."""
    kinds = {(entry.family, entry.features) for entry in (thinned, whole)}
    changed = {*find_changes(thinned, whole)}
    return (thinned.neighbour, len(kinds)) == (whole.name, 1) and changed <= {"C"}


def _say_limits(found: Found) -> Iterator[str]:
    """Say what the curve leaves out, and what becomes of a line's penalty."""
    thinned = [entry for entry in found.ranked if entry.treatment in ORDER_SHARES]
    if not thinned:
        return
    yield LEARNING_NOTE
    lines = [entry for entry in thinned if entry.family == LINEAR]
    wholes = [found.entries.get(str(line.neighbour)) for line in lines]
    scaled = [
        "C" in find_changes(line, whole)
        for line, whole in zip(lines, wholes, strict=True)
        if whole and _is_part_of(line, whole)
    ]
    if scaled and all(scaled):
        yield PENALTY_SCALED


def _point(found: Found, entry: Explored) -> Point:
    rows = [entry.results[fold].train["rows"] for fold in found.folds]
    level = measure(found, entry, found.folds)
    assert level
    share = ORDER_SHARES.get(entry.treatment, 1.0)
    return Point(share * sum(rows) / len(rows), *level)


def _say(label: str, points: Sequence[Point]) -> str:
    few, last = points[0], points[-1]
    before = points[max(0, len(points) - 2)]
    return (
        f"{label}: {few.y:.4f} with {few.x:,.0f} rows, {last.y:.4f} with {last.x:,.0f}; the last "
        f"step, {last.x / before.x:.1f} times the rows, brought {last.y - before.y:+.4f}."
    )


def _short(rows: float) -> str:
    return f"{rows / 1e6:.2g} M" if rows >= 1e6 else f"{rows / 1e3:.3g} k"  # noqa: PLR2004 - a million


def _tabulate(lines: Mapping[str, Sequence[Point]]) -> Table:
    rows = tuple(
        (label, f"{point.x:,.0f}", f"{point.y:.4f}")
        for label, points in lines.items()
        for point in points
    )
    return Table("Points of the curve", ("entry", "rows learnt from", "AP, folds"), rows)
