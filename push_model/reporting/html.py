"""How does the card look on a screen, in print and to a screen reader? One file, no network."""

from collections.abc import Callable
from operator import methodcaller
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from push_model.reporting.picture import Picture

FOLDER = Path(__file__).parent


def render(
    template: str,
    *folders: Path,
    draw: Callable[[Picture], str] = methodcaller("svg"),
    **content: Any,
) -> str:
    """Fill a template; whatever is not a picture is escaped."""
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
