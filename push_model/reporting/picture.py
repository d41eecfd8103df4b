"""Pictures as SVG that takes its colours from the page, and the styles of lines."""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from io import StringIO
from typing import Any, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from push_model.reporting.numbers import SCORERS

# Matplotlib draws in these; `_recolour` replaces each with a variable of the style sheet, which
# has light and dark colours.
INK, MUTED, GRID, GROUND = "#010101", "#010102", "#010103", "#010104"
OURS, CHAMPION, POPULARITY, RULE, RAW = "#010105", "#010106", "#010107", "#010108", "#010109"
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    GROUND: "ground",
    OURS: "ours",
    CHAMPION: "champion",
    POPULARITY: "popularity",
    RULE: "rule",
    RAW: "raw",
}

DOTTED = (0, (1, 3))


class Style(NamedTuple):
    """How a line or a dot is drawn; colour, dashes and marker differ, so that none stands alone."""

    colour: str
    dashes: str
    marker: str
    face: str


#: Styles by place.
SERIES = tuple(
    Style(colour, dashes, marker, colour)
    for colour, dashes, marker in (
        (OURS, "-", "o"),
        (CHAMPION, "--", "s"),
        (POPULARITY, "-.", "^"),
        (RULE, ":", "D"),
        (RAW, "-", "v"),
        (INK, "--", "P"),
        (MUTED, "-.", "X"),
    )
)


def style_of(scorer: str) -> Style:
    """Return the style of a scorer of the card, the same in every picture."""
    return SERIES[list(SCORERS).index(scorer)]


# In inches of 72 units: as wide as a phone, so that letters of 11 units are letters of 11 pixels.
WIDTH, HEIGHT = 4.9, 3.5
#: Inches of a line of the legend.
LEGEND_ROW = 0.21
_SETTINGS: dict[Any, Any] = {
    "font.size": 11,
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and zoomed
    "text.parse_math": False,  # a dollar sign in a product type is not a formula
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "date.converter": "concise",
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
}

# Metadata left out: date and versions would change the bytes.
_UNWRITTEN = ("Date", "Creator", "Format", "Type")

_ID = re.compile(r' id="(?!(?:C\w+_)?m?[a-z]?[0-9a-f]{10}")[^"]*"')
# A hundredth of a pixel is finer than any screen; more digits are most of a page's weight.
_PLACES = re.compile(r' (?:d|x|y|transform)="[^"]*"')
_DIGITS = re.compile(r"(\.\d\d)\d+")
_UNTURNED = re.compile(r' transform="rotate\(-?0 [^"]*"')
_BETWEEN = re.compile(r"(?<=>)\s+(?=<)|<g/>")
_LINK = re.compile(r'<a href="([^"]*)"[^>]*>')
_BLACK = re.compile(r"(?<=stroke: )#000000|(?<=fill: )#000000")
# Matplotlib's style sheet and font would apply to the whole page.
_NOT_OURS = re.compile(
    r"<metadata>.*?</metadata>\s*|<style[ >].*?</style>\s*| font-family: [^;\"]*;", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, drawn when `svg` is called."""

    name: str  # letters and dashes, unique on the page
    paint: Callable[[Axes], None]
    title: str  # the finding, as a sentence
    how: str  # how to read it
    alt: str  # the same for a person who cannot see it
    size: tuple[float, float] = (WIDTH, HEIGHT)  # in inches of 72 units
    links: Mapping[str, str] = field(default_factory=dict)  # addresses that it holds, in words

    @property
    def is_small(self) -> bool:
        """Whether several fit side by side."""
        return self.size[0] < WIDTH

    @property
    def is_wide(self) -> bool:
        """Whether a phone shows a part of it at a time."""
        return self.size[0] > WIDTH

    def svg(self) -> str:
        """Draw it; the same numbers give the same bytes."""
        with rc_context(_SETTINGS | {"svg.hashsalt": self.name}), warnings.catch_warnings():
            # Text is measured in Matplotlib's font and shown in the reader's, with more letters.
            warnings.filterwarnings("ignore", message="Glyph")
            figure = Figure(figsize=self.size, layout="constrained")
            FigureCanvasSVG(figure)
            figure.patch.set_visible(False)
            axes = figure.add_subplot()
            axes.patch.set_visible(False)
            self.paint(axes)
            written = StringIO()
            figure.savefig(written, format="svg", metadata=dict.fromkeys(_UNWRITTEN))
        return self._inline(written.getvalue())

    def _inline(self, svg: str) -> str:
        """Cut an SVG file down to an element without size, in the colours of the page."""
        body = svg[svg.index("<svg") :]
        opening, _, rest = body.partition(">")
        found = re.search(r'viewBox="[^"]*"', opening)
        assert found
        labels = (
            f'<title id="{self.name}-title">{escape(self.title)}</title>'
            f'<desc id="{self.name}-desc">{escape(self.alt)}</desc>'
        )
        # A screen reader takes an image as a whole, and does not look for links in it.
        element = (
            f'<svg {found[0]} role="{"group" if self.links else "img"}" '
            f'aria-labelledby="{self.name}-title" aria-describedby="{self.name}-desc">{labels}'
        )
        drawn = _UNTURNED.sub("", _ID.sub("", _NOT_OURS.sub("", rest)))
        drawn = _PLACES.sub(lambda place: _DIGITS.sub(r"\1", place[0]).replace("\n", ""), drawn)
        drawn = _BETWEEN.sub("", drawn).replace("xlink:href", "href")
        return element + _recolour(_LINK.sub(self._name_link, drawn)).strip()

    def _name_link(self, link: re.Match[str]) -> str:
        # Not one stop of the keyboard for each point: the table below has the same links.
        words = escape(self.links[unescape(link[1])])
        return f'<a href="{link[1]}" tabindex="-1" aria-label="{words}"><title>{words}</title>'


def _recolour(svg: str) -> str:
    """Replace colours with variables of the style sheet.

    Examples
    --------
    >>> _recolour('<path style="stroke: #010105"/>')
    '<path style="stroke: var(--ours)"/>'
    """
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return _BLACK.sub("var(--ink)", svg)
