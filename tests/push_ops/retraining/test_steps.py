import json
import os
import shlex
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from push_model.commands.app import app
from push_model.errors import (
    DatasetError,
    DatasetNotReadyError,
    InvalidEventError,
    InvalidSettingError,
    PromotionConflictError,
    SchemaError,
    UnfitChampionError,
)
from push_model.store.promotion import champion, promote
from push_model.testing import make_model
from push_model.training.backtesting.lines import BACKTESTS_FILE, read_backtests
from push_model.training.data import delivery
from push_model.training.gate.policy import Policy
from push_model.training.parametrisation import BoostedTrees
from push_ops.retraining import steps
from push_ops.retraining.request import RetrainingRequest
from push_ops.retraining.run_folder import find_run_folder, read_judged
from push_ops.retraining.watch import backtest
from tests.frames import make_frame
from tests.push_ops.judged import LOOSENED, SAYS_LOOSENED, judged_run

pytestmark = [
    pytest.mark.usefixtures("undrawn_pictures"),
    # Airflow's own, about a dependency of its plugins.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

TINY = BoostedTrees(iterations=20, depth=3)


def make_request(folder, run_id="run", run_date=date(2021, 6, 1), promotion="auto", **changes):
    """Make the request of a run in a folder; its dataset is frame.csv there."""
    return RetrainingRequest(
        run_id=run_id,
        run_date=run_date,
        dataset=str(folder / "frame.csv"),
        min_items=5,
        parametrisation=TINY,
        policy=Policy(resamples=200, max_days_since_newest_order=400),
        promotion=promotion,
        runs_dir=folder / "runs",
        models_dir=folder / "models",
        requested_by="ana",
        settle_s=0,
        **({"max_age_days": 40} | changes),
    )


@pytest.fixture
def request_of(tmp_path):
    return partial(make_request, tmp_path)


def files(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


def write_frame(folder, frame):
    frame.to_csv(folder / "frame.csv", index=False)


@pytest.fixture(scope="module")
def two_days(tmp_path_factory, undrawn_pictures):  # noqa: ARG001 - draws nothing
    """Two runs that reached a verdict, in one folder: the requests and what each handed on."""
    folder = tmp_path_factory.mktemp("two_days")
    write_frame(folder, make_frame(orders=400))
    requests = [
        make_request(folder, "early"),
        make_request(folder, "late", run_date=date(2021, 6, 2), changed_limits=LOOSENED),
    ]
    loaded = [steps.load(request) for request in requests]
    filtered = [steps.filter_orders(*pair) for pair in zip(requests, loaded, strict=True)]
    trained = [steps.train(*pair) for pair in zip(requests, filtered, strict=True)]
    validated = [steps.validate(*pair) for pair in zip(requests, trained, strict=True)]
    return SimpleNamespace(
        folder=folder,
        requests=requests,
        loaded=loaded,
        filtered=filtered,
        trained=trained,
        validated=validated,
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


@pytest.mark.parametrize("name", ["frame.csv", "the shop's frame.csv"])
def test_the_command_in_a_refusal_says_the_same(tmp_path, request_of, name):
    frame = make_frame(orders=10).astype({"discount_pct": object})
    # Of two orders: the second is placed after the run date.
    frame.loc[[7, 9], "discount_pct"] = "a lot"
    frame.to_csv(tmp_path / name, index=False)
    request = request_of(run_date=date(2020, 10, 8))

    with pytest.raises(SchemaError) as refusal:
        steps.load(replace(request, dataset=str(tmp_path / name)))

    *said, last = str(refusal.value).splitlines()
    command = shlex.split(last.partition(": ")[2])
    done = CliRunner().invoke(app, command[1:])
    assert (command[0], done.exit_code) == ("push-model", 1)
    assert str(done.exception).splitlines() == said


def test_a_dataset_that_is_replaced_while_it_is_read_is_worth_another_try(
    tmp_path, request_of, monkeypatch
):
    write_frame(tmp_path, make_frame(orders=40))
    write_checked = delivery.write_checked

    def replaced_meanwhile(frame, path, **of):
        rows = write_checked(frame, path, **of)
        write_frame(tmp_path, make_frame(orders=41))
        os.utime(tmp_path / "frame.csv", (0, 0))  # as after a rename of a file of yesterday
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "write_checked", replaced_meanwhile)
        with pytest.raises(DatasetNotReadyError, match=r"frame\.csv was written to or replaced"):
            steps.load(request_of())

    assert steps.load(request_of())["orders"] == 41


def test_no_large_order_is_refused_with_the_name_of_the_dataset(tmp_path, request_of):
    write_frame(tmp_path, make_frame(orders=10).assign(outcome=0.0))
    request = request_of()
    loaded = steps.load(request)

    with pytest.raises(DatasetError, match=r"No orders with at least 5 .*frame\.csv \(0 of 10"):
        steps.filter_orders(request, loaded)

    assert files(tmp_path) == {"frame.csv", "frame.parquet"}


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

    assert steps.load(request_of(run_date=date(2020, 10, 6)))["orders"] == 4
    with pytest.raises(DatasetError, match=r"No orders on or before 2019-01-01 in .*frame\.csv"):
        steps.load(request_of(run_date=date(2019, 1, 1)))


def test_a_training_is_written_down_with_its_whole_request(two_days):
    request, trained = two_days.requests[0], two_days.trained[0]

    written = json.loads(find_run_folder(request.runs_dir, "early").fit.read_text())

    path = str(two_days.folder / "models" / "push_2021_06_01")
    assert written["model_path"] == trained["model_path"] == path
    assert written["event"]["model_parametrisation"]["iterations"] == 20
    assert written["event"]["training_date"] == written["run_date"] == "2021-06-01"


def test_an_inconclusive_first_run_leaves_the_store_without_a_champion(tmp_path, request_of):
    validated = leave(tmp_path, judged_run("inconclusive", champion=None))

    outcome = steps.promote(request_of(), validated)

    assert (outcome["promoted"], outcome["event"]) == (False, None)
    assert outcome["sentence"].startswith("There is still no champion: the verdict on push_new is ")
    assert champion(tmp_path / "models") is None


def test_a_promotion_that_runs_twice_moves_the_pointer_once(two_days):
    late, validated = two_days.requests[1], two_days.validated[1]

    outcomes = [steps.promote(late, validated) for _ in range(2)]

    assert [outcome["promoted"] for outcome in outcomes] == [True, True]
    assert outcomes[0]["sentence"].startswith("push_2021_06_02 is the new champion.")
    lines = (two_days.folder / "models" / "promotions.jsonl").read_text().splitlines()
    assert len(lines) == 1


def test_limits_changed_for_a_run_are_in_its_verdict_its_card_and_the_promotion_log(two_days):
    late, run = two_days.requests[1], read_judged(two_days.validated[1]["verdict"])

    steps.promote(late, two_days.validated[1])

    serving = champion(late.models_dir)
    assert run.verdict.changed_limits == serving.verdict["changed_limits"] == LOOSENED
    assert serving.reason.endswith(SAYS_LOOSENED)
    for card in ("card.md", "card.html"):
        assert SAYS_LOOSENED in (late.models_dir / run.model_name / card).read_text()


def test_a_champion_that_changed_since_validation_is_not_overrun(two_days):
    (early, late), validated = two_days.requests, two_days.validated
    steps.promote(late, validated[1])

    with pytest.raises(PromotionConflictError, match="changed since validation"):
        steps.promote(early, validated[0])

    assert champion(two_days.folder / "models").model_name == "push_2021_06_02"


@pytest.mark.parametrize(
    ("folder", "wrote", "step", "reads"),
    [
        ("runs", "load", steps.filter_orders, "loaded"),
        ("runs", "filter", steps.train, "filtered"),
        ("runs", "filter", steps.validate, "trained"),
        ("models", "train", steps.validate, "trained"),
        ("runs", "validate", steps.promote, "validated"),
        ("models", "train", steps.promote, "validated"),
    ],
)
def test_a_worker_that_does_not_see_what_another_wrote_names_the_setting(
    two_days, folder, wrote, step, reads
):
    with (
        hidden(two_days.folder / folder),
        pytest.raises(InvalidSettingError) as error,
    ):
        step(two_days.requests[0], getattr(two_days, reads)[0])

    said = str(error.value)
    assert said.startswith(f"This worker does not see {two_days.folder / folder}/")
    assert f", which the task {wrote} wrote. Let PUSH_{folder.upper()}_DIR be a folder " in said


@pytest.mark.parametrize(
    ("step", "before"),
    [
        (steps.filter_orders, "load"),
        (steps.train, "filter"),
        (steps.validate, "train"),
        (steps.promote, "validate"),
    ],
)
def test_a_step_that_is_tested_alone_says_which_task_must_run_first(request_of, step, before):
    with pytest.raises(InvalidEventError, match=f"task {before} has handed on nothing in this run"):
        step(request_of(), None)


@contextmanager
def hidden(folder):
    aside = folder.rename(folder.with_name("of another worker"))
    yield
    aside.rename(folder)


@pytest.fixture
def kept(tmp_path):
    """What validate leaves of a challenger that lost against a champion of 2021-04-22."""
    make_model(tmp_path / "models", "push_old", trained_on="2021-04-22")
    return leave(tmp_path, judged_run("keep", reasons=("Worse.",)))


def leave(folder, run):
    run.write(folder / "verdict.json")
    return {"verdict": str(folder / "verdict.json")}


@pytest.mark.mltest("Mon 4")
def test_a_champion_that_stays_and_is_too_old_fails_the_run_and_serves_on(
    tmp_path, request_of, kept
):
    said = r"push_old stays .* Worse\. push_old was trained 40 days before .* the limit is 39 days"
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
    ids=["as predicted", "half too much", "too few to judge"],
)
def test_a_champion_that_stays_and_predicts_wrongly_fails_the_run(
    tmp_path, request_of, kept, total, is_fit
):
    other = {"model_name": "push_other", "expected_purchases": 900, "actual_purchases": 100}
    backtests = [other, total | {"model_name": "push_old"}, {"sentence": "No record."}]
    kept = leave(tmp_path, judged_run("keep", backtests=backtests))

    if is_fit:
        assert steps.promote(request_of(), kept)["promoted"] is False
    else:
        with pytest.raises(UnfitChampionError, match=r"predicted 1\.50 times the purchases"):
            steps.promote(request_of(), kept)
    assert champion(tmp_path / "models").model_name == "push_old"


def test_neither_a_dry_run_nor_a_champion_that_cannot_be_read_is_too_old(
    tmp_path, request_of, kept
):
    dry = steps.promote(request_of(promotion="never", max_age_days=1), kept)
    (tmp_path / "models" / "push_old" / "manifest.json").unlink()
    unread = steps.promote(request_of(max_age_days=1), kept)

    assert (dry["promoted"], unread["promoted"]) == (False, False)


@pytest.fixture
def in_service(tmp_path):
    """A champion since the last of March."""
    make_model(tmp_path / "models", "push_old", trained_on="2021-03-31", promoted=False)
    promote(
        *(tmp_path / "models", "push_old"),
        expected=None,
        promoted_at="2021-03-31T05:00:00+00:00",
        verdict=None,
        reason="a test",
        by="ana",
    )


@pytest.mark.mltest("Mon 7")
@pytest.mark.usefixtures("in_service")
def test_each_run_compares_what_the_champion_predicted_with_what_happened(
    tmp_path, request_of, two_days
):
    request = request_of(run_date=date(2021, 4, 20))

    (found,) = backtest(request, two_days.trained[0]["large_orders"])

    (line,) = read_backtests(tmp_path / "runs" / BACKTESTS_FILE)
    days = [day["day"] for day in line["days"]]
    assert (line["model_name"], line["run_date"]) == ("push_old", "2021-04-20")
    assert (days[0], days[-1]) == ("2021-04-01", "2021-04-20")
    assert line["total"]["actual_purchases"] > 0
    assert found["model_name"] == "push_old"
    assert found["sentence"].startswith("push_old, 1 to 20 days old, p")


@pytest.mark.usefixtures("in_service")
def test_a_record_of_the_past_that_cannot_be_kept_stops_no_run(tmp_path, request_of, two_days):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / BACKTESTS_FILE).write_text("{")

    (found,) = backtest(request_of(run_date=date(2021, 4, 20)), two_days.trained[0]["large_orders"])

    assert BACKTESTS_FILE in found["sentence"]


@pytest.mark.parametrize(
    ("asked", "because"),
    [
        ({"promotion": "never"}, "the form says 'never'"),
        ({"promotion": "manual"}, "it was not approved"),
        (
            {"promotion": "never", "is_backfill": True},
            "a backfill promotes only what a person approves ('manual')",
        ),
    ],
)
def test_a_winner_that_may_not_serve_is_named_with_who_stays(tmp_path, request_of, asked, because):
    validated = leave(tmp_path, judged_run())

    outcome = steps.promote(request_of(**asked, max_age_days=10_000), validated)

    assert (outcome["promoted"], outcome["event"]) == (False, None)
    assert outcome["sentence"].startswith(
        f"push_old stays the champion: push_new won, but {because}. "
    )
