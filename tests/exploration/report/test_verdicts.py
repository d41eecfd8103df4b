import pytest

from push_model.exploration.report.comparing import (
    BETTER,
    BETTER_ON_MEAN,
    WORSE_ON_MEAN,
    compare,
)
from push_model.exploration.report.neighbours import compose_neighbours
from push_model.exploration.report.reading import read_found
from tests.exploration.report.results import FOLDS, entries, write_exploration

MIXED = dict(zip(FOLDS, (0.05, 0.05, 0.05, -0.01), strict=True))


def _shifted(folder, shifts):
    base = next(entry for entry in entries() if entry["name"] == "trees")
    other = base | {"name": "other", "neighbour": "trees", "shifts": shifts}
    return read_found(write_exploration(folder, listed=[base, other], finals=False))


@pytest.mark.parametrize(
    ("shifts", "verdict", "answer", "summary"),
    [
        (
            MIXED,
            BETTER_ON_MEAN,
            "better on the mean, on 3 of 4 folds",
            "Better on the mean, but not on every fold: other +0.0350 (3 of 4 folds).",
        ),
        (
            {fold: -shift for fold, shift in MIXED.items()},
            WORSE_ON_MEAN,
            "worse on the mean, on 3 of 4 folds",
            "Worse on the mean, but not on every fold: other -0.0350 (3 of 4 folds).",
        ),
        (
            dict.fromkeys(FOLDS, 0.03),
            BETTER,
            "better",
            "Better than the neighbour: other +0.0300.",
        ),
    ],
)
def test_better_is_better_on_every_fold(tmp_path, shifts, verdict, answer, summary):
    found = _shifted(tmp_path, shifts)

    told = compare(found, found.entries["other"], found.entries["trees"], FOLDS)

    assert told.verdict == verdict
    section = compose_neighbours(found)
    assert section.tables[0].rows[0][4] == answer
    assert section.paragraphs[-1].endswith(summary)
    assert section.pictures[0].title.endswith(f"1 {verdict}")
    assert section.pictures[0].svg().startswith("<svg")


def test_a_sentence_says_where_folds_disagree(tmp_path):
    found = _shifted(tmp_path, MIXED)

    told = compare(found, found.entries["other"], found.entries["trees"], FOLDS)

    assert told.sentence(found).endswith("] (better on the mean, on 3 of 4 folds)")


def test_so_many_comparisons_are_said_to_err_by_chance(found):
    note = " ".join(compose_neighbours(found).paragraphs[1].split())

    assert "These are 16 comparisons at 90 %" in note
    assert "some 1.6 intervals" in note
