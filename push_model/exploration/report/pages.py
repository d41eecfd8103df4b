"""Write the report: a page in HTML, the same in Markdown, and its pictures."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from push_model.exploration.entries.entry import request_of
from push_model.exploration.report.figures import make_pictures
from push_model.exploration.report.found import LEAST_ORDERS, PUSHES, Found
from push_model.exploration.report.tables import (
    make_tables,
    write_cost,
    write_gain,
    write_level,
)
from push_model.reporting.numbers import write_percent
from push_model.reporting.pages import FOLDER as PARTS
from push_model.reporting.pages import escape, render, write_section
from push_model.reporting.picture import Picture
from push_model.reporting.section import Section, Tile
from push_model.store.durable import write_aside

HTML_FILE, MARKDOWN_FILE, PICTURES = "report.html", "report.md", "pictures"
_COLOUR = re.compile(r"--([a-z-]+): (#[0-9a-f]{3,6});")
_UNITS_A_PIXEL = 0.75


class Report(NamedTuple):
    """A report before it becomes a page."""

    title: str
    headline: str
    sentence: str
    tiles: Sequence[Tile]
    sections: Sequence[Section]
    appendix: Sequence[Section]

    @property
    def pictures(self) -> Iterator[Picture]:
        """All pictures, in their order."""
        for section in (*self.sections, *self.appendix):
            yield from section.pictures


def write_report(folder: Path, found: Found) -> Path:
    """Write the report of a finished exploration into its folder, and return the page."""
    out = folder / "report"
    _write_files(out, _make_report(found))
    return out / HTML_FILE


def _make_report(found: Found) -> Report:
    """Fill the words and numbers of a report."""
    frame = found.facts["frame"]
    name = found.label(found.chosen.entry)
    return Report(
        title="Which model to use for push notifications",
        headline=f"Use {name}",
        sentence=f"The simplest of the best among {len(found.standings)} entries, on orders of "
        f"{frame['first_day']} to {frame['last_day']}. The figures are of the newest orders, which "
        "took no part in the choice.",
        tiles=tuple(_make_tiles(found)),
        sections=tuple(_read_sections(_fill("page.jinja", found), found)),
        appendix=tuple(_read_sections(_fill("appendix.jinja", found), found)),
    )


def _write_files(out: Path, report: Report) -> None:
    """Write page, text and pictures, and remove the pictures of an earlier report."""
    drawn = {picture.name: picture.svg() for picture in report.pictures}
    page = render(
        "report.html.jinja",
        Path(__file__).parent,
        draw=lambda picture: drawn[picture.name],
        report=report,
    )
    files = {
        HTML_FILE: page.encode(),
        MARKDOWN_FILE: _write_markdown(report).encode(),
        **{_file_of(p): _write_picture(drawn[p.name], p.size) for p in report.pictures},
    }
    (out / PICTURES).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_aside(out / name, content)
    for path in (out / PICTURES).glob("*.svg"):
        if f"{PICTURES}/{path.name}" not in files:
            path.unlink()


def _make_tiles(found: Found) -> Iterator[Tile]:
    level = found.claim.average_precision
    interval = f"90 % interval {level.low:.3f} to {level.high:.3f}"
    yield Tile(f"{level.estimate:.3f}", f"average precision, {interval}")
    others = [(name, "above the model in use,") for name in found.outcome.in_use]
    others.append((found.rule("bought_before") or "", 'above "bought before", a rule,'))
    for name, words in others:
        if margin := found.margin(name):
            interval = f"{margin.low:+.3f} to {margin.high:+.3f}"
            yield Tile(f"{margin.estimate:+.3f}", f"{words} 90 % interval {interval}")
    for sender in found.senders[:1]:
        yield Tile(f"{sender.bought:.0f} of {PUSHES:,}", "pushes with p > 0.05 are bought")
        yield Tile(write_percent(sender.reached), "of all purchases get such a push")


def _fill(template: str, found: Found) -> str:
    """Fill a template with numbers; no value may hold a line of its own."""
    environment = Environment(  # noqa: S701 - the result is text, which both writers escape
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: re.sub(r"\s", " ", str(value)),
    )
    environment.filters |= {
        "level": write_level,
        "gain": write_gain,
        "percent": write_percent,
        "cost": write_cost,
        "count": "{:,}".format,
        "whole": "{:.0f}".format,
    }
    parts = [part for part in found.facts["parts"] if part["purpose"] == "choosing"]
    return environment.get_template(template).render(
        found=found,
        label=found.label,
        preset=found.preset,
        senders=found.senders,
        in_use=[found.standings[n] for n in found.outcome.in_use if n in found.standings],
        folds=len(parts),
        fold_orders=sum(part["judged"]["orders"] for part in parts),
        comparisons=sum(map(len, found.topics.values())),
        least_orders=LEAST_ORDERS,
        winner=lambda name: found.name_of(name) if name in found.standings else name,
        has_learning=bool(found.learning),
    )


def _read_sections(words: str, found: Found) -> Iterator[Section]:
    """Yield the sections of a filled template, with the tables and pictures that it places."""
    tables, pictures = make_tables(found), make_pictures(found)
    for text in re.split(r"^## ", words, flags=re.MULTILINE)[1:]:
        title, *blocks = (" ".join(block.split()) for block in re.split(r"\n\s*\n", text))
        name, _, heading = title.partition(" | ")
        placed = [tuple(block[1:-1].split()) for block in blocks if block.startswith("[")]
        yield Section(
            name,
            heading,
            tuple(block for block in blocks if block and not block.startswith("[")),
            pictures=tuple(
                each for kind, of in placed if kind == "picture" for each in pictures.get(of, ())
            ),
            tables=tuple(tables[of] for kind, of in placed if kind == "table" and of in tables),
            command=_write_parametrisations(found) if ("command", "train") in placed else "",
        )


def _write_parametrisations(found: Found) -> str:
    choices = {
        "chosen": request_of(found.outcome.choice.chosen),
        "chosen where requests hold no history": request_of(
            found.outcome.choice_request_only.chosen
        ),
    }
    return json.dumps({"report": found.report_id, **choices}, indent=2)


def _write_markdown(report: Report) -> str:
    tiles = "\n".join(f"- {escape(tile.value)} {escape(tile.label)}" for tile in report.tiles)
    return (
        "\n\n".join([
            f"# {escape(report.title)}",
            f"**{escape(report.headline)}.** {escape(report.sentence)}",
            tiles,
            *_write_sections(report.sections),
            "<details>\n<summary>Appendix: all tables and pictures</summary>",
            *_write_sections(report.appendix),
            "</details>",
        ])
        + "\n"
    )


def _write_sections(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        yield from write_section(section, file_of=_file_of)


def _file_of(picture: Picture) -> str:
    return f"{PICTURES}/{picture.name}.svg"


def _write_picture(svg: str, size: tuple[float, float]) -> bytes:
    """Make a picture a file of its own, in the page's colours by day."""
    colours = dict(_COLOUR.findall((PARTS / "style.css").read_text("utf-8").split("}", 1)[0]))
    width, height = (72 * inches for inches in size)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" '
        f'width="{width / _UNITS_A_PIXEL:.0f}" height="{height / _UNITS_A_PIXEL:.0f}"'
    )
    drawn = svg.replace("<svg", head, 1)
    ground = f'<rect width="100%" height="100%" fill="{colours["ground"]}"/>'
    drawn = drawn.replace("</desc>", f"</desc>{ground}", 1)
    return re.sub(r"var\(--([a-z-]+)\)", lambda found: colours[found[1]], drawn).encode()
