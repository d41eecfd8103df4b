"""The page that shows two models beside each other, and its tables."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from push_model.evaluation.importances import Importance
from push_model.reporting.curves import Line, draw_curves, draw_reliability
from push_model.reporting.numbers import (
    UNKNOWN,
    in_order,
    label_of,
    name_interval,
    write_interval,
)
from push_model.reporting.pages import render
from push_model.reporting.picture import Picture, style_of
from push_model.reporting.rows import draw_average_precision, draw_importances, draw_slices
from push_model.reporting.section import Content, Section, Table, Tile
from push_model.store.durable import write_aside
from push_model.training.card.tables import tabulate_metrics, tabulate_slices
from push_model.training.gate.comparison import FIRST, SECOND, Comparison
from push_model.training.gate.verdict import say_share

_SLICES_HOW = """\
Average precision in each slice: dots are {first}, upright strokes {second}. It depends on the
share bought in the slice, so compare models within a slice, not slices with each other."""

_SLICES_CAPTION = """\
Average precision in slices, which overlap. A wide interval of the gain means too few orders"""

_FEATURES_NOTE = """\
Average precision lost when the values of one feature are shuffled, on the rows that both models
were scored on."""


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Write a comparison as a page that loads nothing from the network."""
    content = compose_comparison(comparison)
    page = render("card.html.jinja", Path(__file__).parent, card=content, kind="Comparison")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aside(path, page.encode())


def compose_comparison(comparison: Comparison) -> Content:
    """Compose what a person should know of two models on the same orders."""
    return Content(
        name=f"{comparison.first} and {comparison.second}",
        decision="",
        headline=comparison.headline,
        sentence=" ".join(comparison.sentences),
        whose="",
        tiles=tuple(_tiles(comparison)),
        sections=tuple(_compose_sections(comparison)),
    )


def tabulate_scores(comparison: Comparison) -> Table:
    """List every metric of both models and of popularity, with its interval where it has one."""
    holdout = comparison.holdout
    metrics = {name: holdout.metrics[name].document() for name in comparison.curves}
    table = tabulate_metrics(metrics, holdout.intervals)
    caption = f"On the same {holdout.orders:,} orders; in brackets {name_interval(holdout.level)}s"
    return _relabel(table, comparison)._replace(caption=caption)


def tabulate_differences(comparison: Comparison) -> Table:
    """List in what the models and their trainings differ."""
    rows = tuple(
        (
            f"version of {each.fact}" if each.about == "versions" else each.fact,
            each.first or UNKNOWN,
            each.second or UNKNOWN,
        )
        for each in comparison.differences
    )
    caption = "What differs in their manifests" if rows else "Their manifests state the same"
    headings = ("fact", comparison.first, comparison.second)
    return Table(caption, headings, rows, numeric=False)


def _relabel(table: Table, comparison: Comparison) -> Table:
    """Name the models in the headings of a table of the model card."""
    names = {label_of(scorer): name for scorer, name in _names(comparison).items()}
    return table._replace(headings=tuple(names.get(text, text) for text in table.headings))


def _names(comparison: Comparison) -> dict[str, str]:
    return {FIRST: comparison.first, SECOND: comparison.second}


def _tiles(comparison: Comparison) -> Iterator[Tile]:
    holdout = comparison.holdout
    interval = name_interval(holdout.level)
    for scorer, (precision, *ends) in holdout.by_scorer("average_precision").items():
        if scorer in comparison.curves:
            name = _names(comparison).get(scorer, scorer)
            text = f"average precision of {name}, {interval} {write_interval(ends)}"
            yield Tile(f"{precision:.3f}", text)
    gain, *ends = comparison.gain
    yield Tile(
        say_share(gain),
        f"average precision of the first over the second, {interval} "
        + " to ".join(map(say_share, ends)),
    )
    yield Tile(
        f"{100 * comparison.overlap:.0f} %", "of the best 5 % of the candidates are the same"
    )


def _compose_sections(comparison: Comparison) -> Iterator[Section]:
    yield Section(
        "metrics",
        "Metrics",
        pictures=(_draw_average_precision(comparison), *_draw_curves(comparison)),
        tables=(tabulate_scores(comparison),),
    )
    if comparison.holdout.slices:
        yield _slices(comparison)
    yield Section(
        "features",
        "Features: what each model uses",
        (_FEATURES_NOTE,),
        pictures=tuple(
            _draw_importances(scorer, name, comparison.importances[scorer])
            for scorer, name in _names(comparison).items()
        ),
        tables=(_tabulate_importances(comparison),),
    )
    yield Section(
        "differences",
        "Differences: parametrisation, data and versions",
        tables=(tabulate_differences(comparison),),
    )


def _draw_average_precision(comparison: Comparison) -> Picture:
    found = comparison.holdout.by_scorer("average_precision")
    precisions = {name: found[name].estimate for name in in_order(comparison.curves)}
    picture = draw_average_precision(
        precisions, found, level=comparison.holdout.level, names=_names(comparison)
    )
    return replace(picture, title=comparison.headline.removesuffix("."))


def _draw_curves(comparison: Comparison) -> Iterator[Picture]:
    names = _names(comparison)
    lines = {
        scorer: Line(names.get(scorer, scorer), own, style_of(scorer))
        for scorer, own in comparison.curves.items()
    }
    # The titles state what was found for the first line.
    for picture in draw_curves([*lines.values()]):
        yield replace(picture, title=f"{comparison.first}: {picture.title}")
    ratios = [comparison.curves[scorer].metrics["expected_per_actual"] for scorer in names]
    yield replace(
        draw_reliability([lines[scorer] for scorer in names]),
        title=f"{comparison.first} predicts {ratios[0]:.2f} purchases per actual purchase, "
        f"{comparison.second} {ratios[1]:.2f}",
    )


def _slices(comparison: Comparison) -> Section:
    slices = comparison.holdout.slices
    table = _relabel(tabulate_slices(slices), comparison)
    headings = tuple(
        comparison.first if text == "average precision" else text for text in table.headings
    )
    pictures: tuple[Picture, ...] = ()
    if picture := draw_slices(slices):
        title = comparison.slices_sentence.removesuffix(".")
        how = _SLICES_HOW.format(first=comparison.first, second=comparison.second)
        pictures = (replace(picture, title=title, how=how),)
    return Section(
        "slices",
        "Slices: for whom each is better",
        pictures=pictures,
        tables=(table._replace(caption=_SLICES_CAPTION, headings=headings),),
    )


def _draw_importances(scorer: str, name: str, found: tuple[Importance, ...]) -> Picture:
    picture = draw_importances(found)
    return replace(picture, name=f"importances-{scorer}", title=f"{name}: {picture.title}")


def _tabulate_importances(comparison: Comparison) -> Table:
    first, second = (
        {one.feature: one.lost for one in comparison.importances[scorer]}
        for scorer in (FIRST, SECOND)
    )
    rows = tuple(
        (
            name,
            *(
                f"{round(own[name], 4) + 0.0:.4f}" if name in own else UNKNOWN
                for own in (first, second)
            ),
        )
        for name in dict.fromkeys((*first, *second))
    )
    headings = ("feature", comparison.first, comparison.second)
    return Table("Average precision lost without a feature", headings, rows)
