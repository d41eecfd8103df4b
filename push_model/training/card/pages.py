"""Which files is a model card? One for eyes, one for diffs."""

from collections.abc import Mapping
from typing import Any

from push_model.training.card.evaluation import Evaluation
from push_model.training.card.markdown import write_markdown
from push_model.training.card.page import write_html

HTML_FILE = "card.html"
MARKDOWN_FILE = "card.md"


def write_pages(
    facts: Mapping[str, Any],
    evaluation: Evaluation,
    judgement: Mapping[str, Any] | None = None,
    *,
    model_name: str,
) -> dict[str, bytes]:
    """Write a model card.

    Parameters
    ----------
    facts, evaluation, judgement, model_name
        As for `push_model.training.card.content.compose`.

    Returns
    -------
    dict of str to bytes
        Content by file name; the same arguments give the same bytes.
    """
    return {
        HTML_FILE: write_html(facts, evaluation, judgement, model_name=model_name).encode(),
        MARKDOWN_FILE: write_markdown(facts, evaluation, judgement, model_name=model_name).encode(),
    }
