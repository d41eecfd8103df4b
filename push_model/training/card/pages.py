"""Which files is a model card? One for eyes, one for diffs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from push_model.evaluation.evaluation import Evaluation
from push_model.reporting.html import FOLDER, render
from push_model.reporting.markdown import escape, write_section
from push_model.training.card.content import compose

TEMPLATE = "card.html.jinja"
HTML_FILE = "card.html"
MARKDOWN_FILE = "card.md"


def write_pages(
    facts: Mapping[str, Any],
    evaluation: Evaluation,
    judgement: Mapping[str, Any] | None = None,
    *,
    model_name: str,
) -> dict[str, bytes]:
    """Write a model card."""
    return {
        HTML_FILE: write_html(facts, evaluation, judgement, model_name=model_name).encode(),
        MARKDOWN_FILE: write_markdown(facts, evaluation, judgement, model_name=model_name).encode(),
    }


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
