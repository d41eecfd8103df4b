"""How does the card read as text, in a diff or a terminal?"""

import re
from collections.abc import Callable, Iterator

from push_model.reporting.picture import Picture
from push_model.reporting.section import Section, Table

# What Markdown, or the HTML it may hold, would take for its own.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~$&])")


def write_section(
    section: Section, *, file_of: Callable[[Picture], str] | None = None
) -> Iterator[str]:
    """Write a section as Markdown."""
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
