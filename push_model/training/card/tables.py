"""What do manifest and verdict say? In tables, the same for the page and for Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from push_model.reporting.numbers import UNKNOWN, write_number
from push_model.reporting.section import Table

PASSED = {True: "✓ passed", False: "✗ failed", None: "? cannot tell"}


def tabulate_windows(windows: Mapping[str, Mapping[str, Any]]) -> Table:
    """List the windows of the data."""
    counts = ("orders", "rows", "purchases")
    rows = tuple(
        (
            name,
            *(write_number(window.get(end)) for end in ("start", "end")),
            *(write_number(window.get(count), "{:,}") for count in counts),
        )
        for name, window in sorted(windows.items(), key=lambda item: _place(*item))
    )
    headings = ("window", "from", "until before", *counts)
    caption = "Whole orders by day; each starts where the one before ends, and the refit takes all"
    return Table(caption, headings, rows)


def _place(name: str, window: Mapping[str, Any]) -> tuple[bool, str]:
    """Put windows in the order of their days; JSON keeps them in that of their names."""
    return name == "refit", str(window.get("start"))


def tabulate_findings(findings: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    """List the rules of the verdict, the failed ones first."""
    main = [found for found in findings if found.get("about") != "slice"]
    slices = [found for found in findings if found.get("about") == "slice"]
    if main:
        yield _tabulate_rules(main, caption="Every rule of the gate")
    open_ones = [found for found in slices if found.get("passed") is not True]
    if open_ones:
        passed = f"Rules for slices: {len(slices) - len(open_ones)} of {len(slices)} passed"
        yield _tabulate_rules(open_ones, caption=f"{passed}; the others")


def _tabulate_rules(findings: Sequence[Mapping[str, Any]], *, caption: str) -> Table:
    order = {False: 0, None: 1, True: 2}
    ranked = sorted(findings, key=lambda found: order.get(found.get("passed"), 1))
    rows = tuple(
        (
            str(found.get("rule", UNKNOWN)),
            PASSED.get(found.get("passed"), UNKNOWN),
            write_number(found.get("value")),
            write_number(found.get("limit")),
            str(found.get("sentence") or ""),
        )
        for found in ranked
    )
    return Table(caption, ("rule", "result", "value", "limit", "in words"), rows, numeric=False)


def tabulate_drift(drift: Sequence[Mapping[str, Any]]) -> Table:
    """List how far each feature moved, the changed and the furthest first."""
    rows = tuple(
        (
            str(found.get("feature", UNKNOWN)),
            write_number(found.get("psi"), "{:.3f}"),
            "changed" if found.get("changed") else "as before",
            str(found.get("says") or ""),
        )
        for found in sorted(drift, key=_furthest_first)
    )
    headings = ("feature", "population stability index", "result", "in words")
    return Table("0 is no change at all", headings, rows, numeric=False)


def _furthest_first(found: Mapping[str, Any]) -> tuple[bool, float]:
    return not found.get("changed"), -(found.get("psi") or 0.0)


def tabulate_facts(facts: Mapping[str, Any], *, caption: str, of: str) -> Table:
    """List named facts."""
    return Table(caption, (of, "value"), tuple(_pairs(facts)), numeric=False)


def _pairs(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        yield str(name), UNKNOWN if value is None else str(value)
