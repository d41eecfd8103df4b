"""Pictures as SVG that takes its colours from the page, and the styles of lines."""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
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

_ID = re.compile(r' id="(?!m?[a-z]?[0-9a-f]{10}")[^"]*"')
# A hundredth of a pixel is finer than any screen; more digits are most of a page's weight.
_PLACES = re.compile(r' (?:d|x|y|transform)="[^"]*"')
_DIGITS = re.compile(r"(\.\d\d)\d+")
_UNTURNED = re.compile(r' transform="rotate\(-?0 [^"]*"')
_BETWEEN = re.compile(r"(?<=>)\s+(?=<)|<g/>")
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

    @property
    def is_small(self) -> bool:
        """Whether several fit side by side."""
        return self.size[0] < WIDTH

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
        return _inline(written.getvalue(), self.name, self.title, self.alt)


def _inline(svg: str, name: str, title: str, alt: str) -> str:
    """Cut an SVG file down to an element without header and size, in the colours of the page."""
    body = svg[svg.index("<svg") :]
    opening, _, rest = body.partition(">")
    found = re.search(r'viewBox="[^"]*"', opening)
    assert found
    labels = (
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(alt)}</desc>'
    )
    element = (
        f'<svg {found[0]} role="img" aria-labelledby="{name}-title" '
        f'aria-describedby="{name}-desc">{labels}'
    )
    drawn = _UNTURNED.sub("", _ID.sub("", _NOT_OURS.sub("", rest)))
    drawn = _PLACES.sub(lambda place: _DIGITS.sub(r"\1", place[0]).replace("\n", ""), drawn)
    drawn = _BETWEEN.sub("", drawn)
    return element + _recolour(drawn.replace("xlink:href", "href")).strip()


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
