"""Which of the 28 tests of the ML Test Score are proved, and by what?

``python -m tests.project.ml_test_score`` writes docs/ml-test-score.md from the tests' markers:
``@pytest.mark.mltest("Infra 7")`` on a test, or in a file's ``pytestmark``, for proofs that run in
every suite. What is shown by hand, with its figures in the docs, stands in `BY_HAND`.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "ml-test-score.md"

SECTIONS = {
    "Data": (
        "Feature expectations are captured in a schema",
        "All features are beneficial",
        "No feature's cost is too much",
        "Features adhere to meta-level requirements",
        "The data pipeline has appropriate privacy controls",
        "New features can be added quickly",
        "All input feature code is tested",
    ),
    "Model": (
        "Model specs are reviewed and submitted",
        "Offline and online metrics correlate",
        "All hyperparameters have been tuned",
        "The impact of model staleness is known",
        "A simpler model is not better",
        "Model quality is sufficient on important data slices",
        "The model is tested for considerations of inclusion",
    ),
    "Infra": (
        "Training is reproducible",
        "Model specs are unit tested",
        "The full ML pipeline is integration tested",
        "Model quality is validated before serving",
        "The model is debuggable",
        "Models are canaried before serving",
        "Serving models can be rolled back",
    ),
    "Mon": (
        "Dependency changes result in notification",
        "Data invariants hold for inputs",
        "Training and serving are not skewed",
        "Models are not too stale",
        "Models are numerically stable",
        "Computing performance has not regressed",
        "Prediction quality has not regressed",
    ),
}
NAMES = {
    f"{section} {number}": title
    for section, titles in SECTIONS.items()
    for number, title in enumerate(titles, start=1)
}
AUTOMATED, DOCUMENTED = 1.0, 0.5

# Page of docs/ with the figures and the command that gives them.
BY_HAND: dict[str, str] = {
    "Model 2": "staleness.md",
    "Model 4": "staleness.md",
    "Mon 6": "benchmarks.md",
}

INTRODUCTION = """\
# The ML Test Score

The 28 tests of Breck et al. (2017), [doi:10.1109/BigData.2017.8258038][paper]: 1 point for what
every run of the suite proves, 0.5 for what was measured by hand and is written down; the score is
the least of the four sums. Written by `python -m tests.project.ml_test_score` from the tests.

[paper]: https://doi.org/10.1109/BigData.2017.8258038

**Score: {least:g}** ({sums}; above 5 is exceptional, 7 is all there is).

| test | | points | proof |
|---|---|---:|---|"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(write_page(find_proofs()), "utf-8")


def find_proofs() -> dict[str, list[str]]:
    """Give the tests that prove each of the 28, by its name, as ``path::function``."""
    proofs = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        place = path.relative_to(ROOT).as_posix()
        module = ast.parse(path.read_text("utf-8"))
        for statement in module.body:
            if isinstance(statement, ast.Assign) and _assigns(statement, "pytestmark"):
                for name in _markers(statement.value):
                    proofs[name].append(place)
            if isinstance(statement, ast.FunctionDef):
                for decorator in statement.decorator_list:
                    for name in _markers(decorator):
                        proofs[name].append(f"{place}::{statement.name}")
    return dict(proofs)


def score_of(name: str, proofs: dict[str, list[str]]) -> float:
    """Give the points of one of the 28: automated, by hand with figures, or none."""
    if proofs.get(name):
        return AUTOMATED
    return DOCUMENTED if name in BY_HAND else 0.0


def write_page(proofs: dict[str, list[str]]) -> str:
    """Write the table, the sums and the score."""
    sums = {
        section: sum(
            score_of(f"{section} {number}", proofs) for number in range(1, len(titles) + 1)
        )
        for section, titles in SECTIONS.items()
    }
    said = ", ".join(f"{section} {points:g}" for section, points in sums.items())
    lines = [INTRODUCTION.format(least=min(sums.values()), sums=said)]
    for name, title in NAMES.items():
        shown = [_link(proof) for proof in proofs.get(name, [])]
        shown += [f"[{BY_HAND[name]}]({BY_HAND[name]}), by hand"] if name in BY_HAND else []
        proof = "<br>".join(shown) or "none yet"
        lines.append(f"| {name} | {title} | {score_of(name, proofs):g} | {proof} |")
    return "\n".join(lines) + "\n"


def _assigns(statement: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in statement.targets)


def _markers(expression: ast.expr) -> list[str]:
    """Give the names inside every ``mltest(...)`` of an expression."""
    return [
        argument.value
        for call in ast.walk(expression)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "mltest"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def _link(proof: str) -> str:
    path, _, test = proof.partition("::")
    said = test.removeprefix("test_").replace("_", " ") if test else Path(path).stem[5:]
    return f"[{said}](../{path})"


if __name__ == "__main__":
    main()
