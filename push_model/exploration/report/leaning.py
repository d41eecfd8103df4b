"""What does the chosen entry lean on, and which way do features push?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from matplotlib.axes import Axes

from push_model.evaluation.importances import Dependence
from push_model.exploration.report.found import USUAL_VALIDATION, Found
from push_model.exploration.report.inspection import REASONED_ROWS
from push_model.exploration.report.sentences import (
    DEPENDENCE_MISSING,
    DEPENDENCE_NOTE,
    IMPORTANCES_NOTE,
)
from push_model.exploration.report.texts import make_slug, shorten
from push_model.reporting.dependence import draw_dependences
from push_model.reporting.numbers import UNKNOWN
from push_model.reporting.picture import MUTED, OURS, Picture
from push_model.reporting.rows import AROUND, ROW, name_rows
from push_model.reporting.section import Section, Table

SHUFFLED, REASONS, OWN = "shuffled", "reasons", "own"
WAYS = {
    SHUFFLED: "average precision lost when shuffled",
    REASONS: "mean size of its share of the log-odds",
    OWN: "share of the family's own importance",
}
MOST_BARS = 12
# Of the picture's height, what the bars of the density take.
DENSITY = 0.22
WIDTH = 3.4


def compose_leaning(found: Found) -> Section:
    """Show importances three ways, and partial dependence with its density."""
    importances = {way: sizes for way, sizes in find_importances(found).items() if sizes}
    missing = [WAYS[way] for way in WAYS if way not in importances]
    dependences = list(_draw_dependences(found.inspection.get("dependences") or ()))
    notes = [
        *([IMPORTANCES_NOTE.format(reasoned=REASONED_ROWS)] if importances else []),
        *say_where(found),
        *_say_first(importances),
        *([DEPENDENCE_NOTE] if dependences else [DEPENDENCE_MISSING]),
        *([f"Not measured: {'; '.join(missing)}."] if missing else []),
    ]
    return Section(
        "leaning",
        "Features: what the chosen entry leans on",
        tuple(notes),
        pictures=(*(_draw(way, sizes) for way, sizes in importances.items()), *dependences),
        tables=tuple(_tabulate(importances)),
    )


def say_where(found: Found) -> Iterator[str]:
    """Say on which orders the chosen entry was looked at."""
    if found.inspection:
        yield (
            f"Looked at on {found.inspection['orders']:,} orders of "
            f"{found.inspection['window']}, all newer than those it was fitted on."
        )


def find_importances(found: Found) -> dict[str, dict[str, float]]:
    """Give what each way says of each feature, the largest first."""
    shuffled = found.inspection.get(SHUFFLED) or ()
    ways = {
        SHUFFLED: {told["feature"]: told["lost"] for told in shuffled},
        REASONS: dict(found.inspection.get(REASONS) or {}),
        OWN: dict(_own(found)),
    }
    return {
        way: dict(sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])))
        for way, sizes in ways.items()
    }


def _own(found: Found) -> Mapping[str, float]:
    leader = found.leader
    if leader is None:
        return {}
    for part in (USUAL_VALIDATION, *leader.results):
        result = leader.results.get(part)
        if result and result.facts.get("importances"):
            return dict(result.facts["importances"])
        if result and result.facts.get("coefficients"):
            sizes = {name: abs(w) for name, w in result.facts["coefficients"].items()}
            total = sum(sizes.values()) or 1.0
            return {name: size / total for name, size in sizes.items()}
    return {}


def _say_first(importances: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    firsts = {way: next(iter(sizes)) for way, sizes in importances.items()}
    if len(firsts) > 1:
        agree = len({*firsts.values()}) == 1
        says = "; ".join(f"{WAYS[way]}: {first}" for way, first in firsts.items())
        yield f"The ways {'agree' if agree else 'do not agree'} on the first: {says}."


def _draw(way: str, sizes: Mapping[str, float]) -> Picture:
    shown = dict(list(sizes.items())[:MOST_BARS])
    first = next(iter(shown))

    def _paint(axes: Axes) -> None:
        axes.barh(range(len(shown)), [*shown.values()], color=OURS, height=0.62)
        axes.axvline(0, color=MUTED, linewidth=1)
        name_rows(axes, [shorten(name, 26) for name in shown])
        axes.tick_params(axis="y", labelsize=9.5)
        axes.locator_params(axis="x", nbins=3)

    return Picture(
        f"importance-{way}",
        _paint,
        title=f"{way}: {first} first",
        how=f"{WAYS[way][:1].upper()}{WAYS[way][1:]}, the {len(shown)} largest of {len(sizes)}.",
        alt="; ".join(f"{name} {size:.4f}" for name, size in shown.items()) + ".",
        size=(WIDTH, AROUND + ROW * len(shown)),
    )


def _tabulate(importances: Mapping[str, Mapping[str, float]]) -> Iterator[Table]:
    names = list(dict.fromkeys(name for sizes in importances.values() for name in sizes))
    rows = tuple(
        (name, *(_write(sizes.get(name)) for sizes in importances.values())) for name in names
    )
    if rows:
        headings = ("feature or input", *(WAYS[way] for way in importances))
        yield Table("A dash: not asked that way", headings, rows)


def _write(size: float | None) -> str:
    return UNKNOWN if size is None else f"{round(size, 4) + 0.0:.4f}"  # + 0.0: no minus before zero


def _draw_dependences(told: Sequence[Mapping[str, Any]]) -> Iterator[Picture]:
    """Draw the card's pictures of dependence, with bars of how many rows stand behind."""
    for document in told:
        fields = {name: document[name] for name in Dependence._fields}
        traced = Dependence(**fields | {name: tuple(document[name]) for name in ("values", "rows")})
        (picture,) = draw_dependences([traced])
        name = make_slug("dependence", traced.feature)
        yield replace(picture, name=name, paint=_with_density(picture, traced.rows))


def _with_density(picture: Picture, rows: Sequence[int]) -> Any:
    def _paint(axes: Axes) -> None:
        picture.paint(axes)
        axes.tick_params(axis="x", labelsize=8.5)
        beside = axes.twinx()
        beside.bar(range(len(rows)), rows, color=MUTED, alpha=0.3, width=0.8, zorder=0)
        beside.set_ylim(0, max(rows, default=1) / DENSITY)
        beside.set_yticks([])
        beside.spines[:].set_visible(False)

    return _paint
