"""Write the model card into a model folder, as HTML and as Markdown."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from push_model.evaluation.evaluation import evaluate
from push_model.evaluation.scorers import Scores
from push_model.model.scoring import Model
from push_model.reporting.pages import escape, render, write_section
from push_model.reporting.section import Content
from push_model.store.durable import write_aside
from push_model.training.card.content import compose
from push_model.training.gate.verdict import Verdict
from push_model.training.manifest import read_facts

_TEMPLATE = "card.html.jinja"
HTML_FILE = "card.html"
MARKDOWN_FILE = "card.md"

logger = logging.getLogger(__name__)


def write_card(
    folder: Path,
    holdout: pd.DataFrame,
    scores: Mapping[str, Scores],
    *,
    model: Model,
    verdict: Verdict | None = None,
) -> None:
    """Evaluate a model on the holdout and write its card into its folder."""
    logger.info("Writing the model card.")
    facts = read_facts(folder)
    calibration = facts["calibration"]
    has_line = calibration["method"] != "none"
    evaluation = evaluate(
        holdout,
        scores,
        model=model,
        line=(calibration["slope"], calibration["intercept"]) if has_line else None,
        measured=verdict.holdout.slices if verdict and verdict.holdout else (),
    )
    content = compose(folder.name, facts, evaluation, verdict)
    write_aside(folder / HTML_FILE, _write_html(content).encode())
    write_aside(folder / MARKDOWN_FILE, _write_markdown(content).encode())


def _write_html(card: Content) -> str:
    """Write the card as a page that loads nothing from the network."""
    return render(_TEMPLATE, Path(__file__).parent, card=card, kind="Model card")


def _write_markdown(card: Content) -> str:
    """Write the card as Markdown, with the titles of its pictures."""
    summary = f"**{escape(card.headline)}.** {escape(card.sentence)}"
    tiles = "\n".join(f"- {escape(tile.value)} {escape(tile.label)}" for tile in card.tiles)
    sections = [block for section in card.sections for block in write_section(section)]
    blocks = [f"# {escape(card.name)}", summary, escape(card.whose), tiles, *sections]
    return "\n\n".join(blocks) + "\n"
