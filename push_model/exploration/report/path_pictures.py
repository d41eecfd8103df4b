"""What does a path look like? Average precision and coefficients as a penalty weakens."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

from push_model.exploration.report.comparing import measure
from push_model.exploration.report.found import USUAL_VALIDATION, Explored, Found
from push_model.exploration.report.line_pictures import Point, draw_lines
from push_model.exploration.report.names import label_entry
from push_model.exploration.report.topics import settings_of
from push_model.reporting.picture import Picture

# From here on a penalty is none; it is drawn a hundredfold to the right of the weakest.
NO_PENALTY = 1e6
# Coefficients that are drawn of a path: the largest.
MOST_COEFFICIENTS = 6
# Lines that can be told from each other in one picture: those of most points, then the best.
MOST_LINES = 6
# Two points are a line, and no path.
LEAST_POINTS = 3

Path = tuple[str, list[Explored]]


def draw_precision(found: Found, paths: Sequence[Path]) -> Iterator[Picture]:
    """Draw average precision against C, a line a path."""
    entries = [entry for _, group in paths for entry in group]
    if len({strength(entry) for entry in entries}) < LEAST_POINTS:
        return
    placed = _place(entries)
    lines: dict[str, list[Point]] = {}
    for label, group in paths:
        levels = [(placed[entry.name], measure(found, entry, found.folds)) for entry in group]
        lines[label] = [Point(x, *level) for x, level in levels if level]
    best = max(entries, key=found.mean)
    name, reached = label_entry(found, best), f"{found.mean(best):.4f}"
    yield draw_lines(
        "path-precision",
        {label: lines[label] for label, _ in paths[:MOST_LINES]},
        title=f"The best line is {name}: average precision {reached}",
        how="Mean over the folds against C; shades are intervals. Every line is a penalty and a "
        f"set of columns: {len(paths[:MOST_LINES])} of {len(paths)}; the table has all.",
        alt=f"Average precision against C for {len(paths)} kinds of lines; the best is "
        f"{name} with {reached}.",
        across="C: weaker penalty to the right",
        up="average precision",
        ticks=_ticks(entries),
    )


def draw_coefficients(found: Found, paths: Sequence[Path]) -> Iterator[Picture]:
    """Draw the largest coefficients of each path against C."""
    for number, (label, group) in enumerate(paths):
        known = [(entry, coefficients_of(found, entry)) for entry in group]
        told = [(entry, weights) for entry, weights in known if weights]
        if len(told) >= LEAST_POINTS:
            yield _draw_path(label, told, f"path-coefficients-{number}")


def _draw_path(
    label: str, told: Sequence[tuple[Explored, Mapping[str, float]]], name: str
) -> Picture:
    placed = _place([entry for entry, _ in told])
    sizes: dict[str, float] = {}
    for _, weights in told:
        for feature, weight in weights.items():
            sizes[feature] = max(sizes.get(feature, 0.0), abs(weight))
    largest = sorted(sizes, key=lambda feature: (-sizes[feature], feature))[:MOST_COEFFICIENTS]
    lines = {
        feature: [Point(placed[entry.name], weights.get(feature, 0.0)) for entry, weights in told]
        for feature in largest
    }
    return draw_lines(
        name,
        lines,
        title=f"Coefficients, {label}: {largest[0]} grows largest",
        how=f"The {len(largest)} largest of {len(sizes)} coefficients, of standardised inputs.",
        alt="Coefficients from the strongest to the weakest penalty: "
        + "; ".join(
            f"{feature} {lines[feature][0].y:+.3f} to {lines[feature][-1].y:+.3f}"
            for feature in largest
        )
        + ".",
        across="C: weaker penalty to the right",
        up="coefficient",
        ticks=_ticks([entry for entry, _ in told]),
    )


def coefficients_of(found: Found, entry: Explored) -> Mapping[str, float]:
    """Give the coefficients of a line."""
    for part in (USUAL_VALIDATION, *reversed(found.folds)):
        facts: Mapping[str, Any] = entry.results[part].facts if part in entry.results else {}
        if weights := facts.get("coefficients"):
            return dict(weights)
    return {}


def strength(entry: Explored) -> float:
    """Give C."""
    settings = settings_of(entry)
    given = float(settings.get("C") or 0)
    is_free = settings.get("penalty") in {None, "none"} or given >= NO_PENALTY
    return inf if is_free else given


def write_strength(inverse: float) -> str:
    """Write C as short as it can be.

    Examples
    --------
    >>> write_strength(1e-4), write_strength(0.5), write_strength(inf)
    ('1e-4', '0.5', 'none')
    """
    if inverse == inf:
        return "none"
    digits, power = f"{inverse:e}".split("e")
    return f"{float(digits):g}e{int(power)}" if int(power) < -1 else f"{inverse:g}"


def _place(entries: Sequence[Explored]) -> dict[str, float]:
    """Place lines by C; one that nothing holds back at the right edge."""
    strengths = {entry.name: strength(entry) for entry in entries}
    weakest = max((found for found in strengths.values() if found < inf), default=1.0)
    edge = 100 * weakest
    return {name: min(found, edge) for name, found in strengths.items()}


def _ticks(entries: Sequence[Explored]) -> dict[float, str]:
    placed = _place(entries)
    named = {placed[e.name]: strength(e) for e in entries}
    return {place: write_strength(found) for place, found in sorted(named.items())}
