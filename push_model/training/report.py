"""What should a person know of a model before trusting it? Its card, in Markdown."""

from collections.abc import Mapping
from typing import Any

# Metric, its heading, and how it is written; AP leads.
SHOWN_METRICS = (
    ("average_precision", "average precision", "{:.4f}"),
    ("roc_auc", "ROC-AUC", "{:.4f}"),
    ("log_loss", "log loss", "{:.5f}"),
    ("brier_score", "Brier score", "{:.5f}"),
    ("ece", "ECE", "{:.5f}"),
    ("precision_at_1pct", "precision at best 1 %", "{:.3f}"),
    ("recall_at_5pct", "recall at best 5 %", "{:.3f}"),
    ("lift_at_5pct", "lift at best 5 %", "{:.2f}"),
    ("precision_when_pushed", "precision where p > 0.05", "{:.3f}"),
    ("recall_when_pushed", "recall where p > 0.05", "{:.3f}"),
    ("expected_per_actual", "expected / actual purchases", "{:.3f}"),
    ("base_rate", "base rate", "{:.5f}"),
    ("rows", "rows", "{:,}"),
    ("purchases", "purchases", "{:,}"),
)

INTENDED_USE = """\
Given a user and a product, the propensity of the user to buy the product if they were buying now,
for choosing who gets a push notification. It knows only orders of at least {min_items} items
bought, and says nothing of whether a push changes anybody's mind."""

METRICS_NOTE = """\
Measured on orders newer than every order trained on; `popularity` is the baseline of ranking by
`global_popularity`."""

CAVEATS = """\
New users are harder than returning ones: see their own columns. Propensities are as honest as
expected / actual purchases above; when the catalogue, the prices or the season move, retrain."""


def card(model_name: str, facts: Mapping[str, Any]) -> str:
    """Write a model card.

    Parameters
    ----------
    model_name : str
        Name asked for; a different model of the same date gets a suffix to its folder.
    facts : mapping
        What the manifest holds (see `push_model.training.fit`).

    Returns
    -------
    str
        Markdown: what it is, what it was trained on, how good it is, what it is not for.

    Notes
    -----
    The headings follow Mitchell et al. (2019), doi:10.1145/3287560.3287596.
    """
    parts = [
        f"# {model_name}",
        _details(facts),
        "## Intended use",
        INTENDED_USE.format(min_items=facts["min_items"]),
        "## Training data",
        _data(facts),
        _windows(facts),
        "## Metrics",
        METRICS_NOTE,
        _all_metrics(facts["metrics"]),
        "## Caveats",
        CAVEATS,
        "## Reproduction",
        _reproduction(facts),
    ]
    return "\n\n".join(parts) + "\n"


def metrics_table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """Lay metrics side by side as a Markdown table.

    Parameters
    ----------
    columns : mapping of str to mapping of str to float
        By heading, then by metric name.

    Returns
    -------
    str
        One row a metric.

    Examples
    --------
    >>> print(metrics_table({"model": {"roc_auc": 0.85}, "popularity": {"roc_auc": 0.73}}))
    | metric | model | popularity |
    |---|---:|---:|
    | ROC-AUC | 0.8500 | 0.7300 |
    """
    lines = [f"| metric | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    for name, heading, form in SHOWN_METRICS:
        if all(name in values for values in columns.values()):
            cells = [form.format(values[name]) for values in columns.values()]
            lines.append(f"| {heading} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _details(facts: Mapping[str, Any]) -> str:
    settings = ", ".join(f"{key} {value}" for key, value in facts["parametrisation"].items())
    return (
        f"Trained on {facts['trained_on']} with seed {facts['seed']}; model id "
        f"`{facts['model_id']}`.\n\nParametrisation: {settings}."
    )


def _data(facts: Mapping[str, Any]) -> str:
    dataset = facts["dataset"]
    digest = f", SHA-256 `{dataset['sha256']}`" if dataset.get("sha256") else ""
    return f"`{dataset['uri']}`{digest}."


def _windows(facts: Mapping[str, Any]) -> str:
    lines = [
        "| window | from | until before | orders | rows | purchases |",
        "|---|---|---|---:|---:|---:|",
    ]
    for name, window in facts["windows"].items():
        counts = " | ".join(f"{window[key]:,}" for key in ("orders", "rows", "purchases"))
        lines.append(f"| {name} | {window['start']} | {window['end']} | {counts} |")
    return "\n".join(lines)


def _all_metrics(metrics: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    return "\n\n".join(f"### On the {part}\n\n{metrics_table(by)}" for part, by in metrics.items())


def _reproduction(facts: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    revision = facts["git_revision"] or "unknown"
    return f"Revision `{revision}`; {versions}."
