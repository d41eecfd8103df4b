import json

import pytest

from push_model.exploration.folder import Exploration, open_exploration
from push_model.exploration.work import do_work, list_work, read_current, run_all
from tests.effort import EFFORT


def test_four_fits_an_entry_are_to_do_and_the_final_window_is_none_of_them(started):
    exploration = open_exploration(started)

    todo = list_work(exploration)

    assert len(todo) == 4 * len(exploration.entries)
    judged = {part.name for work in todo for part in work.parts}
    assert judged == {"fold 1", "fold 2", "fold 3", "fold 4", "usual validation"}


def test_nothing_is_left_of_a_finished_one(explored):
    assert list_work(open_exploration(explored)) == []


def test_a_result_lost_or_cut_short_is_measured_again(copied):
    (copied / "results" / "few-trees" / "fold-2.json").unlink()
    torn = copied / "results" / "popularity" / "fold-1.json"
    torn.write_bytes(torn.read_bytes()[:100])

    todo = list_work(open_exploration(copied))

    assert [(work.entry.slug, work.parts[0].name) for work in todo] == [
        ("popularity", "fold 1"),
        ("few-trees", "fold 2"),
    ]


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"versions": {"catboost": "0"}}, {"frame": {"sha256": "other"}}]
)
def test_results_on_other_grounds_count_for_nothing(explored, change):
    facts = open_exploration(explored).facts

    changed = Exploration(explored, facts | change)

    assert len(list_work(changed)) == 4 * len(changed.entries)
    assert read_current(changed, changed.entries, purposes=("choosing",)) == []


def test_an_entry_asked_in_other_words_keeps_its_results(copied):
    path = copied / "exploration.json"
    facts = json.loads(path.read_text("utf-8"))
    facts["entries"][0]["question"] = "What do best-sellers reach?"
    path.write_text(json.dumps(facts))

    exploration = open_exploration(copied)

    assert list_work(exploration) == []
    found = read_current(exploration, exploration.entries[:1], purposes=("choosing",))
    assert {result.entry.question for result in found} == {"What do best-sellers reach?"}


def test_what_a_trainer_prints_is_not_shown(started, capfd):
    exploration = open_exploration(started)
    trees = next(w for w in list_work(exploration) if w.entry.family == "boosted_trees")

    do_work(exploration, trees)

    assert capfd.readouterr().out == ""


# Processes beside this one import all libraries again: `make test-system` starts them.
@pytest.mark.parametrize("jobs", [1, 2] if EFFORT > 1 else [1])
def test_entries_run_by_themselves_leave_the_same_as_all_in_one_go(started, explored, jobs):
    exploration = open_exploration(started)
    slugs = ["popularity", "ridge-c-1e-3", "few-trees", "few-trees-calibrated"]
    todo = [work for work in list_work(exploration) if work.entry.slug in slugs]

    done = list(run_all(exploration, todo, jobs=jobs))

    assert len(done) == 4 * len(slugs)
    for slug in slugs:
        assert _without_times(started, slug) == _without_times(explored, slug)


def _without_times(folder, slug) -> dict:
    judged = ("fold-1", "fold-2", "fold-3", "fold-4", "usual-validation")
    found = {}
    for part in judged:
        document = json.loads((folder / "results" / slug / f"{part}.json").read_text("utf-8"))
        found[part] = {n: v for n, v in document.items() if n not in {"fit_s", "score_us"}}
    return found
