"""Which files is a model card? One for eyes, one for diffs."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from push_model.evaluation.evaluation import Evaluation, evaluate
from push_model.evaluation.scorers import Scores, baseline_scores
from push_model.model.scoring import Model
from push_model.reporting.html import FOLDER, render
from push_model.reporting.markdown import escape, write_section
from push_model.store.durable import write_aside
from push_model.store.folder import read_manifest
from push_model.training.card.content import compose

logger = logging.getLogger(__name__)

TEMPLATE = "card.html.jinja"
HTML_FILE = "card.html"
MARKDOWN_FILE = "card.md"


def write_card(
    folder: Path,
    holdout: pd.DataFrame,
    scores: Mapping[str, Scores],
    *,
    model: Model,
    verdict: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> None:
    """Evaluate a model on the holdout and write its card into its folder."""
    logger.info("Writing the model card.")
    facts = read_manifest(folder)
    evaluation = evaluate(
        holdout,
        {**scores, **baseline_scores(holdout)},
        model=model,
        calibration=facts.get("calibration"),
        seed=seed,
    )
    for name, write in ((HTML_FILE, write_html), (MARKDOWN_FILE, write_markdown)):
        page = write(facts, evaluation, verdict, model_name=folder.name)
        write_aside(folder / name, page.encode())


def write_html(
    facts: Mapping[str, Any],
    evaluation: Evaluation,
    judgement: Mapping[str, Any] | None = None,
    *,
    model_name: str | None = None,
) -> str:
    """Write the card as a page that loads nothing from anywhere."""
    content = compose(facts, evaluation, judgement, model_name=model_name)
    return render(TEMPLATE, Path(__file__).parent, FOLDER, card=content)


def write_markdown(
    facts: Mapping[str, Any],
    evaluation: Evaluation,
    judgement: Mapping[str, Any] | None = None,
    *,
    model_name: str | None = None,
) -> str:
    """Write the card as Markdown; of the pictures it has what they say."""
    card = compose(facts, evaluation, judgement, model_name=model_name)
    said = f"**{escape(card.headline)}.** {escape(card.sentence)}".rstrip()
    tiles = "\n".join(f"- {escape(tile.value)} {escape(tile.label)}" for tile in card.tiles)
    sections = [part for section in card.sections for part in write_section(section)]
    whose = [escape(card.whose)] if card.whose else []
    return "\n\n".join([f"# {escape(card.name)}", said, *whose, tiles, *sections]) + "\n"
