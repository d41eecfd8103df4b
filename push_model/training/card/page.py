"""How does the card look on a screen, in print and to a screen reader? One file, no network."""

from collections.abc import Callable, Mapping
from operator import methodcaller
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from push_model.training.card.chart import Picture
from push_model.training.card.content import compose
from push_model.training.card.evaluation import Evaluation

FOLDER = Path(__file__).parent
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
    content = compose(facts, evaluation, judgement, model_name=model_name)
    return render(TEMPLATE, FOLDER, card=content)


def render(
    template: str,
    *folders: Path,
    draw: Callable[[Picture], str] = methodcaller("svg"),
    **content: Any,
) -> str:
    """Fill a template; whatever is not a picture is escaped.

    Parameters
    ----------
    template : str
        Name of its file.
    *folders : Path
        Where it and what it includes lie; the first that has a name wins.
    draw : callable
        Gives the SVG of a picture.
    **content : object
        What it speaks of.

    Returns
    -------
    str
        HTML.
    """
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The pictures alone are markup: Matplotlib wrote them, and escaped what it was given.
    return environment.get_template(template).render(
        **content,
        draw=lambda picture: Markup(draw(picture)),  # noqa: S704
    )
