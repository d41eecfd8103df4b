"""The tier of each folder of tests, and its budget of CPU seconds."""

from pathlib import PurePosixPath

# Quick tests alone: no Airflow, no subprocess, no training. `make check` runs them.
CHECK = frozenset({"model", "store", "serving", "reporting"})
SYSTEM = "system"

# What `make test` may spend, in CPU seconds of an idle machine: 713 in all.
CPU = {
    "model": 15,
    "store": 12,
    "serving": 15,
    "contracts": 7,
    "evaluation": 12,
    "reporting": 4,
    "training": 190,
    "exploration": 48,
    "status": 5,
    "commands": 25,
    "push_ops": 30,
    "dags": 97,
    "standalone": 85,
    "benchmarks": 8,
    "faults": 38,
    "examples": 12,
    "project": 25,
    "doctests": 5,
    "imports, collection": 80,
}


def folder_of(nodeid: str) -> str:
    """Return the folder of tests/ that a test lies in."""
    parts = PurePosixPath(nodeid.partition("::")[0]).parts
    if parts[0] != "tests":
        return "doctests"
    return parts[1] if len(parts) > 2 else "project"


def tier_of(nodeid: str) -> str:
    """Return the marker of a test: check, test or system."""
    folder = folder_of(nodeid)
    if folder == SYSTEM:
        return SYSTEM
    return "check" if folder in CHECK else "test"


def budget_lines(spent: dict[str, float]) -> list[str]:
    """Format what each folder spent beside what it may spend."""
    if not spent:
        return []
    lines = ["", "CPU seconds by folder (spent of budget)"]
    for folder, seconds in sorted(spent.items(), key=lambda pair: -pair[1]):
        budget = CPU.get(folder)
        above = "  ABOVE ITS BUDGET" if budget is not None and seconds > budget else ""
        lines.append(f"  {folder:22} {seconds:6.0f} of {budget or '-'}{above}")
    total = sum(spent.values())
    lines.append(f"  {'all':22} {total:6.0f} of {sum(CPU.values())}")
    return lines
