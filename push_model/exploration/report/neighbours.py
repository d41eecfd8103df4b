"""What worked, what did not, and why? Every entry against the neighbour it differs from."""

from collections.abc import Iterator, Sequence

from push_model.exploration.report.comparing import (
    BETTER,
    UNTOLD,
    WORSE,
    Difference,
    compare_with_neighbours,
    write_gain,
)
from push_model.exploration.report.found import Found
from push_model.exploration.report.palette import VERDICTS
from push_model.exploration.report.row_pictures import Row, draw_rows
from push_model.exploration.report.sentences import NEIGHBOURS_NOTE, READ_FOREST
from push_model.exploration.report.topics import SEVERAL, TOPICS, find_topic
from push_model.exploration.report.whys import find_whys
from push_model.training.card.chart import Picture
from push_model.training.card.sections import Section
from push_model.training.card.tables import Table

# Of a topic with more, the largest differences are drawn, and fewer named in the sentence.
MOST_ROWS, MOST_NAMES = 12, 6


def compose_neighbours(found: Found) -> Section:
    """Say topic by topic what an entry has above its neighbour.

    Parameters
    ----------
    found : Found
        The exploration.

    Returns
    -------
    Section
    """
    by_topic: dict[str, list[Difference]] = {topic: [] for topic in TOPICS}
    for difference in compare_with_neighbours(found):
        by_topic[find_topic(difference.entry, difference.rival)].append(difference)
    told = {topic: group for topic, group in by_topic.items() if group}
    paragraphs = [f"{topic}. {_summarise(group)}" for topic, group in told.items()]
    return Section(
        "neighbours",
        "What worked, what did not, and why",
        (NEIGHBOURS_NOTE, *(paragraphs or ["No entry can be compared with a neighbour yet."])),
        pictures=tuple(
            _draw(topic, group, number) for number, (topic, group) in enumerate(told.items())
        ),
        tables=tuple(_tabulate(found, topic, group) for topic, group in told.items()),
    )


def _summarise(group: Sequence[Difference]) -> str:
    said = [
        f"{heading}: {'; '.join(_name_largest(group, verdict))}."
        for heading, verdict in (
            ("Better than the neighbour", BETTER),
            ("Worse", WORSE),
            ("Cannot be told apart from it", UNTOLD),
        )
        if any(difference.verdict == verdict for difference in group)
    ]
    return " ".join(said)


def _name_largest(group: Sequence[Difference], verdict: str) -> Iterator[str]:
    own = [difference for difference in group if difference.verdict == verdict]
    ranked = sorted(own, key=lambda difference: -abs(difference.gain.estimate))
    for difference in ranked[:MOST_NAMES]:
        size = f" {difference.gain.estimate:+.4f}" if verdict != UNTOLD else ""
        yield f"{difference.entry.name}{size}"
    if len(ranked) > MOST_NAMES:
        yield f"and {len(ranked) - MOST_NAMES} more"


def _draw(topic: str, group: Sequence[Difference], number: int) -> Picture:
    largest = sorted(group, key=lambda difference: -abs(difference.gain.estimate))[:MOST_ROWS]
    shown = sorted(largest, key=lambda difference: -difference.gain.estimate)
    rows = [
        Row(d.entry.name, d.gain, f"{d.gain.estimate:+.4f}", VERDICTS[d.verdict]) for d in shown
    ]
    counts = [(sum(d.verdict == v for d in group), v) for v in (BETTER, WORSE, UNTOLD)]
    return draw_rows(
        f"neighbours-{number}",
        rows,
        title=f"{topic}: {', '.join(f'{count} {verdict}' for count, verdict in counts if count)}",
        how=READ_FOREST
        + (f" The {MOST_ROWS} largest of {len(group)}." if len(group) > MOST_ROWS else ""),
        across="average precision above the neighbour",
        reference=0.0,
    )


def _tabulate(found: Found, topic: str, group: Sequence[Difference]) -> Table:
    shown = group
    if topic == SEVERAL:  # a search tries dozens that differ in nothing one could name
        shown = sorted(group, key=lambda difference: -difference.gain.estimate)[:MOST_ROWS]
    of_all = f", the best {len(shown)} of {len(group)}" if len(shown) < len(group) else ""
    rows = tuple(
        (
            difference.entry.name,
            difference.entry.question,
            difference.rival.name,
            write_gain(difference.gain).replace(", ", ",\N{NO-BREAK SPACE}"),
            difference.verdict,
            f"{sum(gain > 0 for gain in difference.by_part)} of {len(difference.by_part)}",
            " ".join(find_whys(found, difference)),
        )
        for difference in shown
    )
    headings = ("entry", "question", "neighbour", "AP above it", "answer", "folds better", "why")
    return Table(f"{topic}{of_all}", headings, rows, numeric=False)
