import json
import shutil
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from push_model.columns import HISTORY
from push_model.errors import DatasetError, InvalidEventError
from push_model.evaluation.scorers import score
from push_model.exploration import run
from push_model.exploration.choose import find_level
from push_model.exploration.entries.all import ENTRIES
from push_model.exploration.final_window import _read_outcome
from push_model.exploration.fits.protocol import CHOOSING, REPEATING
from push_model.exploration.folder import open_exploration
from push_model.exploration.work import do_work, list_missing, list_repeats, list_work, read_current
from push_model.model.scoring import Model
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.split import is_inside
from tests.exploration.explored import UNTIL

pytestmark = pytest.mark.usefixtures("undrawn_pictures")


def plan(folder, dataset, **differs):
    given = {"size": "full", "min_items": 5, "until": date(2021, 3, 4), "seed": 0}
    run.plan(folder, dataset, **given | differs)
    return open_exploration(folder)


def again_of(folder):
    return sorted(folder.glob("results/*/fold-*-again.json"))


@pytest.fixture(scope="module")
def planned(dataset, tmp_path_factory):
    return plan(tmp_path_factory.mktemp("planned"), dataset)


def test_rows_of_large_orders_alone_are_kept(frame, planned):
    rows = planned.read_rows()

    assert len(rows) == len(keep_large_orders(frame)) == planned.facts["frame"]["rows"]
    assert rows["order_date"].is_monotonic_increasing
    assert {"user_id", "product_type", "vendor"} <= set(rows.columns)


def test_a_plan_has_four_folds_and_a_final_window_with_both_outcomes(planned):
    parts = planned.facts["parts"]
    orders = [part["train"]["orders"] for part in parts[:4]]

    assert [part.name for part in planned.folds] == ["fold 1", "fold 2", "fold 3", "fold 4"]
    assert planned.parts[-1].name == "final"
    assert orders == sorted(orders)
    assert all(part["judged"]["purchases"] > 0 for part in parts)


def test_the_rows_have_their_history_and_all_entries_are_measured(planned):
    assert set(HISTORY) <= set(planned.read_rows().columns)
    assert planned.entries == ENTRIES


def test_the_share_of_orders_with_whole_history_is_measured(frame, tmp_path):
    orders = frame.drop_duplicates("order_id").set_index("order_id")
    place = orders.groupby("user_id")["order_date"].rank("min").astype(int)
    whole = frame.assign(user_order_seq=frame["order_id"].map(place) + 1)
    cut = whole.assign(user_order_seq=whole["user_order_seq"] + 1)
    shares = []
    for name, rows in (("whole", whole), ("cut", cut)):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
        exploration = plan(tmp_path / name, str(tmp_path / f"{name}.csv"))
        shares.append(exploration.facts["frame"]["orders_with_whole_history"])

    assert shares == [1.0, 0.0]


def test_results_of_other_code_are_not_these_grounds(planned, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("push_model.exploration.run.code_digest", lambda **_: "another")

    assert plan(tmp_path, dataset).grounds != planned.grounds


def test_the_same_rows_in_another_file_and_order_are_the_same_frame(frame, planned, tmp_path):
    shuffled = tmp_path / "shuffled.csv.gz"
    frame.sample(frac=1.0, random_state=0).to_csv(shuffled, index=False)

    theirs = plan(tmp_path / "out", str(shuffled))

    assert planned.facts["frame"] == theirs.facts["frame"]
    assert planned.grounds == theirs.grounds


def test_rows_after_the_last_day_are_not_read(dataset, tmp_path):
    exploration = plan(tmp_path, dataset, until=date(2020, 11, 20))

    assert exploration.facts["frame"]["last_day"] <= "2020-11-20"


def test_without_a_last_day_today_is_the_last(dataset, tmp_path):
    before = datetime.now(UTC).date()
    run.plan(tmp_path, dataset, size="small")

    until = open_exploration(tmp_path).facts["until"]
    assert until in {str(before), str(datetime.now(UTC).date())}


def test_a_window_without_both_outcomes_is_refused(frame, tmp_path):
    late = frame["order_date"] >= pd.Timestamp("2020-11-01")
    frame.assign(outcome=frame["outcome"].mask(late, 1.0)).to_csv(tmp_path / "f.csv", index=False)

    with pytest.raises(DatasetError, match=r"The judged window of fold \d .* longer history"):
        plan(tmp_path / "out", str(tmp_path / "f.csv"))


def test_an_unknown_size_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(InvalidEventError, match="size must be one of"):
        plan(tmp_path, "no_such_file.csv", size="huge")


def test_a_plan_of_a_finished_exploration_is_empty(copied, dataset):
    assert run.plan(copied, dataset, size="small", until=UNTIL) == []


def test_a_finished_exploration_has_a_leaderboard_a_choice_and_a_claim(explored):
    found = _read_outcome(explored)

    names = [standing.entry.name for standing in found.standings]
    assert sorted(names) == sorted(entry.name for entry in open_exploration(explored).entries)
    assert found.choice.chosen in found.choice.within
    chosen = found.choice.chosen.name
    parts = {(claim.entry, claim.part) for claim in found.claims}
    assert {(chosen, "final"), (chosen, "usual test"), ("popularity", "final")} <= parts
    assert set(found.fits) >= {entry.name for entry in found.choice.within}


def test_finishing_again_shows_the_same_without_a_second_opening(copied):
    before = (copied / "standings.json").read_bytes()

    run.finish(copied)

    assert (copied / "standings.json").read_bytes() == before
    assert len(json.loads((copied / "finals.json").read_text("utf-8"))["openings"]) == 1


def test_a_look_at_the_final_window_that_was_cut_short_continues(copied):
    before = _read_outcome(copied)
    (copied / "standings.json").unlink()
    for path in copied.glob("results/*/final.json"):
        path.unlink()

    after, _ = run.finish(copied)

    assert after.claims == before.claims


def test_another_choice_may_not_look_again(copied):
    shutil.rmtree(copied / "results" / _read_outcome(copied).choice.chosen.slug)

    with pytest.raises(InvalidEventError, match="turn it into a validation set"):
        run.finish(copied)

    _, report = run.finish(copied, again="the chosen one was lost")
    assert "the chosen one was lost" in report.with_suffix(".md").read_text("utf-8")


def test_the_claimed_model_is_kept_as_serving_reads_it(explored):
    exploration, outcome = open_exploration(explored), _read_outcome(explored)
    chosen = outcome.choice.chosen
    path = explored / "results" / chosen.slug / "final.model.json"
    document = json.loads(path.read_text("utf-8"))
    rows = exploration.read_rows()
    judged = rows[is_inside(rows, exploration.parts[-1].judged)]

    scores = score(Model.from_document(document), judged)

    (claim,) = (c for c in outcome.claims if (c.part, c.entry) == ("final", chosen.name))
    found = average_precision_score(judged["outcome"], scores)
    assert found == pytest.approx(claim.average_precision.estimate, abs=1e-6)


def test_level_entries_are_fitted_again_with_another_seed(explored):
    exploration = open_exploration(explored)
    purposes = (CHOOSING, REPEATING)
    results = read_current(exploration, exploration.entries, purposes=purposes)
    level = [entry.slug for entry in find_level(results, folds=exploration.fold_names)]
    slug = run.sum_up(exploration).choice.best.slug
    first, second = (
        json.loads((explored / "results" / slug / f"{part}.json").read_text("utf-8"))
        for part in ("fold-1", "fold-1-again")
    )

    repeated = {path.parent.name for path in again_of(explored)}
    assert repeated == {*level}
    assert len(again_of(explored)) == 4 * len(repeated)
    assert first["judged"] == second["judged"]
    assert first["draws"] != second["draws"]


def test_the_leaderboard_and_the_choice_count_both_fits(copied):
    before = run.sum_up(open_exploration(copied))
    best = before.choice.best
    for path in again_of(copied):
        result = json.loads(path.read_text("utf-8"))
        if path.parent.name == best.slug:
            result["draws"] = [0.0 for _ in result["draws"]]
            path.write_text(json.dumps(result), "utf-8")

    after = run.sum_up(open_exploration(copied))

    once, twice = (
        next(s for s in found.standings if s.entry == best).average_precision.estimate
        for found in (before, after)
    )
    assert twice < 0.6 * once
    assert after.choice.best != best


def test_second_fits_of_other_entries_do_not_count(copied):
    exploration = open_exploration(copied)
    before = run.sum_up(exploration)
    other = next(entry for entry in exploration.entries if entry.family == "decision_tree")
    for work in list_missing(exploration, other, exploration.repeats):
        do_work(exploration, work)
    for path in copied.glob(f"results/{other.slug}/fold-*-again.json"):
        result = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(result | {"draws": [0.0 for _ in result["draws"]]}), "utf-8")

    assert run.sum_up(exploration) == before


def test_entries_that_become_level_round_by_round_are_fitted_before_the_choice(copied, monkeypatch):
    lost = again_of(copied)[:2]
    for path in lost:
        path.unlink()
    left = list_repeats(open_exploration(copied))
    rounds = iter([[work] for work in left] + [[]])
    monkeypatch.setattr(run, "list_repeats", lambda _: next(rounds))

    run.finish(copied)

    assert len(left) == 2
    assert all(path.exists() for path in lost)


def test_a_second_fit_that_was_lost_is_done_again_and_no_other(copied):
    assert list_repeats(open_exploration(copied)) == []
    lost, *kept = again_of(copied)
    before = json.loads(lost.read_text("utf-8"))
    lost.unlink()

    exploration = open_exploration(copied)
    assert list_work(exploration) == []
    (work,) = list_repeats(exploration)
    do_work(exploration, work)

    assert json.loads(lost.read_text("utf-8"))["draws"] == before["draws"]
    assert again_of(copied) == [lost, *kept]
