"""The parts of a page: tables, tiles, sections."""

from typing import NamedTuple

from push_model.reporting.picture import Picture


class Table(NamedTuple):
    """Rows of text under headings; the first cell of a row names it.

    Attributes
    ----------
    caption : str
        What the table answers.
    headings : tuple of str
        One a column.
    rows : tuple of tuple of str
        As long as the headings; an interval stands on a line of its own.
    numeric : bool
        Whether every cell but the first of a row is a number.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: bool = True


class Section(NamedTuple):
    """A heading and what stands under it.

    Attributes
    ----------
    name : str
        Its anchor.
    heading : str
        One of Mitchell et al. (2019), or what the shop asks besides.
    paragraphs : tuple of str
        Plain text.
    pictures : tuple of Picture
        Shown side by side where there is room.
    tables : tuple of Table
        Below the pictures.
    command : str
        What to type; empty where there is nothing to.
    """

    name: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    command: str = ""


class Tile(NamedTuple):
    """A number to remember: what it is, and what it says."""

    value: str
    label: str


class Content(NamedTuple):
    """All of a card, before it becomes a page.

    Attributes
    ----------
    name : str
        The model's.
    decision : str
        ``"promote"``, ``"keep"``, ``"inconclusive"``, or empty before the verdict.
    headline, sentence : str
        The verdict in a few words, and in full.
    whose : str
        Which model the figures are of; empty where they are of the one that serves.
    tiles : tuple of Tile
        The numbers to remember.
    sections : tuple of Section
        In the order shown.
    """

    name: str
    decision: str
    headline: str
    sentence: str
    whose: str
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
