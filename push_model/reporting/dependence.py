"""Draw partial dependence: a small picture for each feature."""

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from push_model.columns import BY_NAME
from push_model.evaluation.importances import Dependence
from push_model.reporting.numbers import write_number, write_percent
from push_model.reporting.picture import GROUND, MUTED, OURS, Picture

_SMALL = (3.4, 2.5)
_MOST_TICKS = 5


def draw_dependences(dependences: Sequence[Dependence]) -> Iterator[Picture]:
    """Draw how the mean propensity moves with each feature."""
    for number, found in enumerate(dependences):
        yield _draw_dependence(found, f"dependence-{number}")


def _draw_dependence(found: Dependence, name: str) -> Picture:
    first, last = found.propensities[0], found.propensities[-1]
    missing = (
        ""
        if found.when_missing is None
        else f" Mean propensity where it is missing ({found.missing}): "
        f"{write_percent(found.when_missing)}."
    )

    def _paint(axes: Axes) -> None:
        _plot_dependence(axes, found)
        if found.when_missing is not None:
            axes.axhline(found.when_missing, color=MUTED, linewidth=1.2, linestyle="--")
            axes.annotate(
                found.missing,
                (1, found.when_missing),
                (0, 3),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha="right",
            )
        axes.set_ylim(0, 1.15 * max(*found.propensities, found.when_missing or 0.0))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda p, _: f"{100 * p:.3g} %"))
        axes.grid(visible=True, axis="y", linewidth=0.6)
        axes.set(ylabel="mean propensity")

    meaning = BY_NAME[found.feature].meaning if found.feature in BY_NAME else found.feature
    return Picture(
        name,
        _paint,
        title=f"{found.feature}: {write_percent(min(found.propensities))} to "
        f"{write_percent(max(found.propensities))}",
        how=f"{meaning[:1].upper()}{meaning[1:]}.{missing}",
        alt=f"Chart of mean propensity: {write_percent(first)} at "
        f"{write_number(found.values[0])}, {write_percent(last)} at "
        f"{write_number(found.values[-1])}.{missing}",
        size=_SMALL,
    )


def _plot_dependence(axes: Axes, found: Dependence) -> None:
    places = range(len(found.values))
    names = [write_number(value, "{:.3g}") for value in found.values]
    if found.feature in BY_NAME and BY_NAME[found.feature].type == "flag":
        axes.bar(places, found.propensities, color=OURS, width=0.5)
        names = ["yes" if value else "no" for value in found.values]
    else:
        # At equal distances: between two tenths lie equally many rows, however far apart they are.
        axes.plot(places, found.propensities, "o-", color=OURS, mec=GROUND, linewidth=2)
    every = 1 + len(places) // _MOST_TICKS
    axes.set_xticks(places[::every], names[::every])
