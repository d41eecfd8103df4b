"""Write content as an HTML page that loads nothing from the network, and as Markdown."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from operator import methodcaller
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from push_model.reporting.picture import Picture
from push_model.reporting.section import Section, Table

FOLDER = Path(__file__).parent

# What Markdown, or the HTML it may hold, would read as markup.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~$&])")


def render(
    template: str,
    *folders: Path,
    draw: Callable[[Picture], str] = methodcaller("svg"),
    **content: Any,
) -> str:
    """Fill a template of one of the folders; everything but the pictures is escaped."""
    # The pictures alone are markup: Matplotlib wrote them, and escaped what it was given.
    return (
        _environment(*folders)
        .get_template(template)
        .render(**content, draw=lambda picture: Markup(draw(picture)))  # noqa: S704
    )


@cache  # to compile the templates takes longer than to fill them
def _environment(*folders: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader((*folders, FOLDER)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write_section(
    section: Section, *, file_of: Callable[[Picture], str] | None = None
) -> Iterator[str]:
    """Yield a section as blocks of Markdown; without files of pictures, only their titles."""
    yield f"## {escape(section.heading)}"
    yield from map(escape, section.paragraphs)
    if file_of:
        for picture in section.pictures:
            yield f"**{escape(picture.title)}.** {escape(picture.how)}"
            yield f"![{escape(picture.alt)}]({file_of(picture)})"
    elif section.pictures:
        yield "\n".join(f"- {escape(picture.title)}." for picture in section.pictures)
    yield from map(_table, section.tables)
    if section.command:
        yield f"```{'json' if section.command.startswith('{') else 'sh'}\n{section.command}\n```"


def _table(table: Table) -> str:
    rule = "|---|" + ("---:|" if table.numeric else "---|") * (len(table.headings) - 1)
    lines = [f"| {' | '.join(map(escape, row))} |" for row in (table.headings, *table.rows)]
    return "\n".join([f"{escape(table.caption)}:", "", lines[0], rule, *lines[1:]])


def escape(text: str) -> str:
    r"""Escape what Markdown would read as more than text.

    Examples
    --------
    >>> print(escape("a <b>\n| c"))
    a \<b\> \| c
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
