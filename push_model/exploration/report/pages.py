"""Which files is a report? A page for eyes, a text for diffs, and its pictures beside it."""

import re
from pathlib import Path

from push_model.exploration.report.content import compose
from push_model.exploration.report.found import Found
from push_model.reporting.html import FOLDER as CARD
from push_model.reporting.html import render
from push_model.reporting.markdown import escape, write_section
from push_model.reporting.picture import Picture
from push_model.reporting.section import Content

HTML_FILE, MARKDOWN_FILE, PICTURES = "report.html", "report.md", "pictures"
TEMPLATE = "report.html.jinja"

_COLOUR = re.compile(r"--([a-z-]+): (#[0-9a-f]{3,6});")
_UNITS_A_PIXEL = 0.75


def write_pages(found: Found) -> dict[str, bytes]:
    """Write a report."""
    report = compose(found)
    pictures = [picture for section in report.sections for picture in section.pictures]
    drawn = {picture.name: picture.svg() for picture in pictures}
    page = render(
        TEMPLATE, Path(__file__).parent, CARD, draw=lambda p: drawn[p.name], report=report
    )
    return {
        HTML_FILE: page.encode(),
        MARKDOWN_FILE: write_markdown(report).encode(),
        **{file_of(p): write_picture(drawn[p.name], p.size) for p in pictures},
    }


def write_markdown(report: Content) -> str:
    """Write the report as Markdown, its pictures beside it."""
    said = f"**{escape(report.headline)}.** {escape(report.sentence)}"
    tiles = "\n".join(f"- {escape(tile.value)} {escape(tile.label)}" for tile in report.tiles)
    sections = [part for s in report.sections for part in write_section(s, file_of=file_of)]
    return "\n\n".join([f"# {escape(report.name)}", said, tiles, *sections]) + "\n"


def file_of(picture: Picture) -> str:
    """Give the path of a picture beside the Markdown."""
    return f"{PICTURES}/{picture.name}.svg"


def write_picture(svg: str, size: tuple[float, float]) -> bytes:
    """Make a picture a file of its own, in the page's colours by day."""
    colours = dict(_COLOUR.findall((CARD / "style.css").read_text("utf-8").split("}", 1)[0]))
    width, height = (72 * inches for inches in size)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" '
        f'width="{width / _UNITS_A_PIXEL:.0f}" height="{height / _UNITS_A_PIXEL:.0f}"'
    )
    drawn = svg.replace("<svg", head, 1)
    ground = f'<rect width="100%" height="100%" fill="{colours["ground"]}"/>'
    drawn = drawn.replace("</desc>", f"</desc>{ground}", 1)
    return re.sub(r"var\(--([a-z-]+)\)", lambda found: colours[found[1]], drawn).encode()
