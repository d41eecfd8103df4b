import json
from datetime import date
from pathlib import Path

import pytest

from push_model.errors import DatasetError, PromotionConflictError, UnfitChampionError
from push_model.store.promotion import champion, promote
from push_model.testing import make_model
from push_model.training.backtesting.record import BACKTESTS_FILE, read_backtests
from push_model.training.gate.policy import Policy
from push_model.training.parametrisation import BoostedTrees
from push_ops.retraining import steps
from push_ops.retraining.request import RetrainingRequest
from push_ops.retraining.run_folder import read_json, write_json
from tests.frames import make_frame

pytestmark = pytest.mark.usefixtures("undrawn_pictures")

TINY = BoostedTrees(iterations=20, depth=3)


@pytest.fixture
def request_of(tmp_path):
    """Make the request of a run in `tmp_path`; its dataset is frame.csv there."""

    def make(run_id="run", run_date=date(2021, 6, 1), promotion="auto", **changes):
        return RetrainingRequest(
            run_id=run_id,
            run_date=run_date,
            dataset=str(tmp_path / "frame.csv"),
            min_items=5,
            parametrisation=TINY,
            policy=Policy(resamples=200, max_days_since_newest_order=400),
            promotion=promotion,
            runs_dir=tmp_path / "runs",
            models_dir=tmp_path / "models",
            requested_by="ana",
            **({"max_age_days": 40} | changes),
        )

    return make


def files(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


def write_frame(folder, frame):
    frame.to_csv(folder / "frame.csv", index=False)


def run_until_validate(request):
    return steps.validate(
        request, steps.train(request, steps.filter_orders(request, steps.load(request)))
    )


def with_value(column, value):
    def spoil(frame):
        frame[column] = frame[column].astype(object)
        frame.loc[7, column] = value
        return frame

    return spoil


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda frame: frame.drop(columns="outcome"), "'outcome' is missing"),
        (lambda frame: frame.head(0), "has a header but no rows"),
        (with_value("discount_pct", "a lot"), "discount_pct"),
        (with_value("days_since_purchase_variant_id", -1), "days_since_purchase_variant_id"),
        (with_value("variant_id", 33_000_000_000_001), "variant_id"),
    ],
    ids=["lacks a column", "no rows", "text for a number", "negative days", "a row twice"],
)
def test_a_bad_dataset_is_refused_and_nothing_is_left_behind(
    tmp_path, request_of, spoil, complaint
):
    write_frame(tmp_path, spoil(make_frame(orders=10)))

    with pytest.raises(DatasetError, match=complaint):
        steps.load(request_of())

    assert files(tmp_path) == {"frame.csv"}


def test_a_dataset_that_is_replaced_while_it_is_read_is_worth_another_try(
    tmp_path, request_of, monkeypatch
):
    write_frame(tmp_path, make_frame(orders=40))
    write_checked = steps.write_checked

    def replaced_meanwhile(frame, path, **of):
        rows = write_checked(frame, path, **of)
        write_frame(tmp_path, make_frame(orders=41))
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(steps, "write_checked", replaced_meanwhile)
        with pytest.raises(OSError, match=r"frame\.csv was written to or replaced while"):
            steps.load(request_of())

    assert steps.load(request_of())["orders"] == 41


def test_a_missing_dataset_is_refused_and_nothing_is_left_behind(tmp_path, request_of):
    with pytest.raises(DatasetError, match=r"frame\.csv does not exist"):
        steps.load(request_of())

    assert list(tmp_path.iterdir()) == []


def test_no_large_order_is_refused_with_the_name_of_the_dataset(tmp_path, request_of):
    write_frame(tmp_path, make_frame(orders=10).assign(outcome=0.0))
    request = request_of()
    loaded = steps.load(request)

    with pytest.raises(DatasetError, match=r"No orders with at least 5 .*frame\.csv \(0 of 10"):
        steps.filter_orders(request, loaded)

    assert files(tmp_path) == {"frame.csv", "frame.parquet"}


def test_a_date_before_any_order_is_refused(tmp_path, request_of):
    write_frame(tmp_path, make_frame(orders=10))
    request = request_of(run_date=date(2019, 1, 1))

    with pytest.raises(DatasetError, match=r"No orders on or before 2019-01-01 in .*frame\.csv"):
        steps.load(request)

    assert files(tmp_path) == {"frame.csv"}


def test_load_and_filter_count_rows_and_orders_not_rows_as_items(tmp_path, request_of):
    frame = make_frame(orders=12)
    write_frame(tmp_path, frame)
    bought = frame.groupby("order_id")["outcome"].sum()
    request = request_of()

    loaded = steps.load(request)
    filtered = steps.filter_orders(request, loaded)

    assert (loaded["rows"], loaded["orders"]) == (240, 12)
    assert filtered["orders"] == (bought >= 5).sum() < 12
    assert filtered["rows"] == filtered["orders"] * 20
    assert filtered["dataset"] == loaded["dataset"]


def test_rows_after_the_run_date_are_not_kept(tmp_path, request_of):
    write_frame(tmp_path, make_frame(orders=20))

    loaded = steps.load(request_of(run_date=date(2020, 10, 6)))

    assert loaded["orders"] == 4


def test_what_goes_from_step_to_step_is_json(tmp_path, request_of):
    write_frame(tmp_path, make_frame(orders=12))

    loaded = steps.load(request_of())

    assert json.loads(json.dumps(loaded)) == loaded


def test_a_training_is_written_down_with_all_it_was_asked(tmp_path, request_of):
    write_frame(tmp_path, make_frame(orders=60))
    request = request_of()

    trained = steps.train(request, steps.filter_orders(request, steps.load(request)))

    (fit,) = (tmp_path / "runs").rglob("fit.json")
    written = json.loads(fit.read_text())
    assert (
        written["model_path"]
        == trained["model_path"]
        == str(tmp_path / "models" / "push_2021_06_01")
    )
    assert written["event"]["model_parametrisation"]["iterations"] == 20
    assert written["event"]["training_date"] == written["run_date"] == "2021-06-01"


def test_too_few_orders_to_judge_by_leave_the_store_without_a_champion(tmp_path, request_of):
    write_frame(tmp_path, make_frame(orders=60))
    request = request_of()

    outcome = steps.promote(request, run_until_validate(request))

    assert outcome["promoted"] is False
    assert outcome["sentence"].startswith("There is still no champion: the verdict on push_2021_06")
    assert "'inconclusive'" in outcome["sentence"]
    assert champion(tmp_path / "models") is None


def test_a_promotion_that_runs_twice_moves_the_pointer_once(tmp_path, request_of):
    write_frame(tmp_path, make_frame(orders=400))
    request = request_of()
    validated = run_until_validate(request)

    outcomes = [steps.promote(request, validated) for _ in range(2)]

    assert [outcome["promoted"] for outcome in outcomes] == [True, True]
    assert outcomes[0]["sentence"].startswith("push_2021_06_01 is the champion now.")
    assert len((tmp_path / "models" / "promotions.jsonl").read_text().splitlines()) == 1


def test_a_champion_that_changed_since_validation_is_not_overrun(tmp_path, request_of):
    write_frame(tmp_path, make_frame(orders=400))
    early, late = request_of("early"), request_of("late", run_date=date(2021, 6, 2))
    validated = [run_until_validate(request) for request in (early, late)]
    steps.promote(late, validated[1])

    with pytest.raises(PromotionConflictError, match="changed since validation"):
        steps.promote(early, validated[0])

    assert champion(tmp_path / "models").model_name == "push_2021_06_02"


KEEP = {"decision": "keep", "champion_name": "push_old", "reasons": ["Worse."]}


@pytest.fixture
def kept(tmp_path):
    """What validate leaves of a challenger that lost against a champion of 2021-04-22."""
    make_model(tmp_path / "models", "push_old", trained_on="2021-04-22")
    write_json(tmp_path / "verdict.json", {"model_name": "push_new", "verdict": KEEP})
    return {"verdict": str(tmp_path / "verdict.json")}


@pytest.mark.mltest("Mon 4")
def test_a_champion_that_stays_and_is_too_old_fails_the_run_and_serves_on(
    tmp_path, request_of, kept
):
    said = (
        r"push_old stays .* Worse\. push_old was trained 40 days before .* at most 39 are allowed"
    )
    with pytest.raises(UnfitChampionError, match=said):
        steps.promote(request_of(max_age_days=39), kept)

    assert champion(tmp_path / "models").model_name == "push_old"
    assert steps.promote(request_of(max_age_days=40), kept)["promoted"] is False


@pytest.mark.mltest("Mon 7")
@pytest.mark.parametrize(
    ("total", "is_fit"),
    [
        ({"expected_purchases": 100, "actual_purchases": 100}, True),
        ({"expected_purchases": 150, "actual_purchases": 100}, False),
        ({"expected_purchases": 150, "actual_purchases": 99}, True),
    ],
    ids=["as promised", "half of it too much", "too few to tell"],
)
def test_a_champion_that_stays_and_promises_wrongly_fails_the_run(
    tmp_path, request_of, kept, total, is_fit
):
    run = read_json(Path(kept["verdict"]))
    other = {"model_name": "push_other", "expected_purchases": 900, "actual_purchases": 100}
    run["backtests"] = [other, total | {"model_name": "push_old"}, {"sentence": "No record."}]
    write_json(Path(kept["verdict"]), run)

    if is_fit:
        assert steps.promote(request_of(), kept)["promoted"] is False
    else:
        with pytest.raises(UnfitChampionError, match=r"promised 1\.50 purchases for each one made"):
            steps.promote(request_of(), kept)
    assert champion(tmp_path / "models").model_name == "push_old"


def test_a_dry_run_asks_nobody_how_old_the_champion_is(request_of, kept):
    outcome = steps.promote(request_of(promotion="never", max_age_days=1), kept)

    assert outcome["promoted"] is False


def test_a_champion_that_cannot_be_read_is_no_matter_of_age(tmp_path, request_of, kept):
    (tmp_path / "models" / "push_old" / "manifest.json").unlink()

    assert steps.promote(request_of(max_age_days=1), kept)["promoted"] is False


@pytest.fixture
def in_service(tmp_path):
    """A champion since the last of March."""
    write_frame(tmp_path, make_frame(orders=400))
    facts = {"verdict": None, "reason": "a test", "by": "ana"}
    make_model(tmp_path / "models", "push_old", trained_on="2021-03-31", promoted=False)
    promote(
        *(tmp_path / "models", "push_old"),
        expected=None,
        promoted_at="2021-03-31T05:00:00+00:00",
        **facts,
    )


@pytest.mark.mltest("Mon 7")
@pytest.mark.usefixtures("in_service")
def test_each_run_holds_what_the_champion_promised_against_what_happened(tmp_path, request_of):
    request = request_of(run_date=date(2021, 4, 20))

    run = read_json(Path(run_until_validate(request)["verdict"]))

    (line,) = read_backtests(tmp_path / "runs" / BACKTESTS_FILE)
    days = [day["day"] for day in line["days"]]
    assert (line["model_name"], line["run_date"]) == ("push_old", "2021-04-20")
    assert (days[0], days[-1]) == ("2021-04-01", "2021-04-20")
    assert line["total"]["actual_purchases"] > 0
    assert run["backtests"][0]["sentence"].startswith("push_old, 1 to 20 days old, promised ")


@pytest.mark.usefixtures("in_service")
def test_a_record_of_the_past_that_cannot_be_kept_stops_no_verdict(tmp_path, request_of):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / BACKTESTS_FILE).write_text("{")

    run = read_json(Path(run_until_validate(request_of(run_date=date(2021, 4, 20)))["verdict"]))

    assert "is no backtest" in run["backtests"][0]["sentence"]
    assert run["verdict"]["decision"] in {"promote", "keep", "inconclusive"}


def test_a_backfilled_day_is_not_the_newest_verdict(tmp_path, request_of):
    write_frame(tmp_path, make_frame(orders=120))
    run_until_validate(request_of("daily"))
    latest = (tmp_path / "runs" / "latest.json").read_text()

    run_until_validate(request_of("day_gone_by", run_date=date(2021, 5, 30), is_backfill=True))

    assert (tmp_path / "runs" / "latest.json").read_text() == latest


@pytest.mark.parametrize(
    ("asked", "because"),
    [
        ({"promotion": "never"}, "this run was told 'never'"),
        ({"promotion": "manual"}, "nobody approved it"),
        (
            {"promotion": "never", "is_backfill": True},
            "a backfilled day promotes nothing unless a person approves it ('manual')",
        ),
    ],
)
def test_a_winner_that_may_not_serve_is_named_with_who_stays(tmp_path, request_of, asked, because):
    verdict = {"decision": "promote", "champion_name": "push_old", "reasons": ["Better."]}
    write_json(tmp_path / "verdict.json", {"model_name": "push_new", "verdict": verdict})

    outcome = steps.promote(
        request_of(**asked, max_age_days=10_000),
        {"verdict": str(tmp_path / "verdict.json")},
    )

    assert outcome == {
        "promoted": False,
        "event": None,
        "sentence": f"push_old stays the champion: push_new won, but {because}. Better.",
    }
