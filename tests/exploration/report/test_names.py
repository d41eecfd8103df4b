import re

import pytest

from push_model.exploration.entries.all import ENTRIES
from push_model.exploration.entries.searched import entry_of
from push_model.exploration.report.content import compose
from push_model.exploration.report.decision import compose_decision
from push_model.exploration.report.names import find_aliases, label_entry, name_entry
from push_model.exploration.report.pages import write_pages
from push_model.exploration.report.reading import read_found
from push_model.exploration.report.texts import LONGEST_NAME, shorten
from tests.exploration.report.results import CHOICE, FINALISTS, entries, write_exploration

SIZES = (
    (240, 5, 0.22, 160.0, 0.5),
    (270, 6, 0.093, 130.0, 0.5),
    (270, 6, 0.11, 130.0, 0.5),
    (270, 6, 0.11, 90.0, 0.5),
    (270, 6, 0.11, 130.0, 0.077),
    (270, 6, 0.093, 130.0, 0.077),
)


def _searched():
    for number, (trees, depth, rate, l2, noise) in enumerate(SIZES):
        settings = {"iterations": trees, "depth": depth, "learning_rate": rate, "l2_leaf_reg": l2}
        for features in ("request", "history"):
            more = {"random_strength": noise, "leaf_estimation_iterations": 10}
            entry = entry_of(settings | more, features=features)
            ap = 0.28 + 0.04 * (features == "history") + number / 1e4
            yield entry.document() | {"neighbour": "trees", "skipped": None, "ap": ap}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    searched = [*_searched()]
    plain, with_history = (entry["name"] for entry in searched[:2])
    return read_found(
        write_exploration(
            tmp_path_factory.mktemp("searched"),
            listed=[*entries(), *searched],
            finalists={plain, with_history, *FINALISTS},
            chosen=with_history,
            best=searched[-1]["name"],
            plain=CHOICE | {"chosen": plain, "best": plain},
        )
    )


def test_the_chosen_entries_go_by_the_names_of_what_is_served(found):
    assert [*find_aliases(found).values()] == ["final model, with history", "final model"]
    assert name_entry(found, found.entries["trees"]) == "trees"


def test_a_chosen_entry_that_needs_no_history_is_the_final_model_and_no_other_is(tmp_path):
    other = CHOICE | {"chosen": "ridge"}
    both = read_found(write_exploration(tmp_path, plain=other))

    assert find_aliases(both) == {
        "trees": "final model",
        "ridge": "final model, for plain requests",
    }


def test_before_the_choice_every_entry_goes_by_its_own_name(tmp_path):
    undecided = read_found(write_exploration(tmp_path, finals=False))

    assert find_aliases(undecided) == {}
    assert compose(undecided).headline == "Nothing is chosen yet"


def test_the_long_name_of_a_chosen_entry_is_said_once(found):
    text = write_pages(found)["report.md"].decode()
    names = (f'"{entry.name}"' for entry in (found.chosen, found.chosen_request_only))

    assert [len(re.findall(re.escape(name), text)) for name in names] == [1, 1]
    assert not re.search(r"240 trees of depth 5[^\"]*(beats|reaches|leads)", text)
    assert "**Chosen: final model, with history (boosted trees).**" in text
    assert "Of 1,000 pushes sent by the final model, with history, where" in text


def test_no_two_labels_of_a_picture_look_alike(found):
    labels = [label_entry(found, entry) for entry in found.entries.values()]

    assert len({*labels}) == len(labels)
    assert len({shorten(label) for label in labels}) == len(labels)
    assert "270 x depth 6, L2 90, history" in labels
    assert "270 x depth 6, rate 0.11, noise 0.077, history" in labels
    assert max(len(entry.name) for entry in ENTRIES) <= LONGEST_NAME


def test_what_the_chosen_has_above_each_in_the_final_window_is_a_table(found):
    section = compose_decision(found)

    table = section.tables[0]
    assert table.caption == "In the final window: what the final model, with history has above each"
    rows = {row[0]: row[1:] for row in table.rows}
    assert re.fullmatch(r"\+0\.0400 \[\+0\.\d{4}, \+0\.\d{4}\]", rows["final model"][0])
    assert rows["popularity"][1] == "better"
    assert not any(" beats " in said for said in section.paragraphs)
