"""How does a penalty bend a line? Average precision and coefficients against C."""

from collections.abc import Iterator, Mapping, Sequence

from push_model.exploration.entries.entry import ORDER_SHARES
from push_model.exploration.report.comparing import measure, write_level
from push_model.exploration.report.found import Explored, Found
from push_model.exploration.report.names import name_entry
from push_model.exploration.report.path_pictures import (
    LEAST_POINTS,
    Path,
    coefficients_of,
    draw_coefficients,
    draw_precision,
    strength,
    write_strength,
)
from push_model.exploration.report.sentences import PATHS_NOTE
from push_model.exploration.report.topics import LINEAR, find_unconverged, settings_of
from push_model.reporting.numbers import UNKNOWN
from push_model.reporting.section import Section, Table


def compose_paths(found: Found) -> Section:
    """Show what the strength of a penalty does to lines."""
    paths = find_paths(found)
    pictures = [*draw_precision(found, paths), *draw_coefficients(found, paths)]
    says = [_say_path(found, path) for path in paths if len(path[1]) >= LEAST_POINTS]
    return Section(
        "paths",
        "Linear models: what a penalty does",
        (
            PATHS_NOTE,
            *(says or ["Too few lines were fitted for a path."]),
            *_say_unconverged(found, [entry for _, group in paths for entry in group]),
        ),
        pictures=tuple(pictures),
        tables=tuple(_tabulate(found, paths)),
    )


def find_paths(found: Found) -> list[Path]:
    """Put lines together that differ in the strength of their penalty alone."""
    paths: dict[str, list[Explored]] = {}
    for entry in found.ranked:
        if entry.family == LINEAR and entry.treatment not in ORDER_SHARES:
            paths.setdefault(_label(entry), []).append(entry)
    ordered = [(label, sorted(group, key=strength)) for label, group in paths.items()]
    return sorted(ordered, key=lambda path: (-len(path[1]), -max(map(found.mean, path[1]))))


def _label(entry: Explored) -> str:
    settings = settings_of(entry)
    penalty = settings.get("penalty") or "none"
    if penalty == "elasticnet":
        penalty = f"elasticnet, l1 ratio {settings.get('l1_ratio')}"
    treatment = "" if entry.treatment == "plain" else f", {entry.treatment}"
    return f"{penalty}, {entry.features}{treatment}"


def _say_path(found: Found, path: Path) -> str:
    label, group = path
    best = max(group, key=found.mean)
    ends = " and ".join(
        f"{found.mean(end):.4f} at C {write_strength(strength(end))}"
        for end in (group[0], group[-1])
    )
    return (
        f"{label}: best at C {write_strength(strength(best))} with {found.mean(best):.4f}; {ends} "
        "at the two ends."
    )


def _say_unconverged(found: Found, lines: Sequence[Explored]) -> Iterator[str]:
    stopped = [(entry, find_unconverged(found, entry)) for entry in lines]
    said = [
        f"{name_entry(found, entry)} ({len(folds)} of {len(found.folds)} folds)"
        for entry, folds in stopped
        if folds
    ]
    if said:
        yield (
            f"Did not converge: {'; '.join(said)}. They stopped at their limit of iterations, and "
            "their figures are of the weights they had then."
        )


def _tabulate(found: Found, paths: Sequence[Path]) -> Iterator[Table]:
    rows = tuple(
        (
            f"{label}, C {write_strength(strength(entry))}",
            write_level(measure(found, entry, found.folds)),
            *_count(coefficients_of(found, entry)),
            f"{found.mean(entry, 'log_loss'):.5f}",
        )
        for label, group in paths
        for entry in group
    )
    if rows:
        headings = ("line", "AP, folds", "inputs with a weight", "largest weight", "log loss")
        yield Table("Every line, from the strongest penalty to the weakest", headings, rows)


def _count(weights: Mapping[str, float]) -> tuple[str, str]:
    if not weights:
        return UNKNOWN, UNKNOWN
    used = sum(weight != 0 for weight in weights.values())
    return f"{used} of {len(weights)}", f"{max(map(abs, weights.values())):.3f}"
