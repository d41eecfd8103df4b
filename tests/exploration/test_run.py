import json
import shutil
from datetime import UTC, datetime

import pytest
from sklearn.metrics import average_precision_score

from push_model.errors import InvalidEventError
from push_model.evaluation.scorers import score
from push_model.exploration import run
from push_model.exploration.folder import open_exploration
from push_model.model.scoring import Model
from push_model.training.data.split import is_inside
from tests.exploration.conftest import UNTIL

pytestmark = pytest.mark.usefixtures("undrawn_pictures")


@pytest.fixture
def copied(explored, tmp_path):
    return shutil.copytree(explored, tmp_path / "copied")


def standings_of(folder) -> dict:
    return json.loads((folder / "standings.json").read_text("utf-8"))


def test_a_finished_exploration_has_a_leaderboard_a_choice_and_a_claim(explored):
    found = standings_of(explored)

    names = [standing["entry"]["name"] for standing in found["standings"]]
    assert sorted(names) == sorted(entry.name for entry in open_exploration(explored).entries)
    assert found["choice"]["chosen"] in found["choice"]["within"]
    parts = {(claim["entry"], claim["part"]) for claim in found["final"]}
    assert {
        (found["choice"]["chosen"], "final"),
        (found["choice"]["chosen"], "usual test"),
    } <= parts
    assert ("popularity", "final") in parts


def test_a_plan_of_what_is_done_is_empty(copied, dataset):
    assert run.plan(copied, dataset, size="small", until=UNTIL) == []


def test_without_a_last_day_today_is_the_last(dataset, tmp_path):
    before = datetime.now(UTC).date()
    run.plan(tmp_path, dataset, size="small")

    assert open_exploration(tmp_path).facts["until"] in {
        str(before),
        str(datetime.now(UTC).date()),
    }


def test_finishing_again_shows_the_same_without_a_second_opening(copied):
    before = standings_of(copied)

    run.finish(copied)

    assert standings_of(copied) == before
    assert len(json.loads((copied / "finals.json").read_text("utf-8"))["openings"]) == 1


def test_a_look_at_the_final_window_that_was_cut_short_goes_on(copied):
    before = standings_of(copied)
    (copied / "standings.json").unlink()
    for path in copied.glob("results/*/final.json"):
        path.unlink()

    run.finish(copied)

    after = standings_of(copied)
    assert [c["average_precision"] for c in after["final"]] == [
        c["average_precision"] for c in before["final"]
    ]


def test_another_choice_may_not_look_again(copied):
    shutil.rmtree(copied / "results" / _slug_of(copied, standings_of(copied)["choice"]["chosen"]))

    with pytest.raises(InvalidEventError, match="one more window to choose by"):
        run.finish(copied)

    run.finish(copied, again="the chosen one was lost")


def test_the_model_that_is_claimed_of_is_kept_as_serving_reads_it(explored):
    exploration = open_exploration(explored)
    slug = _slug_of(explored, standings_of(explored)["choice"]["chosen"])
    document = json.loads((explored / "results" / slug / "final.model.json").read_text("utf-8"))
    rows = exploration.read_rows()
    judged = rows[is_inside(rows, exploration.parts[-1].judged)]

    scores = score(Model.from_document(document), judged)

    claims = standings_of(explored)["final"]
    (claimed,) = (
        claim["average_precision"]["estimate"]
        for claim in claims
        if (claim["part"], claim["entry"]) == ("final", exploration.find(slug).name)
    )
    found = average_precision_score(judged["outcome"], scores)
    assert found == pytest.approx(claimed, abs=1e-6)


def test_the_report_is_written(copied):
    report = run.finish(copied).report

    assert report.name == "report.html"
    assert "Chosen: " in report.read_text("utf-8")


def _slug_of(folder, name) -> str:
    return next(e.slug for e in open_exploration(folder).entries if e.name == name)
