"""What worked, what did not, and why? Every entry against the neighbour it differs from."""

from collections.abc import Iterator, Sequence

from push_model.exploration.report.comparing import (
    BETTER,
    BETTER_ON_MEAN,
    UNTOLD,
    WORSE,
    WORSE_ON_MEAN,
    Difference,
    compare_with_neighbours,
    write_gain,
)
from push_model.exploration.report.found import Found
from push_model.exploration.report.honesty import (
    asks_honesty,
    count_lower,
    judge_honesty,
    say_honesty,
)
from push_model.exploration.report.names import label_entry, name_entry
from push_model.exploration.report.palette import VERDICTS
from push_model.exploration.report.row_pictures import Row, draw_rows
from push_model.exploration.report.sentences import (
    CHANCE_NOTE,
    EXACT_NOTE,
    NEIGHBOURS_NOTE,
    READ_FOREST,
)
from push_model.exploration.report.topics import SEVERAL, TOPICS, find_topic
from push_model.exploration.report.whys import find_whys
from push_model.reporting.numbers import write_percent
from push_model.reporting.picture import Picture
from push_model.reporting.section import Section, Table

# Of a topic with more, the largest differences are drawn, and fewer named in the sentence.
MOST_ROWS, MOST_NAMES = 12, 6

SUMMARIES = (
    ("Better than the neighbour", BETTER),
    ("Better on the mean, but not on every fold", BETTER_ON_MEAN),
    ("Worse", WORSE),
    ("Worse on the mean, but not on every fold", WORSE_ON_MEAN),
    ("Cannot be told apart from it", UNTOLD),
)


def compose_neighbours(found: Found) -> Section:
    """Say topic by topic what an entry has above its neighbour."""
    compared = compare_with_neighbours(found)
    by_topic: dict[str, list[Difference]] = {topic: [] for topic in TOPICS}
    for difference in compared:
        by_topic[find_topic(difference.entry, difference.rival)].append(difference)
    told = {topic: group for topic, group in by_topic.items() if group}
    paragraphs = [f"{topic}. {_summarise(found, group)}" for topic, group in told.items()]
    return Section(
        "neighbours",
        "What worked, what did not, and why",
        (
            NEIGHBOURS_NOTE,
            *_say_chance(found, _keep_ranked(compared)),
            *(paragraphs or ["No entry can be compared with a neighbour yet."]),
            *_say_exact(found),
        ),
        pictures=tuple(
            _draw(found, topic, ranked, number)
            for number, (topic, group) in enumerate(told.items())
            if (ranked := _keep_ranked(group))
        ),
        tables=tuple(_tabulate(found, topic, group) for topic, group in told.items()),
    )


def _say_exact(found: Found) -> Iterator[str]:
    """Say of how many orders derived history is what engineering would supply."""
    whole = (found.facts.get("frame") or {}).get("orders_with_whole_history")
    if whole is not None and any(entry.needs_history for entry in found.entries.values()):
        yield EXACT_NOTE.format(whole=write_percent(whole))


def _keep_ranked(group: Sequence[Difference]) -> list[Difference]:
    """Leave out what cannot change a ranking, and so is not judged by average precision."""
    return [difference for difference in group if not asks_honesty(difference)]


def _say_chance(found: Found, compared: Sequence[Difference]) -> Iterator[str]:
    if compared:
        by_chance = found.alpha * len(compared)
        yield CHANCE_NOTE.format(
            count=len(compared), level=100 * (1 - found.alpha), by_chance=f"{by_chance:.2g}"
        )


def _summarise(found: Found, group: Sequence[Difference]) -> str:
    ranked = _keep_ranked(group)
    said = [
        f"{heading}: {'; '.join(_name_largest(found, ranked, verdict))}."
        for heading, verdict in SUMMARIES
        if any(difference.verdict == verdict for difference in ranked)
    ]
    said += [
        f"{name_entry(found, told.entry)}, which ranks as its neighbour does, is "
        f"{judge_honesty(found, told)}: {say_honesty(found, told)}"
        for told in group
        if asks_honesty(told)
    ]
    return " ".join(said)


def _name_largest(found: Found, group: Sequence[Difference], verdict: str) -> Iterator[str]:
    own = [difference for difference in group if difference.verdict == verdict]
    ranked = sorted(own, key=lambda difference: -abs(difference.gain.estimate))
    for difference in ranked[:MOST_NAMES]:
        size = f" {difference.gain.estimate:+.4f}" if verdict != UNTOLD else ""
        if difference.answer != verdict:
            size += f" ({difference.agreeing} of {len(difference.by_part)} folds)"
        yield f"{label_entry(found, difference.entry)}{size}"
    if len(ranked) > MOST_NAMES:
        yield f"and {len(ranked) - MOST_NAMES} more"


def _draw(found: Found, topic: str, group: Sequence[Difference], number: int) -> Picture:
    largest = sorted(group, key=lambda difference: -abs(difference.gain.estimate))[:MOST_ROWS]
    shown = sorted(largest, key=lambda difference: -difference.gain.estimate)
    rows = [
        Row(
            label_entry(found, told.entry),
            told.gain,
            f"{told.gain.estimate:+.4f}",
            VERDICTS[told.verdict],
        )
        for told in shown
    ]
    counts = [(sum(d.verdict == verdict for d in group), verdict) for _, verdict in SUMMARIES]
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
            name_entry(found, difference.entry),
            difference.entry.question,
            name_entry(found, difference.rival),
            write_gain(difference.gain).replace(", ", ",\N{NO-BREAK SPACE}"),
            *_answer(found, difference),
            " ".join(find_whys(found, difference)),
        )
        for difference in shown
    )
    headings = ("entry", "question", "neighbour", "AP above it", "answer", "folds better", "why")
    return Table(f"{topic}{of_all}", headings, rows, numeric=False)


def _answer(found: Found, difference: Difference) -> tuple[str, str]:
    """Give the answer, and on how many folds the entry is better."""
    folds = len(difference.by_part)
    if asks_honesty(difference):
        answer = judge_honesty(found, difference)
        return answer, f"{count_lower(found, difference)} of {folds}, by ECE"
    return difference.answer, f"{sum(gain > 0 for gain in difference.by_part)} of {folds}"
