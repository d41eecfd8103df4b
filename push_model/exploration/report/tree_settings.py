"""How do trees answer to their settings? One setting at a time, and two together."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

from push_model.exploration.report.comparing import measure
from push_model.exploration.report.found import Explored, Found
from push_model.exploration.report.line_pictures import Point, draw_lines
from push_model.exploration.report.names import label_entry, name_entry
from push_model.exploration.report.palette import name_family
from push_model.exploration.report.plane_pictures import draw_surface
from push_model.exploration.report.texts import make_slug
from push_model.exploration.report.topics import TREES, settings_of, write_settings
from push_model.reporting.dependence import SMALL
from push_model.reporting.picture import Picture
from push_model.reporting.section import Section, Table

# Settings whose pairs are drawn as a surface, the most telling first.
SURFACES = ("learning_rate", "iterations", "depth", "l2_leaf_reg")
LINE_NOTE = "The line changes this setting alone; shades are intervals. "
# Fewer places are no surface.
LEAST_PLACES = 4


def compose_trees(found: Found) -> Section:
    """Show how trees answer to their settings."""
    trees = [entry for entry in found.ranked if entry.family in TREES]
    families = sorted({entry.family for entry in trees}, key=name_family)
    by_family = {family: _comparable(trees, family) for family in families}
    small = [p for group in by_family.values() for p in _draw_settings(found, group)]
    surfaces = tuple(_draw_surfaces(found, by_family.get("boosted_trees", [])))
    says = [_say_best(found, group) for group in by_family.values() if group]
    return Section(
        "trees",
        "Trees: depth, rate, number and penalty",
        (
            *(says or ["No trees were fitted yet."]),
            *say_search(found.search),
            *([] if surfaces else ["No two settings were varied together: there is no surface."]),
        ),
        pictures=(*surfaces, *small),
        tables=tuple(_tabulate(found, trees)),
    )


def say_search(search: Mapping[str, Any]) -> Iterator[str]:
    """Say how many settings a search tried, and how it came by them."""
    trials = search.get("trials")
    if not trials:
        return
    pruned, startup = search.get("pruned"), search.get("startup_trials")
    in_use = min(search.get("in_use", 0), trials)
    says = f"The search made {trials:,} trials"
    if pruned is not None:
        says += f"; {pruned:,} of them were given up before the last fold"
    if in_use:
        says += f"; the first {in_use:,} had the settings in use"
    if startup is not None and (drawn := min(startup, trials) - in_use) > 0:
        says += f"; the {'next' if in_use else 'first'} {drawn:,} were random draws"
    if sampler := search.get("sampler"):
        says += f"; the sampler is {sampler}"
    yield f"{says}."


def _comparable(trees: Sequence[Explored], family: str) -> list[Explored]:
    """Keep entries of a family on its default columns: what is left differs in settings alone."""
    return [e for e in trees if (e.family, e.features, e.treatment) == (family, "request", "plain")]


def find_numbers(entries: Sequence[Explored]) -> dict[str, list[float]]:
    """Give the settings that are numbers and vary."""
    names = sorted({name for entry in entries for name in settings_of(entry)})
    values = {name: {_number(entry, name) for entry in entries} - {None} for name in names}
    return {
        name: sorted(v for v in found if v is not None)
        for name, found in values.items()
        if len(found) > 1
    }


def _number(entry: Explored, name: str) -> float | None:
    value = settings_of(entry).get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _draw_settings(found: Found, group: Sequence[Explored]) -> Iterator[Picture]:
    """Draw a line through those that differ in one setting alone, and dots for the rest."""
    for name in find_numbers(group):
        swept = _find_sweep(group, name)
        on_line = {entry.name for entry in swept}
        levels = [
            (e, measure(found, e, found.folds)) for e in group if _number(e, name) is not None
        ]
        points = {e.name: Point(_number(e, name) or 0.0, *level) for e, level in levels if level}
        best = max(on_line or points, key=lambda entry: points[entry].y)
        says = "best at" if on_line else "the best entry has"
        yield draw_lines(
            make_slug("setting", group[0].family, name),
            {"": [points[entry.name] for entry in swept]} if swept else {},
            title=f"{name_family(group[0].family)}, {name}: {says} {points[best].x:g} "
            f"({points[best].y:.4f})",
            how=(LINE_NOTE if on_line else "") + "Dots differ in more.",
            alt="; ".join(
                f"{label_entry(found, found.entries[name])}: {point.x:g}, {point.y:.4f}"
                for name, point in points.items()
            ),
            across=name,
            up="average precision",
            dots=[point for entry, point in points.items() if entry not in on_line],
            size=SMALL,
        )


def _find_sweep(group: Sequence[Explored], name: str) -> list[Explored]:
    """Find the most entries that are alike but for one setting."""
    alike: dict[str, list[Explored]] = {}
    for entry in group:
        if _number(entry, name) is not None:
            others = sorted((k, str(v)) for k, v in settings_of(entry).items() if k != name)
            alike.setdefault(str(others), []).append(entry)
    longest = max(alike.values(), key=len, default=[])
    ascending = sorted(longest, key=lambda entry: _number(entry, name) or 0.0)
    return ascending if len(ascending) > 1 else []


def _draw_surfaces(found: Found, group: Sequence[Explored]) -> Iterator[Picture]:
    varied = find_numbers(group)
    for across, up in combinations([name for name in SURFACES if name in varied], 2):
        best: dict[tuple[float, float], float] = {}
        for entry in group:
            place = (_number(entry, across) or 0.0, _number(entry, up) or 0.0)
            best[place] = max(best.get(place, 0.0), found.mean(entry))
        if _is_surface(best):
            places = [(*place, value) for place, value in sorted(best.items())]
            name = make_slug("surface", across, up)
            yield draw_surface(name, places, across=across, up=up)


def _is_surface(places: Collection[tuple[float, float]]) -> bool:
    """Say whether both settings were varied together: one at a time draws a cross, no surface."""
    middles = product(*zip(*places, strict=True))
    is_cross = any(all(x == x0 or y == y0 for x, y in places) for x0, y0 in middles)
    return len(places) >= LEAST_PLACES and not is_cross


def _say_best(found: Found, group: Sequence[Explored]) -> str:
    best, least = (choose(group, key=found.mean) for choose in (max, min))
    family = name_family(best.family)
    if best is least:
        return f"{family}: {name_entry(found, best)} reaches {found.mean(best):.4f} on the folds."
    from_least, to_best = (
        f"{found.mean(entry):.4f} ({name_entry(found, entry)})" for entry in (least, best)
    )
    return f"{family}: from {from_least} to {to_best}, of {len(group)} on the same columns."


def _tabulate(found: Found, trees: Sequence[Explored]) -> Iterator[Table]:
    rows = tuple(
        (
            name_entry(found, entry),
            name_family(entry.family),
            f"{found.mean(entry):.4f}",
            write_settings(entry),
        )
        for entry in trees
    )
    if rows:
        headings = ("entry", "family", "AP, folds", "settings")
        yield Table("Every tree, best first", headings, rows, numeric=False)
