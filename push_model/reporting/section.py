"""The parts of a page: tables, tiles and sections."""

from typing import NamedTuple

from push_model.reporting.picture import Picture


class Table(NamedTuple):
    """Rows of text under headings; the first cell of a row names it."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: bool = True  # whether every cell but the first of a row is a number
    links: tuple[str, ...] = ()  # where the first cell of each row leads, on a page with links


class Section(NamedTuple):
    """A heading and what stands under it: text, then pictures side by side, then tables."""

    name: str  # its anchor
    heading: str
    paragraphs: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    command: str = ""  # what to type; empty where there is nothing to
    links: tuple[tuple[str, str], ...] = ()  # addresses and words, on a page with links


class Tile(NamedTuple):
    """A number to remember, and what it is."""

    value: str
    label: str


class Content(NamedTuple):
    """All of a page, before it is written."""

    name: str
    decision: str  # "promote", "keep", "inconclusive", or empty before the verdict
    headline: str
    sentence: str
    whose: str  # which model the figures are of; empty where that is clear
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
