"""How does the card look on a screen, in print and to a screen reader? One file, no network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from push_model.training.card.content import compose
from push_model.training.card.evaluation import Evaluation

TEMPLATE = "card.html.jinja"


def write_html(
    facts: Mapping[str, Any],
    evaluation: Evaluation,
    judgement: Mapping[str, Any] | None = None,
    *,
    model_name: str | None = None,
) -> str:
    """Write the card as a page that loads nothing from anywhere.

    Parameters
    ----------
    facts, evaluation, judgement, model_name
        As for `push_model.training.card.content.compose`. Any text in them may be hostile.

    Returns
    -------
    str
        HTML; the same arguments give the same bytes.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    content = compose(facts, evaluation, judgement, model_name=model_name)
    # The pictures alone are markup: Matplotlib wrote them, and escaped what it was given.
    return environment.get_template(TEMPLATE).render(card=content, as_markup=Markup)
